import assert from 'node:assert/strict';
import {
  jozefowiczLstmCell, lstmCell, lstmWithoutForgetGateCell, lstmWithoutInputGateCell, lstmWithoutOutputGateCell, mut1Cell, mut2Cell, mut3Cell, nfgCell, nigCell, nogCell,
} from '../../lib/cells/index.ts';
import { recurrent } from '../../lib/layers/index.ts';
import { testCell } from '../support/cell-conformance.ts';
import { runCell, someSequence, units, weightSizes, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference } from '../support/numbers.ts';
import { buildLayer, initialNumbers, numbersFor } from '../support/scope.ts';

const noPeepholes: WeightChoice = (name) => (name.startsWith('peephole') ? 0 : undefined);
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** h after one step from state h, in every column of both rows. */
function afterOneStep(cell: typeof mut1Cell, h: number, weights: WeightChoice, x = someSequence(units, 1)): Float64Array {
  return runCell(cell, { x, weights, state: { h: new Float64Array(2 * units).fill(h) } }).output.data;
}

describe('the cells of the empirical exploration', () => {
  testCell('[80] [82] the LSTM, of which LSTM-b is another beginning', jozefowiczLstmCell);
  testCell('[80] the LSTM with a tanh output gate', jozefowiczLstmCell, { outputGate: 'tanh' });
  testCell('[55] [81] LSTM-f, without forget gate', lstmWithoutForgetGateCell);
  testCell('[81] LSTM-i', lstmWithoutInputGateCell);
  testCell('[81] LSTM-i with a tanh output gate', lstmWithoutInputGateCell, { outputGate: 'tanh' });
  testCell('[81] LSTM-o', lstmWithoutOutputGateCell);
  for (const [number, name, mutation] of [[84, 'MUT1', mut1Cell], [85, 'MUT2', mut2Cell], [86, 'MUT3', mut3Cell]] as const) {
    testCell(`[${number}] ${name}, sizes that differ`, mutation);
    testCell(`[${number}] ${name}, sizes that match`, mutation, { units: 4 });
  }

  it('[80] the output gate: sigmoid by default, where it is the LSTM, and tanh on request', () => {
    assert.deepEqual(runCell(jozefowiczLstmCell).output.data, runCell(lstmCell).output.data);
    const weights: WeightChoice = (name) => ({ 'bias_ih.i': 800, 'bias_ih.g': 0.5, 'bias_ih.o': -0.75 })[name] ?? 0;
    const { output } = runCell(jozefowiczLstmCell, { x: someSequence(4, 1), options: { outputGate: 'tanh' }, weights });
    assert.ok(output.data.every((h) => Math.abs(h - Math.tanh(-0.75) * Math.tanh(Math.tanh(0.5))) < 1e-15));
  });
  it('[81] LSTM-f, LSTM-i and LSTM-o are NFG, NIG and NOG without peepholes', () => {
    assert.deepEqual(runCell(lstmWithoutForgetGateCell).output.data, runCell(nfgCell, { weights: noPeepholes }).output.data);
    assert.deepEqual(runCell(lstmWithoutInputGateCell).output.data, runCell(nigCell, { weights: noPeepholes }).output.data);
    assert.deepEqual(runCell(lstmWithoutOutputGateCell).output.data, runCell(nogCell, { weights: noPeepholes }).output.data);
  });
  it('[55] without forget gate: c = c + i ⊙ g, the LSTM with b_f = ∞', () => {
    assert.deepEqual(runCell(lstmWithoutForgetGateCell).final['c']!.data, runCell(lstmCell, { weights: (name) => (name === 'bias_ih.f' ? 800 : undefined) }).final['c']!.data);
    assert.deepEqual([...weightSizes(lstmWithoutForgetGateCell).keys()].filter((name) => name.endsWith('.f')), []);
  });
  it('[82] LSTM-b: the forget gate alone leaves σ(b)²⁰ of the cell after 20 steps', () => {
    const leaves = (b: number): number => {
      const weights: WeightChoice = (name) => (name === 'bias_ih.f' ? b : name === 'bias_ih.i' ? -800 : 0);
      return runCell(jozefowiczLstmCell, { x: someSequence(4, 20), weights, state: { h: new Float64Array(6), c: new Float64Array(6).fill(1) } }).final['c']!.data[0]!;
    };
    assert.equal(logistic(1).toFixed(3), '0.731');
    for (const [b, share] of [[0, '9.5e-7'], [1, '1.9e-3'], [2, '7.9e-2']] as const) {
      assert.equal(leaves(b).toExponential(1), share);
      assert.ok(Math.abs(leaves(b) / logistic(b) ** 20 - 1) < 1e-13);
    }
  });
  it('[82] LSTM-b: forgetBias is where the bias begins; 0 by default here, 1 in lstm', () => {
    const begins = (layer: ReturnType<typeof recurrent>): number[] => {
      const asked = buildLayer({ layer, x: someSequence() }).scope.requests.parameters.get('bias_ih_l0')!;
      return [...initialNumbers('bias_ih_l0', asked)];
    };
    assert.ok(begins(recurrent(jozefowiczLstmCell, { units })).every((bias) => bias === 0));
    assert.deepEqual(begins(recurrent(jozefowiczLstmCell, { units, forgetBias: 1 })), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(begins(recurrent(lstmCell, { units })), [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  });

  for (const [number, name, mutation] of [[84, 'MUT1', mut1Cell], [85, 'MUT2', mut2Cell], [86, 'MUT3', mut3Cell]] as const) {
    it(`[${number}] ${name}: the printed equations in plain numbers, step by step`, () => {
      const x = someSequence(units);
      const present = weightSizes(mutation, {}, units);
      const weight = (path: string, shape: number[]): Float64Array => (present.has(path) ? numbersFor(path, shape) : new Float64Array(shape.reduce((a, b) => a * b, 1)));
      const times = (path: string, vector: readonly number[]): number[] => {
        const matrix = weight(path, [units, units]);
        return vector.map((_, unit) => vector.reduce((sum, value, k) => sum + value * matrix[k * units + unit]!, 0));
      };
      // A gate has the bias of what it reads first.
      const plus = (gate: string, ...terms: readonly number[][]): number[] => {
        const biases = ['ih', 'hh'].map((of) => weight(`bias_${of}.${gate}`, [units]));
        return terms[0]!.map((_, unit) => [...terms, ...biases].reduce((sum, term) => sum + term[unit]!, 0));
      };
      const each = (values: readonly number[], f: (value: number, unit: number) => number): number[] => values.map(f);
      const { output } = runCell(mutation, { x });
      for (let row = 0; row < 2; row++) {
        let h: number[] = new Array<number>(units).fill(0);
        for (let t = 0; t < 6; t++) {
          const now = Array.from(x.data.subarray((t * 2 + row) * units, (t * 2 + row + 1) * units));
          const z = each(plus('z', times('weight_ih.z', now), times('weight_hh.z', number === 86 ? each(h, Math.tanh) : h)), logistic);
          const r = each(plus('r', number === 85 ? now : times('weight_ih.r', now), times('weight_hh.r', h)), logistic);
          const n = each(plus('n', number === 84 ? each(now, Math.tanh) : times('weight_ih.n', now), times('weight_hh.n', each(h, (value, unit) => r[unit]! * value))), Math.tanh);
          h = each(h, (value, unit) => z[unit]! * n[unit]! + (1 - z[unit]!) * value);
          assert.ok(largestDifference(output.data.subarray((t * 2 + row) * units, (t * 2 + row + 1) * units), Float64Array.from(h)) < 1e-14, `row ${row}, step ${t}`);
        }
      }
      const without = { 84: ['weight_hh.z', 'weight_ih.n'], 85: ['weight_ih.r'], 86: [] as string[] }[number];
      const printed = ['ih', 'hh'].flatMap((of) => ['z', 'r', 'n'].map((gate) => `weight_${of}.${gate}`)).filter((path) => !without.includes(path));
      assert.deepEqual([...present.keys()].filter((path) => path.startsWith('weight')).sort(), printed.sort());
      assert.deepEqual([...present.keys()].filter((path) => path.startsWith('bias')).map((path) => path.slice(-1)).sort(), ['n', 'r', 'z']);
    });
  }
  it('[84] MUT1: z ignores h', () => {
    assert.ok(!weightSizes(mut1Cell).has('weight_hh.z'));
    const weights: WeightChoice = (name) => (name === 'weight_hh.n' ? 0 : undefined);
    const [from0, from1, from2] = [0, 1, 2].map((h) => afterOneStep(mut1Cell, h, weights)) as [Float64Array, Float64Array, Float64Array];
    from0.forEach((h, at) => assert.ok(Math.abs((from2[at]! - from1[at]!) - (from1[at]! - h)) < 1e-15, 'h enters by (1 − z) h alone, with one z'));
  });
  it('[84] MUT1: tanh(x) itself is added when the sizes match, tanh(P x) otherwise', () => {
    assert.ok(!weightSizes(mut1Cell, {}, units).has('projection'));
    assert.equal(weightSizes(mut1Cell, {}, 5).get('projection'), 5 * units);
    const x = someSequence(units, 1);
    const renew: WeightChoice = (name) => (name === 'bias_ih.z' ? 800 : 0);
    assert.ok(largestDifference(afterOneStep(mut1Cell, 0.5, renew, x), x.data.map((element) => Math.tanh(Math.tanh(element)))) < 1e-15);
  });
  it('[85] MUT2: r = σ(x + U h + b) takes x itself when the sizes match', () => {
    assert.ok(!weightSizes(mut2Cell, {}, units).has('projection'));
    assert.equal(weightSizes(mut2Cell, {}, 5).get('projection'), 5 * units);
    const x = someSequence(units, 1);
    const identity = Float64Array.from({ length: units * units }, (_, at) => (at % (units + 1) === 0 ? 1 : 0));
    const seen = afterOneStep(mut2Cell, 0.5, (name) => (name === 'bias_ih.z' ? 800 : name === 'weight_hh.n' ? identity : name === 'bias_hh.r' ? 0.25 : 0), x);
    assert.ok(largestDifference(seen, x.data.map((element) => Math.tanh(logistic(element + 0.25) * 0.5))) < 1e-15);
  });
  it('[86] MUT3: z sees tanh(h), and 1 − z keeps the state', () => {
    const identity = Float64Array.from({ length: units * units }, (_, at) => (at % (units + 1) === 0 ? 1 : 0));
    const seen = afterOneStep(mut3Cell, 2, (name) => (name === 'weight_hh.z' ? identity : name === 'bias_ih.n' ? 800 : 0));
    const z = logistic(Math.tanh(2));
    assert.ok(seen.every((h) => Math.abs(h - (z + (1 - z) * 2)) < 1e-15));
    assert.ok(!weightSizes(mut3Cell, {}, 5).has('projection'));
  });
});
