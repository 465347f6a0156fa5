import assert from 'node:assert/strict';
import * as graph from '../../lib/graph/index.ts';
import type { Tensor, Value } from '../../lib/graph/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';

const STEPS = 5;
const FEATURES = 2;
const UNITS = 3;
const LENGTHS = [5, 2, 0, 4];

const w = graph.input('w', [FEATURES, UNITS]);
const u = graph.input('u', [UNITS, UNITS]);
const weights = { w: someNumbers(FEATURES * UNITS, 3), u: someNumbers(UNITS * UNITS, 4) };

function recurrent(x: Value, h: Value, options: { reverse?: boolean; lengths?: Value } = {}) {
  return graph.scan({
    initial: { h, steps: graph.zeros([h.shape[0]!]) }, inputs: { x }, ...options,
    step: (values) => {
      const next = graph.tanh(graph.add(graph.matmul(values.x, w), graph.matmul(values.h, u)));
      return { next: { h: next, steps: graph.add(values.steps, 1) }, outputs: { h: next, before: values.h } };
    },
  });
}

/** Rows of a [T, N, D] sequence, or of an [N, D] matrix when `steps` is 1. */
function rowOf(tensor: Tensor, row: number, steps: number): number[] {
  const rows = tensor.shape[tensor.shape.length - 2]!;
  const width = tensor.shape[tensor.shape.length - 1]!;
  return Array.from({ length: steps }, (_, t) => [...tensor.data.subarray((t * rows + row) * width, (t * rows + row + 1) * width)]).flat();
}

function lossOf(result: ReturnType<typeof recurrent>): Value {
  return graph.add(graph.sum(graph.square(result.outputs.h)), graph.sum(graph.sine(result.final.h)));
}

