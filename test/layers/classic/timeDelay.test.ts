import assert from 'node:assert/strict';
import { adam, conv1d, crossEntropy, dense, embedding, gradients, rnn, sample, sequential, squaredError, timeDelay, Trainer } from '../../../lib/index.ts';
import type { Layer } from '../../../lib/index.ts';
import { characters, textStream } from '../../../lib/data/index.ts';
import { assertThrows } from '../../support/errors.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';
import { numbersFor, runTestLayer } from '../../support/scope.ts';
import { someSequences } from '../../support/models.ts';
import { numbers } from '../../support/tensors.ts';

const [steps, rows, features, units] = [8, 2, 3, 4];
const x = numbers([steps, rows, features], someNumbers(steps * rows * features, 5));

/** A causal convolution as a plain loop: W_k of tap k (0 the oldest), zeros before the beginning. */
function convolved(weight: Float64Array, bias: Float64Array, window: number): number[] {
  return Array.from({ length: steps * rows * units }, (_, place) => {
    const [t, row, unit] = [Math.floor(place / (rows * units)), Math.floor(place / units) % rows, place % units];
    let sum = bias[unit]!;
    for (let tap = Math.max(0, window - 1 - t); tap < window; tap++) {
      for (let i = 0; i < features; i++) sum += x.data[((t - window + 1 + tap) * rows + row) * features + i]! * weight[(tap * features + i) * units + unit]!;
    }
    return sum;
  });
}

/** Which inputs of a sequence an output of its last step depends on. */
async function reach(layers: readonly Layer[], length: number): Promise<boolean[]> {
  const model = sequential([...layers, dense({ units: 1 })], { input: { features: 1 }, seed: 2 });
  const input = someSequences([length], 1);
  const weights = [Array.from({ length }, (_, t) => (t === length - 1 ? 1 : 0))];
  const { inputs } = await gradients(model, { input, target: [Array.from({ length }, () => [5])], weights }, { loss: squaredError() });
  return Array.from(inputs['input']!.data, (value) => value !== 0);
}

describe('timeDelay', () => {
  for (const window of [1, 3, 12]) {
    it(`[14] TDNN: window ${window}: equals the causal convolution with the same weights`, () => {
      const weights = { weight: numbersFor('weight', [window * features, units]), bias: numbersFor('bias', [units]) };
      const { output } = runTestLayer({ layer: timeDelay({ units, window }), x, weights });
      assert.ok(largestDifference(output.data, convolved(weights.weight, weights.bias, window)) < 1e-14);
    });
  }
  it('[14] TDNN: is conv1d with causal padding, weights and all', () => {
    const weight = numbersFor('weight', [3 * features, units]);
    const weights = { weight, bias: numbersFor('bias', [units]) };
    const [delays, convolution] = [timeDelay({ units, window: 3, activation: 'tanh' }), conv1d({ filters: units, kernel: 3, padding: 'causal', activation: 'tanh' })];
    const [one, other] = [delays, convolution].map((layer) => runTestLayer({ layer, x, weights, lengths: [8, 5] }));
    assert.deepEqual(one!.output, other!.output);
    assert.deepEqual(one!.final, other!.final);
  });
  it('[14] TDNN: the response is finite: gradients reach the inputs of the window, all of them and no other', async () => {
    assert.deepEqual(await reach([timeDelay({ units: 3, window: 3, activation: 'tanh' })], 8), [false, false, false, false, false, true, true, true]);
    const two = await reach([timeDelay({ units: 3, window: 3, activation: 'tanh' }), timeDelay({ units: 3, window: 2 })], 8);
    assert.deepEqual(two, [false, false, false, false, true, true, true, true]);
  });
  it('[14] TDNN: a shifted input gives the shifted output', () => {
    const layer = timeDelay({ units, window: 3, activation: 'sigmoid' });
    const delay = 2;
    const shifted = numbers(x.shape, [...new Float64Array(delay * rows * features), ...x.data.subarray(0, (steps - delay) * rows * features)]);
    const [before, after] = [runTestLayer({ layer, x }).output.data, runTestLayer({ layer, x: shifted }).output.data];
    assert.deepEqual([...after.subarray(delay * rows * units)], [...before.subarray(0, (steps - delay) * rows * units)]);
  });
  it('[16] finite and infinite response: an impulse leaves a TDNN after its window and fades from an RNN as wᵗ', () => {
    const impulse = numbers([12, 1, 1], [1, ...new Array<number>(11).fill(0)]);
    const finite = runTestLayer({ layer: timeDelay({ units: 1, window: 4, bias: false }), x: impulse, weights: { weight: [0.1, 0.2, 0.3, 0.4] } }).output.data;
    assert.deepEqual([...finite], [0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const w = 0.8;
    const infinite = runTestLayer({ layer: rnn({ units: 1, activation: 'linear', bias: false }), x: impulse, weights: { weight_ih_l0: [1], weight_hh_l0: [w] } }).output.data;
    infinite.forEach((value, t) => assert.ok(Math.abs(value - w ** t) < 1e-15 && value !== 0, `step ${t}`));
  });
  it('[15] TDNN language model: learns a repeated text from its last letters and says it greedily, fed by what it said', async () => {
    const text = 'the quick brown fox jumps over the lazy dog. '.repeat(12);
    const vocabulary = characters(text);
    const said = async (window: number): Promise<string> => {
      const model = sequential([embedding({ size: 12 }), timeDelay({ units: 48, window, activation: 'tanh' }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 1 });
      const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }) });
      await trainer.fit(textStream(vocabulary.encode(text), { batch: 4, steps: 30 }), { epochs: 30 });
      return vocabulary.decode([...sample(model.stream(), { prefix: vocabulary.encode('the qu'), temperature: 0.01, length: 80 })]);
    };
    assert.equal(await said(7), text.slice(6, 86));
    assert.notEqual(await said(5), text.slice(6, 86), 'five letters do not tell " the " from " the "');
  });
  it('[15] TDNN language model: the letters before the window change nothing', async () => {
    const model = sequential([embedding({ size: 4 }), timeDelay({ units: 6, window: 3 }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 1 });
    const last = async (tokens: number[]): Promise<number[]> => [...(await model.predict([tokens])).output.data.slice(-5)];
    assert.deepEqual(await last([0, 1, 2, 3, 4]), await last([4, 4, 2, 3, 4]));
    assert.notDeepEqual(await last([0, 1, 2, 3, 4]), await last([0, 1, 1, 3, 4]));
  });
  it('refuses what does not fit', () => {
    assertThrows(() => timeDelay({ units: 3, window: 0 }), 'ERR_BPTT_RANGE', /window to be an integer from 1 to 65536/);
    assertThrows(() => timeDelay({ units: 3, kernel: 2 } as never), 'ERR_BPTT_OPTION', /unknown option "kernel"/);
    assertThrows(() => timeDelay({ units: 3, window: 2, bias: false, initializer: { bias: 'ones' } }), 'ERR_BPTT_OPTION', /bias: false leaves none/);
    assertThrows(() => sequential([rnn({ units: 2, output: 'last' }), timeDelay({ units: 1, window: 2 })], { input: { features: 1 } }), 'ERR_BPTT_SHAPE', /last step only/);
  });
});
