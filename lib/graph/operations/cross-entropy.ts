import { BpttError } from '../../errors.ts';
import { formatValue, requireRank, requireType, requireValue } from '../checks.ts';
import { apply, applyOne, defineOperation, operationNamed } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { sameShape, type Value } from '../value.ts';
import { add, multiply, subtract } from './arithmetic.ts';
import { exp, negate } from './functions.ts';
import { oneHot, requireIndex } from './gather.ts';
import { sum } from './reductions.ts';
import { normalization } from './softmax.ts';
import { expand, reshape } from './views.ts';

function checkRows(owner: string, logits: Value, perRow: readonly Value[]): void {
  requireType(owner, 'logits', logits, ['float32']);
  requireRank(owner, 'logits', logits, 2);
  for (const value of perRow) {
    if (sameShape(value.shape, [logits.shape[0]!])) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected one entry for each row of ${formatValue(logits)}, received ${formatValue(value)}`,
      { expected: [logits.shape[0]], received: value.shape });
  }
}

defineOperation({
  name: 'softmaxCrossEntropy',
  infer(inputs) {
    const [logits, targets] = inputs as [Value, Value];
    checkRows('softmaxCrossEntropy', logits, [targets]);
    requireType('softmaxCrossEntropy', 'targets', targets, ['int32']);
    const rows = { shape: [logits.shape[0]!], type: 'float32' } as const;
    return [rows, rows];
  },
  gradient(node, [ofLoss, ofNormalizer]) {
    const [logits, targets] = node.inputs as [Value, Value];
    const logNormalizer = node.outputs[1]!;
    const fromLoss = ofLoss && applyOne('softmaxCrossEntropyGradient', [logits, logNormalizer, targets, ofLoss]);
    const fromNormalizer = ofNormalizer && multiply(probabilities(logits, logNormalizer), expand(ofNormalizer, [1]));
    return [fromLoss && fromNormalizer ? add(fromLoss, fromNormalizer) : fromLoss ?? fromNormalizer, undefined];
  },
  reference(node, [logits, targets]) {
    const [rows, count] = logits!.shape as [number, number];
    const loss = allocate([rows], 'float32');
    const logNormalizer = allocate([rows], 'float32');
    for (let row = 0; row < rows; row++) {
      const target = requireIndex(node, targets!.data[row]!, row, count);
      const { largest, total } = normalization(logits!.data, row * count, count);
      logNormalizer.data[row] = largest + Math.log(total);
      loss.data[row] = largest - logits!.data[row * count + target]! + Math.log(total);
    }
    return [loss, logNormalizer];
  },
});

function probabilities(logits: Value, logNormalizer: Value): Value {
  return exp(subtract(logits, expand(logNormalizer, [1])));
}

defineOperation({
  name: 'softmaxCrossEntropyGradient',
  infer(inputs) {
    const [logits, logNormalizer, targets, upstream] = inputs as [Value, Value, Value, Value];
    checkRows('softmaxCrossEntropyGradient', logits, [logNormalizer, targets, upstream]);
    requireType('softmaxCrossEntropyGradient', 'targets', targets, ['int32']);
    return [{ shape: logits.shape, type: 'float32' }];
  },
  gradient(node, [d]) {
    if (!d) return [undefined, undefined, undefined, undefined];
    const [logits, logNormalizer, targets, upstream] = node.inputs as [Value, Value, Value, Value];
    const shares = probabilities(logits, logNormalizer);
    const ofLogits = multiply(multiply(d, shares), expand(upstream, [1]));
    const ofUpstream = sum(multiply(d, subtract(shares, oneHot(targets, logits.shape[1]!))), [1]);
    return [ofLogits, negate(sum(ofLogits, [1])), undefined, ofUpstream];
  },
  reference(node, [logits, logNormalizer, targets, upstream]) {
    const [rows, count] = logits!.shape as [number, number];
    const result = allocate([rows, count], 'float32');
    for (let row = 0; row < rows; row++) {
      const target = requireIndex(node, targets!.data[row]!, row, count);
      for (let i = 0; i < count; i++) {
        const share = Math.exp(logits!.data[row * count + i]! - logNormalizer!.data[row]!);
        result.data[row * count + i] = (share - (i === target ? 1 : 0)) * upstream!.data[row]!;
      }
    }
    return [result];
  },
});

// Both of the above over the same logits, for programs that need loss and gradient: the compiler's, so it has no gradient of its own.
defineOperation({
  name: 'softmaxCrossEntropyBoth',
  infer(inputs) {
    const [logits, targets, upstream] = inputs as [Value, Value, Value];
    checkRows('softmaxCrossEntropyBoth', logits, [targets, upstream]);
    requireType('softmaxCrossEntropyBoth', 'targets', targets, ['int32']);
    const rows = { shape: [logits.shape[0]!], type: 'float32' } as const;
    return [rows, rows, { shape: logits.shape, type: 'float32' }];
  },
  reference(node, [logits, targets, upstream], context) {
    const [loss, logNormalizer] = operationNamed('softmaxCrossEntropy').reference(node, [logits!, targets!], context);
    return [loss!, logNormalizer!, ...operationNamed('softmaxCrossEntropyGradient').reference(node, [logits!, logNormalizer!, targets!, upstream!], context)];
  },
});

/**
 * −log softmax(logits)[target], without overflow: logits float32 [..., V] and targets int32 [...] → losses [...].
 * @throws ERR_BPTT_SHAPE when the leading sizes differ, ERR_BPTT_TYPE for targets that are not int32; at the run ERR_BPTT_VOCABULARY for a target outside of 0 … V − 1.
 */
export function softmaxCrossEntropy(logits: Value, targets: Value): Value {
  requireValue('softmaxCrossEntropy', 'the logits', logits);
  requireValue('softmaxCrossEntropy', 'the targets', targets);
  const leading = logits.shape.slice(0, -1);
  if (logits.shape.length === 0 || !sameShape(leading, targets.shape)) {
    throw new BpttError('ERR_BPTT_SHAPE', `softmaxCrossEntropy: expected one target for each row of logits, received logits ${formatValue(logits)} and targets ${formatValue(targets)}`,
      { expected: leading, received: targets.shape });
  }
  const [loss] = apply('softmaxCrossEntropy', [reshape(logits, [-1, logits.shape[logits.shape.length - 1]!]), reshape(targets, [-1])]);
  return reshape(loss!, leading);
}
