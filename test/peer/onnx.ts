import { joinLast, numbers, part, stackParts, swapBatchAndTime } from '../support/tensors.ts';
import type { Numbers } from '../support/tensors.ts';
import { knownLstm } from './cells.ts';
import { reorderGates } from './plan.ts';
import type { Activation, Check, Converted, Direction, Recurrence, Stage, StageResult } from './plan.ts';

interface OnnxTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** A case of onnxruntime's own tests of its LSTM, GRU and RNN operators. */
export interface OnnxCase {
  readonly test: string;
  readonly op: 'LSTM' | 'GRU' | 'RNN';
  readonly attributes: {
    readonly hidden_size: number;
    readonly direction?: 'forward' | 'reverse' | 'bidirectional';
    readonly activations?: readonly string[];
    readonly activation_alpha?: readonly number[];
    readonly activation_beta?: readonly number[];
    readonly clip?: number;
    readonly input_forget?: number;
    readonly linear_before_reset?: number;
  };
  readonly inputs: Readonly<Record<string, OnnxTensor | undefined>>;
  readonly outputs: Readonly<Record<string, OnnxTensor | undefined>>;
  /** How far the recorded outputs lie from an exact evaluation: onnxruntime approximates its functions. */
  readonly numpy_max_err: number;
}

type OnnxOperator = OnnxCase['op'];

/** Where the blocks of PyTorch's order (i f g o; r z n) stand in ONNX's (i o f c; z r h). */
const gateOrders: Record<OnnxOperator, readonly number[]> = { LSTM: [0, 2, 3, 1], GRU: [1, 0, 2], RNN: [0] };
const defaultActivations: Record<OnnxOperator, readonly string[]> = { LSTM: ['sigmoid', 'tanh', 'tanh'], GRU: ['sigmoid', 'tanh'], RNN: ['tanh'] };
const attributesKnown = new Set(['hidden_size', 'direction', 'activations', 'activation_alpha', 'activation_beta', 'clip', 'input_forget', 'linear_before_reset']);
const activationsKnown = new Set(['sigmoid', 'tanh', 'relu', 'leakyrelu', 'scaledtanh']);
/** Thresholds that no number of these cases reaches. */
const clipThatNeverActs = 999;

function tensor(source: OnnxTensor | undefined): Numbers | undefined {
  return source && numbers(source.shape, source.data);
}

/** The functions of every direction, in order, with the parameters that ONNX deals out to those that take one. */
function activationsOf(source: OnnxCase, directions: number): Activation[][] {
  const defaults = defaultActivations[source.op];
  const names = (source.attributes.activations ?? Array.from({ length: directions }, () => defaults).flat()).map((name) => name.toLowerCase());
  const alphas = [...(source.attributes.activation_alpha ?? [])];
  const betas = [...(source.attributes.activation_beta ?? [])];
  const all = names.map((name): Activation => ({
    name,
    alpha: name === 'leakyrelu' || name === 'scaledtanh' ? alphas.shift() : undefined,
    beta: name === 'scaledtanh' ? betas.shift() : undefined,
  }));
  return Array.from({ length: directions }, (_, d) => all.slice(d * defaults.length, (d + 1) * defaults.length));
}

function isDefault(source: OnnxCase, activations: readonly Activation[]): boolean {
  return activations.every(({ name }, i) => name === defaultActivations[source.op][i]);
}

function recurrenceOf(source: OnnxCase, activations: readonly Activation[]): Recurrence {
  const { attributes } = source;
  const [first, second, third] = activations as [Activation, Activation, Activation];
  if (source.op === 'RNN') return { kind: 'rnn', activation: first.name as 'tanh' | 'relu' };
  if (source.op === 'GRU') {
    const reset = attributes.linear_before_reset ? 'after' : 'before';
    return isDefault(source, activations) ? { kind: 'gru', reset } : { kind: 'general gru', activations: [first, second], reset };
  }
  const clip = attributes.clip !== undefined && attributes.clip < clipThatNeverActs ? attributes.clip : undefined;
  const peephole = source.inputs.P !== undefined;
  const inputForget = attributes.input_forget === 1;
  if (isDefault(source, activations) && !clip && !peephole && !inputForget) return { kind: 'lstm' };
  return { kind: 'general lstm', activations: [first, second, third], peephole, inputForget, clip };
}

/** The weights of one direction under their names on disk. */
function weightsOf(source: OnnxCase, direction: number, suffix: string): Record<string, Numbers> {
  const gates = gateOrders[source.op].length;
  const order = gateOrders[source.op].filter((_, gate) => !(source.attributes.input_forget === 1 && gate === 1));
  const { W, R, B, P } = source.inputs;
  const weights: Record<string, Numbers> = {
    [`weight_ih_l0${suffix}`]: reorderGates(part(tensor(W)!, direction), gates, order),
    [`weight_hh_l0${suffix}`]: reorderGates(part(tensor(R)!, direction), gates, order),
  };
  if (B) {
    const both = part(tensor(B)!, direction).data;
    const half = both.length / 2;
    weights[`bias_ih_l0${suffix}`] = reorderGates(numbers([half], both.subarray(0, half)), gates, order);
    weights[`bias_hh_l0${suffix}`] = reorderGates(numbers([half], both.subarray(half)), gates, order);
  }
  if (P) {
    const peepholes = part(tensor(P)!, direction).data;
    const units = peepholes.length / 3;
    ['i', 'o', 'f'].forEach((gate, i) => {
      if (gate === 'f' && source.attributes.input_forget === 1) return;
      weights[`peephole_${gate}_l0${suffix}`] = numbers([units], peepholes.subarray(i * units, (i + 1) * units));
    });
  }
  return weights;
}

