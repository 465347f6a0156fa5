import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, saveModel } from '../../../lib/formats/index.ts';
import {
  averagePooling1d, conv1d, conv2d, dense, flatten, globalAveragePooling, globalMaxPooling, localResponseNormalization, lstm, maxPooling1d, maxPooling2d, recurrentConvolution1d, recurrentConvolution2d, reshape,
  receptiveField, tcn, timeDistributed, stack, type Layer,
} from '../../../lib/layers/index.ts';
import { crossEntropy, squaredError } from '../../../lib/losses/index.ts';
import { input, modelFromJSON, sequential, type InputOptions } from '../../../lib/model/index.ts';
import { adam } from '../../../lib/optimizers/index.ts';
import { Trainer } from '../../../lib/training/index.ts';
import { assertRejects, assertThrows } from '../../support/errors.ts';
import { assertNear, flat, someSequence, someSequences, weightsOf } from '../../support/models.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';

const pictures = { data: Float64Array.from(someNumbers(3 * 6 * 5 * 2, 4)), shape: [3, 6, 5, 2] };
const films = { data: Float64Array.from(someNumbers(2 * 4 * 6 * 5, 4)), shape: [2, 4, 6, 5, 1] };

const overImages: Layer[] = [
  conv2d({ filters: 4, kernel: 3, padding: 'same', weightNorm: true, activation: 'relu' }), maxPooling2d({ size: 2 }), recurrentConvolution2d({ filters: 3, kernel: 2 }), localResponseNormalization(),
  flatten(), reshape({ sizes: [6, 3] }), flatten(), dense({ units: 2 }),
];
const overTime: Layer[] = [
  conv1d({ filters: 4, kernel: 3, stride: 2, activation: 'tanh' }), maxPooling1d({ size: 2, padding: 'same' }), recurrentConvolution1d({ filters: 3, kernel: 2 }), averagePooling1d({ size: 2, stride: 1, padding: 'same' }),
  tcn({ channels: [3, 4], dropout: 0.1 }), globalAveragePooling(), dense({ units: 2 }),
];

describe('inputs of images', () => {
  it('are declared by their sizes, and come back from JSON', async () => {
    const model = sequential(overImages, { input: { features: [6, 5, 2], time: false }, seed: 3 });
    assert.deepEqual(model.describe().layers[0], { name: 'input', kind: 'features', outputShape: ['N', 6, 5, 2], parameters: 0, reads: [] });
    const again = modelFromJSON(JSON.parse(JSON.stringify(model)));
    assert.deepEqual(again.definition, model.definition);
    assert.deepEqual((await again.predict(pictures)).output, (await model.predict(pictures)).output);
    const nested = Array.from({ length: 3 }, (_, n) => Array.from({ length: 6 }, (_u, i) => Array.from({ length: 5 }, (_v, j) => [...pictures.data.subarray(((n * 6 + i) * 5 + j) * 2, ((n * 6 + i) * 5 + j) * 2 + 2)])));
    assert.deepEqual((await model.predict(nested)).output, (await model.predict(pictures)).output);
  });
  it('are refused in other sizes', async () => {
    const model = sequential(overImages, { input: { features: [6, 5, 2], time: false } });
    await assertRejects(() => model.predict({ data: new Float32Array(60), shape: [2, 6, 5] }), 'ERR_BPTT_SHAPE', /expected .*\[N, 6, 5, 2\].*received/);
    const wrong = (features: unknown): (() => unknown) => () => input({ features } as InputOptions);
    assertThrows(wrong([]), 'ERR_BPTT_TYPE', /a number, or sizes such as \[height, width, channels\]/);
    assertThrows(wrong([3, 0]), 'ERR_BPTT_RANGE', /features\[1\]/);
    assertThrows(wrong([2 ** 20, 2 ** 20]), 'ERR_BPTT_RANGE', /product of features/);
  });
});

