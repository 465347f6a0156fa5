import { requireNumber } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { absolute, less, multiply, select, softplus, square, subtract, sum, type Value } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';
import { defineLoss, requirePrediction, requireTarget, withoutPadding, type Loss } from './loss.ts';

type NoOptions = Readonly<Record<never, never>>;

/** A loss that compares feature by feature and adds the terms up. */
function elementwiseLoss(kind: string, options: object, compare: (prediction: Value, target: Value) => Value, targetRange?: Loss['targetRange']): Loss {
  return defineLoss({
    kind,
    options: options as Loss['options'],
    targetType: 'float32',
    targetRange,
    terms: (prediction) => prediction.value.shape.at(-1)!,
    perStep(prediction: Signal, target: Value): Value {
      requirePrediction(kind, prediction);
      requireTarget(kind, prediction, target, prediction.value.shape, 'float32');
      const terms = compare(withoutPadding(prediction.value, prediction), withoutPadding(target, prediction));
      return withoutPadding(sum(terms, [terms.shape.length - 1]), prediction);
    },
  });
}

/** Σ (prediction − target)² over the features; not halved. Target float32 like the prediction. */
export function squaredError(options: NoOptions = {}): Loss {
  checkOptions('squaredError', options, []);
  return elementwiseLoss('squaredError', {}, (prediction, target) => square(subtract(prediction, target)));
}

/** Σ |prediction − target| over the features; the gradient where they are equal is 0. Target float32 like the prediction. */
export function absoluteError(options: NoOptions = {}): Loss {
  checkOptions('absoluteError', options, []);
  return elementwiseLoss('absoluteError', {}, (prediction, target) => absolute(subtract(prediction, target)));
}

/**
 * P. Huber's loss (1964) over the features, d = prediction − target: ½ d² where |d| < delta (default 1), else delta (|d| − ½ delta).
 * Target float32 like the prediction.
 * @throws ERR_BPTT_RANGE unless delta is above 0.
 */
export function huber(options: { readonly delta?: number } = {}): Loss {
  checkOptions('huber', options, ['delta']);
  const delta = requireNumber('huber', 'delta', options.delta ?? 1, Number.MIN_VALUE, Number.MAX_VALUE);
  return elementwiseLoss('huber', { delta }, (prediction, target) => {
    const difference = subtract(prediction, target);
    const size = absolute(difference);
    return select(less(size, delta), multiply(0.5, square(difference)), multiply(delta, subtract(size, delta / 2)));
  });
}

/**
 * Σ −y log σ(z) − (1 − y) log(1 − σ(z)) over the features, from logits z; it neither overflows nor loses what is small. Target float32 like the prediction,
 * each y from 0 to 1.
 */
export function binaryCrossEntropy(options: NoOptions = {}): Loss {
  checkOptions('binaryCrossEntropy', options, []);
  return elementwiseLoss('binaryCrossEntropy', {}, (logits, target) => subtract(softplus(logits), multiply(logits, target)), [0, 1]);
}
