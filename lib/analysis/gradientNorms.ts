import { requireChoice } from '../checks.ts';
import { checkOptions, BpttError } from '../errors.ts';
import type { Batch } from '../data/batch.ts';
import { concat, createSubstitution, gradient, input, reshape, sliceAxis, sqrt, square, sum } from '../graph/index.ts';
import type { Value, Variable } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';
import { reductions } from '../losses/index.ts';
import type { Loss, Reduction } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { BuiltModel, Signature } from '../model/builder.ts';
import type { Model } from '../model/index.ts';
import { Interpreter } from '../runtime/reference/interpreter.ts';
import { BatchReader } from '../training/prepare.ts';
import type { PreparedBatch } from '../training/prepare.ts';
import { readLosses, readLossOn } from '../training/settings.ts';
import { chooseRecurrence, lossOf, requireEqualSteps, requireModel, requireSameNumbers, requireStepForStep, requireStepwise, weightsOf } from './inside.ts';
import type { LossSettings } from './inside.ts';

export interface GradientNormOptions {
  readonly loss: Loss | Readonly<Record<string, Loss>>;
  /** Default 'mean', as of a trainer. */
  readonly reduction?: Reduction | undefined;
  /** 'last': only the last step has a loss, so that what arrives at step 1 has crossed them all. Default 'all'. */
  readonly lossOn?: 'all' | 'last' | undefined;
  /** Path of the recurrence, or of a layer that has one inside; needed where the model has several. */
  readonly layer?: string | undefined;
}

/** How much of the loss's gradient arrives at each step of a recurrence. */
export interface GradientNorms {
  readonly kind: 'gradientNorms';
  readonly layer: string;
  readonly loss: number;
  /** ‖dL/ds(t)‖ over all states and rows, t = 0 … T: the first one is that of the initial state. */
  readonly states: Float64Array;
  /** ‖dL/dx(t)‖ over all rows, t = 1 … T, of the numbers that the layer reads; null where it reads tokens. */
  readonly inputs: Float64Array | null;
  /** By how much the norms of the states change per step going back, the geometric mean over the steps; null where one of the ends is 0. */
  readonly factor: number | null;
}

/** A model written out step by step: every state between two steps is a value of the graph. */
interface Unrolled {
  readonly outputs: BuiltModel['outputs'];
  /** s(0) … s(T), by path. */
  readonly states: readonly ReadonlyMap<string, Value>[];
  /** What the layer reads at each step. */
  readonly reads: readonly Value[];
}

function oneStep(model: Model, whole: ReadonlyMap<string, Value>, signature: Signature, t: number, states: ReadonlyMap<string, Value> | undefined): BuiltModel {
  const built = buildModel(model.core.wiring, model.core.table, signature, { training: false, state: (path, initial) => states?.get(path) ?? initial });
  const parts = new Map(model.inputs.map(({ name, time }) => [built.inputs[name]!, time ? sliceAxis(whole.get(name)!, 1, t, 1) : whole.get(name)!]));
  const paths = [...built.states.keys()];
  const cut = createSubstitution(parts);
  // What the loss reads of a state goes through the value that the next step begins with, so that one gradient has both.
  const shown = new Map(paths.map((path) => {
    const { sequence, final } = built.states.get(path)!;
    return [cut(sequence), reshape(cut(final), sequence.shape)];
  }));
  const join = createSubstitution(shown, true);
  const rewrite = (value: Value): Value => join(cut(value));
  return {
    ...built,
    signals: new Map([...built.signals].map(([name, signal]) => [name, { ...signal, value: rewrite(signal.value) }])),
    outputs: Object.fromEntries(Object.entries(built.outputs).map(([name, signal]) => [name, { ...signal, value: rewrite(signal.value) }])),
    states: new Map([...built.states].map(([path, state]) => [path, { ...state, start: rewrite(state.start), final: rewrite(state.final) }])),
  };
}

interface Question {
  readonly owner: string;
  readonly model: Model;
  readonly batch: PreparedBatch;
  readonly settings: LossSettings;
  readonly layer: string;
  readonly paths: readonly string[];
  readonly variables: ReadonlyMap<Variable, Float64Array>;
}

function unroll({ owner, model, batch: { rows, steps }, settings }: Question, whole: ReadonlyMap<string, Value>, source: string): Unrolled {
  const signature: Signature = { rows, inputs: Object.fromEntries(model.inputs.map(({ name }) => [name, { steps: 1, ragged: false }])) };
  const alone = buildModel(model.core.wiring, model.core.table, signature, { training: false });
  requireStepForStep(owner, alone, 1, { states: [...alone.states.keys()], outputs: Object.keys(settings.losses) });
  const states: Map<string, Value>[] = [];
  const built: BuiltModel[] = [];
  for (let t = 0; t < steps; t++) {
    const step = oneStep(model, whole, signature, t, states.at(-1));
    if (t === 0) states.push(new Map([...step.states].map(([path, { start }]) => [path, start])));
    states.push(new Map([...step.states].map(([path, { final }]) => [path, final])));
    built.push(step);
  }
  const outputs = Object.fromEntries(Object.keys(built[0]!.outputs).map((name): [string, Signal] => {
    const signals = built.map((step) => step.outputs[name]!);
    return [name, signals[0]!.time ? { ...signals[0]!, value: concat(signals.map(({ value }) => value), 0) } : signals.at(-1)!];
  }));
  return { outputs, states, reads: built.map((step) => step.signals.get(source)!.value) };
}

