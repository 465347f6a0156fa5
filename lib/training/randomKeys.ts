import { applyOne, input, rebuild, visitNodes } from '../graph/index.ts';
import type { Shape, Value } from '../graph/index.ts';
import type { RunArray } from '../runtime/runtime.ts';
import { hashSeed, mix } from '../random.ts';

/** Keys of all uses in one update, as fed. With `firstStep`, those of draws over time say where in time they begin. */
export function feedKeys(feeds: Record<string, RunArray>, count: number, { seed, update, overTime, firstStep = 0 }: {
  readonly seed: number; readonly update: number; readonly overTime?: ReadonlySet<string>; readonly firstStep?: number;
}): void {
  const base = count > 0 ? hashSeed(seed, 'dropout') : 0;
  for (let use = 0; use < count; use++) {
    const name = `key/${use}`;
    const key = [mix(base, update), mix(~base, use)];
    feeds[name] = Int32Array.from(overTime?.has(name) ? [...key, firstStep] : key);
  }
}

function drawnShapes(values: readonly Value[]): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  visitNodes(values, ({ operation, inputs, outputs }) => {
    const name = operation === 'random' ? inputs[0]!.node.attributes['name'] : undefined;
    if (typeof name === 'string') shapes.set(name, outputs[0]!.shape);
  });
  return shapes;
}

/** Keys whose draws have time as their first dimension: found by comparing one model built for two different numbers of steps. */
export function keysOverTime(values: readonly Value[], ofOtherLength: readonly Value[]): Set<string> {
  const other = drawnShapes(ofOtherLength);
  return new Set([...drawnShapes(values)].filter(([name, shape]) => other.get(name)?.[0] !== shape[0]).map(([name]) => name));
}

/** The same values, but draws over time take a key that says at which step they begin. `feeds` are changed alike. */
export function drawFromStep(values: readonly Value[], feeds: readonly Value[], overTime: ReadonlySet<string>): { values: Value[]; feeds: Value[] } {
  if (overTime.size === 0) return { values: [...values], feeds: [...feeds] };
  const keys = new Map([...overTime].map((name) => [name, input(name, [3], 'int32')]));
  const nameOf = (value: Value): string => String(value.node.attributes['name']);
  return {
    feeds: feeds.map((feed) => keys.get(nameOf(feed)) ?? feed),
    values: rebuild(values, (node) => {
      const key = node.operation === 'random' ? keys.get(nameOf(node.inputs[0]!)) : undefined;
      return key && [applyOne('random', [key], node.attributes, node.scope)];
    }),
  };
}
