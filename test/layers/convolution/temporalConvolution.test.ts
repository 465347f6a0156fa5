import assert from 'node:assert/strict';
import { gradient, input, sliceAxis, sum } from '../../../lib/graph/index.ts';
import {
  activation, conv1d, conv2d, dense, gru, maxPooling1d, receptiveField, recurrentConvolution1d, stack, tcn, timeDelay, type Layer, type TcnOptions,
} from '../../../lib/layers/index.ts';
import { sequential } from '../../../lib/model/index.ts';
import { evaluate } from '../../../lib/runtime/reference/interpreter.ts';
import { assertThrows } from '../../support/errors.ts';
import { someSequence } from '../../support/models.ts';
import { someNumbers } from '../../support/numbers.ts';
import { buildLayer, initialNumbers, runTestLayer, TestScope } from '../../support/scope.ts';
import { numbers } from '../../support/tensors.ts';
import { checkEngine, checkLayer, checkRagged, engineOrSkip, lengths, sequences } from './support.ts';

/** The steps s of x whose change changes the output at step t. */
function seenSteps(layer: Layer, steps: number, t: number): number[] {
  const { x, signal, inputs } = buildLayer({ layer, x: numbers([steps, 1, 1], someNumbers(steps, 3)) });
  const { gradients } = gradient(sum(sliceAxis(signal.value, 0, t, 1)), [x]);
  return [...evaluate([gradients[0]!], { inputs })[0]!.data].flatMap((value, s) => (value === 0 ? [] : [s]));
}

/** With positive weights no relu and no cancellation hides a step. */
const open = { initializer: { weight: { kind: 'uniform', options: { low: 0.1, high: 0.5 } }, bias: 'ones' } } as const;

function opened(options: TcnOptions, x: ReturnType<typeof numbers>): Record<string, Float64Array> {
  const { scope } = buildLayer({ layer: tcn({ ...options, ...open }), x });
  return Object.fromEntries([...scope.requests.parameters].map(([path, parameter]) => [path, initialNumbers(path, parameter)]));
}

