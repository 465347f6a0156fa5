import assert from 'node:assert/strict';
import {
  averagePooling1d, averagePooling2d, conv1d, conv2d, dense, gru, lastStep, layerNormLstmCell, localResponseNormalization, lstm, maxPooling1d, maxPooling2d, modelFromJSON, narx,
  recurrent, recurrentConvolution1d, recurrentConvolution2d, repeatVector, sequential, stack, tcn, timeDelay, vectorToSequence, type Layer,
} from '../../lib/index.ts';
import { BpttError } from '../../lib/errors.ts';
import { input, topologicalOrder } from '../../lib/graph/index.ts';
import { tapsAlong } from '../../lib/layers/convolution/windows.ts';
import { assertThrows } from '../support/errors.ts';

const ones = (count: number): number[] => new Array<number>(count).fill(1);

/** For each option: what takes the largest value there is, what takes one more, and what the message says. */
const bounded: readonly (readonly [name: string, largest: () => Layer, larger: () => Layer, message: RegExp])[] = [
  ['conv1d stride', () => conv1d({ filters: 1, kernel: 1, stride: 65536 }), () => conv1d({ filters: 1, kernel: 1, stride: 65537 }), /^conv1d: expected stride to be an integer from 1 to 65536, received 65537/],
  ['conv1d reach', () => conv1d({ filters: 1, kernel: 3, dilation: 32768 }), () => conv1d({ filters: 1, kernel: 3, dilation: 32769 }), /^conv1d: expected the reach .* 65536 at most, received 2·32769 = 65538; choose/],
  ['conv2d stride', () => conv2d({ filters: 1, kernel: 1, stride: [1, 65536] }), () => conv2d({ filters: 1, kernel: 1, stride: [1, 65537] }), /^conv2d: expected stride\[1\] .* 65536, received 65537/],
  ['conv2d reach', () => conv2d({ filters: 1, kernel: [1, 2], dilation: 65536 }), () => conv2d({ filters: 1, kernel: [1, 2], dilation: 65537 }), /^conv2d: expected the reach .* 1·65537 = 65537; choose/],
  ['maxPooling1d stride', () => maxPooling1d({ size: 2, stride: 65536 }), () => maxPooling1d({ size: 2, stride: 65537 }), /^maxPooling1d: expected stride .* 65536, received 65537/],
  ['averagePooling1d stride', () => averagePooling1d({ size: 2, stride: 65536 }), () => averagePooling1d({ size: 2, stride: 65537 }), /^averagePooling1d: expected stride .* 65536, received 65537/],
  ['maxPooling2d stride', () => maxPooling2d({ size: 2, stride: 65536 }), () => maxPooling2d({ size: 2, stride: 65537 }), /^maxPooling2d: expected stride .* 65536, received 65537/],
  ['averagePooling2d stride', () => averagePooling2d({ size: 2, stride: 65536 }), () => averagePooling2d({ size: 2, stride: 65537 }), /^averagePooling2d: expected stride .* 65536, received 65537/],
  ['tcn blocks', () => tcn({ channels: ones(17) }), () => tcn({ channels: ones(18) }), /^tcn: expected the number of blocks to be an integer from 1 to 17, received 18/],
  ['tcn reach', () => tcn({ channels: ones(16), kernel: 3 }), () => tcn({ channels: ones(17), kernel: 3 }), /^tcn: expected the reach .* 2·65536 = 131072; choose/],
  ['tcn places', () => tcn({ channels: ones(2), kernel: 1024 }), () => tcn({ channels: ones(2), kernel: 1025 }), /^tcn: expected the places .* 4096 at most, received 4100; choose a smaller kernel or fewer blocks/],
  ['recurrentConvolution1d places', () => recurrentConvolution1d({ filters: 1, kernel: 96, recurrentKernel: 40, iterations: 100 }),
    () => recurrentConvolution1d({ filters: 1, kernel: 97, recurrentKernel: 40, iterations: 100 }), /^recurrentConvolution1d: expected the places .* 4096 at most, received 4097; choose .* fewer iterations/],
  ['recurrentConvolution2d places', () => recurrentConvolution2d({ filters: 1, kernel: [8, 12], recurrentKernel: [5, 8], iterations: 100 }),
    () => recurrentConvolution2d({ filters: 1, kernel: [8, 13], recurrentKernel: [5, 8], iterations: 100 }), /^recurrentConvolution2d: expected the places .* received 4104; choose/],
  ['repeatVector steps', () => repeatVector({ steps: 65536 }), () => repeatVector({ steps: 65537 }), /^repeatVector: expected steps to be an integer from 1 to 65536, received 65537/],
  ['vectorToSequence steps', () => vectorToSequence({ steps: 65536, layers: [gru({ units: 1 })] }), () => vectorToSequence({ steps: 65537, layers: [gru({ units: 1 })] }), /^vectorToSequence: expected steps .* 65536, received 65537/],
  ['lstm layers', () => lstm({ units: 1, layers: 100 }), () => lstm({ units: 1, layers: 101 }), /^lstm: expected layers to be an integer from 1 to 100, received 101/],
  ['layers of any cell', () => recurrent(layerNormLstmCell, { units: 1, layers: 100 }), () => recurrent(layerNormLstmCell, { units: 1, layers: 101 }), /expected layers to be an integer from 1 to 100, received 101/],
  ['timeDelay window', () => timeDelay({ units: 1, window: 65536 }), () => timeDelay({ units: 1, window: 65537 }), /^timeDelay: expected window .* 65536, received 65537/],
];

