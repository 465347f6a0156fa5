import { filled, fromNested, numbers, part } from '../support/tensors.ts';
import type { Allowance, Nested, Numbers } from '../support/tensors.ts';
import type { Check, Converted, Direction, Recurrence, Stage, StageResult } from './plan.ts';

type Fill = { readonly constant: number } | 'ones';

interface KerasCell {
  readonly class: 'SimpleRNNCell' | 'LSTMCell' | 'GRUCell' | 'OneStateRNNCell' | 'TwoStatesRNNCell';
  readonly units: number;
  readonly kernel_initializer?: Fill;
  readonly recurrent_initializer?: Fill;
  readonly bias_initializer?: Fill;
  readonly use_bias?: boolean;
  readonly unit_forget_bias?: boolean;
  readonly reset_after?: boolean;
}

interface KerasLayer {
  readonly layer: string;
  readonly cell: KerasCell | readonly KerasCell[];
  readonly return_sequences: boolean;
  readonly go_backwards: boolean;
  readonly zero_output_for_mask?: boolean;
}

interface KerasBidirectional {
  readonly layer: 'Bidirectional';
  readonly merge_mode?: 'concat' | 'sum' | 'ave' | 'mul' | null;
  readonly forward: KerasLayer;
  readonly backward: KerasLayer;
}

interface KerasDense {
  readonly layer: 'TimeDistributed(Dense)';
  readonly units: number;
  readonly kernel: Fill;
}

/** A case of Keras's own tests of its recurrent layers. */
export interface KerasCase {
  readonly test: string;
  readonly config: KerasLayer | KerasBidirectional | KerasDense;
  readonly input: Nested;
  readonly initial_state?: readonly Nested[] | null;
  readonly mask?: readonly (readonly boolean[])[] | null;
  readonly prior_calls_same_input_stateful?: number;
  readonly output: string;
  readonly batch_index?: number;
  readonly expected: Nested;
  readonly upstream_tol: { readonly atol: number; readonly rtol: number };
}

const merges = { concat: 'concat', sum: 'sum', ave: 'average', mul: 'product' } as const;
const gateCounts = { SimpleRNNCell: 1, LSTMCell: 4, GRUCell: 3, OneStateRNNCell: 1, TwoStatesRNNCell: 1 } as const;

function recurrenceOf(cell: KerasCell): Recurrence {
  switch (cell.class) {
    case 'SimpleRNNCell': return { kind: 'rnn', activation: 'tanh' };
    case 'LSTMCell': return { kind: 'lstm' };
    case 'GRUCell': return { kind: 'gru', reset: cell.reset_after === false ? 'before' : 'after' };
    case 'OneStateRNNCell': return { kind: 'sums', states: 1 };
    case 'TwoStatesRNNCell': return { kind: 'sums', states: 2 };
  }
}

/** Names of a recurrence's states in Keras's order. */
function stateNames(recurrence: Recurrence): readonly string[] {
  if (recurrence.kind === 'lstm') return ['h', 'c'];
  return recurrence.kind === 'sums' && recurrence.states === 2 ? ['a', 'b'] : ['h'];
}

function valueOf(fill: Fill | undefined, otherwise: number): number {
  return fill === undefined ? otherwise : fill === 'ones' ? 1 : fill.constant;
}

function biasKind(cell: KerasCell): Stage['bias'] {
  if (cell.use_bias === false || recurrenceOf(cell).kind === 'sums') return false;
  return cell.class === 'GRUCell' && cell.reset_after !== false ? 'double' : 'single';
}

/** All of Keras's test weights are constant, so gate order does not show in them; LSTM's forget bias does. */
function weightsOf(cell: KerasCell, inputs: number, suffix: string): Record<string, Numbers> {
  const rows = gateCounts[cell.class] * cell.units;
  const recurrentRows = cell.class === 'TwoStatesRNNCell' ? 2 * cell.units : rows;
  const weights: Record<string, Numbers> = {
    [`weight_ih_l0${suffix}`]: filled([rows, inputs], valueOf(cell.kernel_initializer, 1)),
    [`weight_hh_l0${suffix}`]: filled([recurrentRows, cell.units], valueOf(cell.recurrent_initializer, 1)),
  };
  const kind = biasKind(cell);
  if (!kind) return weights;
  const bias = filled([rows], valueOf(cell.bias_initializer, 0));
  if (kind === 'double') weights[`bias_hh_l0${suffix}`] = { shape: bias.shape, data: bias.data.slice() };
  if (cell.class === 'LSTMCell' && cell.unit_forget_bias !== false) bias.data.fill(1, cell.units, 2 * cell.units);
  weights[`bias_ih_l0${suffix}`] = bias;
  return weights;
}

/** The steps that a mask keeps, moved to the front of their rows: a masked step holds the state, as if it were not there. */
function keepUnmasked(input: Numbers, mask: readonly (readonly boolean[])[] | null | undefined): { input: Numbers; lengths: readonly number[] | undefined } {
  if (!mask) return { input, lengths: undefined };
  const [rows, steps, features] = input.shape as [number, number, number];
  const data = new Float64Array(input.data.length);
  const lengths = mask.map((kept, row) => kept.reduce((to, keep, t) => {
    if (!keep) return to;
    const from = (row * steps + t) * features;
    data.set(input.data.subarray(from, from + features), (row * steps + to) * features);
    return to + 1;
  }, 0));
  return { input: numbers([rows, steps, features], data), lengths };
}