describe('windows and iterations without end', () => {
  it('are refused before anything is built of them', () => {
    const endless = 1e9;
    const factories: Readonly<Record<string, () => unknown>> = {
      conv1d: () => conv1d({ filters: 1, kernel: endless }), tcn: () => tcn({ channels: [1], kernel: endless }), maxPooling1d: () => maxPooling1d({ size: endless }),
      conv2d: () => conv2d({ filters: 1, kernel: [65, 64] }), maxPooling2d: () => maxPooling2d({ size: endless }), recurrentConvolution2d: () => recurrentConvolution2d({ filters: 1, kernel: 3, recurrentKernel: 100 }),
      recurrentConvolution1d: () => recurrentConvolution1d({ filters: 1, kernel: 3, iterations: endless }),
    };
    for (const [kind, make] of Object.entries(factories)) assertThrows(make, 'ERR_BPTT_RANGE', new RegExp(`^${kind}: expected .*from`));
    assertThrows(() => tcn({ channels: new Array<number>(18).fill(1) }), 'ERR_BPTT_RANGE', /number of blocks/);
    assert.equal(receptiveField(tcn({ channels: new Array<number>(17).fill(1) })), 2 ** 18 - 1);
  });
});

describe('models with convolutions', () => {
  it('come back from their folder with the same weights and predictions', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bptt-convolution-'));
    try {
      for (const [layers, options, data] of [[overImages, { features: [6, 5, 2], time: false }, pictures], [overTime, { features: 2 }, someSequences([20, 13], 2)]] as const) {
        const model = sequential(layers, { input: options, seed: 8 });
        await saveModel(model, join(folder, 'model'));
        const again = await loadModel(join(folder, 'model'));
        assert.deepEqual(weightsOf(again), weightsOf(model));
        assert.deepEqual((await again.predict(data)).output, (await model.predict(data)).output);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it('give sequences of different lengths what each alone would have', async () => {
    const model = sequential(overTime, { input: { features: 2 }, seed: 8 });
    const rows = someSequences([31, 18, 9], 2);
    const together = (await model.predict(rows)).output;
    for (const [i, row] of rows.entries()) assertNear(together.row(i).data, (await model.predict([row])).output.data, `row ${i}`);
  });
  it('show how many steps of each row came out', async () => {
    const model = sequential([conv1d({ filters: 2, kernel: 4, stride: 3 })], { input: { features: 2 } });
    const { output } = await model.predict(someSequences([17, 4, 3], 2));
    assert.deepEqual([output.shape, [...output.lengths!]], [[3, 5, 2], [5, 1, 0]]);
    const short = (await model.predict([someSequence(2, 2)])).output;
    assert.deepEqual([short.shape, [...short.lengths!], flat(short.toArray())], [[1, 1, 2], [0], []]);
  });
  it('stream, and go on with states, only where they read no steps ahead', async () => {
    for (const layer of [conv1d({ filters: 2, kernel: 3 }), conv1d({ filters: 2, kernel: 3, padding: 'same' }), maxPooling1d({ size: 2 }), stack({ layers: [globalMaxPooling(), dense({ units: 2 })] })]) {
      const model = sequential([layer], { input: { features: 2 } });
      assertThrows(() => model.stream(), 'ERR_BPTT_OPTION', new RegExp(`cannot stream, for the layer "${layer.kind}" reads steps ahead`));
    }
    const model = sequential([conv1d({ filters: 2, kernel: 3, padding: 'same' }), lstm({ units: 2 })], { input: { features: 2 } });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam(), truncation: { update: 2 } });
    const batch = { input: [someSequence(6, 2)], target: [someSequence(6, 2)] };
    await assertRejects(() => trainer.step(batch), 'ERR_BPTT_OPTION', /"conv1d" reads steps ahead; set carryState: false, leave truncation out/);
  });
  it('are refused by a trainer where an output has other steps than its input', () => {
    for (const layer of [conv1d({ filters: 2, kernel: 3 }), conv1d({ filters: 2, kernel: 3, padding: 'same', stride: 2 }), maxPooling1d({ size: 2 })]) {
      const model = sequential([layer], { input: { features: 2 } });
      assertThrows(() => new Trainer(model, { loss: squaredError(), optimizer: adam() }), 'ERR_BPTT_OPTION', /the output "\w+" has other steps than its input/);
    }
  });
  it('truncated training of a causal network computes the loss that whole sequences have', async () => {
    const make = (): ReturnType<typeof sequential> => sequential([tcn({ channels: [3, 3], kernel: 3 })], { input: { features: 2 }, seed: 5 });
    const batch = { input: someSequences([8, 8], 2), target: someSequences([8, 8], 3, 9) };
    const losses = await Promise.all([undefined, { update: 3 }].map(async (truncation) => (
      (await new Trainer(make(), { loss: squaredError(), optimizer: adam({ learningRate: 1e-12 }), ...(truncation && { truncation }) }).step(batch)).loss)));
    assert.ok(Math.abs(losses[0]! - losses[1]!) < 1e-6, losses.join());
  });
});

describe('recurrent networks after convolutions', () => {
  it('[96] a sequence of feature vectors, a convolution over each image of a sequence or timeDistributed over a whole network feed an lstm', async () => {
    const network = [conv2d({ filters: 3, kernel: 3, activation: 'relu' }), maxPooling2d({ size: 2 }), flatten()];
    const direct = sequential([...network, lstm({ units: 4, output: 'last' })], { input: { features: [6, 5, 1] }, seed: 2 });
    const wrapped = sequential([timeDistributed({ layer: stack({ layers: network }) }), lstm({ units: 4, output: 'last' })], { input: { features: [6, 5, 1] }, seed: 3 });
    direct.parameters.forEach(({ view, shape }, i) => wrapped.setParameter(wrapped.parameters[i]!.name, { data: view, shape }));
    assert.deepEqual((await wrapped.predict(films)).output, (await direct.predict(films)).output);
    const eye = sequential(network, { input: { features: [6, 5, 1], time: false } });
    const recurrent = sequential([lstm({ units: 4, output: 'last' })], { input: { features: 6 } });
    direct.parameters.forEach(({ name, view, shape }) => (name.startsWith('lstm') ? recurrent : eye).setParameter(name, { data: view, shape }));
    const vectors = (await eye.predict({ data: films.data, shape: [8, 6, 5, 1] })).output;
    const inParts = (await recurrent.predict({ data: vectors.data, shape: [2, 4, 6] })).output;
    assert.ok(largestDifference(inParts.data, (await direct.predict(films)).output.data) < 1e-6);
  });
  it('[96] learns which of two strokes moves to the right, from films of different lengths', async () => {
    const film = (length: number, right: boolean, row: number): number[][][][] => Array.from({ length }, (_, t) => (
      Array.from({ length: 4 }, (_u, i) => Array.from({ length: 5 }, (_v, j) => [i === row && j === (right ? t : 4 - t) ? 1 : 0]))));
    const cases = [0, 1, 2, 3].flatMap((row) => [2, 3, 4, 5].flatMap((length) => [{ length, right: true, row }, { length, right: false, row }]));
    const batch = { input: cases.map(({ length, right, row }) => film(length, right, row)), target: Int32Array.from(cases, ({ right }) => Number(right)) };
    const model = sequential([conv2d({ filters: 4, kernel: 3, padding: 'same', activation: 'relu' }), flatten(), lstm({ units: 8, output: 'last' }), dense({ units: 2 })],
      { input: { features: [4, 5, 1] }, seed: 1 });
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }) });
    for (let step = 0; step < 40; step++) await trainer.step(batch);
    const { output } = await model.predict(batch.input);
    const right = cases.filter((one, row) => (output.row(row).data[1]! > output.row(row).data[0]!) === one.right).length;
    assert.equal(right, cases.length);
  });
});