function requireEvenRows(owner: string, { inputs }: PreparedBatch): void {
  if (Object.values(inputs).every(({ lengths }) => lengths === null)) return;
  throw new BpttError('ERR_BPTT_DATA', `${owner}: expected sequences of one length, since norms are taken over all rows at each step, received different ones; look at them one by one`, { expected: 'one length' });
}

function norm(values: readonly Value[]): Value {
  return sqrt(sum(concat(values.map((value) => reshape(square(value), [-1])), 0)));
}

function compute(question: Question): Pick<GradientNorms, 'loss' | 'states' | 'inputs'> {
  const { owner, model, batch, settings, layer, paths, variables } = question;
  const fed: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of Object.entries(batch.inputs)) {
    fed[`whole/${name}`] = data instanceof Int32Array ? data : Float64Array.from(data);
    fed[`input/${name}`] = fed[`whole/${name}`]!;
  }
  for (const [name, { data }] of Object.entries(batch.targets)) fed[`target/${name}`] = data;
  for (const [name, { data }] of Object.entries(batch.weights)) fed[`weights/${name}`] = data;
  const probe = buildModel(model.core.wiring, model.core.table, { rows: batch.rows, inputs: Object.fromEntries(model.inputs.map(({ name }) => [name, { steps: batch.inputs[name]!.steps, ragged: false }])) }, { training: false });
  requireStepForStep(owner, probe, batch.steps, { states: [...probe.states.keys()], outputs: Object.keys(settings.losses) });
  const whole = new Map(Object.entries(probe.inputs).map(([name, { shape, type }]) => [name, input(`whole/${name}`, shape, type)]));
  const source = model.definition.layers.find(({ name }) => name === layer.split('/')[0])!.inputs[0]!;
  const { outputs, states, reads } = unroll(question, whole, source);
  const loss = lossOf(outputs, settings, []);
  const perStep = states.map((at) => paths.map((path) => at.get(path)!));
  const readable = reads[0]!.type === 'float32';
  const { gradients } = gradient(loss, [...perStep.flat(), ...(readable ? reads : [])]);
  const norms = perStep.map((_, t) => norm(gradients.slice(t * paths.length, (t + 1) * paths.length)));
  const inputNorms = readable ? gradients.slice(perStep.length * paths.length).map((value) => norm([value])) : [];
  const [within, ...results] = new Interpreter({ inputs: fed, variables }).evaluate([lossOf(probe.outputs, settings, []), loss, ...norms, ...inputNorms], new Map()).map(({ data }) => data[0]!);
  requireSameNumbers(owner, [results[0]!], [within!]);
  return { loss: results[0]!, states: Float64Array.from(results.slice(1, 1 + norms.length)), inputs: readable ? Float64Array.from(results.slice(1 + norms.length)) : null };
}

/**
 * The norm of the loss's gradient at every step of a recurrence: whether what happened early still learns. Computed in float64 through the graph written out
 * step by step, for any cell. Dropout is off.
 * @param batch as for a training step; all sequences of one length. Every row begins anew, also where `fresh` says that it goes on.
 * @throws (as a rejection) ERR_BPTT_OPTION for a model without state, one that reads steps ahead, looks at the whole of an input, or has states or outputs with steps of their own number, several
 * recurrences and no `layer`, and `lossOn: 'last'` where no output with a loss has steps; ERR_BPTT_DATA for sequences or inputs of different
 * lengths; what training throws for batches and losses.
 */
export async function gradientNorms(model: Model, batch: Batch, options: GradientNormOptions): Promise<GradientNorms> {
  checkOptions('gradientNorms', options, ['loss', 'reduction', 'lossOn', 'layer']);
  const owner = `${requireModel('gradientNorms', model).core.door.owner}: gradientNorms`;
  requireStepwise(owner, model);
  const { place, states: paths } = chooseRecurrence(owner, model, options.layer);
  const losses = readLosses(owner, model, options.loss);
  const prepared = new BatchReader(model, owner, losses).read(batch, false);
  requireEvenRows(owner, prepared);
  requireEqualSteps(owner, model.inputs.filter(({ time }) => time).map(({ name }) => prepared.inputs[name]!));
  const settings: LossSettings = {
    losses, weighted: Object.keys(prepared.weights),
    reduction: requireChoice(owner, 'reduction', options.reduction ?? 'mean', reductions),
    lossOn: readLossOn(owner, model, losses, options.lossOn),
  };
  const found = compute({ owner, model, batch: prepared, settings, layer: place, paths, variables: await weightsOf(model, owner) });
  const { states } = found;
  const [first, last] = [states[0]!, states.at(-1)!];
  return { kind: 'gradientNorms', layer: place, ...found, factor: first > 0 && last > 0 ? (first / last) ** (1 / (states.length - 1)) : null };
}
