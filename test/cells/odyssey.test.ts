import assert from 'node:assert/strict';
import { cell, cifgCell, fgrCell, lstmCell, nfgCell, niafCell, nigCell, noafCell, nogCell, npCell, vanillaLstmCell } from '../../lib/cells/index.ts';
import { add, multiply, sigmoid, tanh } from '../../lib/graph/index.ts';
import { testCell } from '../support/cell-conformance.ts';
import { runCell, someSequence, units, weightSizes, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference } from '../support/numbers.ts';

const noPeepholes: WeightChoice = (name) => (name.startsWith('peephole') ? 0 : undefined);

/** A gate that is 1 to the last bit of float64. */
function open(gate: string): WeightChoice {
  return (name) => (name === `bias_ih.${gate}` ? 800 : undefined);
}

function assertSameRun(one: ReturnType<typeof runCell>, other: ReturnType<typeof runCell>, tolerance = 0): void {
  assert.ok(largestDifference(one.output.data, other.output.data) <= tolerance, 'output');
  for (const state of ['h', 'c']) assert.ok(largestDifference(one.final[state]!.data, other.final[state]!.data) <= tolerance, state);
}

describe('the variants of the search space odyssey', () => {
  testCell('[72] the vanilla block V', vanillaLstmCell);
  testCell('[72] NIG', nigCell);
  testCell('[73] NFG', nfgCell);
  testCell('[74] NOG', nogCell);
  testCell('[75] NIAF', niafCell);
  testCell('[76] NOAF', noafCell);
  testCell('[77] NP', npCell);
  testCell('[78] CIFG', cifgCell);
  testCell('[79] FGR', fgrCell);

  for (const [number, name, variant, gate] of [[72, 'NIG', nigCell, 'i'], [73, 'NFG', nfgCell, 'f'], [74, 'NOG', nogCell, 'o']] as const) {
    it(`[${number}] ${name}: the vanilla block with b_${gate} = ∞, without that gate's weights`, () => {
      assertSameRun(runCell(variant as typeof nigCell), runCell(vanillaLstmCell, { weights: open(gate) }));
      const left = [...weightSizes(variant as typeof nigCell).keys()];
      const whole = [...weightSizes(vanillaLstmCell).keys()];
      assert.deepEqual(left, whole.filter((weight) => !weight.endsWith(`.${gate}`) && weight !== `peephole_${gate}`));
    });
  }
  it('[75] NIAF: what enters the cell is the sum itself', () => {
    const { final } = runCell(niafCell, { x: someSequence(4, 1), weights: (name) => ({ 'bias_ih.g': 7, 'bias_ih.i': 800 })[name] ?? 0 });
    assert.deepEqual([...final['c']!.data], new Array(2 * units).fill(7));
  });
  it('[76] NOAF: h is o ⊙ c, and with o = 1 the cell', () => {
    const { output, sequence } = runCell(noafCell, { weights: open('o') });
    assert.deepEqual(output.data, sequence['c']!.data);
  });
  it('[77] NP: the LSTM, and the vanilla block with p = 0', () => {
    assertSameRun(runCell(npCell), runCell(lstmCell));
    assertSameRun(runCell(vanillaLstmCell, { weights: noPeepholes }), runCell(lstmCell));
    assert.deepEqual([...weightSizes(npCell)], [...weightSizes(lstmCell)]);
  });
  it('[78] CIFG: f = 1 − i, the vanilla block whose forget gate has the negated weights', () => {
    const negated: Readonly<Record<string, number>> = { weight_ih: -0.3, weight_hh: 0.2, bias_ih: -0.4, peephole: -0.6 };
    const choose: WeightChoice = (name) => {
      const sign = /[._]i$/.test(name) ? -1 : /[._]f$/.test(name) ? 1 : undefined;
      return sign && sign * negated[name.replace(/[._].$/, '')]!;
    };
    assertSameRun(runCell(cifgCell, { weights: choose }), runCell(vanillaLstmCell, { weights: choose }), 1e-15);
  });
  it('[78] CIFG: one gate less than V', () => {
    const total = (sizes: Map<string, number>): number => [...sizes.values()].reduce((all, size) => all + size, 0);
    assert.equal(total(weightSizes(vanillaLstmCell)) - total(weightSizes(cifgCell)), 4 * units + units * units + 2 * units);
  });
  it('[79] FGR: five states, nine matrices more than V, and V where they are 0', () => {
    assert.deepEqual(Object.keys(fgrCell.state), ['h', 'c', 'i', 'f', 'o']);
    const extra = [...weightSizes(fgrCell)].filter(([name]) => !weightSizes(vanillaLstmCell).has(name));
    assert.deepEqual(extra.map(([name]) => name).sort(), ['ff', 'fi', 'fo', 'if', 'ii', 'io', 'of', 'oi', 'oo'].map((pair) => `recurrent_${pair}`));
    assert.ok(extra.every(([, size]) => size === units * units));
    assertSameRun(runCell(fgrCell, { weights: (name) => (name.startsWith('recurrent') ? 0 : undefined) }), runCell(vanillaLstmCell));
    assert.ok(largestDifference(runCell(fgrCell).output.data, runCell(vanillaLstmCell).output.data) > 1e-3);
  });
  it('[79] FGR: recurrent_fo goes from the forget gate to the output gate of the next step', () => {
    const run = (f: number): ReturnType<typeof runCell> => runCell(fgrCell, {
      x: someSequence(4, 1),
      weights: (name) => (name.startsWith('recurrent') && name !== 'recurrent_fo' ? 0 : undefined),
      state: { h: [0, 0, 0, 0, 0, 0], c: [1, 1, 1, 1, 1, 1], i: [0, 0, 0, 0, 0, 0], f: [f, f, f, f, f, f], o: [0, 0, 0, 0, 0, 0] },
    });
    const [one, other] = [run(0), run(1)];
    for (const gate of ['i', 'f', 'c']) assert.deepEqual(one.final[gate]!.data, other.final[gate]!.data);
    assert.ok(one.final['o']!.data.every((o, at) => o !== other.final['o']!.data[at]));
  });
  it('[72] V: the block as the paper has it, written out once more', () => {
    const written = cell('testVanilla', { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine, parameter }) => {
      const i = sigmoid(add(affine('i', x, h), multiply(parameter('peephole_i', ['units']), c)));
      const f = sigmoid(add(affine('f', x, h), multiply(parameter('peephole_f', ['units']), c)));
      const memory = add(multiply(tanh(affine('g', x, h)), i), multiply(c, f));
      const o = sigmoid(add(affine('o', x, h), multiply(parameter('peephole_o', ['units']), memory)));
      const y = multiply(tanh(memory), o);
      return { output: y, h: y, c: memory };
    });
    assertSameRun(runCell(vanillaLstmCell), runCell(written), 1e-15);
  });
});
