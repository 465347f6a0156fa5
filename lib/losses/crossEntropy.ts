import { checkOptions } from '../errors.ts';
import { softmaxCrossEntropy } from '../graph/index.ts';
import { defineLoss, requirePrediction, requireTarget, withoutPadding, type Loss } from './loss.ts';

/**
 * −log softmax(logits)[target]: the prediction is logits [N, T, V] or [N, V], without softmax; the target int32 tokens [N, T] or [N].
 * e to the power of its mean is the perplexity.
 */
export function crossEntropy(options: Readonly<Record<never, never>> = {}): Loss {
  checkOptions('crossEntropy', options, []);
  return defineLoss({
    kind: 'crossEntropy',
    options: {},
    targetType: 'int32',
    terms: () => 1,
    perStep(prediction, target) {
      requirePrediction('crossEntropy', prediction);
      requireTarget('crossEntropy', prediction, target, prediction.value.shape.slice(0, -1), 'int32');
      const losses = softmaxCrossEntropy(withoutPadding(prediction.value, prediction), withoutPadding(target, prediction));
      return withoutPadding(losses, prediction);
    },
  });
}
