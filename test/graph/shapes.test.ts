import assert from 'node:assert/strict';
import { BpttError, type ErrorCode } from '../../lib/errors.ts';
import * as graph from '../../lib/graph/index.ts';
import type { Value } from '../../lib/graph/index.ts';

const x = graph.input('x', [3, 4]);
const integers = graph.input('integers', [3], 'int32');
const flags = graph.input('flags', [3, 4], 'bool');

function fails(build: () => unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(build, (error: unknown) => {
    assert.ok(error instanceof BpttError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

describe('shapes', () => {
  it('every input of an elementwise node has exactly the shape of its output', () => {
    const y = graph.add(graph.input('column', [3, 1]), graph.input('row', [4]));
    assert.deepEqual(y.shape, [3, 4]);
    assert.ok(y.node.inputs.every((value) => graph.sameShape(value.shape, [3, 4]) && value.node.operation === 'broadcast'));
    const chosen = graph.select(graph.input('c', [3, 1], 'bool'), graph.input('a', [4]), 0);
    assert.ok(chosen.node.inputs.every((value) => graph.sameShape(value.shape, [3, 4])));
  });

  it('numbers become constants of the other operand, without a broadcast', () => {
    const one = graph.subtract(1, x).node.inputs[0]!;
    assert.equal(graph.fillOf(one), 1);
    assert.deepEqual([one.shape, one.type, one.node.operation], [[3, 4], 'float32', 'constant']);
    assert.equal(graph.add(integers, 2).node.inputs[1]!.type, 'int32');
  });

  it('matmul flattens leading axes when the right operand is one matrix', () => {
    const y = graph.matmul(graph.input('a', [5, 3, 4]), graph.input('w', [4, 2]));
    assert.deepEqual(y.shape, [5, 3, 2]);
    assert.deepEqual(y.node.inputs[0]!.shape, [15, 2]);
    assert.deepEqual(graph.matmul(graph.input('a', [5, 4, 3]), graph.input('b', [5, 2, 4]), { transposeA: true, transposeB: true }).shape, [5, 3, 2]);
  });

  it('views that change nothing make no node', () => {
    for (const same of [graph.reshape(x, [3, 4]), graph.broadcast(x, [3, 4]), graph.transpose(x, [0, 1]), graph.slice(x, [0, 0], [3, 4]), graph.reverse(x, []), graph.pad(x, [0, 0], [0, 0]),
      graph.concat([x]), graph.cast(x, 'float32')]) assert.equal(same, x);
  });

  it('gather, one-hot and cross-entropy take any leading axes', () => {
    const indices = graph.input('indices', [2, 5], 'int32');
    assert.deepEqual(graph.gather(graph.input('table', [7, 3, 2]), indices).shape, [2, 5, 3, 2]);
    assert.deepEqual(graph.gather(graph.input('vector', [7]), indices).shape, [2, 5]);
    assert.deepEqual(graph.oneHot(indices, 7).shape, [2, 5, 7]);
    assert.deepEqual(graph.softmaxCrossEntropy(graph.input('logits', [2, 5, 7]), indices).shape, [2, 5]);
    assert.deepEqual(graph.argMax(graph.input('logits', [2, 5, 7])).shape, [2, 5]);
  });

  it('reductions drop or keep their axes', () => {
    const value = graph.input('value', [2, 3, 4]);
    assert.deepEqual(graph.sum(value, [-1, 0]).shape, [3]);
    assert.deepEqual(graph.max(value, [1], true).shape, [2, 1, 4]);
    assert.deepEqual(graph.mean(value).shape, []);
  });

  it('composed builders', () => {
    assert.deepEqual(graph.stack([x, x, x], 1).shape, [3, 3, 4]);
    assert.deepEqual(graph.split(x, 2).map((part) => part.shape), [[3, 2], [3, 2]]);
    assert.deepEqual(graph.at(x, 0, 1).shape, [4]);
    assert.deepEqual(graph.expand(x, [0, -1]).shape, [1, 3, 4, 1]);
    assert.deepEqual(graph.transpose(graph.input('value', [2, 3, 4])).shape, [4, 3, 2]);
    assert.deepEqual(graph.reshape(x, [2, -1]).shape, [2, 6]);
  });

  it('the scope is the path of the layers around', () => {
    const value = graph.withScope('encoder', () => graph.withScope('lstm', () => graph.exp(x)));
    assert.equal(value.node.scope, 'encoder/lstm');
    const gradients = graph.gradient(graph.sum(value), [x]).gradients;
    assert.equal(gradients[0]!.node.scope, 'encoder/lstm');
  });
});

describe('errors of building', () => {
  const cases: [string, () => unknown, ErrorCode, RegExp][] = [
    ['shapes that do not broadcast', () => graph.add(x, graph.input('y', [3])), 'ERR_BPTT_SHAPE', /add: expected shapes that broadcast together.*\[3, 4\] and \[3\]/],
    ['types that differ', () => graph.add(graph.input('f', [3]), integers), 'ERR_BPTT_TYPE', /add: expected a second input of type float32, received int32 \[3\]; convert it with cast/],
    ['a function of integers', () => graph.tanh(integers), 'ERR_BPTT_TYPE', /tanh: expected an input of type float32, received int32/],
    ['a bool sum', () => graph.add(flags, flags), 'ERR_BPTT_TYPE', /float32 or int32/],
    ['something that is no value', () => graph.add(x, 'one' as unknown as Value), 'ERR_BPTT_TYPE', /operand 2 to be a value of a graph, received "one"/],
    ['a condition that is no bool', () => graph.select(x, x, x), 'ERR_BPTT_TYPE', /select: expected a condition of type bool/],
    ['sides of select of two types', () => graph.select(flags, x, graph.input('i', [3, 4], 'int32')), 'ERR_BPTT_TYPE', /third input of type float32/],
    ['matmul sizes that do not meet', () => graph.matmul(x, x), 'ERR_BPTT_SHAPE', /matmul: expected \[…, M, K\] times \[…, K, C\].*\[3, 4\] and float32 \[3, 4\]/],
    ['matmul of unequal batches', () => graph.matmul(graph.input('a', [2, 3, 4]), graph.input('b', [3, 4, 5])), 'ERR_BPTT_SHAPE', /equal leading sizes/],
    ['a reshape to another count', () => graph.reshape(x, [5, 2]), 'ERR_BPTT_SHAPE', /12 elements.*\[5, 2\]/],
    ['a reshape that does not divide', () => graph.reshape(x, [5, -1]), 'ERR_BPTT_SHAPE', /whole numbers/],
    ['a permutation with an axis twice', () => graph.transpose(x, [0, 0]), 'ERR_BPTT_RANGE', /each axis/],
    ['a broadcast that shrinks', () => graph.broadcast(x, [4]), 'ERR_BPTT_SHAPE', /only size 1 repeats/],
    ['a broadcast of a constant that shrinks', () => graph.broadcast(graph.zeros([3, 4]), [4]), 'ERR_BPTT_SHAPE', /only size 1 repeats/],
    ['a slice outside', () => graph.slice(x, [1, 0], [3, 4]), 'ERR_BPTT_RANGE', /part of float32 \[3, 4\]/],
    ['an axis outside', () => graph.sum(x, [2]), 'ERR_BPTT_RANGE', /axis from -2 to 1/],
    ['an axis twice', () => graph.sum(x, [0, -2]), 'ERR_BPTT_RANGE', /each axis once/],
    ['concat of other sizes', () => graph.concat([x, graph.input('y', [2, 4])], 1), 'ERR_BPTT_SHAPE', /value 2 to equal \[3, 4\] except along axis 1/],
    ['concat of nothing', () => graph.concat([]), 'ERR_BPTT_TYPE', /at least one value/],
    ['a split that does not divide', () => graph.split(x, 3), 'ERR_BPTT_SHAPE', /divide into 3/],
    ['padding below 0', () => graph.pad(x, [-1, 0], [0, 0]), 'ERR_BPTT_RANGE', /at least 0/],
    ['gather by floats', () => graph.gather(x, graph.input('f', [3])), 'ERR_BPTT_TYPE', /indices of type int32/],
    ['targets of another count', () => graph.softmaxCrossEntropy(x, graph.input('t', [4], 'int32')), 'ERR_BPTT_SHAPE', /one target for each row/],
    ['a size of 0', () => graph.input('empty', [0, 3]), 'ERR_BPTT_SHAPE', /input "empty".*at least 1/],
    ['a constant of another count', () => graph.constant([1, 2, 3], [2]), 'ERR_BPTT_SHAPE', /expected 2 numbers.*received 3/],
    ['a fraction among integers', () => graph.constant(0.5, [2], 'int32'), 'ERR_BPTT_RANGE', /whole numbers/],
    ['a key of another shape', () => graph.random(graph.iota(4), [2], { distribution: 'uniform', stream: 0 }), 'ERR_BPTT_SHAPE', /key of shape \[2\] or \[3\]/],
    ['a stream below 0', () => graph.random(graph.iota(2), [2], { distribution: 'normal', stream: -1 }), 'ERR_BPTT_RANGE', /stream from 0/],
    ['standardized integers', () => graph.standardize(integers), 'ERR_BPTT_TYPE', /standardize: expected the input of type float32/],
    ['a standardized scalar', () => graph.standardize(graph.constant(1)), 'ERR_BPTT_SHAPE', /rank 1 or more/],
    ['an epsilon of 0', () => graph.standardize(x, { epsilon: 0 }), 'ERR_BPTT_RANGE', /epsilon of 2⁻¹²⁶ or more that float32 holds, received 0/],
    ['an epsilon that float32 does not hold', () => graph.standardize(x, { epsilon: 1e39 }), 'ERR_BPTT_RANGE', /received 1e\+39/],
    ['an epsilon that is 0 in the engine', () => graph.standardize(x, { epsilon: 1e-39 }), 'ERR_BPTT_RANGE', /received 1e-39/],
    ['an unknown option of standardize', () => graph.standardize(x, { epsilom: 1 } as object), 'ERR_BPTT_OPTION', /epsilom/],
    ['gains of another count', () => graph.apply('standardizeGradient', [x, graph.input('gain', [3]), x, graph.input('scale', [3])]), 'ERR_BPTT_SHAPE', /a gain for each column/],
    ['an unknown operation', () => graph.apply('tanhh', [x]), 'ERR_BPTT_GRAPH', /unknown operation "tanhh"/],
    ['the gradient of what is no scalar', () => graph.gradient(x, [x]), 'ERR_BPTT_SHAPE', /scalar loss/],
    ['an upstream gradient of another shape', () => graph.gradient(x, [x], { upstream: graph.zeros([3]) }), 'ERR_BPTT_SHAPE', /like the loss/],
    ['the gradient by integers', () => graph.gradient(graph.sum(x), [integers]), 'ERR_BPTT_TYPE', /value 1 to differentiate by of type float32/],
  ];
  for (const [name, build, code, message] of cases) it(name, () => { fails(build, code, message); });
});

describe('errors of scans', () => {
  const h = graph.input('h', [3, 2]);
  const sequence = graph.input('sequence', [5, 3, 2]);
  const lengths = graph.input('lengths', [3], 'int32');
  const cases: [string, () => unknown, ErrorCode, RegExp][] = [
    ['no length', () => graph.scan({ initial: { h }, step: (values) => ({ next: { h: values.h } }) }), 'ERR_BPTT_OPTION', /expected a length/],
    ['inputs of other lengths', () => graph.scan({ initial: { h }, inputs: { sequence, other: graph.input('o', [4, 3]) }, step: (values) => ({ next: { h: values.h } }) }), 'ERR_BPTT_SHAPE', /"other" of 5 steps/],
    ['a carried value that changes its shape', () => graph.scan({ initial: { h }, length: 2, step: (values) => ({ next: { h: graph.sum(values.h, [0]) } }) }), 'ERR_BPTT_SHAPE', /next "h" to be float32 \[3, 2\].*float32 \[2\]/],
    ['a missing next value', () => graph.scan({ initial: { h, c: h }, length: 2, step: (values) => ({ next: { h: values.h } as { h: Value; c: Value } }) }), 'ERR_BPTT_GRAPH', /no next value "c"/],
    ['a next value that nobody carries', () => graph.scan({ initial: { hidden: h }, length: 2, step: (values) => ({ next: { hiden: values.hidden } as unknown as { hidden: Value } }) }), 'ERR_BPTT_GRAPH', /"hiden".*did you mean "hidden"/],
    ['one name twice', () => graph.scan({ initial: { h }, inputs: { h: sequence }, step: (values) => ({ next: { h: values.h } }) }), 'ERR_BPTT_GRAPH', /"h" twice/],
    ['lengths of floats', () => graph.scan({ initial: { h }, inputs: { sequence }, lengths: graph.input('f', [3]), step: (values) => ({ next: { h: values.h } }) }), 'ERR_BPTT_TYPE', /lengths of type int32/],
    ['a carried value without rows, with lengths', () => graph.scan({ initial: { s: graph.zeros([]) }, inputs: { sequence }, lengths, step: (values) => ({ next: { s: values.s } }) }), 'ERR_BPTT_SHAPE', /"s" of shape \[3, …\]/],
    ['an output without rows, with lengths', () => graph.scan({ initial: { h }, inputs: { sequence }, lengths, step: (values) => ({ next: { h: values.h }, outputs: { total: graph.sum(values.h) } }) }), 'ERR_BPTT_SHAPE', /"total" of shape \[3, …\]/],
    ['a misspelt option', () => graph.scan({ initial: { h }, inputs: { sequence }, revers: true, step: (values) => ({ next: { h: values.h } }) } as Parameters<typeof graph.scan<'h', 'sequence'>>[0]), 'ERR_BPTT_OPTION', /did you mean "reverse"/],
    ['a length of 0', () => graph.scan({ initial: { h }, length: 0, step: (values) => ({ next: { h: values.h } }) }), 'ERR_BPTT_RANGE', /length of at least 1/],
  ];
  for (const [name, build, code, message] of cases) it(name, () => { fails(build, code, message); });
});
