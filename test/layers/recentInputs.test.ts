import assert from 'node:assert/strict';
import { concat, reshape } from '../../lib/graph/index.ts';
import { defineLayer } from '../../lib/layers/define.ts';
import type { Layer } from '../../lib/layers/layer.ts';
import { recentInputs } from '../../lib/layers/recentInputs.ts';
import { assertThrows } from '../support/errors.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { someNumbers } from '../support/numbers.ts';
import { buildLayer, runTestLayer, TestScope } from '../support/scope.ts';
import { numbers } from '../support/tensors.ts';

/** Gives what recentInputs gives as it is: [count + T, N, C]. */
function shown(count: number): Layer {
  return defineLayer('shown', {}, (scope, signal) => ({ value: recentInputs(scope, signal, count), time: true }));
}

const x = numbers([4, 2, 2], Array.from({ length: 16 }, (_, i) => i + 1));
const state = { recent: Array.from({ length: 12 }, (_, i) => -1 - i) };

describe('recent inputs', () => {
  it('stand before the inputs of the run, the oldest first', () => {
    const { output } = runTestLayer({ layer: shown(3), x, state });
    assert.deepEqual(output.shape, [7, 2, 2]);
    assert.deepEqual([...output.data], [-1, -2, -7, -8, -3, -4, -9, -10, -5, -6, -11, -12, ...x.data]);
  });
  it('are zeros for fresh rows', () => {
    assert.deepEqual([...runTestLayer({ layer: shown(2), x }).output.data], [...new Array<number>(8).fill(0), ...x.data]);
  });
  it('are carried on: the last ones of the run and, where it was shorter, what was there before', () => {
    assert.deepEqual([...runTestLayer({ layer: shown(3), x, state }).final['recent']!.data], [5, 6, 9, 10, 13, 14, 7, 8, 11, 12, 15, 16]);
    const short = runTestLayer({ layer: shown(3), x: numbers([1, 2, 2], [1, 2, 3, 4]), state });
    assert.deepEqual([...short.final['recent']!.data], [-3, -4, -5, -6, 1, 2, -9, -10, -11, -12, 3, 4]);
  });
  it('of rows that end early are their last valid ones, whatever the padding holds', () => {
    const spoilt = numbers(x.shape, x.data.map((value, i) => ((i % 4 > 1 && i > 7) ? NaN : value)));
    const { final, output, sequence } = runTestLayer({ layer: shown(3), x: spoilt, lengths: [4, 2], state });
    assert.deepEqual([...final['recent']!.data], [5, 6, 9, 10, 13, 14, -11, -12, 3, 4, 7, 8]);
    assert.ok(output.data.every((value) => !Number.isNaN(value)));
    assert.ok(sequence['recent']!.data.every((value) => !Number.isNaN(value)));
    assert.deepEqual([...runTestLayer({ layer: shown(3), x, lengths: [4, 0], state }).final['recent']!.data.slice(6)], state.recent.slice(6));
  });
  it('are known after every step', () => {
    const { sequence } = runTestLayer({ layer: shown(3), x, state });
    assert.deepEqual(sequence['recent']!.shape, [4, 2, 3, 2]);
    for (let t = 0; t < 4; t++) {
      const part = runTestLayer({ layer: shown(3), x: numbers([t + 1, 2, 2], x.data.slice(0, 4 * (t + 1))), state });
      assert.deepEqual([...sequence['recent']!.data.slice(12 * t, 12 * t + 12)], [...part.final['recent']!.data]);
    }
  });
  it('keep further axes', () => {
    const images = numbers([2, 1, 2, 3], someNumbers(12));
    const { output, final } = runTestLayer({ layer: shown(1), x: images });
    assert.deepEqual(output.shape, [3, 1, 2, 3]);
    assert.deepEqual([...final['recent']!.data], [...images.data.slice(6)]);
    assert.deepEqual(final['recent']!.shape, [1, 1, 2, 3]);
  });
  it('have right gradients', () => {
    const { scope, x: leaf, signal, inputs } = buildLayer({ layer: shown(3), x, lengths: [4, 2], state });
    const { final, sequence } = scope.requests.carried.get('recent')!;
    checkGradient(concat([signal.value, final, sequence].map((value) => reshape(value, [-1])), 0), [leaf, ...scope.requests.states.values()], { inputs });
  });
  it('of none is the input itself, and nothing is carried', () => {
    const { scope, signal, x: leaf } = buildLayer({ layer: shown(0), x });
    assert.equal(signal.value, leaf);
    assert.equal(scope.requests.states.size, 0);
    assertThrows(() => recentInputs(new TestScope({ path: 'window' }), { value: leaf, time: true }, -1), 'ERR_BPTT_RANGE', /recent inputs to be an integer from 0 to 65536, received -1/);
  });
});
