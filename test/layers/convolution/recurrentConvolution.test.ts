import assert from 'node:assert/strict';
import { input, type Value } from '../../../lib/graph/index.ts';
import {
  activation, conv1d, conv2d, dense, dropout, globalMaxPooling, localResponseNormalization, maxPooling2d, recurrentConvolution1d, recurrentConvolution2d, stack, type Layer,
} from '../../../lib/layers/index.ts';
import { sequential } from '../../../lib/model/index.ts';
import { assertThrows } from '../../support/errors.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';
import { someSequence } from '../../support/models.ts';
import { buildLayer, numbersFor, runTestLayer, TestScope } from '../../support/scope.ts';
import { numbers } from '../../support/tensors.ts';
import { checkEngine, checkLayer, checkRagged, engineOrSkip, filmLengths, films, images, lengths, sequences } from './support.ts';

const layer1d = (iterations: number): Layer => recurrentConvolution1d({ filters: 3, kernel: 3, iterations, normalization: { size: 2, alpha: 0.3 } });
const layer2d = (iterations: number): Layer => recurrentConvolution2d({ filters: 3, kernel: [3, 2], recurrentKernel: 3, iterations, normalization: { size: 2, alpha: 0.3 } });

/** The most and the least products with weights on any path from `x` to `value`. */
function pathLengths(value: Value, x: Value): { longest: number; shortest: number } {
  const known = new Map<Value, { longest: number; shortest: number }>([[x, { longest: 0, shortest: 0 }]]);
  const none = { longest: -Infinity, shortest: Infinity };
  const visit = (at: Value): { longest: number; shortest: number } => {
    const found = known.get(at);
    if (found) return found;
    const convolution = at.node.operation === 'matmul' && at.node.inputs[1]!.node.operation !== 'constant' ? 1 : 0;
    const inputs = at.node.inputs.map(visit);
    const result = inputs.length === 0 ? none
      : { longest: convolution + Math.max(...inputs.map(({ longest }) => longest)), shortest: convolution + Math.min(...inputs.map(({ shortest }) => shortest)) };
    known.set(at, result);
    return result;
  };
  return visit(value);
}

describe('recurrentConvolution1d and recurrentConvolution2d', () => {
  it('[100] have as many parameters for every number of iterations', () => {
    for (const make of [layer1d, layer2d]) {
      const counts = [0, 1, 2, 3, 4, 5].map((iterations) => {
        const { parameters } = buildLayer({ layer: make(iterations), x: make === layer1d ? sequences : films }).scope.requests;
        return [...parameters.values()].reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
      });
      assert.deepEqual([...new Set(counts)], [make === layer1d ? 3 * 2 * 3 + 3 + 3 * 3 * 3 : 3 * 2 * 2 * 3 + 3 + 9 * 9]);
    }
  });
  it('[100] without iterations are a convolution, relu and local response normalisation', () => {
    const normalization = localResponseNormalization({ size: 2, alpha: 0.3 });
    for (const [layer, plain, x] of [
      [layer1d(0), conv1d({ filters: 3, kernel: 3, padding: 'same', activation: 'relu' }), sequences], [layer2d(0), conv2d({ filters: 3, kernel: [3, 2], padding: 'same', activation: 'relu' }), films],
    ] as const) {
      const { parameters } = buildLayer({ layer, x }).scope.requests;
      const weights = Object.fromEntries(['weight', 'bias'].map((name) => [`${plain.kind}/${name}`, numbersFor(name, parameters.get(name)!.shape)]));
      const chain = stack({ layers: [plain, normalization] });
      assert.deepEqual(runTestLayer({ layer, x }).output, runTestLayer({ layer: chain, x, weights }).output);
    }
  });
  it('[100] iterate with the same weights: the equations written out', () => {
    const { output } = runTestLayer({ layer: layer1d(2), x: sequences });
    const own = (kind: string, weight: Float64Array, bias: readonly number[]): Record<string, ArrayLike<number>> => ({ [`${kind}weight`]: weight, [`${kind}bias`]: bias });
    const convolve = (x: typeof sequences, weight: Float64Array, bias: readonly number[]): Float64Array => (
      runTestLayer({ layer: conv1d({ filters: 3, kernel: 3, padding: 'same' }), x, weights: own('', weight, bias) }).output.data);
    const respond = (sums: Float64Array): typeof sequences => (
      runTestLayer({ layer: stack({ layers: [activation({ function: 'relu' }), localResponseNormalization({ size: 2, alpha: 0.3 })] }), x: numbers([7, 3, 3], sums) }).output);
    const fed = convolve(sequences, numbersFor('weight', [3, 2, 3]), [...numbersFor('bias', [3])]);
    let x = respond(fed);
    for (let t = 1; t <= 2; t++) {
      const back = convolve(x, numbersFor('recurrent_weight', [3, 3, 3]), [0, 0, 0]);
      x = respond(fed.map((value, i) => value + back[i]!));
    }
    assert.ok(largestDifference(output.data, x.data) < 1e-14);
  });
  it('[100] unfold to paths of one to iterations + 1 convolutions', () => {
    for (const iterations of [0, 1, 3, 5]) {
      for (const [make, x] of [[layer1d, sequences], [layer2d, films]] as const) {
        const built = buildLayer({ layer: make(iterations), x });
        assert.deepEqual(pathLengths(built.signal.value, built.x), { longest: iterations + 1, shortest: 1 });
      }
    }
  });
  it('[100] have right gradients in one and two dimensions', () => {
    checkLayer({ layer: layer1d(3), x: sequences, lengths });
    checkLayer({ layer: recurrentConvolution1d({ filters: 2, kernel: 2, padding: 'causal', bias: false, activation: 'tanh' }), x: sequences, lengths, state: {} });
    // relu has kinks that central differences may step over; its own gradient is checked above and with PyTorch's numbers.
    const smooth = { filters: 2, kernel: [3, 2], recurrentKernel: 3, activation: 'softplus' } as const;
    checkLayer({ layer: recurrentConvolution2d({ ...smooth, iterations: 2, normalization: { alpha: 0.3 } }), x: images, time: false });
    checkLayer({ layer: recurrentConvolution2d({ ...smooth, iterations: 1, normalization: false }), x: films, lengths: filmLengths }, 8);
  });
  it('give each row of a ragged batch what it would have alone', () => {
    for (const padding of ['same', 'causal'] as const) checkRagged(recurrentConvolution1d({ filters: 3, kernel: 3, padding }), sequences, lengths, (length) => length);
  });
  it('are the same on the engine', function () {
    engineOrSkip(this);
    checkEngine({ layer: layer1d(3), x: sequences, lengths });
    checkEngine({ layer: layer2d(2), x: films, lengths: filmLengths });
  });
  it('stream where they are causal', async () => {
    const model = sequential([recurrentConvolution1d({ filters: 4, kernel: 3, padding: 'causal' })], { input: { features: 2 }, seed: 2 });
    const row = someSequence(12, 2);
    const { output } = await model.predict([row]);
    const stream = model.stream();
    assert.deepEqual(row.flatMap((x) => [...stream.step(x)]), [...output.data]);
    assertThrows(() => sequential([recurrentConvolution1d({ filters: 4, kernel: 3 })], { input: { features: 2 } }).stream(), 'ERR_BPTT_OPTION', /"recurrentConvolution1d" reads steps ahead/);
  });
  it('refuse what does not fit', () => {
    assertThrows(() => recurrentConvolution2d({ filters: 2, kernel: 3, iterations: -1 }), 'ERR_BPTT_RANGE', /iterations/);
    assertThrows(() => recurrentConvolution1d({ filters: 2, kernel: 3, padding: 'valid' as 'same' }), 'ERR_BPTT_OPTION', /"causal", "same"/);
    assertThrows(() => recurrentConvolution1d({ filters: 2, kernel: 3, normalization: { gamma: 1 } as never }), 'ERR_BPTT_OPTION', /gamma/);
    assertThrows(() => recurrentConvolution1d({ filters: 2, kernel: 3, bias: false, initializer: { bias: 'ones' } }), 'ERR_BPTT_OPTION', /leaves none/);
    assertThrows(() => recurrentConvolution2d({ filters: 2, kernel: 3 }).build(new TestScope(), { value: input('x', [3, 2]), time: false }), 'ERR_BPTT_SHAPE', /height, width, channels/);
  });
});

