import assert from 'node:assert/strict';
import { input } from '../../../lib/graph/index.ts';
import {
  activation, averagePooling1d, averagePooling2d, dropout, flatten, globalAveragePooling, globalMaxPooling, localResponseNormalization, maxPooling1d, maxPooling2d, reshape, type Layer,
} from '../../../lib/layers/index.ts';
import { assertThrows } from '../../support/errors.ts';
import { largestDifference } from '../../support/numbers.ts';
import { buildLayer, runTestLayer, TestScope } from '../../support/scope.ts';
import { numbers } from '../../support/tensors.ts';
import { checkEngine, checkLayer, checkRagged, engineOrSkip, filmLengths, films, images, lengths, rowAlone, sequences, spoilt } from './support.ts';

const overTime = [maxPooling1d, averagePooling1d].flatMap((pool) => [
  { layer: pool({ size: 2 }), windows: (length: number) => Math.floor(length / 2) },
  { layer: pool({ size: 3, stride: 2, padding: 'same' }), windows: (length: number) => Math.ceil(length / 2) },
  { layer: pool({ size: 3, stride: 1 }), windows: (length: number) => Math.max(0, length - 2) },
]);
const overSpace: readonly Layer[] = [maxPooling2d, averagePooling2d].flatMap((pool) => [pool({ size: 2 }), pool({ size: [3, 2], stride: [2, 1], padding: 'same' })]);
const run = (layer: Layer, shape: readonly number[], data: readonly number[], time = true): number[] => [...runTestLayer({ layer, x: numbers(shape, data), time }).output.data];

describe('pooling', () => {
  it('takes the largest or the mean of each window', () => {
    const x = [3, -1, 4, 1, -5, -9, 2];
    assert.deepEqual(run(maxPooling1d({ size: 3 }), [7, 1, 1], x), [4, 1]);
    assert.deepEqual(run(maxPooling1d({ size: 3, stride: 2, padding: 'same' }), [7, 1, 1], x), [3, 4, 1, 2]);
    assert.deepEqual(run(averagePooling1d({ size: 2 }), [7, 1, 1], x), [1, 2.5, -7]);
    assert.deepEqual(run(averagePooling1d({ size: 3, stride: 2, padding: 'same' }), [7, 1, 1], x), [1, 4 / 3, -13 / 3, -3.5]);
    assert.deepEqual(run(maxPooling2d({ size: 2 }), [1, 2, 4, 1], [1, 2, -3, -4, 5, 0, -6, -7], false), [5, -3]);
    assert.deepEqual(run(maxPooling2d({ size: 2, stride: 1, padding: 'same' }), [1, 2, 2, 1], [-1, -2, -3, -4], false), [-1, -2, -3, -4]);
    assert.deepEqual(run(averagePooling2d({ size: 2, stride: 1, padding: 'same' }), [1, 2, 2, 1], [1, 2, 3, 4], false), [2.5, 3, 3.5, 4]);
  });
  it('gives each row of a ragged batch what it would have alone', () => {
    for (const { layer, windows } of overTime) checkRagged(layer, sequences, lengths, windows);
  });
  it('says that it reads ahead', () => {
    for (const layer of [...overTime.map((one) => one.layer), globalMaxPooling(), globalAveragePooling()]) assert.ok(buildLayer({ layer, x: sequences }).scope.requests.ahead, layer.kind);
    for (const layer of [...overSpace, globalMaxPooling()]) assert.ok(!buildLayer({ layer, x: films }).scope.requests.ahead, layer.kind);
  });
  it('has right gradients', () => {
    for (const { layer } of overTime) checkLayer({ layer, x: sequences, lengths });
    for (const layer of overSpace) checkLayer({ layer, x: films, lengths: filmLengths }, 24);
  });
  it('is the same on the engine', function () {
    engineOrSkip(this);
    for (const { layer } of overTime) checkEngine({ layer, x: sequences, lengths });
    for (const layer of overSpace) checkEngine({ layer, x: films, lengths: filmLengths });
    for (const layer of [globalMaxPooling(), globalAveragePooling(), localResponseNormalization()]) {
      checkEngine({ layer, x: sequences, lengths });
      checkEngine({ layer, x: films, lengths: filmLengths });
    }
  });
  it('refuses what does not fit', () => {
    assertThrows(() => maxPooling1d({ size: 0 }), 'ERR_BPTT_RANGE', /maxPooling1d: expected size/);
    assertThrows(() => maxPooling2d({ size: 2, padding: 'causal' as 'same' }), 'ERR_BPTT_OPTION', /"same", "valid"/);
    assertThrows(() => maxPooling1d({ size: 2 }).build(new TestScope(), { value: input('x', [3, 2]), time: false }), 'ERR_BPTT_SHAPE', /\[N, T, features\]/);
    assertThrows(() => globalMaxPooling().build(new TestScope(), { value: input('x', [3, 2]), time: false }), 'ERR_BPTT_SHAPE', /\[N, height, width, channels\], received \[3, 2\]/);
  });
});