describe('options that say how large a layer gets', () => {
  for (const [name, largest, larger, message] of bounded) {
    it(`have a limit: ${name}`, () => {
      assert.doesNotThrow(largest);
      assertThrows(larger, 'ERR_BPTT_RANGE', message);
    });
  }

  it('have a limit in NARX networks too', () => {
    assertThrows(() => narx({ inputs: 1, outputs: 1, inputDelays: [0, 65537], outputDelays: [1] }), 'ERR_BPTT_RANGE', /inputDelays to be an integer from 0 to 65536, received 65537/);
  });

  it('carry what was expected and what came', () => {
    assert.throws(() => conv1d({ filters: 1, kernel: 2, dilation: 1e9 }), (error: unknown) => error instanceof BpttError && error.expected === 65536 && error.received === 1e9);
    assert.throws(() => tcn({ channels: [1], kernel: 4000 }), (error: unknown) => error instanceof BpttError && error.expected === 4096 && error.received === 8000);
  });

  it('have the same limits when a definition is read', () => {
    const swollen: Readonly<Record<string, readonly [Layer, Readonly<Record<string, unknown>>]>> = {
      stride: [conv1d({ filters: 1, kernel: 2 }), { stride: 1e9 }],
      dilation: [conv1d({ filters: 1, kernel: 2, padding: 'causal' }), { dilation: 1e9 }],
      pooling: [maxPooling1d({ size: 2 }), { stride: 1e9 }],
      blocks: [tcn({ channels: [1] }), { channels: ones(33) }],
      places: [recurrentConvolution1d({ filters: 1, kernel: 3 }), { kernel: 1000, iterations: 100 }],
      layers: [lstm({ units: 1 }), { layers: 2000 }],
      steps: [stack({ layers: [lastStep(), repeatVector({ steps: 2 })] }), { layers: [{ kind: 'lastStep', options: {} }, { kind: 'repeatVector', options: { steps: 1e9 } }] }],
    };
    for (const [name, [layer, options]] of Object.entries(swollen)) {
      const text = JSON.stringify(sequential([layer], { input: { features: 2 } }));
      const definition = JSON.parse(text) as { layers: { options: Record<string, unknown> }[] };
      assert.doesNotThrow(() => modelFromJSON(definition), name);
      Object.assign(definition.layers[0]!.options, options);
      assertThrows(() => modelFromJSON(definition), 'ERR_BPTT_RANGE', /expected .*received/);
    }
  });

  it('limit the channels of local response normalisation when it is built', () => {
    const wide = (units: number) => () => sequential([dense({ units }), localResponseNormalization()], { input: { features: 1 } });
    assertThrows(wide(4097), 'ERR_BPTT_RANGE', /normalisation: expected 4096 channels at most, received 4097; choose/);
  });
});

describe('strides that are longer than their input', () => {
  const x = [[[1, 2], [3, 4], [5, 7]]];

  it('give the one window there is, as those that end with it do', async () => {
    const networks = (stride: number): Layer[] => [
      conv1d({ filters: 2, kernel: 2, stride, padding: 'causal' }), conv1d({ filters: 2, kernel: 2, stride, dilation: 2 }), conv1d({ filters: 2, kernel: 3, stride, padding: 'same' }),
      maxPooling1d({ size: 2, stride }), averagePooling1d({ size: 2, stride, padding: 'same' }),
    ];
    const [near, far] = [3, 65536].map((stride) => networks(stride).map((layer) => sequential([layer], { input: { features: 2 }, seed: 1 })));
    for (const [i, model] of near!.entries()) {
      const expected = await model.predict(x);
      assert.deepEqual(expected.output.shape.slice(0, 2), [1, 1]);
      assert.deepEqual((await far![i]!.predict(x)).output.toArray(), expected.output.toArray());
    }
  });

  it('do not make the input longer than it is', () => {
    for (const [size, windows, count] of [[3, { kernel: 2, stride: 65536, dilation: 1 }, 1], [9, { kernel: 3, stride: 5, dilation: 2 }, 1], [3, { kernel: 2, stride: 9, dilation: 1 }, 1]] as const) {
      const taps = tapsAlong(input('x', [size, 1, 1]), 0, windows, count);
      assert.equal(taps.length, windows.kernel);
      for (const { inputs } of topologicalOrder(taps)) for (const { shape } of inputs) assert.ok(shape[0]! <= size, `${size} elements became ${shape[0]!}`);
    }
  });
});