describe('tcn', () => {
  const options = { channels: [3, 3, 4], kernel: 3 };

  it('[101] its receptive field is 1 + 2 (kernel − 1)(2ᴸ − 1): 1525 for kernel 7 and 7 blocks, 3571 for 8 and 8', () => {
    const field = (kernel: number, blocks: number): number => receptiveField(tcn({ kernel, channels: new Array<number>(blocks).fill(25) }));
    assert.deepEqual([field(7, 7), field(8, 8), field(2, 1), field(3, 3)], [1525, 3571, 3, 29]);
    assert.equal(receptiveField(tcn({ channels: [1, 1] })), 7);
  });
  it('[101] an output depends on no later step and on none before its receptive field, but on the first one of it', () => {
    const steps = 40;
    const x = numbers([steps, 1, 1], someNumbers(steps, 3).map((value) => Math.abs(value)));
    const weights = opened(options, x);
    const { x: leaf, signal, inputs } = buildLayer({ layer: tcn(options), x, weights });
    const field = receptiveField(tcn(options));
    for (const t of [0, 17, 33, 39]) {
      const { gradients } = gradient(sum(sliceAxis(signal.value, 0, t, 1)), [leaf]);
      const found = [...evaluate([gradients[0]!], { inputs })[0]!.data];
      found.forEach((value, s) => assert.equal(value !== 0, s <= t && s >= t - field + 1, `∂y[${t}]/∂x[${s}] = ${value}`));
    }
  });
  it('[101] has right gradients, of lengths and directions of its filters too', () => {
    checkLayer({ layer: tcn(options), x: sequences, lengths }, 12);
    checkLayer({ layer: tcn({ channels: [2, 3], kernel: 2, weightNorm: false }), x: sequences, lengths, state: {} });
    checkLayer({ layer: tcn({ channels: [3], dropout: 0.5 }), x: sequences, training: true }, 12);
    const names = [...buildLayer({ layer: tcn(options), x: sequences }).scope.requests.parameters.keys()];
    assert.deepEqual(names.filter((name) => name.startsWith('block_0')), ['block_0/convolution_1/weight_g', 'block_0/convolution_1/weight_v', 'block_0/convolution_1/bias',
      'block_0/convolution_2/weight_g', 'block_0/convolution_2/weight_v', 'block_0/convolution_2/bias', 'block_0/shortcut/weight', 'block_0/shortcut/bias']);
    assert.ok(!names.some((name) => name.startsWith('block_1/shortcut')), 'no shortcut between equal widths');
  });
  it('[101] streams by carrying recent inputs: step for step the bits of the whole sequence', async () => {
    const model = sequential([tcn({ channels: [6, 6, 5], kernel: 3 }), dense({ units: 2 })], { input: { features: 3 }, seed: 4 });
    const rows = [someSequence(60, 3, 1), someSequence(60, 3, 2)];
    const { output, state } = await model.predict(rows);
    const stream = model.stream({ rows: 2 });
    const stepped = rows[0]!.map((_, t) => [...stream.step(rows.flatMap((row) => row[t]!))]);
    const whole = rows[0]!.map((_, t) => rows.flatMap((_row, n) => [...output.data.subarray((n * 60 + t) * 2, (n * 60 + t) * 2 + 2)]));
    assert.deepEqual(stepped, whole);
    for (const [path, { data }] of Object.entries(state)) assert.deepEqual(stream.state[path]!.data, data, path);
    assert.deepEqual(model.states.map(({ name, sizes }) => [name, sizes]), [
      ['tcn/block_0/convolution_1/recent', [2, 3]], ['tcn/block_0/convolution_2/recent', [2, 6]], ['tcn/block_1/convolution_1/recent', [4, 6]], ['tcn/block_1/convolution_2/recent', [4, 6]],
      ['tcn/block_2/convolution_1/recent', [8, 6]], ['tcn/block_2/convolution_2/recent', [8, 5]],
    ]);
    stream.reset();
    assert.deepEqual([...stream.step(rows.flatMap((row) => row[0]!))], whole[0]);
  });
  it('goes on from a state: two parts of a sequence give what the whole gives', async () => {
    const model = sequential([tcn({ channels: [4, 4], kernel: 2 })], { input: { features: 2 }, seed: 4 });
    const row = someSequence(9, 2);
    const whole = (await model.predict([row])).output.data;
    const first = await model.predict([row.slice(0, 2)]);
    const second = await model.predict([row.slice(2)], { state: first.state });
    assert.deepEqual([...first.output.data, ...second.output.data], [...whole]);
  });
  it('gives each row of a ragged batch what it would have alone', () => checkRagged(tcn(options), sequences, lengths, (length) => length));
  it('is the same on the engine', function () {
    engineOrSkip(this);
    checkEngine({ layer: tcn(options), x: sequences, lengths });
  });
  it('begins with normal weights of deviation 0.01 and drops whole features of a row', () => {
    const { parameters } = buildLayer({ layer: tcn({ channels: [40], kernel: 5 }), x: sequences }).scope.requests;
    const v = initialNumbers('v', parameters.get('block_0/convolution_2/weight_v')!);
    const deviation = Math.sqrt(v.reduce((total, value) => total + value * value, 0) / v.length);
    assert.ok(Math.abs(deviation - 0.01) < 5e-4, `deviation ${deviation}`);
    const ones = numbers([20, 1, 1], new Array<number>(20).fill(1));
    const dropped = (variational: boolean): number => {
      const weights = opened({ channels: [64], kernel: 1 }, ones);
      const { output } = runTestLayer({ layer: tcn({ channels: [64], kernel: 1, dropout: 0.5, variational }), x: ones, weights, training: true });
      return Array.from({ length: 64 }, (_, f) => new Set(Array.from({ length: 20 }, (_unused, t) => output.data[t * 64 + f])).size).filter((different) => different > 1).length;
    };
    assert.equal(dropped(true), 0);
    assert.ok(dropped(false) > 60);
  });
  it('refuses what does not fit', () => {
    assertThrows(() => tcn({ channels: [] }), 'ERR_BPTT_TYPE', /channels to be a list of at least one number/);
    assertThrows(() => tcn({ channels: [3, 0] }), 'ERR_BPTT_RANGE', /channels\[1\]/);
    assertThrows(() => tcn({ channels: [3], kernal: 3 } as never), 'ERR_BPTT_OPTION', /did you mean "kernel"/);
    for (const variational of [false, true]) assertThrows(() => tcn({ channels: [3], variational }), 'ERR_BPTT_OPTION', /tcn: variational says how the masks of dropout are drawn, and dropout is 0/);
    assertThrows(() => tcn({ channels: [3], dropout: 1 }), 'ERR_BPTT_RANGE', /dropout/);
    assertThrows(() => tcn({ channels: [3] }).build(new TestScope(), { value: input('x', [3, 2]), time: false }), 'ERR_BPTT_SHAPE', /\[N, T, features\]/);
  });
});

describe('receptiveField', () => {
  it('is what the gradient shows, for one layer and for chains', () => {
    const chains: readonly (readonly Layer[])[] = [
      [conv1d({ filters: 1, kernel: 3, dilation: 2, padding: 'causal', ...open })], [conv1d({ filters: 1, kernel: 3, padding: 'same', ...open }), conv1d({ filters: 1, kernel: 2, padding: 'same', ...open })],
      [timeDelay({ units: 1, window: 4 }), activation({ function: 'tanh' })],
      [conv1d({ filters: 1, kernel: 2, stride: 3 }), timeDelay({ units: 1, window: 3 }), dense({ units: 1 })],
      [recurrentConvolution1d({ filters: 1, kernel: 3, iterations: 2, activation: 'tanh', normalization: false })],
    ];
    for (const chain of chains) {
      const layer = stack({ layers: chain });
      const field = receptiveField(chain);
      assert.equal(receptiveField(layer), field);
      const seen = seenSteps(layer, 30, 4);
      assert.equal(seen.at(-1)! - seen[0]! + 1, field, chain.map(({ kind }) => kind).join());
    }
    assert.equal(receptiveField([maxPooling1d({ size: 3, stride: 2 }), conv1d({ filters: 1, kernel: 2 })]), 5);
  });
  it('is refused for what sees all steps', () => {
    assertThrows(() => receptiveField([conv1d({ filters: 1, kernel: 2 }), gru({ units: 1 })]), 'ERR_BPTT_OPTION', /received gru/);
    assertThrows(() => receptiveField(3 as never), 'ERR_BPTT_TYPE', /expected a layer/);
    assert.equal(receptiveField(conv2d({ filters: 1, kernel: 3 })), 1);
  });
});
