import { requireBoolean, requireChoice, requireInteger, wrongType } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import type { Batch } from '../data/batch.ts';
import { Output } from '../data/tensor.ts';
import type { Data, FloatArray } from '../data/tensor.ts';
import { add, gradient, input, zeros } from '../graph/index.ts';
import type { Value } from '../graph/index.ts';
import { reduceLoss, reductions } from '../losses/index.ts';
import type { Loss, Reduction } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { Signature } from '../model/builder.ts';
import { Model } from '../model/index.ts';
import { packStates } from '../model/predict.ts';
import { selectFresh } from '../model/stream.ts';
import type { RunArray } from '../runtime/runtime.ts';
import { hashSeed, mix } from '../random.ts';
import { lossTerms, total } from './lossGraph.ts';
import { BatchReader } from './prepare.ts';
import type { PreparedBatch } from './prepare.ts';
import { readLosses, readLossOn } from './settings.ts';
import { truncateGradients } from './truncate.ts';

export interface GradientOptions {
  /** By output where the model has several. */
  readonly loss: Loss | Readonly<Record<string, Loss>>;
  /** Default 'mean'. */
  readonly reduction?: Reduction | undefined;
  /** Default 'all'. */
  readonly lossOn?: 'all' | 'last' | undefined;
  /** What states begin with, by path, [N, H], in rows that the batch does not call `fresh`; default, and in those rows, they begin anew. */
  readonly state?: Readonly<Record<string, Data>> | undefined;
  /** How many steps gradients may cross. Default all. */
  readonly span?: number | undefined;
  /** Whether dropout acts. Default false. */
  readonly training?: boolean | undefined;
  /** Of dropout. Default 0. */
  readonly seed?: number | undefined;
}

/** A loss with its gradients. */
export interface Gradients {
  readonly loss: number;
  /** By parameter, in its shape. */
  readonly parameters: Readonly<Record<string, Output>>;
  /** By input of features, batch first like the data; 0 beyond a row's end. */
  readonly inputs: Readonly<Record<string, Output>>;
  /** By state, with respect to what it begins with, [N, H]. */
  readonly states: Readonly<Record<string, Output>>;
}

const optionNames = ['loss', 'reduction', 'lossOn', 'state', 'span', 'training', 'seed'];

interface Differentiated {
  readonly loss: Value;
  readonly gradients: ReadonlyMap<string, Value>;
  readonly feeds: readonly Value[];
  readonly keys: number;
}

function differentiate(model: Model, signature: Signature, weighted: readonly string[], options: Required<Pick<GradientOptions, 'reduction' | 'lossOn' | 'training'>> & {
  losses: Readonly<Record<string, Loss>>; given: readonly string[]; freshGiven: boolean; span: number | undefined;
}): Differentiated {
  const starts = new Map<string, Value>();
  const known = new Set(model.states.map(({ name }) => name));
  const begins = options.freshGiven ? input('fresh', [signature.rows], 'bool') : null;
  const built = buildModel(model.core.wiring, model.core.table, signature, {
    training: options.training,
    state: (path, initial) => {
      if (!known.has(path)) return initial;
      const fed = input(`state/${path}`, initial.shape, 'float32');
      starts.set(path, fed);
      if (!options.given.includes(path)) return add(initial, fed);
      return begins ? add(selectFresh(begins, initial, zeros(initial.shape)), fed) : fed;
    },
  });
  const feeds = [...built.feeds, ...starts.values(), ...(begins ? [begins] : [])];
  const names = Object.keys(built.outputs);
  const values = names.map((name) => built.outputs[name]!.value);
  const cut = options.span === undefined ? values : truncateGradients(values, options.span);
  const outputs = Object.fromEntries(names.map((name, i) => [name, { ...built.outputs[name]!, value: cut[i]! }]));
  const terms = lossTerms(outputs, { losses: options.losses, lossOn: options.lossOn, weighted, lossSteps: null }, feeds);
  const loss = total(terms.map(({ loss: each, prediction, target, selection }) => reduceLoss({ loss: each, prediction, target, reduction: options.reduction, ...selection })));
  const wanted: [string, Value][] = [
    ...[...built.parameters].map(([name, { value }]): [string, Value] => [`parameter/${name}`, value]),
    ...Object.entries(built.inputs).filter(([, value]) => value.type === 'float32').map(([name, value]): [string, Value] => [`input/${name}`, value]),
    ...[...starts].map(([path, value]): [string, Value] => [`state/${path}`, value]),
  ];
  const { gradients, rewrite } = gradient(loss, wanted.map(([, value]) => value));
  return { loss: rewrite(loss), gradients: new Map(wanted.map(([name], i) => [name, gradients[i]!])), feeds, keys: built.keys };
}

