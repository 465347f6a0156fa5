import assert from 'node:assert/strict';
import { gruCell, lstmCell } from '../../lib/cells/index.ts';
import { testCell } from '../support/cell-conformance.ts';
import { runCell, units, weightSizes, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference } from '../support/numbers.ts';
import { numbersFor } from '../support/scope.ts';

const negateUpdate: WeightChoice = (name, shape) => (name.endsWith('.z') ? numbersFor(name, shape).map((element) => -element) : undefined);
const withBias = (name: string, bias: number): WeightChoice => (asked) => (asked === name ? bias : undefined);

describe('the conventions of the GRU', () => {
  testCell('[69] z takes the new state', gruCell, { update: 'replace', reset: 'before' });
  testCell('[69] z takes the new state, reset after', gruCell, { update: 'replace' });

  it('[67] [68] z keeps the old state by default: z = 1 changes nothing', () => {
    const state = { h: [0.1, 0.2, 0.3, -0.1, -0.2, -0.3] };
    for (const reset of ['before', 'after'] as const) {
      assert.deepEqual([...runCell(gruCell, { options: { reset }, weights: withBias('bias_ih.z', 800), state }).final['h']!.data], state.h);
      assert.deepEqual([...runCell(gruCell, { options: { reset, update: 'replace' }, weights: withBias('bias_ih.z', -800), state }).final['h']!.data], state.h);
    }
  });
  for (const reset of ['before', 'after'] as const) {
    it(`[69] one convention is the other with W_z, U_z and b_z negated (reset ${reset})`, () => {
      const keep = runCell(gruCell, { options: { reset } });
      const replace = runCell(gruCell, { options: { reset, update: 'replace' }, weights: negateUpdate });
      assert.ok(largestDifference(keep.output.data, replace.output.data) <= 4e-16);
      assert.ok(largestDifference(keep.output.data, runCell(gruCell, { options: { reset, update: 'replace' } }).output.data) > 1e-3);
    });
  }
  it('[70] the reset before and after the product differ, and agree where r = 1', () => {
    const [before, after] = (['before', 'after'] as const).map((reset) => runCell(gruCell, { options: { reset, bias: false } }).output.data);
    assert.ok(largestDifference(before!, after!) > 1e-4);
    const open = (['before', 'after'] as const).map((reset) => runCell(gruCell, {
      options: { reset }, weights: (name) => (name === 'bias_ih.r' ? 800 : name === 'bias_hh.n' ? 0 : undefined),
    }).output.data);
    assert.ok(largestDifference(open[0]!, open[1]!) <= 1e-15);
  });
  it('[71] three blocks of weights where the LSTM has four', () => {
    const total = (sizes: Map<string, number>): number => [...sizes.values()].reduce((all, size) => all + size, 0);
    const block = units * units + units * 4 + units;
    assert.equal(total(weightSizes(gruCell, { reset: 'before' })), 3 * block);
    assert.equal(total(weightSizes(lstmCell)), 4 * block);
  });
});
