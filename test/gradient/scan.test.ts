import assert from 'node:assert/strict';
import * as graph from '../../lib/graph/index.ts';
import type { Value } from '../../lib/graph/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';

const STEPS = 4;
const ROWS = 3;
const FEATURES = 2;
const UNITS = 3;

interface Parameters {
  readonly x: Value;
  readonly h: Value;
  readonly c: Value;
  readonly w: Value;
  readonly u: Value;
  readonly b: Value;
}

function parameters(): Parameters {
  return {
    x: graph.input('x', [STEPS, ROWS, FEATURES]),
    h: graph.input('h', [ROWS, UNITS]),
    c: graph.input('c', [ROWS, UNITS]),
    w: graph.input('w', [FEATURES, 4 * UNITS]),
    u: graph.input('u', [UNITS, 4 * UNITS]),
    b: graph.input('b', [4 * UNITS]),
  };
}

function lstmStep({ w, u, b }: Parameters, x: Value, h: Value, c: Value): { h: Value; c: Value } {
  const [i, f, g, o] = graph.split(graph.add(graph.add(graph.matmul(x, w), graph.matmul(h, u)), b), 4) as [Value, Value, Value, Value];
  const cell = graph.add(graph.multiply(graph.sigmoid(f), c), graph.multiply(graph.sigmoid(i), graph.tanh(g)));
  return { h: graph.multiply(graph.sigmoid(o), graph.tanh(cell)), c: cell };
}

function lstm(p: Parameters, options: { reverse?: boolean; lengths?: Value } = {}) {
  return graph.scan({
    initial: { h: p.h, c: p.c }, inputs: { x: p.x }, ...options,
    step: ({ x, h, c }) => {
      const next = lstmStep(p, x, h, c);
      return { next, outputs: { h: next.h } };
    },
  });
}

function together(values: readonly Value[]): Value {
  return graph.concat(values.map((value) => graph.reshape(value, [-1])), 0);
}

