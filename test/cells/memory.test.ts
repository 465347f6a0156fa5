import assert from 'node:assert/strict';
import { gruCell, jozefowiczLstmCell, lstmCell, lstmWithoutForgetGateCell } from '../../lib/cells/index.ts';
import { gradient, sum } from '../../lib/graph/index.ts';
import { lstm, sequential } from '../../lib/index.ts';
import { recurrent } from '../../lib/layers/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { namedWeights, runCell, someSequence, units, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';
import { buildLayer, numbersFor } from '../support/scope.ts';
import { numbers } from '../support/tensors.ts';

/** Gates that say what they are told whatever comes: weights 0, and biases at which σ is 0 or 1 to the last bit. */
function held(gates: Readonly<Record<string, 0 | 1>>): WeightChoice {
  return (name) => {
    const gate = name.replace(/^.*\./, '');
    if (!(gate in gates)) return undefined;
    return name.startsWith('bias') ? (gates[gate] === 1 ? 800 : -800) : 0;
  };
}

/** ∂(sum of the last c)/∂(first c), by the gradient of the whole loop. */
function memoryGradient(cell: typeof lstmCell, steps: number, weights: WeightChoice): Float64Array {
  const x = someSequence(4, steps);
  const layer = recurrent(cell, { units });
  const state = { h: new Float64Array(2 * units), c: new Float64Array(2 * units).fill(0.5) };
  const { scope, inputs } = buildLayer({ layer, x, state, weights: namedWeights(layer, x, weights) });
  const { final } = scope.requests.carried.get('c')!;
  return Float64Array.from(evaluate(gradient(sum(final), [scope.requests.states.get('c')!]).gradients, { inputs })[0]!.data);
}

describe('what an LSTM holds', () => {
  const start = { h: new Float64Array(6), c: [0.9, -0.4, 0.1, 0.2, 5, -7] };

  it('[51] [64] f = 1, i = 0: the cell holds what it has for 10⁴ steps, to the last bit, in both runtimes', async () => {
    const steps = 10_000;
    const { sequence } = runCell(lstmCell, { x: numbers([steps, 2, 4], someNumbers(steps * 8, 3)), weights: held({ i: 0, f: 1 }), state: start });
    assert.ok(sequence['c']!.data.every((c, at) => c === start.c[at % 6]));
    const model = sequential([lstm({ units: 2 })], { input: { features: 1 }, seed: 1 });
    model.setParameter('lstm/bias_ih_l0', [-800, -800, 800, 800, 0, 0, 0, 0]);
    for (const name of ['weight_ih_l0', 'weight_hh_l0']) model.setParameter(`lstm/${name}`, Array.from({ length: name.includes('ih') ? 1 : 2 }, () => [0, 0, 0, 0, 1, 1, 1, 1]));
    const { state } = await model.predict([Array.from(someNumbers(steps), (value) => [value])], { state: { 'lstm/c': [[0.75, -3.5]] } });
    assert.deepEqual([...state['lstm/c']!.data], [0.75, -3.5]);
  });
  it('[51] ∂c_T/∂c_0 is 1 without forget gate, and the product of the f where there is one', () => {
    const noRecurrence: WeightChoice = (name) => (name.startsWith('weight_hh') ? 0 : undefined);
    assert.ok(memoryGradient(lstmWithoutForgetGateCell as unknown as typeof lstmCell, 200, noRecurrence).every((slope) => slope === 1));
    const x = someSequence(4, 30);
    const slopes = memoryGradient(lstmCell, 30, noRecurrence);
    for (let row = 0; row < 2; row++) {
      for (let unit = 0; unit < units; unit++) {
        let product = 1;
        for (let t = 0; t < 30; t++) {
          const sum = [0, 1, 2, 3].reduce((total, k) => total + x.data[(t * 2 + row) * 4 + k]! * numbersFor('weight_ih.f', [4, units])[k * units + unit]!, numbersFor('bias_ih.f', [units])[unit]!);
          product /= 1 + Math.exp(-sum);
        }
        assert.ok(Math.abs(slopes[row * units + unit]! / product - 1) < 1e-12, `row ${row}, unit ${unit}`);
      }
    }
  });
  for (const i of [0, 1] as const) {
    for (const f of [0, 1] as const) {
      for (const o of [0, 1] as const) {
        it(`[52] i = ${i}, f = ${f}, o = ${o}: c' = ${[f ? 'c' : '', i ? 'g' : ''].filter(Boolean).join(' + ') || '0'}, h' = ${o ? 'tanh(c\')' : '0'}`, () => {
          const weights: WeightChoice = (name, shape) => held({ i, f, o })(name, shape) ?? (name === 'bias_ih.g' ? 0.3 : 0);
          const { output, final } = runCell(lstmCell, { x: someSequence(4, 1), weights, state: start });
          const c = start.c.map((before) => f * before + i * Math.tanh(0.3));
          assert.deepEqual([...final['c']!.data], c);
          assert.ok(largestDifference(output.data, c.map((memory) => o * Math.tanh(memory))) < 1e-15);
        });
      }
    }
  }
  it('[64] gates that merely may hold are no guarantee: at f = σ(1) a gradient is gone within 100 steps', () => {
    const weights: WeightChoice = (name) => (name === 'bias_ih.f' ? 1 : 0);
    const [slope] = memoryGradient(jozefowiczLstmCell as unknown as typeof lstmCell, 100, weights);
    assert.ok(Math.abs(slope! / (1 / (1 + Math.exp(-1))) ** 100 - 1) < 1e-12);
    assert.ok(slope! < 1e-13);
    assert.ok(memoryGradient(lstmCell, 100, held({ i: 0, f: 1 })).every((held100) => held100 === 1));
  });
});

