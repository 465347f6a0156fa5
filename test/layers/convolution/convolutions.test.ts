import assert from 'node:assert/strict';
import { input } from '../../../lib/graph/index.ts';
import { conv1d, conv2d, dense, flatten, timeDelay, timeDistributed, type Conv1dOptions } from '../../../lib/layers/index.ts';
import { sequential } from '../../../lib/model/index.ts';
import { assertThrows } from '../../support/errors.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';
import { buildLayer, numbersFor, runTestLayer, TestScope } from '../../support/scope.ts';
import { numbers } from '../../support/tensors.ts';
import { checkEngine, checkLayer, checkRagged, engineOrSkip, filmLengths, films, images, lengths, sequences } from './support.ts';

const variants: readonly Conv1dOptions[] = (['causal', 'same', 'valid'] as const).flatMap((padding) => [
  { filters: 3, kernel: 3, padding }, { filters: 2, kernel: 2, padding, dilation: 2, weightNorm: true, activation: 'tanh' }, { filters: 2, kernel: 4, padding, stride: 3, bias: false },
] as const);
const text = (options: object): string => JSON.stringify(options);

/** One row, written out: y_j = Σ_i x[j·stride + i·dilation − before] W_i + b. */
function written(x: readonly (readonly number[])[], { kernel, filters, stride = 1, dilation = 1, padding = 'valid' }: Conv1dOptions, weight: Float64Array, bias: Float64Array): number[][] {
  const needed = (kernel - 1) * dilation;
  const [before, total] = padding === 'valid' ? [0, 0] : [padding === 'causal' ? needed : Math.floor(needed / 2), needed];
  const count = Math.floor((x.length + total - needed - 1) / stride) + 1;
  const features = x[0]!.length;
  return Array.from({ length: count }, (_, j) => Array.from({ length: filters }, (_unused, f) => {
    let sum = bias[f]!;
    for (let i = 0; i < kernel; i++) for (let c = 0; c < features; c++) sum += (x[j * stride + i * dilation - before]?.[c] ?? 0) * weight[(i * features + c) * filters + f]!;
    return sum;
  }));
}