/** What a state begins with beside its initial value: nothing in fresh rows. */
function withoutFresh(state: FloatArray | undefined, { fresh, rows }: PreparedBatch): FloatArray | undefined {
  if (!state || !fresh) return state;
  const width = state.length / rows;
  return state.map((number, i) => (fresh[Math.floor(i / width)] ? 0 : number));
}

function feed(model: Model, prepared: PreparedBatch, states: Readonly<Record<string, FloatArray>>, keys: number, seed: number): Record<string, RunArray> {
  const feeds: Record<string, RunArray> = {};
  for (const [name, { data, lengths }] of Object.entries(prepared.inputs)) {
    feeds[`input/${name}`] = data;
    if (lengths) feeds[`lengths/${name}`] = lengths;
  }
  for (const [name, { data }] of Object.entries(prepared.targets)) feeds[`target/${name}`] = data;
  for (const [name, { data }] of Object.entries(prepared.weights)) feeds[`weights/${name}`] = data;
  const Floats = model.core.door.double ? Float64Array : Float32Array;
  for (const { name, sizes } of model.states) feeds[`state/${name}`] = withoutFresh(states[name], prepared) ?? new Floats(sizes.reduce((product, size) => product * size, prepared.rows));
  if (Object.keys(states).length > 0 && prepared.fresh) feeds['fresh'] = prepared.fresh;
  for (let i = 0; i < keys; i++) feeds[`key/${i}`] = Int32Array.of(mix(hashSeed(seed, 'dropout'), 0), mix(~hashSeed(seed, 'dropout'), i));
  return feeds;
}

/**
 * The gradients of a loss, without learning from them: for analysis, for checks, and for training loops of one's own. Rows that the batch does not call `fresh` go on with
 * `state` where it is given; there is no batch before to go on with.
 * @throws (as a rejection) ERR_BPTT_OPTION, ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_DATA, ERR_BPTT_VOCABULARY, ERR_BPTT_STATE for what does not fit.
 */
export async function gradients(model: Model, batch: Batch, options: GradientOptions): Promise<Gradients> {
  if (!(model instanceof Model)) throw wrongType('gradients', 'the model', 'what sequential() or model() gives', model);
  checkOptions('gradients', options, optionNames);
  const losses = readLosses('gradients', model, options.loss);
  const reduction = requireChoice('gradients', 'reduction', options.reduction ?? 'mean', reductions);
  const lossOn = readLossOn('gradients', model, losses, options.lossOn);
  const span = options.span === undefined ? undefined : requireInteger('gradients', 'span', options.span, 1);
  const training = requireBoolean('gradients', 'training', options.training ?? false);
  const prepared = new BatchReader(model, 'gradients', losses).read(batch, false);
  const given = packStates(model, 'gradients', options.state ?? {}, prepared.rows);
  const sizes = Object.entries(prepared.inputs).map(([name, { steps, lengths }]) => [name, { steps, ragged: lengths !== null }] as const);
  const signature = { rows: prepared.rows, inputs: Object.fromEntries(sizes) };
  const graph = differentiate(model, signature, Object.keys(prepared.weights), { losses, reduction, lossOn, span, training, given: Object.keys(given), freshGiven: Object.keys(given).length > 0 && prepared.fresh !== null });
  const { store, turns } = model.core;
  const compiled = model.runtime.compile({ inputs: graph.feeds, outputs: { loss: graph.loss, ...Object.fromEntries(graph.gradients) }, assignments: [] }, { layouts: [store.variables], changing: true });
  const feeds = feed(model, prepared, given, graph.keys, requireInteger('gradients', 'seed', options.seed ?? 0, 0));
  const results = await turns.take({ owner: 'gradients', writes: false }, () => compiled.bind([store]).runAsync(feeds));
  const group = (prefix: string): Record<string, Output> => Object.fromEntries([...graph.gradients].filter(([name]) => name.startsWith(prefix)).map(([name, { shape }]) => {
    const own = name.slice(prefix.length);
    const input = prefix === 'input/' && model.inputs.find((entry) => entry.name === own)!.time ? prepared.inputs[own]! : null;
    const lengths = input ? input.lengths ?? new Int32Array(input.rows).fill(input.steps) : null;
    return [own, new Output(results[name] as FloatArray, shape, lengths)];
  }));
  return { loss: results['loss']![0]!, parameters: group('parameter/'), inputs: group('input/'), states: group('state/') };
}