/** ONNX's Y is [T, directions, N, units]; a stage gives [N, T, directions·units]. */
function fromOnnxOutput(output: Numbers): Numbers {
  const [steps, directions, rows, units] = output.shape as [number, number, number, number];
  const timeMajor = numbers([steps * directions, rows, units], output.data);
  const perDirection = Array.from({ length: directions }, (_, d) => stackParts(Array.from({ length: steps }, (__, t) => part(timeMajor, t * directions + d))));
  return swapBatchAndTime(joinLast(perDirection));
}

function checksOf(source: OnnxCase, split: boolean): Check[] {
  const { Y, Y_h: finalH, Y_c: finalC } = source.outputs;
  const stateOf = (name: string) => (results: readonly StageResult[]): Numbers => (
    split ? stackParts(results.map((result) => part(result.final[name]!, 0))) : results[0]!.final[name]!);
  const checks: Check[] = [];
  if (Y) {
    checks.push({
      what: 'Y', expected: fromOnnxOutput(tensor(Y)!),
      actual: (results) => (split ? joinLast(results.map((result) => result.output)) : results[0]!.output),
    });
  }
  if (finalH) checks.push({ what: 'Y_h', expected: tensor(finalH)!, actual: stateOf('h') });
  if (finalC) checks.push({ what: 'Y_c', expected: tensor(finalC)!, actual: stateOf('c') });
  return checks;
}

/**
 * One layer where both directions share their equations, else one layer a direction (`split`): those are run side by side over the same input.
 */
function stagesOf(source: OnnxCase, directions: readonly ('forward' | 'backward')[]): { stages: Stage[]; split: boolean } {
  const activations = activationsOf(source, directions.length);
  const recurrences = activations.map((each) => recurrenceOf(source, each));
  const split = directions.length === 2 && JSON.stringify(recurrences[0]) !== JSON.stringify(recurrences[1]);
  const state = { h: tensor(source.inputs.initial_h), c: tensor(source.inputs.initial_c) };
  const given = Object.entries(state).filter((entry): entry is [string, Numbers] => entry[1] !== undefined);
  const stage = (recurrence: Recurrence, direction: Direction, covered: readonly number[], suffixes: readonly string[]): Stage => ({
    recurrence, direction, units: source.attributes.hidden_size, merge: 'concat', output: 'sequence',
    bias: source.inputs.B ? 'double' : false,
    weights: Object.assign({}, ...covered.map((d, i) => weightsOf(source, d, suffixes[i]!))) as Record<string, Numbers>,
    state: given.length ? Object.fromEntries(given.map(([name, value]) => [name, stackParts(covered.map((d) => part(value, d)))])) : undefined,
  });
  if (!split) {
    const direction = directions.length === 2 ? 'bidirectional' : directions[0]!;
    return { stages: [stage(recurrences[0]!, direction, directions.map((_, d) => d), directions.length === 2 ? ['', '_reverse'] : [suffixOf(direction)])], split };
  }
  return { stages: directions.map((direction, d) => stage(recurrences[d]!, direction, [d], [suffixOf(direction)])), split };
}

function suffixOf(direction: Direction): string {
  return direction === 'backward' ? '_reverse' : '';
}

/** The number in the lecture notes' checklist of what a case shows. */
function rowOf(stages: readonly Stage[]): string {
  const cells = stages.map(({ recurrence }) => (recurrence.kind === 'general lstm' ? knownLstm(recurrence)?.name : recurrence.kind === 'gru' ? `gru ${recurrence.reset}` : undefined));
  const rows: Readonly<Record<string, string>> = { peepholeLstm: '[60] ', cifg: '[78] ', 'gru before': '[70] ', 'gru after': '[70] ' };
  return rows[cells[0] ?? ''] ?? '';
}

export function convertOnnx(source: OnnxCase, index: number): Converted {
  const name = `onnxruntime ${index} ${source.test}`;
  const unknown = Object.keys(source.attributes).filter((attribute) => !attributesKnown.has(attribute));
  if (unknown.length) return { name, reason: `attribute ${unknown.join(', ')} is not converted` };
  const functions = (source.attributes.activations ?? []).filter((each) => !activationsKnown.has(each.toLowerCase()));
  if (functions.length) return { name, reason: `activation ${functions.join(', ')} is not converted` };
  const direction = source.attributes.direction ?? 'forward';
  const { stages, split } = stagesOf(source, direction === 'bidirectional' ? ['forward', 'backward'] : [direction === 'reverse' ? 'backward' : 'forward']);
  return {
    name: `${rowOf(stages)}${name}`, stages, sideBySide: split, runs: 1, tolerance: { absolute: 1.05 * source.numpy_max_err + 1e-6, relative: 1e-6 },
    input: swapBatchAndTime(tensor(source.inputs.X)!),
    lengths: source.inputs.sequence_lens?.data,
    checks: checksOf(source, split),
  };
}
