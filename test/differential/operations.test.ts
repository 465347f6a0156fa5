import * as g from '../../lib/graph/index.ts';
import { assertAgreement, floats, graphOf, needsNative } from './support.ts';

type Build = () => Readonly<Record<string, g.Value>>;

const x = (): g.Value => floats('x', 3, 5);
const y = (): g.Value => floats('y', 3, 5);

const cases: Record<string, Build> = {
  arithmetic: () => ({ a: g.add(x(), y()), b: g.subtract(x(), y()), c: g.multiply(x(), y()), d: g.divide(x(), g.add(g.square(y()), 1)), e: g.maximum(x(), y()), f: g.minimum(x(), 0.1) }),
  functions: () => {
    const v = x();
    const positive = g.add(g.square(v), 0.5);
    return {
      exp: g.exp(v), log: g.log(positive), sqrt: g.sqrt(positive), absolute: g.absolute(v), sign: g.sign(v), floor: g.floor(g.multiply(v, 3)), sine: g.sine(v), cosine: g.cosine(v),
      tanh: g.tanh(v), sigmoid: g.sigmoid(v), relu: g.relu(v), softplus: g.softplus(v), expMinusOne: g.expMinusOne(v), logOnePlus: g.logOnePlus(positive),
      reciprocal: g.reciprocal(positive), power: g.power(positive, 1.7), negate: g.negate(v),
    };
  },
  logic: () => {
    const less = g.less(x(), y());
    const finite = g.isFinite(x());
    return { less, both: g.and(less, finite), either: g.or(less, g.not(finite)), chosen: g.select(less, x(), y()), equal: g.equal(x(), x()), cast: g.cast(less, 'float32'), toInt: g.cast(g.multiply(x(), 9), 'int32') };
  },
  integers: () => {
    const i = g.input('i', [6], 'int32');
    const j = g.input('j', [6], 'int32');
    return { a: g.add(i, j), b: g.subtract(i, j), c: g.multiply(i, j), d: g.maximum(i, j), e: g.minimum(i, 2), f: g.less(i, j), h: g.equal(i, j), k: g.cast(i, 'float32'), l: g.cast(i, 'bool'), m: g.select(g.lessEqual(i, j), i, j) };
  },
  bools: () => {
    const b = g.input('b', [4], 'bool');
    return { b: g.not(b), i: g.cast(b, 'int32'), same: g.and(b, b) };
  },
  views: () => {
    const v = floats('x', 2, 3, 4);
    return {
      a: g.transpose(v, [2, 0, 1]), b: g.reshape(g.transpose(v, [1, 0, 2]), [3, 8]), c: g.slice(v, [0, 1, 1], [2, 2, 3]), d: g.reverse(v, [0, 2]), e: g.broadcast(g.slice(v, [0, 0, 0], [2, 1, 4]), [2, 3, 4]),
      f: g.add(g.reverse(v, [1]), g.transpose(g.transpose(v, [1, 0, 2]), [1, 0, 2])), same: v, h: g.stopGradient(v),
    };
  },
  copies: () => ({
    a: g.concat([x(), g.tanh(y()), x()], 0), b: g.concat([g.exp(x()), y()], 1), c: g.pad(x(), [1, 0], [0, 2]), d: g.pad(g.tanh(x()), [0, 2], [1, 1], 3), e: g.stack([x(), y()], 1),
    f: g.concat([g.concat([g.tanh(x()), y()], 1), g.pad(g.exp(x()), [0, 0], [0, 1])], 1),
  }),
  products: () => {
    const a = floats('a', 4, 3);
    const b = floats('b', 3, 6);
    const m = g.matmul(a, b);
    return {
      m, t: g.matmul(a, a, { transposeB: true }), u: g.matmul(a, a, { transposeA: true }), both: g.matmul(b, a, { transposeA: true, transposeB: true }),
      biased: g.add(g.matmul(a, b), floats('c', 6)), sum: g.add(m, g.tanh(g.matmul(a, b))), transposed: g.matmul(g.transpose(b, [1, 0]), g.transpose(a, [1, 0])),
      part: g.matmul(g.slice(a, [1, 0], [2, 3]), g.slice(b, [0, 1], [3, 4])),
    };
  },
  'batched products': () => {
    const a = floats('a', 2, 3, 4, 5);
    const b = floats('b', 2, 3, 5, 2);
    return { m: g.matmul(a, b), t: g.matmul(g.transpose(a, [1, 0, 2, 3]), g.transpose(b, [1, 0, 2, 3])), flat: g.add(g.matmul(a, floats('w', 5, 3)), floats('v', 3)) };
  },
  reductions: () => {
    const v = floats('x', 3, 4, 5);
    return { a: g.sum(v), b: g.sum(v, [0]), c: g.sum(v, [1]), d: g.sum(v, [0, 2]), e: g.max(v, [2]), f: g.min(v, [0, 1], true), h: g.mean(v, [1]), i: g.argMax(v), j: g.sum(g.reverse(v, [1]), [1, 2]) };
  },
  indices: () => {
    const table = floats('table', 4, 3);
    const i = g.input('i', [2, 3], 'int32');
    const flat = g.reshape(i, [6]);
    return { a: g.gather(table, i), b: g.scatterAdd(flat, floats('u', 6, 3), 4), c: g.oneHot(flat, 4), d: g.gather(g.transpose(floats('w', 3, 4), [1, 0]), i), e: g.iota(5) };
  },
  'rows of a table': () => {
    const { owners, places } = g.firstRows(g.reshape(g.input('i', [2, 3], 'int32'), [6]), 5);
    return { owners, places, a: g.replaceRows(floats('table', 5, 3), owners, floats('u', 6, 3)), b: g.replaceRows(g.transpose(floats('w', 3, 5), [1, 0]), owners, g.transpose(floats('v', 3, 6), [1, 0])) };
  },
  softmax: () => ({ a: g.softmax(x()), b: g.logSoftmax(y()), c: g.softmax(g.transpose(x(), [1, 0])) }),
  standardize: () => {
    const rows = floats('rows', 4, 3, 33);
    const gained = g.multiply(g.standardize(rows, { epsilon: 0.25 }), floats('gain', 33));
    const { gradients } = g.gradient(g.sum(g.multiply(gained, floats('d', 4, 3, 33))), [rows]);
    const [plain] = g.gradient(g.sum(g.square(g.standardize(g.transpose(y(), [1, 0])))), [y()]).gradients;
    return { a: g.standardize(x()), b: g.standardize(g.transpose(y(), [1, 0])), c: g.apply('standardize', [x()], { epsilon: 2 })[1]!, gained, gradient: gradients[0]!, plain: plain! };
  },
  'cross entropy': () => {
    const logits = floats('logits', 3, 4);
    const targets = g.input('i', [3], 'int32');
    const loss = g.softmaxCrossEntropy(g.tanh(logits), targets);
    const { gradients } = g.gradient(g.sum(loss), [logits]);
    return { loss, gradient: gradients[0]! };
  },
  random: () => {
    const key = g.input('key', [2], 'int32');
    const uniform = g.random(key, [7, 3], { distribution: 'uniform', stream: 3 });
    return { uniform, normal: g.random(key, [5, 4], { distribution: 'normal', stream: 4294967295 }), part: g.slice(uniform, [1, 0], [2, 3]),
      later: g.random(g.constant([8, -9, 5], [3], 'int32'), [4, 3], { distribution: 'uniform', stream: 3 }) };
  },
  constants: () => ({
    a: g.constant([1, 2, 3]), b: g.add(x(), g.constant([1, 2, 3, 4, 5])), c: g.zeros([2, 2]), d: g.add(g.constant(2), g.constant(3)), e: g.transpose(g.constant([1, 2, 3, 4], [2, 2]), [1, 0]), f: g.constant(1, [3], 'bool'),
  }),
  'outputs twice': () => {
    const v = g.tanh(x());
    return { a: v, b: v, c: g.transpose(v, [1, 0]), d: g.reshape(v, [5, 3]), e: g.concat([v, v], 0) };
  },
};

describe('every operation on the engine', () => {
  needsNative();
  for (const [name, build] of Object.entries(cases)) {
    it(`gives the reference's numbers: ${name}`, () => assertAgreement(graphOf(build())));
  }
});