describe('global pooling', () => {
  const largest = (x: readonly number[]): number => Math.max(...x);
  const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;

  for (const [layer, reduce] of [[globalMaxPooling(), largest], [globalAveragePooling(), mean]] as const) {
    it(`${layer.kind} is over the valid steps of each row, over height and width of images`, () => {
      const rows = runTestLayer({ layer, x: spoilt(sequences, lengths), lengths }).output;
      const expected = lengths.flatMap((length, row) => [0, 1].map((feature) => reduce([...rowAlone(sequences, row, length).data].filter((_, i) => i % 2 === feature))));
      assert.deepEqual(rows.shape, [3, 2]);
      assert.ok(largestDifference(rows.data, expected) < 1e-15);
      const pictures = runTestLayer({ layer, x: films, lengths: filmLengths }).output;
      assert.deepEqual(pictures.shape, [3, 2, 2]);
      const channels = (image: number): number[] => [0, 1].map((channel) => reduce([...films.data.subarray(40 * image, 40 * image + 40)].filter((_, i) => i % 2 === channel)));
      assert.ok(largestDifference(pictures.data, [...[0, 1, 2, 3, 4].flatMap(channels), 0, 0]) < 1e-15);
      assert.ok(largestDifference(runTestLayer({ layer, x: images, time: false }).output.data, run(layer, [1, 2, 5, 4, 2], [...images.data])) === 0);
    });
    it(`${layer.kind} has right gradients, and zeros for rows without steps`, () => {
      for (const time of [true, false]) checkLayer({ layer, x: time ? films : images, time, ...(time && { lengths: filmLengths }) });
      checkLayer({ layer, x: sequences, lengths: [7, 0, 4] });
      assert.deepEqual([...runTestLayer({ layer, x: sequences, lengths: [7, 0, 4] }).output.data.subarray(2, 4)], [0, 0]);
    });
  }
});

describe('localResponseNormalization', () => {
  it('divides by the energy of neighbouring channels, with the constants of Liang and Hu', () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    const found = run(localResponseNormalization(), [1, 1, 16], x);
    const expected = x.map((value, k) => value / (1 + (0.001 / 3) * [k - 1, k, k + 1].reduce((sum, i) => sum + (x[i] ?? 0) ** 2, 0)) ** 0.75);
    assert.ok(largestDifference(found, expected) < 1e-14);
    assert.ok(largestDifference(run(localResponseNormalization({ size: 2, alpha: 1, beta: 1 }), [1, 1, 3], [1, 2, 3]), [1 / 1.5, 2 / 3.5, 3 / 7.5]) < 1e-15);
  });
  it('has right gradients', () => {
    checkLayer({ layer: localResponseNormalization({ alpha: 2, size: 2 }), x: sequences, lengths });
    checkLayer({ layer: localResponseNormalization({ alpha: 2 }), x: images, time: false });
  });
  it('refuses what does not fit', () => {
    assertThrows(() => localResponseNormalization({ size: 0 }), 'ERR_BPTT_RANGE', /size/);
    assertThrows(() => localResponseNormalization({ alfa: 1 } as never), 'ERR_BPTT_OPTION', /did you mean "alpha"/);
  });
});

describe('layers that keep or change the sizes of images', () => {
  it('flatten and reshape give the same numbers under other sizes', () => {
    const flat = runTestLayer({ layer: flatten(), x: films, lengths: filmLengths }).output;
    assert.deepEqual(flat.shape, [3, 2, 40]);
    assert.deepEqual([...flat.data.subarray(0, 200)], [...films.data.subarray(0, 200)]);
    assert.ok(flat.data.subarray(200).every((value) => value === 0));
    assert.deepEqual(runTestLayer({ layer: reshape({ sizes: [4, 10] }), x: images, time: false }).output, numbers([2, 4, 10], images.data));
    checkLayer({ layer: reshape({ sizes: [2, 1] }), x: sequences, lengths });
    assertThrows(() => reshape({ sizes: [] }), 'ERR_BPTT_TYPE', /sizes to be a list/);
    assertThrows(() => reshape({ sizes: [3, 0] }), 'ERR_BPTT_RANGE', /sizes\[1\]/);
    assertThrows(() => buildLayer({ layer: reshape({ sizes: [3, 13] }), x: images, time: false }), 'ERR_BPTT_SHAPE', /expected 39 numbers in each row, for sizes \[3, 13\], received input of shape \[2, 5, 4, 2\]/);
  });
  it('activation and dropout act on images', () => {
    checkLayer({ layer: activation({ function: 'tanh' }), x: images, time: false });
    checkLayer({ layer: dropout({ rate: 0.5 }), x: films, lengths: filmLengths, training: true });
    const dropped = runTestLayer({ layer: dropout({ rate: 0.5 }), x: images, time: false, training: true }).output.data;
    const share = dropped.filter((value) => value === 0).length / dropped.length;
    assert.ok(share > 0.3 && share < 0.7, `${share} dropped`);
  });
});
