import assert from 'node:assert/strict';
import { linearOutputLstmCell, lstmCell, noafCell, peepholeLstmCell, sharedGateLstmCell, squashedLstmCell, vanillaLstmCell } from '../../lib/cells/index.ts';
import { testCell } from '../support/cell-conformance.ts';
import { runCell, someSequence, units, weightSizes, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference } from '../support/numbers.ts';
import { numbers } from '../support/tensors.ts';

/** f = 1 and i = 0 in float64, whatever x and h are: the gates' weights are 0 and their biases 40 and −800. */
const keepEverything: WeightChoice = (name) => {
  if (/^weight_.*\.[if]$/.test(name)) return 0;
  if (name === 'bias_ih.f') return 40;
  return name === 'bias_ih.i' ? -800 : undefined;
};

describe('the family of the LSTM', () => {
  testCell('[56] LSTM1, the cell shown unsquashed', linearOutputLstmCell);
  testCell('[56] LSTM1 with one pair of weights for all gates', sharedGateLstmCell);
  testCell('[59] the sigmoid around the cell', squashedLstmCell);
  testCell('[60] diagonal peepholes', peepholeLstmCell);
  testCell('[60] full peepholes', peepholeLstmCell, { peephole: 'full' });
  testCell('[60] full peepholes and the sigmoid around the cell', peepholeLstmCell, { peephole: 'full', cellActivation: 'sigmoid' });

  it('[56] LSTM1: h = o ⊙ c has no bound, where h = o ⊙ tanh(c) stays within 1', () => {
    const weights: WeightChoice = (name) => ({ 'bias_ih.i': 40, 'bias_ih.f': 40, 'bias_ih.g': 40, 'bias_ih.o': 40 })[name] ?? 0;
    const x = someSequence(4, 9);
    assert.ok(runCell(linearOutputLstmCell, { x, weights }).output.data.subarray(-units).every((h) => Math.abs(h - 9) < 1e-9));
    assert.ok(runCell(lstmCell, { x, weights }).output.data.every((h) => Math.abs(h) <= 1));
  });
  it('[56] LSTM1 with shared weights: one block of weights and 4 biases', () => {
    const sizes = weightSizes(sharedGateLstmCell);
    assert.equal([...sizes.values()].reduce((all, size) => all + size, 0), 4 * units + units * units + 4 * units);
    assert.deepEqual([...weightSizes(sharedGateLstmCell, { bias: false }).keys()], ['weight_ih.shared', 'weight_hh.shared']);
  });
  it('[56] LSTM1 with shared weights is LSTM1 with equal weights in every gate', () => {
    const offsets: Readonly<Record<string, number>> = { f: 0.5, g: -0.25, o: 0.75 };
    const shared = runCell(sharedGateLstmCell, {
      weights: (name) => (name.startsWith('offset_') ? offsets[name.slice(-1)] : name === 'weight_ih.shared' ? 0.3 : name === 'weight_hh.shared' ? -0.2 : 0.1),
    });
    const apart = runCell(linearOutputLstmCell, {
      weights: (name) => (name.startsWith('weight_ih') ? 0.3 : name.startsWith('weight_hh') ? -0.2 : 0.1 + (offsets[name.slice(-1)] ?? 0)),
    });
    assert.ok(largestDifference(shared.output.data, apart.output.data) < 1e-14);
  });

  it('[59] f = 1, i = 0: the cell holds what it has for 10⁴ steps, and with a sigmoid around it loses it at once', () => {
    const x = numbers([10_000, 2, 4], new Float64Array(80_000).fill(0.5));
    const c = [0.9, -0.4, 0.1, 0.2, 5, -7];
    const state = { h: new Float64Array(6), c };
    assert.deepEqual([...runCell(lstmCell, { x, weights: keepEverything, state }).final['c']!.data], c);
    const squashed = runCell(squashedLstmCell, { x: numbers([40, 2, 4], x.data.subarray(0, 320)), weights: keepEverything, state });
    assert.ok(squashed.sequence['c']!.data.every((memory) => memory > 0 && memory < 1));
    assert.ok(squashed.final['c']!.data.every((memory) => Math.abs(memory - 0.6590460684074066) < 1e-12), 'every start ends at c = σ(c)');
  });
  it('[59] the sigmoid around the cell: one step is σ of what the standard cell holds', () => {
    const x = someSequence(4, 1);
    const standard = runCell(lstmCell, { x }).final['c']!.data;
    assert.ok(largestDifference(runCell(squashedLstmCell, { x }).final['c']!.data, standard.map((c) => 1 / (1 + Math.exp(-c)))) < 1e-15);
  });

  it('[60] without peephole weights: the LSTM, with either kind', () => {
    const plain = runCell(lstmCell).output.data;
    for (const peephole of ['diagonal', 'full'] as const) {
      assert.deepEqual(runCell(peepholeLstmCell, { options: { peephole }, weights: (name) => (name.startsWith('peephole') ? 0 : undefined) }).output.data, plain);
    }
    const squashed = runCell(peepholeLstmCell, { options: { cellActivation: 'sigmoid' }, weights: (name) => (name.startsWith('peephole') ? 0 : undefined) });
    assert.deepEqual(squashed.output.data, runCell(squashedLstmCell).output.data);
  });
  it('[60] diagonal peepholes are full ones with diagonal matrices, and the vanilla block', () => {
    const diagonal = runCell(peepholeLstmCell, { weights: (name) => (name.startsWith('peephole') ? 0.7 : undefined) });
    const full = runCell(peepholeLstmCell, {
      options: { peephole: 'full' },
      weights: (name) => (name.startsWith('peephole') ? Float64Array.from({ length: units * units }, (_, at) => (at % (units + 1) === 0 ? 0.7 : 0)) : undefined),
    });
    assert.deepEqual(full.output.data, diagonal.output.data);
    assert.deepEqual(runCell(peepholeLstmCell).output.data, runCell(vanillaLstmCell).output.data);
  });
  for (const peephole of ['diagonal', 'full'] as const) {
    it(`[60] the output gate sees the cell of its own step (${peephole}): its peephole moves h at once and c only afterwards`, () => {
      const x = someSequence(4, 1);
      const [one, other] = [0, 2].map((weight) => runCell(peepholeLstmCell, { x, options: { peephole }, weights: (name) => (name === 'peephole_o' ? weight : undefined) }));
      assert.deepEqual(one!.final['c']!.data, other!.final['c']!.data);
      assert.ok(one!.output.data.every((h, at) => h !== other!.output.data[at]));
      const [early, late] = [0, 2].map((weight) => runCell(peepholeLstmCell, { x, options: { peephole }, weights: (name) => (/^peephole_[if]$/.test(name) ? weight : undefined) }));
      assert.deepEqual(early!.output.data, late!.output.data, 'i and f see the cell before the step, which is 0');
    });
  }
  it('[76] NOAF without peepholes is LSTM1', () => {
    const noaf = runCell(noafCell, { weights: (name) => (name.startsWith('peephole') ? 0 : undefined) });
    assert.deepEqual(noaf.output.data, runCell(linearOutputLstmCell).output.data);
  });
});
