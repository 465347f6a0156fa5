import assert from 'node:assert/strict';
import { inspectGates } from '../../lib/analysis/gates.ts';
import { cell, cifgCell, dense, gru, lstm, recurrent, referenceRuntime, rnn, sequential, stack } from '../../lib/index.ts';
import type { Output } from '../../lib/data/tensor.ts';
import { assertRejects } from '../support/errors.ts';
import { someSequences } from '../support/models.ts';
import { largestDifference } from '../support/numbers.ts';

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const reference = { input: { features: 2 }, seed: 5, runtime: referenceRuntime };

function assertAlike(actual: Output, expected: ArrayLike<number>, what: string): void {
  assert.ok(largestDifference(actual.data, expected) < 1e-14, what);
}

describe('inspectGates', () => {
  it('[63] gives i, f, g, o, c and h of an LSTM at each step, as a loop written out computes them', async () => {
    const [units, steps] = [3, 4];
    const made = sequential([lstm({ units }), dense({ units: 1 })], reference);
    const data = someSequences([steps, steps], 2);
    const { layer, gates, states } = await inspectGates(made, data);
    assert.equal(layer, 'lstm');
    assert.deepEqual([Object.keys(gates), Object.keys(states)], [['i', 'f', 'g', 'o'], ['h', 'c']]);
    const view = (name: string): ArrayLike<number> => made.parameter(`lstm/${name}_l0`).view;
    const expected = Object.fromEntries(['i', 'f', 'g', 'o', 'h', 'c'].map((name) => [name, new Float64Array(2 * steps * units)]));
    data.forEach((sequence, row) => {
      let [h, c] = [new Float64Array(units), new Float64Array(units)];
      sequence.forEach((x, t) => {
        const sum = (gate: number, unit: number): number => {
          const column = gate * units + unit;
          const fromX = x.reduce((total, value, k) => total + value * view('weight_ih')[k * 4 * units + column]!, 0);
          return h.reduce((total, value, k) => total + value * view('weight_hh')[k * 4 * units + column]!, fromX + view('bias_ih')[column]!);
        };
        const step = Array.from({ length: units }, (_, unit) => {
          const [i, f, g, o] = [logistic(sum(0, unit)), logistic(sum(1, unit)), Math.tanh(sum(2, unit)), logistic(sum(3, unit))] as const;
          const memory = f * c[unit]! + i * g;
          return { i, f, g, o, c: memory, h: o * Math.tanh(memory) };
        });
        step.forEach((values, unit) => Object.entries(values).forEach(([name, value]) => { expected[name]![(row * steps + t) * units + unit] = value; }));
        [h, c] = [Float64Array.from(step, (values) => values.h), Float64Array.from(step, (values) => values.c)];
      });
    });
    for (const [name, shown] of Object.entries({ ...gates, ...states })) {
      assert.deepEqual(shown.shape, [2, steps, units]);
      assertAlike(shown, expected[name]!, name);
    }
  });
  it('[63] shows what the engine computes, states as predict ends with', async () => {
    const made = sequential([gru({ units: 4 })], { input: { features: 2 }, seed: 5 });
    const data = someSequences([5, 3], 2);
    const { gates: { r, z, n }, states } = await inspectGates(made, data);
    const { state, output } = await made.predict(data);
    assert.deepEqual(states['h']!.toArray(), output.toArray());
    for (let row = 0; row < 2; row++) assert.deepEqual([...states['h']!.row(row).data.slice(-4)], [...state['gru/h']!.row(row).data]);
    assert.deepEqual([...r!.lengths!], [5, 3]);
    assert.deepEqual([z!.row(1).shape, n!.shape], [[3, 4], [2, 5, 4]]);
    assert.ok(z!.data.slice((5 + 3) * 4).every((value) => value === 0), 'beyond the end of a row');
  });
  it('names stacked layers and directions, and takes a state to begin with', async () => {
    const made = sequential([lstm({ units: 2, layers: 2, direction: 'bidirectional' }), stack({ layers: [recurrent(cifgCell, { units: 3 })], name: 'upper' })], reference);
    const data = someSequences([3], 2);
    const both = await inspectGates(made, data, { layer: 'lstm' });
    assert.ok('layer_1/backward/f' in both.gates && 'layer_0/forward/c' in both.states);
    const one = await inspectGates(made, data, { layer: 'lstm/layer_1/backward' });
    assert.deepEqual(one.gates['f']!.toArray(), both.gates['layer_1/backward/f'].toArray());
    assert.deepEqual(Object.keys((await inspectGates(made, data, { layer: 'upper' })).gates), ['cifg/i', 'cifg/g', 'cifg/o']);
    const begun = await inspectGates(made, data, { layer: 'lstm/layer_0/forward', state: { 'lstm/layer_0/forward/c': [[5, 5]] } });
    assert.ok(begun.states['c']!.data[0]! > 2);
  });
  it('refuses layers without gates, and guesses nothing', async () => {
    const data = someSequences([3], 2);
    const plain = sequential([rnn({ units: 2 })], reference);
    await assertRejects(() => inspectGates(plain, data), 'ERR_BPTT_OPTION', /no layer of this model shows gates.*gates: \{ … \}/);
    const two = sequential([lstm({ units: 2 }), gru({ units: 2 })], reference);
    await assertRejects(() => inspectGates(two, data), 'ERR_BPTT_OPTION', /several layers have gates; say which by layer \(lstm, gru\)/);
    await assertRejects(() => inspectGates(two, data, { layer: 'lstn' }), 'ERR_BPTT_OPTION', /did you mean "lstm"/);
    await assertRejects(() => inspectGates(two, data, { layers: 'lstm' } as never), 'ERR_BPTT_OPTION', /did you mean "layer"/);
  });
  it('a gate must have as many rows as the step', async () => {
    const broken = cell('testBrokenGate', { state: { h: 'units' } }, ({ x, h, affine, parameter }) => ({ output: affine('h', x, h), h, gates: { p: parameter('p', ['units']) } }));
    await assertRejects(async () => sequential([recurrent(broken, { units: 2 })], reference), 'ERR_BPTT_SHAPE', /gate p of shape \[N, features\]/);
  });
});
