import assert from 'node:assert/strict';
import * as graph from '../../lib/graph/index.ts';
import type { Value } from '../../lib/graph/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';

function numbers(value: Value, inputs: Record<string, ArrayLike<number>> = {}): number[] {
  return [...evaluate([value], { inputs })[0]!.data];
}

const list = (...items: number[]): Value => graph.constant(items);

describe('the meaning of operations', () => {
  it('arithmetic', () => {
    assert.deepEqual(numbers(graph.add(list(1, 2), 3)), [4, 5]);
    assert.deepEqual(numbers(graph.subtract(1, list(1, 2))), [0, -1]);
    assert.deepEqual(numbers(graph.divide(list(1, -1, 0), 0)), [Infinity, -Infinity, NaN]);
    assert.deepEqual(numbers(graph.power(list(2, -2, 0, 1, NaN), list(3, 3, 0, NaN, 0))), [8, -8, 1, NaN, 1]);
    assert.deepEqual(numbers(graph.clip(list(-3, 0.5, 3, NaN), -1, 1)), [-1, 0.5, 1, NaN]);
  });

  it('maximum and minimum give NaN when either side is NaN', () => {
    assert.deepEqual(numbers(graph.maximum(list(1, NaN, 2), list(NaN, 1, 3))), [NaN, NaN, 3]);
    assert.deepEqual(numbers(graph.minimum(list(1, NaN, 2), list(NaN, 1, 3))), [NaN, NaN, 2]);
    assert.deepEqual(numbers(graph.max(list(1, NaN, 2))), [NaN]);
  });

  it('integers wrap', () => {
    const largest = graph.constant([2147483647, -7], [2], 'int32');
    assert.deepEqual(numbers(graph.add(largest, 1)), [-2147483648, -6]);
    assert.deepEqual(numbers(graph.multiply(largest, 2)), [-2, -14]);
    assert.deepEqual(numbers(graph.maximum(largest, 0)), [2147483647, 0]);
  });

  it('functions at the ends of their range', () => {
    assert.deepEqual(numbers(graph.sigmoid(list(-1000, 0, 1000))), [0, 0.5, 1]);
    assert.deepEqual(numbers(graph.softplus(list(-1000, 1000))), [0, 1000]);
    assert.deepEqual(numbers(graph.relu(list(-1, 0, 2, NaN))), [0, 0, 2, NaN]);
    assert.deepEqual(numbers(graph.expMinusOne(list(1e-20))), [1e-20]);
    assert.deepEqual(numbers(graph.logOnePlus(list(1e-20))), [1e-20]);
    assert.deepEqual(numbers(graph.reluGradient(list(3, 4, Infinity), list(1, 0, 0))), [3, 0, 0]);
  });

  it('comparisons, logic and casts', () => {
    assert.deepEqual(numbers(graph.less(list(1, 2, NaN), 2)), [1, 0, 0]);
    assert.deepEqual(numbers(graph.greaterEqual(list(1, 2, NaN), 2)), [0, 1, 0]);
    assert.deepEqual(numbers(graph.notEqual(list(1, NaN), list(1, NaN))), [0, 1]);
    const flags = graph.less(list(1, 3), 2);
    assert.deepEqual(numbers(graph.and(flags, graph.not(flags))), [0, 0]);
    assert.deepEqual(numbers(graph.or(flags, graph.not(flags))), [1, 1]);
    assert.deepEqual(numbers(graph.isFinite(list(1, Infinity, NaN))), [1, 0, 0]);
    assert.deepEqual(numbers(graph.cast(list(1.9, -1.9, NaN, 1e10), 'int32')), [1, -1, 0, 2147483647]);
    assert.deepEqual(numbers(graph.cast(list(0, -0, 0.1, NaN), 'bool')), [0, 0, 1, 1]);
    assert.deepEqual(numbers(graph.select(flags, list(1, NaN), list(NaN, 2))), [1, 2]);
  });

  it('views and copies', () => {
    const x = graph.constant([1, 2, 3, 4, 5, 6], [2, 3]);
    assert.deepEqual(numbers(graph.transpose(x)), [1, 4, 2, 5, 3, 6]);
    assert.deepEqual(numbers(graph.broadcast(list(1, 2), [2, 2])), [1, 2, 1, 2]);
    assert.deepEqual(numbers(graph.broadcast(graph.constant([1, 2], [2, 1]), [2, 2])), [1, 1, 2, 2]);
    assert.deepEqual(numbers(graph.slice(x, [0, 1], [2, 2])), [2, 3, 5, 6]);
    assert.deepEqual(numbers(graph.reverse(x, [1])), [3, 2, 1, 6, 5, 4]);
    assert.deepEqual(numbers(graph.reverse(x, [0, 1])), [6, 5, 4, 3, 2, 1]);
    assert.deepEqual(numbers(graph.concat([x, graph.constant([7, 8], [2, 1])])), [1, 2, 3, 7, 4, 5, 6, 8]);
    assert.deepEqual(numbers(graph.pad(x, [0, 1], [1, 0], 9)), [9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9]);
    assert.deepEqual(numbers(graph.stack([list(1, 2), list(3, 4)], 1)), [1, 3, 2, 4]);
    assert.deepEqual(numbers(graph.iota(4)), [0, 1, 2, 3]);
  });

  it('matrix products, each with its transposes', () => {
    const a = graph.constant([1, 2, 3, 4, 5, 6], [2, 3]);
    const b = graph.constant([1, 0, 2, 1, 0, 3], [3, 2]);
    const expected = [5, 11, 14, 23];
    assert.deepEqual(numbers(graph.matmul(a, b)), expected);
    assert.deepEqual(numbers(graph.matmul(graph.transpose(a), b, { transposeA: true })), expected);
    assert.deepEqual(numbers(graph.matmul(a, graph.transpose(b), { transposeB: true })), expected);
    assert.deepEqual(numbers(graph.matmul(graph.transpose(a), graph.transpose(b), { transposeA: true, transposeB: true })), expected);
    assert.deepEqual(numbers(graph.matmul(graph.stack([a, a]), graph.stack([b, b]))), [...expected, ...expected]);
  });

  it('reductions', () => {
    const x = graph.constant([1, 5, 3, 4, 2, 6], [2, 3]);
    assert.deepEqual(numbers(graph.sum(x, [0])), [5, 7, 9]);
    assert.deepEqual(numbers(graph.sum(x, [1])), [9, 12]);
    assert.deepEqual(numbers(graph.max(x, [0])), [4, 5, 6]);
    assert.deepEqual(numbers(graph.min(x)), [1]);
    assert.deepEqual(numbers(graph.mean(x)), [3.5]);
    assert.deepEqual(numbers(graph.argMax(graph.constant([1, 5, 5, 4, 2, 2], [2, 3]))), [1, 0]);
  });

  it('tables', () => {
    const table = graph.constant([1, 2, 3, 4, 5, 6], [3, 2]);
    const indices = graph.constant([2, 0, 2], [3], 'int32');
    assert.deepEqual(numbers(graph.gather(table, indices)), [5, 6, 1, 2, 5, 6]);
    assert.deepEqual(numbers(graph.scatterAdd(indices, table, 4)), [3, 4, 0, 0, 6, 8, 0, 0]);
    assert.deepEqual(numbers(graph.oneHot(indices, 3)), [0, 0, 1, 1, 0, 0, 0, 0, 1]);
    for (const bad of [3, -1]) {
      const wrong = graph.withScope('embedding', () => graph.gather(table, graph.constant([0, bad], [2], 'int32')));
      assert.throws(() => numbers(wrong), { code: 'ERR_BPTT_VOCABULARY', message: `gather in "embedding": expected indices from 0 to 2, received ${bad} at place 1` });
    }
  });

  it('softmax, log-softmax and cross-entropy do not overflow', () => {
    const logits = graph.constant([1000, 1000, -1000, 0], [2, 2]);
    assert.deepEqual(numbers(graph.softmax(logits)), [0.5, 0.5, 0, 1]);
    assert.deepEqual(numbers(graph.logSoftmax(logits)), [-Math.LN2, -Math.LN2, -1000, 0]);
    const loss = numbers(graph.softmaxCrossEntropy(logits, graph.constant([0, 0], [2], 'int32')));
    assert.ok(largestDifference(loss, [Math.LN2, 1000]) < 1e-12);
    assert.throws(() => numbers(graph.softmaxCrossEntropy(logits, graph.constant([0, 2], [2], 'int32'))), { code: 'ERR_BPTT_VOCABULARY' });
  });

  it('cross-entropy is the negative log-softmax at the target', () => {
    const logits = graph.constant(someNumbers(15), [3, 5]);
    const targets = graph.constant([4, 0, 2], [3], 'int32');
    const composed = graph.negate(graph.sum(graph.multiply(graph.logSoftmax(logits), graph.oneHot(targets, 5)), [1]));
    assert.ok(largestDifference(numbers(composed), numbers(graph.softmaxCrossEntropy(logits, targets))) < 1e-14);
  });

  it('a leaf that is not bound, or bound to another count, is named', () => {
    const x = graph.input('speed', [2]);
    assert.throws(() => numbers(graph.exp(x)), { code: 'ERR_BPTT_GRAPH', message: /input "speed" has no value/ });
    assert.throws(() => numbers(graph.exp(x), { speed: [1] }), { code: 'ERR_BPTT_SHAPE', message: /input "speed": expected 2 numbers/ });
  });

  it('any value can be bound, and what it needs is then not computed', () => {
    const y = graph.exp(graph.input('never bound', [2]));
    const values = new Map([[y, { shape: [2], type: 'float32', data: Float64Array.of(1, 2) } as const]]);
    assert.deepEqual([...evaluate([graph.add(y, 1)], { values })[0]!.data], [2, 3]);
    assert.deepEqual([...evaluate([y], { values })[0]!.data], [1, 2]);
  });
});