describe('conv1d', () => {
  it('is the sum that its docstring writes', () => {
    const row = Array.from({ length: 11 }, (_, t) => [...someNumbers(2, t + 1)]);
    for (const padding of ['causal', 'same', 'valid'] as const) {
      for (const rest of [{ kernel: 1 }, { kernel: 4 }, { kernel: 3, dilation: 2 }, { kernel: 2, stride: 3 }, { kernel: 3, stride: 2, dilation: 3 }]) {
        const options = { filters: 3, padding, ...rest };
        const weight = numbersFor('weight', [rest.kernel, 2, 3]);
        const { output } = runTestLayer({ layer: conv1d(options), x: numbers([11, 1, 2], row.flat()) });
        const expected = written(row, options, weight, numbersFor('bias', [3]));
        assert.deepEqual(output.shape, [expected.length, 1, 3], text(options));
        assert.ok(largestDifference(output.data, expected.flat()) < 1e-14, text(options));
      }
    }
  });
  it('gives each row of a ragged batch what it would have alone, and rows too short for a window nothing', () => {
    for (const options of variants) {
      const span = (options.kernel - 1) * (options.dilation ?? 1) + 1;
      const windows = (length: number): number => Math.max(0, options.padding === 'valid' ? Math.floor((length - span) / (options.stride ?? 1)) + 1 : Math.ceil(length / (options.stride ?? 1)));
      checkRagged(conv1d(options), sequences, lengths, windows);
    }
  });
  it('has right gradients, of rows of different lengths and of carried inputs too', () => {
    for (const options of variants) checkLayer({ layer: conv1d(options), x: sequences, lengths });
    checkLayer({ layer: conv1d({ filters: 2, kernel: 3, padding: 'causal', dilation: 2 }), x: sequences, lengths, state: {} });
  });
  it('is the same on the engine', function () {
    engineOrSkip(this);
    for (const options of variants) checkEngine({ layer: conv1d(options), x: sequences, lengths });
  });
  it('[14] that is causal is the time-delay layer, with its weights as they lie', () => {
    const weight = numbersFor('weight', [3, 2, 4]);
    const run = (layer: ReturnType<typeof conv1d>): Float64Array => runTestLayer({ layer, x: sequences, lengths, weights: { weight } }).output.data;
    assert.deepEqual(run(conv1d({ filters: 4, kernel: 3, padding: 'causal', activation: 'tanh' })), run(timeDelay({ units: 4, window: 3, activation: 'tanh' })));
  });
  it('carries its recent inputs where it is causal, and else says that it reads ahead', () => {
    const scopeOf = (options: Partial<Conv1dOptions>): TestScope => buildLayer({ layer: conv1d({ filters: 2, kernel: 3, ...options }), x: sequences }).scope;
    const causal = scopeOf({ padding: 'causal', dilation: 2 }).requests;
    assert.deepEqual([...causal.states].map(([name, { shape }]) => [name, shape]), [['recent', [3, 4, 2]]]);
    assert.ok(!causal.ahead);
    for (const options of [{}, { padding: 'same' }, { padding: 'causal', stride: 2 }, { kernel: 1, stride: 2 }] as const) assert.ok(scopeOf(options).requests.ahead, text(options));
    for (const options of [{ kernel: 1 }, { kernel: 1, padding: 'same' }] as const) assert.ok(!scopeOf(options).requests.ahead, text(options));
  });
  it('refuses what does not fit', () => {
    const right = { filters: 2, kernel: 3 };
    assertThrows(() => conv1d({ ...right, pading: 'same' } as never), 'ERR_BPTT_OPTION', /did you mean "padding"/);
    assertThrows(() => conv1d({ ...right, padding: 'full' as 'same' }), 'ERR_BPTT_OPTION', /padding to be one of "causal", "same", "valid", received "full"/);
    for (const name of ['filters', 'kernel', 'stride', 'dilation']) assertThrows(() => conv1d({ ...right, [name]: 0 }), 'ERR_BPTT_RANGE', new RegExp(`conv1d: expected ${name}`));
    assertThrows(() => conv1d({ ...right, bias: false, initializer: { bias: 'ones' } }), 'ERR_BPTT_OPTION', /leaves none/);
    assertThrows(() => conv1d(right).build(new TestScope(), { value: input('x', [3, 2]), time: false }), 'ERR_BPTT_SHAPE', /\[N, T, features\]/);
    assertThrows(() => conv1d(right).build(new TestScope(), { value: input('x', [3, 2], 'int32'), time: true }), 'ERR_BPTT_TYPE', /embedding\(\)/);
  });
});

