import { BpttError, describe, formatShape } from '../errors.ts';
import { expand, iota, less, maskSteps, sameShape, type Shape, type Value } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';

/** What a model is trained to make small. A frozen plain value; losses of one kind come from one factory. */
export interface Loss {
  readonly kind: string;
  /** JSON-safe. */
  readonly options: Readonly<Record<string, unknown>>;
  /** int32: a token per step, [T, N] or [N]. float32: features like the prediction's, [T, N, C] or [N, C]. */
  readonly targetType: 'int32' | 'float32';
  /** Least and greatest number that a target may hold, where the loss has such bounds. */
  readonly targetRange?: readonly [number, number] | undefined;
  /** How many terms a step's loss adds up: the features for elementwise losses, 1 for cross-entropy. The means of `reduceLoss` divide by it. */
  terms(prediction: Signal): number;
  /**
   * The loss of every step, summed over its terms: [T, N], or [N] for a prediction without time. Steps beyond a row's length are 0, whatever
   * prediction and target hold there.
   * @throws ERR_BPTT_SHAPE or ERR_BPTT_TYPE when prediction and target do not go together.
   */
  perStep(prediction: Signal, target: Value): Value;
}

/** Makes a frozen loss. */
export function defineLoss(loss: Loss): Loss {
  return Object.freeze({ ...loss, options: Object.freeze({ ...loss.options }) });
}

/** Sizes as the caller of the model knows them: batch first. */
function outer(shape: Shape, time: boolean): Shape {
  return time ? [shape[1]!, shape[0]!, ...shape.slice(2)] : shape;
}

/** @throws ERR_BPTT_SHAPE or ERR_BPTT_TYPE unless the target has this shape and type. */
export function requireTarget(kind: string, { time }: Signal, target: Value, shape: Shape, type: Loss['targetType']): void {
  if (target.type !== type) {
    throw new BpttError('ERR_BPTT_TYPE', `${kind}: expected ${type === 'int32' ? 'a target of int32 tokens' : 'a float32 target'}, received ${target.type} ${formatShape(outer(target.shape, time))}`,
      { expected: type, received: target.type });
  }
  if (sameShape(target.shape, shape)) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${kind}: expected a target of shape ${formatShape(outer(shape, time))}, received ${formatShape(outer(target.shape, time))}; `
    + (time ? 'a model that gives one output per row (output: \'last\') takes one target per row' : 'one target per row goes with one output per row'),
    { expected: outer(shape, time), received: outer(target.shape, time) });
}

/** @throws ERR_BPTT_SHAPE or ERR_BPTT_TYPE unless the prediction is float32 [T, N, C], or [N, C] without time. */
export function requirePrediction(kind: string, prediction: Signal): void {
  const { value, time } = prediction;
  if (typeof value?.type !== 'string') throw new BpttError('ERR_BPTT_TYPE', `${kind}: expected the prediction to be a signal, received ${describe(prediction)}`, { received: prediction });
  if (value.type === 'float32' && value.shape.length === (time ? 3 : 2)) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${kind}: expected a prediction of float32 ${time ? '[N, T, features]' : '[N, features]'}, received ${value.type} ${formatShape(outer(value.shape, time))}`,
    { expected: 'float32 features', received: value.shape });
}

/** A prediction, target or loss per step with 0 beyond each row's length. */
export function withoutPadding(value: Value, { time, lengths }: Signal): Value {
  return time && lengths ? maskSteps(value, lengths) : value;
}

/** bool [T, N]: whether step t of row n holds data. */
export function validSteps(steps: number, lengths: Value): Value {
  return less(expand(iota(steps), [1]), lengths);
}