describe('gradients through scans', () => {
  for (const reverse of [false, true]) {
    it(`LSTM, ${reverse ? 'backwards' : 'forwards'}: parameters, inputs and initial states, from outputs and final states`, () => {
      const p = parameters();
      const result = lstm(p, { reverse });
      checkGradient(together([result.outputs.h, result.final.c]), Object.values(p));
    });

    it(`LSTM with lengths, ${reverse ? 'backwards' : 'forwards'}`, () => {
      const p = parameters();
      const result = lstm(p, { reverse, lengths: graph.constant([4, 2, 1], [ROWS], 'int32') });
      checkGradient(together([result.outputs.h, result.final.c, result.final.h]), Object.values(p));
    });
  }

  it('from the final state alone, and from outputs alone', () => {
    const p = parameters();
    checkGradient(lstm(p).final.c, [p.x, p.h, p.c, p.u]);
    checkGradient(lstm(p).outputs.h, [p.x, p.h, p.c, p.b]);
  });

  it('the same numbers as the unrolled loop', () => {
    const p = parameters();
    const wrt = Object.values(p);
    let state = { h: p.h, c: p.c };
    const outputs: Value[] = [];
    for (let step = 0; step < STEPS; step++) {
      state = lstmStep(p, graph.at(p.x, 0, step), state.h, state.c);
      outputs.push(state.h);
    }
    const unrolled = graph.sum(graph.square(graph.add(graph.stack(outputs), state.c)));
    const scanned = lstm(p);
    const looped = graph.sum(graph.square(graph.add(scanned.outputs.h, scanned.final.c)));
    const inputs = Object.fromEntries(Object.entries<Value>({ ...p }).map(([name, value], i) => [name, someNumbers(graph.elementCount(value.shape), i + 1)]));
    const expected = evaluate([unrolled, ...graph.gradient(unrolled, wrt).gradients], { inputs });
    const { gradients, rewrite } = graph.gradient(looped, wrt);
    const found = evaluate([rewrite(looped), ...gradients], { inputs });
    expected.forEach((tensor, i) => { assert.ok(largestDifference(tensor.data, found[i]!.data) < 1e-12, `value ${i}`); });
  });

  it('two scans, the second over the reversed outputs of the first, share parameters', () => {
    const p = parameters();
    const first = lstm(p);
    const second = lstm({ ...p, x: graph.sliceAxis(graph.reverse(first.outputs.h, [0]), 2, 0, FEATURES), h: first.final.c }, { reverse: true });
    checkGradient(together([second.outputs.h, first.final.h]), Object.values(p), { samples: 12 });
  });

  it('a scan within a scan, with the outer state and captured values inside', () => {
    const x = graph.input('x', [3, 2, 2]);
    const h = graph.input('h', [2, 2]);
    const w = graph.input('w', [2, 2]);
    const outer = graph.scan({ initial: { h }, inputs: { x }, step: (values) => {
      const inner = graph.scan({ initial: { z: values.h }, length: 3, step: ({ z, step }) => {
        const scaled = graph.add(graph.matmul(z, w), graph.multiply(values.x, graph.add(graph.cast(step, 'float32'), 0.5)));
        const next = graph.tanh(graph.multiply(scaled, values.h));
        return { next: { z: next }, outputs: { z: next } };
      } });
      return { next: { h: graph.add(inner.final.z, graph.sum(graph.square(inner.outputs.z), [0])) }, outputs: { h: inner.final.z } };
    } });
    checkGradient(together([outer.final.h, outer.outputs.h]), [x, h, w]);
  });

  it('no carried value, several collected, one of them not differentiable', () => {
    const x = graph.input('x', [3, 2]);
    const scale = graph.input('scale', []);
    const { outputs } = graph.scan({ inputs: { x }, initial: {}, step: (values) => ({
      next: {}, outputs: { a: graph.exp(graph.multiply(values.x, scale)), b: graph.less(values.x, scale), c: values.x },
    }) });
    checkGradient(together([outputs.a, graph.select(outputs.b, outputs.c, 0)]), [x, scale]);
  });

  it('an integer carried beside a float one: the gradient runs through the float alone', () => {
    const h = graph.input('h', [2]);
    const result = graph.scan({ initial: { h, count: graph.constant(0, [], 'int32') }, length: 3, step: (values) => {
      const count = graph.add(values.count, 1);
      return { next: { h: graph.multiply(values.h, graph.cast(count, 'float32')), count } };
    } });
    checkGradient(result.final.h, [h]);
  });

  it('swapped and untouched carried values', () => {
    const a = graph.input('a', [2]);
    const b = graph.input('b', [2]);
    const c = graph.input('c', [2]);
    const result = graph.scan({ initial: { a, b, c }, length: 3, step: (values) => ({
      next: { a: values.b, b: graph.multiply(values.a, values.c), c: values.c }, outputs: { c: values.c },
    }) });
    checkGradient(together([result.final.a, result.final.b, result.final.c, result.outputs.c]), [a, b, c]);
  });

  it('random numbers within the body are drawn again, not kept', () => {
    const x = graph.input('x', [3, 4]);
    const h = graph.input('h', [4]);
    const key = graph.constant([3, 4], [2], 'int32');
    const result = graph.scan({ initial: { h }, inputs: { x }, step: (values) => {
      const fresh = graph.add(key, values.step);
      const mask = graph.less(graph.random(fresh, [4], { distribution: 'uniform', stream: 1 }), 0.5);
      return { next: { h: graph.tanh(graph.add(values.x, graph.select(mask, graph.multiply(values.h, 2), 0))) } };
    } });
    checkGradient(result.final.h, [x, h]);
    const forward = graph.gradient(graph.sum(result.final.h), [x]).rewrite(result.final.h).node;
    assert.ok(graph.scanAttributes(forward).body.collected.every((value) => value.node.operation !== 'random' && value.type === 'float32'));
  });

  it('the gradient of a gradient', () => {
    const p = parameters();
    const loss = graph.sum(graph.square(lstm(p).outputs.h));
    const { gradients } = graph.gradient(loss, [p.u, p.x]);
    checkGradient(together(gradients), [p.u, p.h], { samples: 6 });
  });

  it('the time index, and values that only depend on it', () => {
    const h = graph.input('h', [2]);
    const w = graph.input('w', [2]);
    const result = graph.scan({ initial: { h }, length: 4, reverse: true, step: (values) => {
      const time = graph.cast(values.step, 'float32');
      return { next: { h: graph.add(values.h, graph.multiply(graph.sine(graph.multiply(time, w)), w)) }, outputs: { t: time } };
    } });
    checkGradient(result.final.h, [h, w]);
  });

  it('unconnected values have zeros', () => {
    const p = parameters();
    const stranger = graph.input('stranger', [2, 2]);
    const [found] = graph.gradient(graph.sum(lstm(p).final.h), [stranger]).gradients;
    assert.equal(graph.fillOf(found!), 0);
    assert.deepEqual(found!.shape, [2, 2]);
  });
});

describe('residuals of scans', () => {
  it('an LSTM keeps activations and carried values, and no cheap product of them', () => {
    const p = parameters();
    const result = lstm(p);
    const forward = graph.gradient(graph.sum(result.final.h), [p.u, p.w, p.b, p.x]).rewrite(result.final.h).node;
    const kept = graph.scanAttributes(forward).body.collected.map((value) => value.node.operation).sort();
    assert.deepEqual(kept, ['argument', 'argument', 'multiply', 'sigmoid', 'sigmoid', 'sigmoid', 'tanh', 'tanh']);
  });

  it('the forward scan is replaced, not repeated', () => {
    const p = parameters();
    const result = lstm(p);
    const loss = graph.sum(graph.square(result.outputs.h));
    const { gradients, rewrite } = graph.gradient(loss, [p.u, p.w]);
    const scans = graph.topologicalOrder([rewrite(loss), rewrite(result.final.c), ...gradients]).filter((node) => node.operation === 'scan');
    assert.equal(scans.length, 2);
    assert.deepEqual(scans.map((node) => graph.scanAttributes(node).reverse), [false, true]);
  });

  it('rewriting is stable: what is rewritten stays as it is', () => {
    const p = parameters();
    const loss = graph.sum(lstm(p).outputs.h);
    const { rewrite } = graph.gradient(loss, [p.u]);
    assert.equal(rewrite(rewrite(loss)), rewrite(loss));
  });
});