/** The network of the paper: a convolution, two recurrent layers between pools, all of `width` features, and softmax over the last pool. */
function network(width: number, iterations: number): Layer[] {
  const recurrent = (): Layer[] => [recurrentConvolution2d({ filters: width, kernel: 3, iterations }), dropout({ rate: 0.5 })];
  const pool = (): Layer => maxPooling2d({ size: 3, stride: 2, padding: 'same' });
  return [
    conv2d({ filters: width, kernel: 5, padding: 'same', activation: 'relu' }), localResponseNormalization(), pool(), dropout({ rate: 0.5 }), ...recurrent(), ...recurrent(), pool(), ...recurrent(), ...recurrent(),
    globalMaxPooling(), dense({ units: 10, activation: 'softmax' }),
  ];
}

describe('the recurrent convolutional network of Liang and Hu', () => {
  it('[100] one convolution, four recurrent layers, three pools and softmax: shapes and 0.67 million parameters at 96 features', () => {
    const model = sequential(network(96, 3), { input: { features: [32, 32, 3], time: false }, seed: 1 });
    const shapes = model.describe().layers.filter(({ kind }) => !['dropout', 'localResponseNormalization'].includes(kind)).map(({ kind, outputShape }) => [kind, outputShape.slice(1)]);
    assert.deepEqual(shapes, [
      ['features', [32, 32, 3]], ['conv2d', [32, 32, 96]], ['maxPooling2d', [16, 16, 96]], ['recurrentConvolution2d', [16, 16, 96]], ['recurrentConvolution2d', [16, 16, 96]],
      ['maxPooling2d', [8, 8, 96]], ['recurrentConvolution2d', [8, 8, 96]], ['recurrentConvolution2d', [8, 8, 96]], ['globalMaxPooling', [96]], ['dense', [10]],
    ]);
    assert.equal(model.parameterCount, (25 * 3 + 1) * 96 + 4 * (2 * 9 * 96 * 96 + 96) + 97 * 10);
    assert.equal((model.parameterCount / 1e6).toFixed(2), '0.67');
  });
  it('[100] gives class probabilities', async () => {
    const model = sequential(network(8, 2), { input: { features: [12, 12, 3], time: false }, seed: 1 });
    const { output } = await model.predict({ data: Float64Array.from(someNumbers(2 * 432, 3)), shape: [2, 12, 12, 3] });
    assert.deepEqual(output.shape, [2, 10]);
    for (const row of [0, 1]) assert.ok(Math.abs([...output.row(row).data].reduce((sum, value) => sum + value, 0) - 1) < 1e-5);
  });
});
