import { requireChoice } from '../checks.ts';
import { BpttError, checkOptions, formatShape } from '../errors.ts';
import { broadcast, broadcastShapes, cast, divide, equal, expand, greater, iota, multiply, sameShape, select, subtract, sum, constant, type Value } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';
import { validSteps, withoutPadding, type Loss } from './loss.ts';

/**
 * 'sum': over valid steps and rows, features summed. 'mean': over all valid steps, features averaged. 'meanPerSequence': over the valid steps of each
 * row, then over the rows; features averaged.
 */
export const reductions = ['sum', 'mean', 'meanPerSequence'] as const;
export type Reduction = (typeof reductions)[number];

export interface StepSelection {
  /** Every valid step (default) or the last valid one of each row only. */
  readonly lossOn?: 'all' | 'last' | undefined;
  /** How much each step counts: [T], [T, 1], [T, N], or [N] for a prediction without time. The means are weighted means. Default 1. */
  readonly weights?: Value | undefined;
}

export interface ReductionOptions extends StepSelection {
  readonly loss: Loss;
  readonly prediction: Signal;
  readonly target: Value;
  /** Default 'mean'. */
  readonly reduction?: Reduction | undefined;
}

/** Where each row ends: 1 at its last valid step, else 0; [T, N]. */
function lastSteps(steps: number, rows: number, lengths: Value | undefined): Value {
  const last = lengths ? subtract(lengths, 1) : constant(steps - 1, [rows], 'int32');
  return cast(equal(expand(iota(steps), [1]), last), 'float32');
}

function givenWeights(weights: Value, shape: readonly number[]): Value {
  const perStep = weights.shape.length === 1 && shape.length === 2 ? expand(weights, [1]) : weights;
  const fits = perStep.type === 'float32' && perStep.shape.length <= shape.length && perStep.shape.every((size, i, all) => [1, shape[shape.length - all.length + i]].includes(size));
  if (fits && sameShape(broadcastShapes('weights', [perStep.shape, shape]), shape)) return broadcast(perStep, shape);
  throw new BpttError('ERR_BPTT_SHAPE', `reduceLoss: expected float32 weights for steps ${formatShape(shape)} (time first), received ${weights.type} ${formatShape(weights.shape)}`,
    { expected: shape, received: weights.shape });
}

/** How much each step counts, zeros at padding: float32 [T, N], or [N] for a prediction without time. */
export function stepWeights(prediction: Signal, { lossOn = 'all', weights }: StepSelection = {}): Value {
  requireChoice('reduceLoss', 'lossOn', lossOn, ['all', 'last'] as const);
  const { value, time, lengths } = prediction;
  const shape = value.shape.slice(0, time ? 2 : 1);
  const [steps, rows] = shape as [number, number];
  const valid = lengths && time ? broadcast(cast(validSteps(steps, lengths), 'float32'), shape) : constant(1, shape);
  const chosen = time && lossOn === 'last' ? broadcast(lastSteps(steps, rows, lengths), shape) : valid;
  return weights ? multiply(chosen, withoutPadding(givenWeights(weights, shape), prediction)) : chosen;
}

/** a / b, and 0 where nothing was counted. */
function ratio(total: Value, count: Value): Value {
  const some = greater(count, 0);
  return select(some, divide(total, select(some, count, 1)), 0);
}

/**
 * One number to make small, of the losses of all steps: float32 [].
 * @throws ERR_BPTT_OPTION for an unknown reduction or `lossOn`; ERR_BPTT_SHAPE or ERR_BPTT_TYPE when prediction, target and weights do not go together.
 */
export function reduceLoss(options: ReductionOptions): Value {
  checkOptions('reduceLoss', options, ['loss', 'prediction', 'target', 'reduction', 'lossOn', 'weights']);
  const { loss, prediction, target, reduction = 'mean', ...selection } = options;
  requireChoice('reduceLoss', 'reduction', reduction, reductions);
  const counted = stepWeights(prediction, selection);
  const losses = multiply(loss.perStep(prediction, target), counted);
  if (reduction === 'sum') return sum(losses);
  const average = (value: Value): Value => multiply(value, 1 / loss.terms(prediction));
  if (reduction === 'mean' || !prediction.time) return average(ratio(sum(losses), sum(counted)));
  const counts = sum(counted, [0]);
  const rows = sum(cast(greater(counts, 0), 'float32'));
  return average(ratio(sum(ratio(sum(losses, [0]), counts)), rows));
}
