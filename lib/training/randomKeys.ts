import { BpttError, formatShape } from '../errors.ts';
import { applyOne, input, rebuild, sameShape, visitNodes } from '../graph/index.ts';
import type { Shape, Value } from '../graph/index.ts';
import type { RunArray } from '../runtime/runtime.ts';
import { hashSeed, mix } from '../random.ts';

/** By the name of a key whose draws have time as their first dimension: how many slices of it one step has, 1 for [T, N, …], N for [T · N, …]. */
export type SlicesPerStep = ReadonlyMap<string, number>;

/** Keys of all uses in one update, as fed. With `firstStep`, those of draws over time say where in time they begin. */
export function feedKeys(feeds: Record<string, RunArray>, count: number, { seed, update, overTime, firstStep = 0 }: {
  readonly seed: number; readonly update: number; readonly overTime?: SlicesPerStep; readonly firstStep?: number;
}): void {
  const base = count > 0 ? hashSeed(seed, 'dropout') : 0;
  for (let use = 0; use < count; use++) {
    const name = `key/${use}`;
    const key = [mix(base, update), mix(~base, use)];
    const slices = overTime?.get(name);
    feeds[name] = Int32Array.from(slices === undefined ? key : [...key, firstStep * slices]);
  }
}

interface Draw {
  readonly shape: Shape;
  readonly layer: string;
}

function drawsOf(values: readonly Value[]): Map<string, Draw> {
  const draws = new Map<string, Draw>();
  visitNodes(values, ({ operation, inputs, outputs, scope }) => {
    const name = operation === 'random' ? inputs[0]!.node.attributes['name'] : undefined;
    if (typeof name === 'string') draws.set(name, { shape: outputs[0]!.shape, layer: scope });
  });
  return draws;
}

/**
 * The keys whose draws depend on the number of steps, found by comparing one model built for `steps` steps and for one more.
 * @throws ERR_BPTT_OPTION for draws whose first dimension is not T times the same number: no part of them belongs to a part of the time axis.
 */
export function keysOverTime(values: readonly Value[], ofOneMore: readonly Value[], steps: number): Map<string, number> {
  const longer = drawsOf(ofOneMore);
  return new Map([...drawsOf(values)].flatMap(([name, { shape, layer }]): [string, number][] => {
    const other = longer.get(name)?.shape ?? [];
    if (sameShape(shape, other)) return [];
    const slices = (other[0] ?? 0) - (shape[0] ?? 0);
    if (shape[0] === slices * steps && sameShape(shape.slice(1), other.slice(1))) return [[name, slices]];
    throw new BpttError('ERR_BPTT_OPTION', `Trainer: recomputation: expected the random numbers of the layer "${layer}" to have time as their first dimension, received ${formatShape(shape)} for ${steps} steps and `
      + `${formatShape(other)} for one more; leave recomputation out`, { expected: ['T', '…'], received: shape });
  }));
}

/** The same values, but draws over time take a key that says at which step they begin. `feeds` are changed alike. */
export function drawFromStep(values: readonly Value[], feeds: readonly Value[], overTime: SlicesPerStep): { values: Value[]; feeds: Value[] } {
  if (overTime.size === 0) return { values: [...values], feeds: [...feeds] };
  const keys = new Map([...overTime.keys()].map((name) => [name, input(name, [3], 'int32')]));
  const nameOf = (value: Value): string => String(value.node.attributes['name']);
  return {
    feeds: feeds.map((feed) => keys.get(nameOf(feed)) ?? feed),
    values: rebuild(values, (node) => {
      const key = node.operation === 'random' ? keys.get(nameOf(node.inputs[0]!)) : undefined;
      return key && [applyOne('random', [key], node.attributes, node.scope)];
    }),
  };
}
