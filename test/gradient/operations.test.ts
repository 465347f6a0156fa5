import assert from 'node:assert/strict';
import * as graph from '../../lib/graph/index.ts';
import type { Shape, Value } from '../../lib/graph/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { checkGradient, type CheckOptions } from '../support/gradient-check.ts';
import { someNumbers } from '../support/numbers.ts';

interface Case {
  readonly shapes: readonly Shape[];
  readonly build: (...values: Value[]) => Value;
  /** Moves the numbers of every input to where the operation is defined and smooth. */
  readonly domain?: (x: number) => number;
  readonly inputs?: CheckOptions['inputs'];
}

const positive = (x: number): number => Math.abs(x) + 0.5;
const small = [[3, 4]] as const;
const pair = [[3, 4], [3, 4]] as const;
const indices = (name: string, count: number): Value => graph.input(name, [count], 'int32');

function unary(build: (x: Value) => Value, domain?: (x: number) => number): Case[] {
  return [{ shapes: small, build, ...(domain && { domain }) }];
}

function binary(build: (a: Value, b: Value) => Value, domain?: (x: number) => number): Case[] {
  const both = { build: (a: Value, b: Value): Value => build(a, b), ...(domain && { domain }) };
  return [{ shapes: pair, ...both }, { shapes: [[3, 1, 4], [2, 1]], ...both }, { shapes: [[], [2, 3]], ...both }];
}

function secondOrder(build: (...values: Value[]) => Value, count: number): (...values: Value[]) => Value {
  return (...values) => {
    const result = build(...values);
    const weights = graph.constant(someNumbers(graph.elementCount(result.shape), 5), result.shape);
    return graph.sum(graph.concat(graph.gradient(result, values.slice(0, count), { upstream: weights }).gradients.map((value) => graph.reshape(graph.square(value), [-1])), 0));
  };
}

const targets = { inputs: { targets: [2, 0, 3] } };
const crossEntropy = (logits: Value): Value => graph.softmaxCrossEntropy(logits, indices('targets', 3));
const bothOutputs = (logits: Value): Value => {
  const [loss, logNormalizer] = graph.apply('softmaxCrossEntropy', [logits, indices('targets', 3)]);
  return graph.concat([loss!, graph.square(logNormalizer!)], 0);
};

const cases: Record<string, Case[]> = {
  add: binary(graph.add),
  subtract: binary(graph.subtract),
  multiply: binary(graph.multiply),
  divide: binary(graph.divide, positive),
  maximum: binary(graph.maximum),
  minimum: binary(graph.minimum),
  power: [...binary(graph.power, positive), { shapes: small, build: (x) => graph.power(x, 3) }, { shapes: small, build: (x) => graph.power(2, x) }],
  sigmoidGradient: binary(graph.sigmoidGradient),
  tanhGradient: binary(graph.tanhGradient),
  reluGradient: binary((d, y) => graph.reluGradient(d, y)),
  negate: unary(graph.negate),
  exp: unary(graph.exp),
  log: unary(graph.log, positive),
  sqrt: unary(graph.sqrt, positive),
  absolute: unary(graph.absolute),
  sign: unary(graph.sign),
  floor: unary((x) => graph.floor(graph.multiply(x, 0.5))),
  sine: unary(graph.sine),
  cosine: unary(graph.cosine),
  tanh: [...unary(graph.tanh), { shapes: small, build: secondOrder(graph.tanh, 1) }],
  sigmoid: [...unary(graph.sigmoid), { shapes: small, build: secondOrder(graph.sigmoid, 1) }],
  relu: unary(graph.relu),
  softplus: unary((x) => graph.softplus(graph.multiply(x, 8))),
  expMinusOne: unary(graph.expMinusOne),
  logOnePlus: unary(graph.logOnePlus, positive),
  reciprocal: unary(graph.reciprocal, positive),
  select: [{ shapes: pair, build: (a, b) => graph.select(graph.less(a, graph.multiply(b, 0.3)), a, b) }],
  reshape: unary((x) => graph.reshape(x, [2, -1])),
  transpose: [{ shapes: [[2, 3, 4]], build: (x) => graph.transpose(x, [2, 0, 1]) }],
  broadcast: [{ shapes: [[3, 1]], build: (x) => graph.broadcast(x, [2, 3, 4]) }, { shapes: [[]], build: (x) => graph.broadcast(x, [2, 1]) }],
  slice: [{ shapes: [[4, 5]], build: (x) => graph.slice(x, [1, 2], [2, 3]) }],
  reverse: [{ shapes: [[3, 2, 2]], build: (x) => graph.reverse(x, [0, 2]) }],
  concat: [{ shapes: [[2, 3], [2, 1], [2, 2]], build: (...values) => graph.concat(values, 1) }, { shapes: [[2, 3], [1, 3]], build: (...values) => graph.concat(values, 0) }],
  pad: unary((x) => graph.pad(x, [1, 0], [0, 2], 0.7)),
  matmul: [false, true].flatMap((transposeA) => [false, true].flatMap((transposeB): Case[] => [[], [2]].map((batch) => ({
    shapes: [[...batch, ...(transposeA ? [4, 3] : [3, 4])], [...batch, ...(transposeB ? [2, 4] : [4, 2])]],
    build: (a: Value, b: Value) => graph.matmul(a, b, { transposeA, transposeB }),
  })))).concat([{ shapes: [[2, 3, 4], [4, 2]], build: (a, b) => graph.matmul(a, b) }]),
  reduceSum: [{ shapes: [[2, 3, 4]], build: (x) => graph.sum(x, [0, 2]) }, { shapes: small, build: (x) => graph.mean(x, [-1], true) }],
  reduceMax: [{ shapes: [[2, 3, 4]], build: (x) => graph.max(x, [1]) }, { shapes: small, build: (x) => graph.max(x) }],
  reduceMin: [{ shapes: [[2, 3, 4]], build: (x) => graph.min(x, [0, 1]) }],
  gather: [{ shapes: [[5, 2, 3]], build: (table) => graph.gather(table, indices('rows', 4)), inputs: { rows: [4, 0, 4, 2] } }],
  scatterAdd: [{ shapes: [[4, 3]], build: (updates) => graph.scatterAdd(indices('rows', 4), updates, 5), inputs: { rows: [4, 0, 4, 2] } }],
  replaceRows: [{ shapes: [[5, 3], [4, 3]], build: (table, rows) => graph.replaceRows(table, graph.firstRows(indices('rows', 4), 5).owners, rows), inputs: { rows: [4, 0, 4, 2] } }],
  softmax: [{ shapes: [[2, 3, 4]], build: graph.softmax }, { shapes: small, build: secondOrder(graph.softmax, 1) }],
  logSoftmax: [{ shapes: [[2, 3, 4]], build: graph.logSoftmax }, { shapes: small, build: secondOrder(graph.logSoftmax, 1) }],
  standardize: [
    { shapes: [[2, 3, 4]], build: (x) => graph.standardize(x, { epsilon: 0.1 }) }, { shapes: small, build: secondOrder((x) => graph.standardize(x, { epsilon: 0.1 }), 1) },
    { shapes: small, build: (x) => graph.square(graph.apply('standardize', [x], { epsilon: 0.1 })[1]!) },
  ],
  standardizeGradient: [{ shapes: [[3, 4], [4], [3, 4], [3]], build: (...inputs) => graph.applyOne('standardizeGradient', inputs) }],
  softmaxCrossEntropy: [{ shapes: small, build: crossEntropy, ...targets }, { shapes: small, build: bothOutputs, ...targets }],
  softmaxCrossEntropyGradient: [
    { shapes: [[3, 4], [3]], build: (logits, upstream) => graph.gradient(crossEntropy(logits), [logits], { upstream }).gradients[0]!, ...targets },
    { shapes: [[3, 4], [3], [3]], build: (logits, normalizer, upstream) => graph.applyOne('softmaxCrossEntropyGradient', [logits, normalizer, indices('targets', 3), upstream]), ...targets },
  ],
  stopGradient: [{ shapes: pair, build: (a, b) => graph.multiply(a, graph.stopGradient(graph.constant(2, b.shape))) }],
  scan: [{
    shapes: [[4, 2, 3], [2, 2], [3, 2], [2, 2]],
    build: (x, h, w, u) => {
      const result = graph.scan({ initial: { h }, inputs: { x }, step: (step) => {
        const next = graph.tanh(graph.add(graph.matmul(step.x, w), graph.matmul(step.h, u)));
        return { next: { h: next }, outputs: { y: graph.multiply(next, step.h) } };
      } });
      return graph.concat([result.outputs.y, graph.expand(result.final.h, [0])], 0);
    },
  }],
};