describe('[65] counting', () => {
  /** aⁿ bⁿ as ±1. */
  const word = (n: number): number[] => [...new Array<number>(n).fill(1), ...new Array<number>(n).fill(-1)];

  it('[65] an LSTM of one unit counts to 256 and back, exactly, in either precision', async () => {
    // i = f = o = 1 and g = tanh(800 x): every a adds 1 to c, every b takes 1 away.
    const model = sequential([lstm({ units: 1 })], { input: { features: 1 } });
    model.setParameter('lstm/weight_ih_l0', [[0, 0, 800, 0]]);
    model.setParameter('lstm/weight_hh_l0', [[0, 0, 0, 0]]);
    model.setParameter('lstm/bias_ih_l0', [800, 800, 0, 800]);
    for (const n of [1, 2, 100, 256]) {
      const { state } = await model.predict([word(n).map((x) => [x])]);
      assert.equal(state['lstm/c']!.data[0], 0, `n = ${n}`);
      assert.equal((await model.predict([word(n).slice(0, n).map((x) => [x])])).state['lstm/c']!.data[0], n);
      for (const off of [-1, 1]) assert.equal((await model.predict([[...word(n), off].map((x) => [x])])).state['lstm/c']!.data[0], off);
    }
    const weights: WeightChoice = (name) => ({ 'weight_ih.g': 800, 'bias_ih.i': 800, 'bias_ih.f': 800, 'bias_ih.o': 800 })[name] ?? 0;
    const { sequence } = runCell(lstmCell, { x: numbers([512, 1, 1], word(256)), weights });
    sequence['c']!.data.forEach((c, at) => {
      const t = Math.floor(at / units);
      assert.equal(c, t < 256 ? t + 1 : 511 - t);
    });
  });
  it('[65] the state of a GRU stays within 1: it settles or goes round, and 256 equal steps look like fewer', () => {
    for (let seed = 0; seed < 12; seed++) {
      const weights: WeightChoice = (name, shape) => someNumbers(shape.reduce((count, size) => count * size, 1), 7 * seed + name.length).map((value) => 1.5 * value);
      const { data } = runCell(gruCell, { x: numbers([256, 1, 1], new Float64Array(256).fill(1)), weights }).output;
      assert.ok(data.every((h) => Math.abs(h) <= 1));
      const after = (steps: number): Float64Array => data.subarray((steps - 1) * units, steps * units);
      const nearest = Math.min(...Array.from({ length: 16 }, (_, k) => largestDifference(after(256), after(255 - k))));
      assert.ok(nearest < 2 ** -20, `seed ${seed}: ${nearest}`);
    }
  });
});