/** Puts outputs of kept steps back where they were; a masked step repeats the output before it, or is zero. */
function spreadOut(output: Numbers, mask: readonly (readonly boolean[])[], zero: boolean): Numbers {
  const [, steps, width] = output.shape as [number, number, number];
  const data = new Float64Array(output.data.length);
  mask.forEach((kept, row) => {
    let seen = 0;
    kept.forEach((keep, t) => {
      if (keep) seen++;
      if ((!keep && zero) || seen === 0) return;
      const from = (row * steps + seen - 1) * width;
      data.set(output.data.subarray(from, from + width), (row * steps + t) * width);
    });
  });
  return numbers(output.shape, data);
}

/** Keras gives the outputs of a layer that goes backwards in the order of its steps; here time always runs forwards. */
function flipTime(output: Numbers): Numbers {
  const [rows, steps, width] = output.shape as [number, number, number];
  const data = new Float64Array(output.data.length);
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < steps; t++) {
      const from = (row * steps + steps - 1 - t) * width;
      data.set(output.data.subarray(from, from + width), (row * steps + t) * width);
    }
  }
  return numbers(output.shape, data);
}

function stackedStages(source: KerasCase, config: KerasLayer, features: number, direction: Direction): Stage[] {
  const cells = 'class' in config.cell ? [config.cell] : config.cell;
  const initial = source.initial_state?.map((nested) => fromNested(nested));
  let inputs = features;
  let taken = 0;
  return cells.map((cell, level): Stage => {
    const recurrence = recurrenceOf(cell);
    const names = stateNames(recurrence);
    const stage: Stage = {
      recurrence, direction, units: cell.units, merge: 'concat', bias: biasKind(cell),
      output: config.return_sequences || level < cells.length - 1 ? 'sequence' : 'last',
      weights: weightsOf(cell, inputs, direction === 'backward' ? '_reverse' : ''),
      state: initial && Object.fromEntries(names.map((name, i) => {
        const value = initial[taken + i]!;
        return [name, { shape: [1, ...value.shape], data: value.data }];
      })),
    };
    taken += names.length;
    inputs = cell.units;
    return stage;
  });
}

function bidirectionalStage(source: KerasCase, config: KerasBidirectional, features: number): Stage {
  const forward = config.forward.cell as KerasCell;
  const recurrence = recurrenceOf(forward);
  const names = stateNames(recurrence);
  const initial = source.initial_state?.map((nested) => fromNested(nested));
  return {
    recurrence, direction: 'bidirectional', units: forward.units, merge: merges[config.merge_mode ?? 'concat'], bias: biasKind(forward),
    output: config.forward.return_sequences ? 'sequence' : 'last',
    weights: { ...weightsOf(forward, features, ''), ...weightsOf(config.backward.cell as KerasCell, features, '_reverse') },
    state: initial && Object.fromEntries(names.map((name, i) => {
      const both = [initial[i]!, initial[i + names.length]!];
      return [name, numbers([2, ...both[0]!.shape], [...both[0]!.data, ...both[1]!.data])];
    })),
  };
}

/** Reads one of "output", "forward", "backward", "state[1]", "state[0][1]" out of what the stages gave. */
function reader(source: KerasCase, stages: readonly Stage[]): (results: readonly StageResult[]) => Numbers {
  const state = /^state\[(\d)\](?:\[(\d)\])?$/.exec(source.output);
  if (state) {
    const first = Number(state[1]);
    if (stages.length > 1) {
      return (results) => part(results[first]!.final[stateNames(stages[first]!.recurrence)[Number(state[2] ?? 0)]!]!, 0);
    }
    const names = stateNames(stages[0]!.recurrence);
    return (results) => part(results[0]!.final[names[first % names.length]!]!, Math.floor(first / names.length));
  }
  if (source.output === 'forward' || source.output === 'backward') {
    const direction = source.output === 'forward' ? 0 : 1;
    return (results) => part(results[0]!.final.h!, direction);
  }
  return (results) => results.at(-1)!.output;
}

function toleranceOf({ upstream_tol: { atol, rtol } }: KerasCase): Allowance {
  return { absolute: atol, relative: rtol };
}

/** The same dense layer on every step. */
function denseCase(source: KerasCase, config: KerasDense, name: string): Converted {
  const input = fromNested(source.input);
  return {
    name, input, lengths: undefined, runs: 1, tolerance: toleranceOf(source),
    stages: [{
      recurrence: { kind: 'dense' }, units: config.units, direction: 'forward', merge: 'concat', bias: false, output: 'sequence', state: undefined,
      weights: { weight: filled([config.units, input.shape[2]!], valueOf(config.kernel, 1)) },
    }],
    checks: [{ what: 'output', expected: fromNested(source.expected), actual: (results) => results[0]!.output }],
  };
}

export function convertKeras(source: KerasCase, index: number): Converted {
  const name = `keras ${index} ${source.config.layer} ${source.test}, ${source.output}`;
  if ('units' in source.config) return denseCase(source, source.config, name);
  const config = source.config;
  const { input, lengths } = keepUnmasked(fromNested(source.input), source.mask);
  const features = input.shape[2]!;
  const backwards = 'go_backwards' in config && config.go_backwards;
  const stages = 'forward' in config ? [bidirectionalStage(source, config, features)]
    : stackedStages(source, config, features, backwards ? 'backward' : 'forward');
  const read = reader(source, stages);
  const sequence = 'return_sequences' in config && config.return_sequences && source.output === 'output';
  const check: Check = {
    what: source.output,
    expected: fromNested(source.expected),
    actual: (results) => {
      let value = read(results);
      if (sequence && source.mask) value = spreadOut(value, source.mask, (config).zero_output_for_mask ?? false);
      if (sequence && backwards) value = flipTime(value);
      return source.batch_index === undefined ? value : part(value, source.batch_index);
    },
  };
  return { name, input, lengths, stages, runs: 1 + (source.prior_calls_same_input_stateful ?? 0), checks: [check], tolerance: toleranceOf(source) };
}
