import { argMax, cast, equal, greater, greaterEqual, multiply, sum, type Value } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';
import type { Loss } from './loss.ts';
import { stepWeights, type StepSelection } from './reduction.ts';

/** Sums over a batch: those of several batches are added before they are divided. float32 [] each. */
export interface MetricSums {
  readonly total: Value;
  readonly count: Value;
}

/** Whether a loss is about classes, so that predictions are right or wrong. */
export function isClassification(loss: Loss): boolean {
  return loss.kind === 'crossEntropy' || loss.kind === 'binaryCrossEntropy';
}

/** The summed loss and the number of terms behind it: their ratio is the mean loss. */
export function lossSums(loss: Loss, prediction: Signal, target: Value, selection: StepSelection = {}): MetricSums {
  const counted = stepWeights(prediction, selection);
  return { total: sum(multiply(loss.perStep(prediction, target), counted)), count: multiply(sum(counted), loss.terms(prediction)) };
}

/**
 * How many predictions are right, and of how many. Tokens: the largest logit is the target's, per step. Features: the logit is positive where the
 * target is at least ½, per feature.
 */
export function accuracySums(prediction: Signal, target: Value, selection: StepSelection = {}): MetricSums {
  const counted = stepWeights(prediction, selection);
  if (target.type === 'int32') {
    return { total: sum(multiply(cast(equal(argMax(prediction.value), target), 'float32'), counted)), count: sum(counted) };
  }
  const said = cast(greater(prediction.value, 0), 'float32');
  const meant = cast(greaterEqual(target, 0.5), 'float32');
  const right = sum(cast(equal(said, meant), 'float32'), [prediction.value.shape.length - 1]);
  return { total: sum(multiply(right, counted)), count: multiply(sum(counted), prediction.value.shape.at(-1)!) };
}

/** e to the power of a mean cross-entropy: the number of tokens that the model is as good as undecided between. */
export function perplexity(meanCrossEntropy: number): number {
  return Math.exp(meanCrossEntropy);
}

/** A mean cross-entropy in bits instead of nats: bits per character, of a character model. */
export function bitsPerToken(meanCrossEntropy: number): number {
  return meanCrossEntropy / Math.LN2;
}
