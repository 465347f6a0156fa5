import assert from 'node:assert/strict';
import { joinCrossEntropy } from '../../lib/compiler/passes/cross-entropy.ts';
import * as g from '../../lib/graph/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';

function operations(values: readonly g.Value[]): string[] {
  return g.topologicalOrder(values).map(({ operation }) => operation).filter((name) => name.startsWith('softmaxCrossEntropy')).sort();
}

const logits = g.constant(Float64Array.from({ length: 12 }, (_, i) => Math.sin(5 * i)), [3, 4]);
const targets = g.constant([3, 0, 2], [3], 'int32');

describe('compiler: cross-entropy and its gradient', () => {
  it('become one operation with the same numbers', () => {
    const loss = g.softmaxCrossEntropy(g.tanh(logits), targets);
    const { gradients } = g.gradient(g.mean(loss), [logits]);
    const joined = joinCrossEntropy([loss, ...gradients]);
    assert.deepEqual(operations([loss, ...gradients]), ['softmaxCrossEntropy', 'softmaxCrossEntropyGradient']);
    assert.deepEqual(operations(joined), ['softmaxCrossEntropyBoth']);
    assert.deepEqual(evaluate(joined), evaluate([loss, ...gradients]));
  });

  it('stay apart where what flows back depends on the loss', () => {
    const loss = g.softmaxCrossEntropy(logits, targets);
    const { gradients } = g.gradient(g.sum(g.square(loss)), [logits]);
    assert.deepEqual(operations(joinCrossEntropy(gradients)), ['softmaxCrossEntropy', 'softmaxCrossEntropyGradient']);
  });

  it('a loss alone is left alone', () => {
    const loss = g.softmaxCrossEntropy(logits, targets);
    assert.deepEqual(joinCrossEntropy([loss]), [loss]);
  });
});
