import { BpttError, checkOptions, nearest } from '../errors.ts';
import type { Data } from '../data/tensor.ts';
import { Output } from '../data/tensor.ts';
import type { FloatArray } from '../data/tensor.ts';
import { input } from '../graph/index.ts';
import type { Value } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';
import { buildModel, swapBatchAndTime } from '../model/builder.ts';
import type { BuiltModel, Signature } from '../model/builder.ts';
import { packInputs } from '../model/door.ts';
import type { InputData, LengthsData } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import { packStates } from '../model/predict.ts';
import { requireModel, requirePath } from './inside.ts';

export interface InspectGatesOptions {
  /** Path of the recurrent layer, such as "lstm", "lstm/layer_0" or "stack/gru"; needed where several layers have gates. */
  readonly layer?: string | undefined;
  /** Valid steps of each row of padded data. */
  readonly lengths?: LengthsData | undefined;
  /** What states begin with, by path, [N, H] each, as in `predict`. */
  readonly state?: Readonly<Record<string, Data>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one recurrent layer does inside, at every step. Names are those of the cell's equations; stacked layers and directions stand before them: "layer_0/forward/f". */
export interface GateInspection {
  /** Path of the layer. */
  readonly layer: string;
  /** Every gate after its activation, [N, T, H]: i, f, g and o of an LSTM, r, z and n of a GRU. 0 beyond a row's end. */
  readonly gates: Readonly<Record<string, Output>>;
  /** Every state after each step, [N, T, H]: h and c of an LSTM. 0 beyond a row's end. */
  readonly states: Readonly<Record<string, Output>>;
}

const pathOf = (name: string): string => name.slice(0, name.lastIndexOf('/'));

/** The layer that is meant: the one asked for, or the only one that shows gates. */
function chooseLayer(owner: string, { observed }: BuiltModel, asked: string | undefined): string {
  const places = [...new Set([...observed.keys()].map(pathOf))];
  const top = [...new Set(places.map((place) => place.split('/')[0]!))];
  if (top.length === 0) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: no layer of this model shows gates; a cell of one's own shows them by returning gates: { … } from its equations`, { received: asked });
  }
  if (asked === undefined && top.length === 1) return top[0]!;
  if (asked !== undefined && places.some((place) => place === asked || place.startsWith(`${asked}/`))) return asked;
  const all = [...new Set([...top, ...places])];
  const hint = asked === undefined ? undefined : nearest(asked, all);
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: ${asked === undefined ? 'several layers have gates; say which by layer' : `no layer "${asked}" has gates${hint ? `; did you mean "${hint}"?` : ''}`}`
    + ` (${all.join(', ')})`, { expected: all, received: asked });
}

/** A sequence to be given back. */
interface Shown {
  readonly kind: 'gate' | 'state';
  /** Below the layer: "f", "layer_0/forward/f". */
  readonly name: string;
  readonly signal: Signal;
}

/** The gates below a layer's path, and the states of the recurrences that have them. */
function shownBy({ observed, states }: BuiltModel, layer: string): Shown[] {
  const inside = (path: string): boolean => path.startsWith(`${layer}/`);
  const gates = [...observed].filter(([path]) => inside(path));
  const lengths = new Map(gates.map(([path, signal]) => [pathOf(path), signal.lengths]));
  const sequences = [...states].filter(([path]) => inside(path) && lengths.has(pathOf(path)));
  const nameOf = (path: string): string => path.slice(layer.length + 1);
  return [
    ...gates.map(([path, signal]): Shown => ({ kind: 'gate', name: nameOf(path), signal })),
    ...sequences.map(([path, { sequence }]): Shown => ({ kind: 'state', name: nameOf(path), signal: { value: sequence, time: true, lengths: lengths.get(pathOf(path)) } })),
  ];
}

function build(model: Model, signature: Signature, given: readonly string[]): { built: BuiltModel; states: Value[] } {
  const states: Value[] = [];
  const { wiring, table } = model.core;
  const built = buildModel(wiring, table, signature, {
    training: false, observe: true,
    state: (path, initial) => {
      if (!given.includes(path)) return initial;
      const value = input(`state/${path}`, initial.shape, 'float32');
      states.push(value);
      return value;
    },
  });
  return { built, states };
}

/**
 * Runs a model over sequences and gives what happens inside of one recurrent layer: every gate and every state at each step, [N, T, H].
 *
 * ```ts
 * const { gates: { i, f, g, o }, states: { h, c } } = await inspectGates(model, data, { layer: 'lstm' });
 * ```
 * @param data as for `predict`.
 * @throws (as a rejection) ERR_BPTT_OPTION for a layer that has no gates or where several have; what `predict` throws for data and states.
 */
export async function inspectGates(model: Model, data: InputData, options: InspectGatesOptions = {}): Promise<GateInspection> {
  checkOptions('inspectGates', options, ['layer', 'lengths', 'state', 'signal']);
  const { core: { door, turns, store }, runtime } = requireModel('inspectGates', model);
  const owner = `${door.owner}: inspectGates`;
  const { signature, feeds } = packInputs(door, data, options.lengths, false);
  const given = packStates(model, owner, options.state ?? {}, signature.rows);
  for (const [name, values] of Object.entries(given)) feeds[`state/${name}`] = values;
  const { built, states } = build(model, signature, Object.keys(given));
  const layer = chooseLayer(owner, built, requirePath(owner, options.layer));
  const shown = shownBy(built, layer);
  const outputs: Record<string, Value> = {};
  for (const { kind, name, signal: { value, lengths } } of shown) {
    outputs[`${kind}/${name}`] = swapBatchAndTime(value);
    if (lengths) outputs[`lengths/${kind}/${name}`] = lengths;
  }
  return turns.take({ owner, writes: false, signal: options.signal }, async () => {
    const compiled = runtime.compile({ inputs: [...built.feeds, ...states], outputs, assignments: [] }, { layouts: [store.variables] });
    const results = await compiled.bind([store]).runAsync(feeds, { signal: options.signal });
    const read = (wanted: Shown['kind']): Record<string, Output> => Object.fromEntries(shown.filter(({ kind }) => kind === wanted).map(({ kind, name }) => {
      const { shape } = outputs[`${kind}/${name}`]!;
      const lengths = results[`lengths/${kind}/${name}`] as Int32Array | undefined;
      return [name, new Output(results[`${kind}/${name}`] as FloatArray, shape, lengths ?? new Int32Array(shape[0]!).fill(shape[1]!))];
    }));
    return { layer, gates: read('gate'), states: read('state') };
  });
}