describe('gradients of operations', () => {
  const differentiable = graph.operationNames().filter((name) => name === 'scan' || 'gradient' in graph.operationNamed(name));

  it('every differentiable operation has a case', () => {
    assert.deepEqual(differentiable.filter((name) => !cases[name]), []);
  });

  for (const name of Object.keys(cases)) {
    cases[name]!.forEach(({ shapes, build, domain, inputs }, i) => {
      it(`${name} (${i + 1}) agrees with central differences`, () => {
        assert.ok(differentiable.includes(name), `"${name}" is not a differentiable operation`);
        const leaves = shapes.map((shape, k) => graph.input(`x${k}`, shape));
        const numbers = Object.fromEntries(leaves.map((leaf, k) => [`x${k}`, someNumbers(graph.elementCount(leaf.shape), 11 + 3 * k).map((x) => (domain ? domain(x) : x))]));
        const result = build(...leaves);
        const used = graph.topologicalOrder([result, ...graph.gradient(result, leaves, { upstream: graph.zerosLike(result) }).gradients]).map((node) => node.operation);
        assert.ok(used.includes(name), `the case does not use "${name}"`);
        checkGradient(result, leaves, { inputs: { ...inputs, ...numbers } });
      });
    });
  }

  it('stopGradient stops everything', () => {
    const x = graph.input('x', [2]);
    const [found] = graph.gradient(graph.sum(graph.square(graph.stopGradient(x))), [x]).gradients;
    assert.equal(graph.fillOf(found!), 0);
  });

  it('equal extremes share the gradient', () => {
    const x = graph.input('x', [4]);
    const found = graph.gradient(graph.max(x), [x]).gradients;
    assert.deepEqual([...evaluate(found, { inputs: { x: [1, 3, 3, 2] } })[0]!.data], [0, 0.5, 0.5, 0]);
  });

  it('gradients of values in between, and of the loss itself', () => {
    const x = graph.input('x', []);
    const y = graph.exp(x);
    const loss = graph.multiply(y, y);
    const found = graph.gradient(loss, [y, loss, x]).gradients;
    const values = evaluate(found, { inputs: { x: [0.5] } }).map((tensor) => tensor.data[0]!);
    assert.ok(Math.abs(values[0]! - 2 * Math.exp(0.5)) < 1e-12);
    assert.equal(values[1], 1);
    assert.ok(Math.abs(values[2]! - 2 * Math.E) < 1e-12);
  });
});
