import assert from 'node:assert/strict';
import { adam, dense, gru, lastStep, lstm, rnn, sequential, squaredError, stateSpace, Trainer } from '../../../lib/index.ts';
import type { Layer } from '../../../lib/index.ts';
import { add } from '../../../lib/graph/index.ts';
import { defineLayer } from '../../../lib/layers/define.ts';
import { assertThrows } from '../../support/errors.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';
import { runTestLayer } from '../../support/scope.ts';
import { numbers } from '../../support/tensors.ts';

const x = numbers([5, 2, 2], someNumbers(20, 5));

describe('stateSpace', () => {
  it('[20] state-space model: with one dense layer as transition it is the simple recurrence', () => {
    const [input, recurrent, bias] = [someNumbers(6, 1), someNumbers(9, 2), someNumbers(3, 3)];
    const one = runTestLayer({ layer: stateSpace({ units: 3, transition: [dense({ units: 3, activation: 'tanh' })] }), x, weights: { 'dense/weight': [...input, ...recurrent], 'dense/bias': bias } });
    const other = runTestLayer({ layer: rnn({ units: 3 }), x, weights: { weight_ih_l0: input, weight_hh_l0: recurrent, bias_ih_l0: bias } });
    assert.ok(largestDifference(one.output.data, other.output.data) < 1e-15);
  });
  it('[20] state-space model: any depth: what a loop over its layers gives', () => {
    const weights = { 'dense/weight': someNumbers(16, 1), 'dense/bias': someNumbers(4, 2), 'dense_1/weight': someNumbers(8, 3), 'dense_1/bias': someNumbers(2, 4) };
    const { output } = runTestLayer({ layer: stateSpace({ units: 2, transition: [dense({ units: 4, activation: 'relu' }), dense({ units: 2, activation: 'tanh' })] }), x, weights });
    const layer = (values: number[], weight: Float64Array, bias: Float64Array): number[] => [...bias].map((start, k) => values.reduce((sum, value, i) => sum + value * weight[i * bias.length + k]!, start));
    for (let row = 0; row < 2; row++) {
      let h = [0, 0];
      for (let t = 0; t < 5; t++) {
        const at = (t * 2 + row) * 2;
        const hidden = layer([...x.data.subarray(at, at + 2), ...h], weights['dense/weight'], weights['dense/bias']).map((value) => Math.max(0, value));
        h = layer(hidden, weights['dense_1/weight'], weights['dense_1/bias']).map(Math.tanh);
        assert.ok(largestDifference(output.data.subarray(at, at + 2), h) < 1e-14, `row ${row}, step ${t}`);
      }
    }
  });
  it('[20] state-space model: its last state with output "last"', () => {
    const make = (output: 'sequence' | 'last'): Layer => stateSpace({ units: 3, output, transition: [dense({ units: 4 }), dense({ units: 3 })] });
    const [sequence, last] = [runTestLayer({ layer: make('sequence'), x, lengths: [5, 2] }).output.data, runTestLayer({ layer: make('last'), x, lengths: [5, 2] }).output.data];
    assert.deepEqual([...last], [...sequence.subarray(24, 27), ...sequence.subarray(9, 12)]);
  });
  it('[20] state-space model: learns the parity of a sequence, which one layer of its size does not', async () => {
    const bits = Array.from({ length: 32 }, (_, row) => Array.from({ length: 5 }, (_step, t) => (row >> t) & 1));
    const batch = { input: bits.map((row) => row.map((bit) => [bit])), target: bits.map((row) => row.map((_, t) => [row.slice(0, t + 1).reduce((sum, bit) => sum ^ bit, 0)])) };
    const lossOf = async (layer: Layer): Promise<number> => {
      const trainer = new Trainer(sequential([layer, dense({ units: 1 })], { input: { features: 1 }, seed: 2 }), { loss: squaredError(), optimizer: adam({ learningRate: 0.02 }) });
      return (await trainer.fit(batch, { epochs: 300 })).epochs.at(-1)!.loss;
    };
    const deep = await lossOf(stateSpace({ units: 1, transition: [dense({ units: 12, activation: 'tanh' }), dense({ units: 1 })] }));
    const flat = await lossOf(stateSpace({ units: 1, transition: [dense({ units: 1, activation: 'tanh' })] }));
    assert.ok(deep < 0.02 && flat > 0.1, `${deep} and ${flat}`);
  });
  it('refuses what is no transition', () => {
    const build = (transition: Layer[], units = 2): unknown => sequential([stateSpace({ units, transition, name: 'world' })], { input: { features: 1 } });
    assertThrows(() => build([dense({ units: 3 })]), 'ERR_BPTT_SHAPE', /stateSpace "world": expected the transition to give 2 features, received 3; let its last layer be dense\(\{ units: 2 \}\)/);
    assertThrows(() => build([]), 'ERR_BPTT_OPTION', /at least one layer/);
    assertThrows(() => build([dense({ units: 2, name: 'a' }), dense({ units: 2, name: 'a' })]), 'ERR_BPTT_OPTION', /two called "a"/);
    for (const layer of [lstm({ units: 2 }), gru({ units: 2, output: 'last' }), lastStep()]) assertThrows(() => build([layer]), 'ERR_BPTT_SHAPE', /received \[1, 3\]/);
    const counter = defineLayer('counter', {}, (scope, signal) => ({ value: add(signal.value, scope.state('count', signal.value.shape)), time: false }));
    assertThrows(() => build([counter], 3), 'ERR_BPTT_GRAPH', /without a memory of their own/);
    assertThrows(() => stateSpace({ units: 2, transition: ['dense'] as never }), 'ERR_BPTT_TYPE', /expected a layer, received "dense"/);
  });
});