describe('scan', () => {
  it('visits the steps in order and stacks in the order of time', () => {
    const x = graph.constant([1, 2, 3]);
    const build = (reverse: boolean) => graph.scan({ initial: { total: graph.zeros([]) }, inputs: { x }, reverse, step: (values) => {
      const total = graph.add(graph.multiply(values.total, 10), values.x);
      return { next: { total }, outputs: { total, step: values.step } };
    } });
    const numbers = (reverse: boolean): number[][] => {
      const { final, outputs } = build(reverse);
      return evaluate([final.total, outputs.total, outputs.step]).map((tensor) => [...tensor.data]);
    };
    assert.deepEqual(numbers(false), [[123], [1, 12, 123], [0, 1, 2]]);
    assert.deepEqual(numbers(true), [[321], [321, 32, 3], [0, 1, 2]]);
  });

  it('is the unrolled loop', () => {
    const x = graph.input('x', [STEPS, 2, FEATURES]);
    const h = graph.input('h', [2, UNITS]);
    let state = h;
    const outputs: Value[] = [];
    for (let t = 0; t < STEPS; t++) {
      state = graph.tanh(graph.add(graph.matmul(graph.at(x, 0, t), w), graph.matmul(state, u)));
      outputs.push(state);
    }
    const result = recurrent(x, h);
    const inputs = { ...weights, x: someNumbers(STEPS * 2 * FEATURES), h: someNumbers(2 * UNITS) };
    const [expected, expectedFinal, found, final, count] = evaluate([graph.stack(outputs), state, result.outputs.h, result.final.h, result.final.steps], { inputs });
    assert.deepEqual(found, expected);
    assert.deepEqual(final, expectedFinal);
    assert.deepEqual([...count!.data], [STEPS, STEPS]);
  });

  it('a linear recurrence equals its closed form to 1e-12', () => {
    const steps = 60;
    const a = [0.9, -0.5, 1.01];
    const b = [1, 2, -0.5];
    const h0 = [0.3, -0.7, 0.1];
    const x = graph.input('x', [steps, 3]);
    const matrix = graph.matmul(graph.oneHot(graph.iota(3), 3), graph.multiply(graph.oneHot(graph.iota(3), 3), graph.constant(a)));
    const result = graph.scan({ initial: { h: graph.constant(h0, [1, 3]) }, inputs: { x }, step: (values) => {
      const h = graph.add(graph.matmul(values.h, matrix), graph.multiply(values.x, graph.constant(b)));
      return { next: { h }, outputs: { h } };
    } });
    const numbers = someNumbers(steps * 3, 8);
    const found = evaluate([result.outputs.h], { inputs: { x: numbers } })[0]!;
    const closed = Array.from({ length: steps * 3 }, (_, place) => {
      const t = Math.floor(place / 3);
      const k = place % 3;
      let value = a[k]! ** (t + 1) * h0[k]!;
      for (let s = 0; s <= t; s++) value += a[k]! ** (t - s) * b[k]! * numbers[s * 3 + k]!;
      return value;
    });
    assert.ok(largestDifference(found.data, closed) < 1e-12);
  });

  it('the gradient of a linear recurrence equals its closed form to 1e-12', () => {
    const steps = 40;
    const a = graph.input('a', []);
    const x = graph.input('x', [steps]);
    const h = graph.input('h', []);
    const { final } = graph.scan({ initial: { h }, inputs: { x }, step: (values) => ({ next: { h: graph.add(graph.multiply(values.h, a), values.x) } }) });
    const numbers = someNumbers(steps, 21);
    const found = evaluate(graph.gradient(final.h, [a, x, h]).gradients, { inputs: { a: [0.95], h: [0.4], x: numbers } });
    let ofA = steps * 0.95 ** (steps - 1) * 0.4;
    for (let s = 0; s < steps - 1; s++) ofA += (steps - 1 - s) * 0.95 ** (steps - 2 - s) * numbers[s]!;
    assert.ok(Math.abs(found[0]!.data[0]! - ofA) < 1e-12);
    assert.ok(largestDifference(found[1]!.data, Array.from({ length: steps }, (_, s) => 0.95 ** (steps - 1 - s))) < 1e-12);
    assert.ok(Math.abs(found[2]!.data[0]! - 0.95 ** steps) < 1e-12);
  });

  it('what does not change from step to step stays outside, and what no step reads is dropped', () => {
    const x = graph.input('x', [STEPS, 2, FEATURES]);
    const result = graph.scan({ initial: { h: graph.zeros([2, UNITS]) }, inputs: { x, unused: x }, step: (values) => {
      const invariant = graph.exp(graph.multiply(w, 2));
      return { next: { h: graph.add(values.h, graph.matmul(values.x, invariant)) } };
    } });
    const { body } = graph.scanAttributes(result.final.h.node);
    assert.deepEqual(body.captured.map((value) => value.shape), [[FEATURES, UNITS]]);
    assert.equal(graph.scanInputs(result.final.h.node).captured[0]!.node.operation, 'exp');
    assert.equal(body.scanned.length, 1);
    assert.deepEqual(graph.topologicalOrder(body.next).map((node) => node.operation), ['argument', 'argument', 'argument', 'matmul', 'add']);
  });

  it('a body is closed: nothing inside leads outside', () => {
    const x = graph.input('x', [STEPS, 2, FEATURES]);
    const { final } = recurrent(x, graph.input('h', [2, UNITS]), { lengths: graph.input('lengths', [2], 'int32') });
    const seen: string[] = [];
    const { gradients } = graph.gradient(graph.sum(final.h), [w, u, x]);
    graph.visitNodes(gradients, (node, depth) => { if (depth > 0) seen.push(node.operation); });
    assert.ok(seen.includes('argument') && !seen.includes('input') && !seen.includes('variable'));
  });

  it('a next value from outside, and one that is a constant', () => {
    const outside = graph.input('outside', [2]);
    const { final } = graph.scan({ initial: { a: graph.zeros([2]), b: graph.constant(5, [2]) }, length: 2, step: () => ({ next: { a: outside, b: graph.constant(7, [2]) } }) });
    assert.deepEqual(evaluate([final.a, final.b], { inputs: { outside: [1, 2] } }).map((tensor) => [...tensor.data]), [[1, 2], [7, 7]]);
  });

  it('carries integers and bools', () => {
    const initial = { count: graph.constant(0, [2], 'int32'), seen: graph.constant(0, [2], 'bool') };
    const x = graph.constant([0, 0, 1, 0, 0, 3], [3, 2], 'int32');
    const { final } = graph.scan({ initial, inputs: { x }, step: (values) => ({
      next: { count: graph.add(values.count, values.x), seen: graph.or(values.seen, graph.equal(values.x, 1)) },
    }) });
    assert.deepEqual(evaluate([final.count, final.seen]).map((tensor) => [...tensor.data]), [[1, 3], [1, 0]]);
  });
});