describe('conv2d', () => {
  const options = [
    { filters: 2, kernel: 3 }, { filters: 3, kernel: [2, 3], padding: 'same', activation: 'relu', weightNorm: true }, { filters: 2, kernel: 2, stride: [2, 3], padding: 'same', bias: false },
    { filters: 2, kernel: [3, 1], dilation: [2, 1] },
  ] as const;

  it('sees a window of the image: a sum written out', () => {
    const weights = { weight: [1, 10, 100, 1000], bias: [0.5] };
    const x = numbers([1, 2, 3, 1], [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(runTestLayer({ layer: conv2d({ filters: 1, kernel: 2 }), x, time: false, weights }).output, numbers([1, 1, 2, 1], [5421.5, 6532.5]));
    assert.deepEqual(runTestLayer({ layer: conv2d({ filters: 1, kernel: 2, padding: 'same' }), x, time: false, weights }).output, numbers([1, 2, 3, 1], [5421.5, 6532.5, 603.5, 54.5, 65.5, 6.5]));
    assert.deepEqual(runTestLayer({ layer: conv2d({ filters: 1, kernel: 2, stride: [1, 2], padding: 'same' }), x, time: false, weights }).output, numbers([1, 2, 2, 1], [5421.5, 603.5, 54.5, 6.5]));
  });
  it('[96] gives every image of a sequence what it would have alone', () => {
    for (const one of options) {
      const layer = conv2d(one);
      const { output } = runTestLayer({ layer, x: films, lengths: filmLengths });
      const each = output.data.length / 6;
      for (let place = 0; place < 5; place++) {
        const alone = runTestLayer({ layer, x: numbers([1, 5, 4, 2], films.data.subarray(place * 40, (place + 1) * 40)), time: false }).output;
        assert.deepEqual([...output.data.subarray(place * each, (place + 1) * each)], [...alone.data]);
      }
      assert.ok(output.data.subarray(5 * each).every((value) => value === 0), 'padding');
      assert.deepEqual(runTestLayer({ layer: timeDistributed({ layer }), x: films, lengths: filmLengths, weights: prefixed(layer) }).output, output);
    }
  });
  it('has right gradients, over images and sequences of images', () => {
    for (const one of options) {
      checkLayer({ layer: conv2d(one), x: images, time: false });
      checkLayer({ layer: conv2d(one), x: films, lengths: filmLengths }, 8);
    }
  });
  it('is the same on the engine', function () {
    engineOrSkip(this);
    for (const one of options) checkEngine({ layer: conv2d(one), x: films, lengths: filmLengths });
  });
  it('refuses what does not fit', () => {
    const build = (layer: ReturnType<typeof conv2d>, shape: readonly number[], time = false): unknown => layer.build(new TestScope({ path: 'eye' }), { value: input('x', shape), time });
    assertThrows(() => conv2d({ filters: 2, kernel: [3] as never }), 'ERR_BPTT_TYPE', /kernel to be a number, or \[height, width\]/);
    assertThrows(() => conv2d({ filters: 2, kernel: [3, 0] }), 'ERR_BPTT_RANGE', /kernel\[1\]/);
    assertThrows(() => conv2d({ filters: 2, kernel: 3, padding: 'causal' as 'same' }), 'ERR_BPTT_OPTION', /"same", "valid"/);
    assertThrows(() => build(conv2d({ filters: 2, kernel: 3 }), [4, 9]), 'ERR_BPTT_SHAPE', /conv2d "eye": expected input of shape \[N, height, width, channels\], received \[4, 9\]; declare images by/);
    assertThrows(() => build(conv2d({ filters: 2, kernel: 3 }), [2, 4, 2, 9, 1], true), 'ERR_BPTT_SHAPE', /received 2 × 9; choose a smaller kernel/);
    assertThrows(() => build(dense({ units: 2 }), [4, 3, 3, 1]), 'ERR_BPTT_SHAPE', /put flatten\(\) or globalAveragePooling\(\) before it/);
  });
});

function prefixed(layer: ReturnType<typeof conv2d>): Record<string, Float64Array> {
  const { parameters } = buildLayer({ layer, x: films }).scope.requests;
  return Object.fromEntries([...parameters].map(([path, { shape }]) => [`conv2d/${path}`, numbersFor(path, shape)]));
}

describe('weight normalisation', () => {
  const model = sequential([conv2d({ filters: 3, kernel: 3, weightNorm: true }), flatten()], { input: { features: [4, 4, 2], time: false }, seed: 5 });
  const [g, v] = ['conv2d/weight_g', 'conv2d/weight_v'].map((name) => model.parameter(name).view) as [Float32Array, Float32Array];
  const picture = [Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_unused, j) => [i / 4, j / 4 - 0.5]))];

  it('begins with each filter as long as its direction, so that it is the plain convolution of the same seed', async () => {
    for (let filter = 0; filter < 3; filter++) {
      const squares = v.reduce((sum, value, i) => (i % 3 === filter ? sum + value * value : sum), 0);
      assert.ok(Math.abs(Math.sqrt(squares) - g[filter]!) < 1e-6, `${g[filter]} is not ${Math.sqrt(squares)}`);
    }
    const plain = sequential([conv2d({ filters: 3, kernel: 3 }), flatten()], { input: { features: [4, 4, 2], time: false }, seed: 9 });
    plain.setParameter('conv2d/weight', { data: v, shape: [3, 3, 2, 3] });
    const [expected, found] = [(await plain.predict(picture)).output.data, (await model.predict(picture)).output.data];
    assert.ok(largestDifference(found, expected) < 1e-6);
  });
  it('depends on the direction of v and not on its length', () => {
    const run = (scale: number): Float64Array => runTestLayer({
      layer: conv1d({ filters: 3, kernel: 2, weightNorm: true }), x: sequences,
      weights: { weight_g: [1, 2, 3], weight_v: numbersFor('v', [2, 2, 3]).map((value) => scale * value), bias: [0, 0, 0] },
    }).output.data;
    assert.ok(largestDifference(run(1), run(7)) < 1e-14);
  });
});