describe('scan with lengths', () => {
  for (const reverse of [false, true]) {
    it(`every row is as if it were alone, ${reverse ? 'backwards' : 'forwards'}, with its gradients`, () => {
      const rows = LENGTHS.length;
      const x = graph.input('x', [STEPS, rows, FEATURES]);
      const h = graph.input('h', [rows, UNITS]);
      const result = recurrent(x, h, { reverse, lengths: graph.constant(LENGTHS, [rows], 'int32') });
      const inputs = { ...weights, x: someNumbers(STEPS * rows * FEATURES), h: someNumbers(rows * UNITS, 2) };
      const found = evaluate([result.outputs.h, result.final.h, ...graph.gradient(lossOf(result), [x, h, w, u]).gradients, result.final.steps], { inputs });
      assert.deepEqual([...found[6]!.data], LENGTHS);
      const ofWeights = [new Float64Array(weights.w.length), new Float64Array(weights.u.length)];
      LENGTHS.forEach((length, row) => {
        const own = { x: rowOf({ shape: x.shape, type: 'float32', data: inputs.x }, row, Math.max(length, 1)), h: rowOf({ shape: h.shape, type: 'float32', data: inputs.h }, row, 1) };
        const padding = new Array<number>((STEPS - length) * FEATURES).fill(0);
        if (length === 0) {
          assert.deepEqual(rowOf(found[1]!, row, 1), own.h);
          assert.ok(largestDifference(rowOf(found[3]!, row, 1), own.h.map(Math.cos)) < 1e-15);
          assert.ok(rowOf(found[2]!, row, STEPS).every((gradient) => gradient === 0));
          return;
        }
        const alone = { x: graph.input('x', [length, 1, FEATURES]), h: graph.input('h', [1, UNITS]) };
        const single = recurrent(alone.x, alone.h, { reverse });
        const expected = evaluate([single.outputs.h, single.final.h, ...graph.gradient(lossOf(single), [alone.x, alone.h, w, u]).gradients], { inputs: { ...weights, ...own } });
        const zeros = new Array<number>((STEPS - length) * UNITS).fill(0);
        assert.ok(largestDifference(rowOf(found[0]!, row, STEPS), [...expected[0]!.data, ...zeros]) < 1e-14, 'outputs');
        assert.ok(largestDifference(rowOf(found[1]!, row, 1), expected[1]!.data) < 1e-14, 'final');
        assert.ok(largestDifference(rowOf(found[2]!, row, STEPS), [...expected[2]!.data, ...padding]) < 1e-14, 'gradient of x');
        assert.ok(largestDifference(rowOf(found[3]!, row, 1), expected[3]!.data) < 1e-14, 'gradient of h');
        ofWeights.forEach((total, i) => { expected[4 + i]!.data.forEach((gradient, k) => { total[k]! += gradient; }); });
      });
      ofWeights.forEach((total, i) => { assert.ok(largestDifference(total, found[4 + i]!.data) < 1e-13, 'gradient of weights'); });
    });

    it(`what lies beyond the lengths, be it NaN, reaches nothing, ${reverse ? 'backwards' : 'forwards'}`, () => {
      const rows = LENGTHS.length;
      const x = graph.input('x', [STEPS, rows, FEATURES]);
      const result = recurrent(x, graph.zeros([rows, UNITS]), { reverse, lengths: graph.constant(LENGTHS, [rows], 'int32') });
      const { gradients, rewrite } = graph.gradient(lossOf(result), [x, w, u]);
      const values = [rewrite(lossOf(result)), rewrite(result.outputs.h), rewrite(result.final.h), ...gradients];
      const clean = someNumbers(STEPS * rows * FEATURES);
      const withPadding = (padding: number): Float64Array => clean.map((number, place) => {
        const row = Math.floor(place / FEATURES) % rows;
        return Math.floor(place / FEATURES / rows) < LENGTHS[row]! ? number : padding;
      });
      const expected = evaluate(values, { inputs: { ...weights, x: withPadding(0) } });
      for (const padding of [1e6, NaN, Infinity]) {
        const found = evaluate(values, { inputs: { ...weights, x: withPadding(padding) } });
        found.forEach((tensor, i) => { assert.deepEqual(tensor.data, expected[i]!.data, `value ${i} with padding ${padding}`); });
      }
    });
  }

  it('more zero steps and fewer lengths change nothing', () => {
    const h = graph.zeros([1, UNITS]);
    const short = recurrent(graph.input('short', [3, 1, FEATURES]), h);
    const long = recurrent(graph.input('long', [6, 1, FEATURES]), h, { lengths: graph.constant([3], [1], 'int32') });
    const numbers = someNumbers(3 * FEATURES);
    const inputs = { ...weights, short: numbers, long: [...numbers, ...new Array<number>(3 * FEATURES).fill(0)] };
    const [a, b, outputs] = evaluate([short.final.h, long.final.h, long.outputs.h], { inputs });
    assert.deepEqual(a, b);
    assert.ok(outputs!.data.subarray(3 * UNITS).every((number) => number === 0));
  });

  it('outputs of one scan with lengths are not masked again for the next', () => {
    const lengths = graph.input('lengths', [2], 'int32');
    const first = recurrent(graph.input('x', [STEPS, 2, FEATURES]), graph.zeros([2, UNITS]));
    const masked = graph.maskSteps(first.outputs.h, lengths);
    assert.notEqual(masked, first.outputs.h);
    assert.equal(graph.maskSteps(masked, lengths), masked);
    const second = recurrent(graph.input('x', [STEPS, 2, FEATURES]), graph.zeros([2, UNITS]), { lengths });
    assert.equal(graph.maskSteps(second.outputs.h, lengths), second.outputs.h);
    assert.throws(() => graph.maskSteps(graph.zeros([5, 3, 2]), lengths), { code: 'ERR_BPTT_SHAPE' });
  });
});
