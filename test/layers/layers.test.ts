import assert from 'node:assert/strict';
import { input } from '../../lib/graph/index.ts';
import {
  activation, activationNames, add, average, bidirectional, concatenate, dense, dropout, embedding, gru, lastStep, lstm, multiply, oneHot, parallel, residual, stack, withInitialState, type Layer, type Signal,
} from '../../lib/layers/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { assertThrows } from '../support/errors.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';
import { buildLayer, initialNumbers, numbersFor, runTestLayer, TestScope, type LayerRun } from '../support/scope.ts';
import { numbers } from '../support/tensors.ts';

const x = numbers([4, 3, 2], someNumbers(24, 8));
const lengths = [4, 1, 2];
const tokens = numbers([4, 3], [0, 1, 2, 3, 4, 0, 1, 1, 2, 4, 3, 0]);

function checkLayer(run: LayerRun, samples = 40): void {
  const { scope, x: leaf, signal, inputs } = buildLayer(run);
  const parameters = [...scope.requests.parameters.values()].map(({ value }) => value);
  checkGradient(signal.value, leaf.type === 'float32' ? [leaf, ...parameters] : parameters, { inputs, samples });
}

function assertZeroPadding({ output }: ReturnType<typeof runTestLayer>): void {
  const width = output.data.length / 12;
  lengths.forEach((length, row) => {
    for (let t = length; t < 4; t++) assert.ok(output.data.subarray((t * 3 + row) * width, (t * 3 + row + 1) * width).every((element) => element === 0), `row ${row} step ${t}`);
  });
}

describe('dense', () => {
  it('is x W + b at every step, and without time', () => {
    const weights = { weight: [1, 2, 3, 4, 5, 6], bias: [10, 20, 30] };
    assert.deepEqual([...runTestLayer({ layer: dense({ units: 3 }), x: numbers([1, 1, 2], [1, -1]), weights }).output.data], [7, 17, 27]);
    assert.deepEqual([...runTestLayer({ layer: dense({ units: 3, bias: false }), x: numbers([1, 2], [1, -1]), time: false, weights }).output.data], [-3, -3, -3]);
  });
  it('has right gradients with every activation', () => {
    for (const name of activationNames) checkLayer({ layer: dense({ units: 3, activation: name }), x });
  });
  it('lies on disk as [out, in]', () => {
    const { parameters } = buildLayer({ layer: dense({ units: 3 }), x }).scope.requests;
    assert.deepEqual([...parameters].map(([name, { shape, options }]) => [name, shape, options.group, options.disk?.transpose]), [['weight', [2, 3], 'output', true], ['bias', [3], 'bias', undefined]]);
  });
  it('puts nothing into padding, not even a bias', () => {
    assertZeroPadding(runTestLayer({ layer: dense({ units: 3, activation: 'sigmoid' }), x, lengths }));
    checkLayer({ layer: dense({ units: 3 }), x, lengths });
  });
  it('keeps what padding holds out of the gradient', () => {
    const spoilt = numbers(x.shape, x.data.map((value, i) => (Math.floor(i / 6) < lengths[Math.floor(i / 2) % 3]! ? value : NaN)));
    const clean = runTestLayer({ layer: dense({ units: 3 }), x, lengths }).output;
    assert.deepEqual(runTestLayer({ layer: dense({ units: 3 }), x: spoilt, lengths }).output, clean);
  });
  it('refuses tokens and wrong options', () => {
    const scope = new TestScope({ path: 'head' });
    assertThrows(() => dense({ units: 3 }).build(scope, { value: input('x', [4, 3], 'int32'), time: true }), 'ERR_BPTT_TYPE', /^dense "head": expected float32 features, received int32 \[3, 4\]/);
    assertThrows(() => dense({ units: 3, activation: 'relo' as 'relu' }), 'ERR_BPTT_OPTION', /activation to be one of .*"relu"/);
    assertThrows(() => dense({ units: 3, initializer: { weights: 'ones' } as never }), 'ERR_BPTT_OPTION', /did you mean "weight"/);
  });
});

describe('embedding and oneHot', () => {
  it('embedding equals one-hot vectors times its table, forward and in the gradient', () => {
    const table = numbersFor('weight', [5, 3]);
    const embedded = runTestLayer({ layer: embedding({ size: 3 }), x: tokens, type: 'int32', tokens: 5, weights: { weight: table } });
    const product = stack({ layers: [oneHot(), dense({ units: 3, bias: false })] });
    const multiplied = runTestLayer({ layer: product, x: tokens, type: 'int32', tokens: 5, weights: { 'dense/weight': table } });
    assert.deepEqual(embedded.output, multiplied.output);
    checkLayer({ layer: embedding({ size: 3 }), x: tokens, type: 'int32', tokens: 5, lengths });
  });
  it('begin within ±0.05', () => {
    const { parameters } = buildLayer({ layer: embedding({ size: 8, tokens: 50 }), x: tokens, type: 'int32' }).scope.requests;
    const table = initialNumbers('weight', parameters.get('weight')!);
    assert.equal(table.length, 400);
    assert.ok(table.every((element) => Math.abs(element) <= 0.05) && table.some((element) => Math.abs(element) > 0.04));
  });
  it('give zeros beyond each row\'s end, whatever token stands there', () => {
    const spoilt = numbers(tokens.shape, tokens.data.map((token, i) => (Math.floor(i / 3) < lengths[i % 3]! ? token : -1)));
    for (const layer of [embedding({ size: 3 }), oneHot()]) assertZeroPadding(runTestLayer({ layer, x: spoilt, type: 'int32', tokens: 5, lengths }));
  });
  it('work without time', () => {
    assert.deepEqual([...runTestLayer({ layer: oneHot({ depth: 3 }), x: numbers([2], [2, 0]), type: 'int32', time: false }).output.data], [0, 0, 1, 1, 0, 0]);
  });
  it('refuse features, and tokens that nobody counted or too many', () => {
    const scope = new TestScope({ path: 'embedding' });
    const signal = (declared?: number): Signal => ({ value: input('x', [4, 3], 'int32'), time: true, tokens: declared });
    assertThrows(() => embedding({ size: 3 }).build(scope, signal()), 'ERR_BPTT_OPTION', /how many tokens there are; declare the input with \{ tokens \}/);
    assertThrows(() => embedding({ size: 3, tokens: 4 }).build(scope, signal(5)), 'ERR_BPTT_OPTION', /tokens of at least 5.*received 4/);
    assertThrows(() => oneHot({ depth: 4 }).build(scope, signal(5)), 'ERR_BPTT_OPTION', /depth of at least 5/);
    assertThrows(() => embedding({ size: 3 }).build(scope, { value: input('x', [4, 3, 2]), time: true }), 'ERR_BPTT_TYPE', /expected int32 tokens, received float32 \[3, 4, 2\]/);
  });
});

describe('dropout', () => {
  const wide = numbers([10, 20, 30], new Float64Array(6000).fill(1));
  const run = (options: Parameters<typeof dropout>[0], training = true): Float64Array => runTestLayer({ layer: dropout(options), x: wide, training }).output.data;

  it('sets a share to zero and keeps the mean', () => {
    const output = run({ rate: 0.3 });
    assert.deepEqual([...new Set(output)].sort(), [0, 1 / 0.7]);
    const mean = output.reduce((total, element) => total + element, 0) / output.length;
    assert.ok(Math.abs(mean - 1) < 0.03, `mean ${mean}`);
  });
  it('leaves inference alone', () => assert.deepEqual(run({ rate: 0.3 }, false), wide.data));
  it('uses one mask for all steps when variational', () => {
    const output = run({ rate: 0.5, variational: true });
    for (let t = 1; t < 10; t++) assert.deepEqual(output.subarray(t * 600, (t + 1) * 600), output.subarray(0, 600));
    assert.notDeepEqual(run({ rate: 0.5 }).subarray(0, 600), run({ rate: 0.5 }).subarray(600, 1200));
  });
  it('has right gradients', () => checkLayer({ layer: dropout({ rate: 0.4 }), x, training: true }));
  it('refuses rates outside of [0, 1)', () => {
    for (const rate of [-0.1, 1, NaN]) assertThrows(() => dropout({ rate }), 'ERR_BPTT_RANGE', /rate/);
  });
});

describe('activation and lastStep', () => {
  it('activation has right gradients and leaves padding zero', () => {
    for (const name of activationNames) {
      checkLayer({ layer: activation({ function: name }), x, lengths });
      assertZeroPadding(runTestLayer({ layer: activation({ function: name }), x, lengths }));
    }
  });
  it('softmax adds up to 1 at every step', () => {
    const { data } = runTestLayer({ layer: activation({ function: 'softmax' }), x }).output;
    for (let i = 0; i < data.length; i += 2) assert.ok(Math.abs(data[i]! + data[i + 1]! - 1) < 1e-15);
  });
  it('lastStep takes the last valid step of every row', () => {
    const { output } = runTestLayer({ layer: lastStep(), x, lengths });
    const expected = lengths.flatMap((length, row) => [...x.data.subarray(((length - 1) * 3 + row) * 2, ((length - 1) * 3 + row) * 2 + 2)]);
    assert.deepEqual([...output.data], expected);
    assert.deepEqual([...runTestLayer({ layer: lastStep(), x }).output.data], [...x.data.subarray(18)]);
    checkLayer({ layer: lastStep(), x, lengths });
  });
  it('refuse what has no steps', () => {
    assertThrows(() => lastStep().build(new TestScope(), { value: input('x', [3, 2]), time: false }), 'ERR_BPTT_SHAPE', /expected input of shape \[N, T, features\], received \[3, 2\]/);
  });
});

describe('merging layers', () => {
  const merge = (layer: Layer, ...shapes: (readonly number[])[]): Signal => (
    layer.build(new TestScope({ path: layer.kind }), ...shapes.map((shape, i) => ({ value: input(`x${i}`, shape), time: shape.length === 3 }))));
  const inputs = { x0: [1, 2, 3, 4], x1: [5, 6, 7, 8] };
  const numbersOf = (layer: Layer): number[] => [...evaluate([merge(layer, [2, 1, 2], [2, 1, 2]).value], { inputs })[0]!.data];

  it('join features', () => {
    assert.deepEqual(numbersOf(concatenate()), [1, 2, 5, 6, 3, 4, 7, 8]);
    assert.deepEqual(merge(concatenate(), [2, 3, 2], [2, 3, 5], [2, 3, 1]).value.shape, [2, 3, 8]);
    assert.deepEqual(numbersOf(add()), [6, 8, 10, 12]);
    assert.deepEqual(numbersOf(multiply()), [5, 12, 21, 32]);
    assert.deepEqual(numbersOf(average()), [3, 4, 5, 6]);
  });
  it('have right gradients', () => {
    for (const layer of [concatenate(), add(), multiply(), average()]) {
      const values = ['a', 'b', 'c'].map((name) => input(name, [2, 3, 2]));
      checkGradient(layer.build(new TestScope(), ...values.map((value) => ({ value, time: true }))).value, values);
    }
  });
  it('keep the lengths of rows', () => {
    const rowLengths = input('lengths', [3], 'int32');
    const merged = add().build(new TestScope(), { value: input('a', [2, 3, 2]), time: true, lengths: rowLengths }, { value: input('b', [2, 3, 2]), time: true, lengths: rowLengths });
    assert.equal(merged.lengths, rowLengths);
  });
  it('refuse one input and inputs of different shapes', () => {
    assertThrows(() => merge(add(), [2, 3, 2]), 'ERR_BPTT_GRAPH', /two or more inputs, received 1/);
    assertThrows(() => merge(add(), [2, 3, 2], [2, 3, 4]), 'ERR_BPTT_SHAPE', /add: expected inputs of one shape, received \[3, 2, 2\] and \[3, 2, 4\]/);
    assertThrows(() => merge(concatenate(), [2, 3, 2], [3, 4]), 'ERR_BPTT_SHAPE', /but for the features/);
  });
});

describe('stack and bidirectional', () => {
  it('stack builds its layers below its own path, numbered', () => {
    const layer = stack({ layers: [dense({ units: 3 }), dense({ units: 4 }), dense({ units: 5, name: 'head' })] });
    const { scope, signal } = buildLayer({ layer, x });
    assert.deepEqual([...scope.requests.parameters.keys()], ['dense/weight', 'dense/bias', 'dense_1/weight', 'dense_1/bias', 'head/weight', 'head/bias']);
    assert.deepEqual(signal.value.shape, [4, 3, 5]);
    checkLayer({ layer, x }, 10);
  });
  it('bidirectional equals the direction of the same name when both halves have its weights', () => {
    const wrapped = runTestLayer({ layer: bidirectional({ forward: gru({ units: 3 }) }), x, lengths });
    const weights = Object.fromEntries(['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].flatMap((name) => {
      const shape = { weight_ih: [2, 9], weight_hh: [3, 9], bias_ih: [9], bias_hh: [3] }[name]!;
      return [[`${name}_l0`, numbersFor(`forward/${name}_l0`, shape)], [`${name}_l0_reverse`, numbersFor(`backward/${name}_l0_reverse`, shape)]];
    })) as Record<string, Float64Array>;
    const direct = runTestLayer({ layer: gru({ units: 3, direction: 'bidirectional' }), x, lengths, weights });
    assert.equal(largestDifference(wrapped.output.data, direct.output.data), 0);
    checkLayer({ layer: bidirectional({ forward: lstm({ units: 2 }), backward: gru({ units: 3, direction: 'backward' }) }), x, lengths }, 10);
  });
  it('bidirectional judges its halves by what they hold', () => {
    const [there, back] = [(): Layer => gru({ units: 3 }), (): Layer => gru({ units: 3, direction: 'backward' })];
    const hiding: Readonly<Record<string, (layer: Layer) => Layer>> = {
      stack: (layer) => stack({ layers: [dense({ units: 2 }), layer] }), residual: (layer) => residual({ layer, projection: true }), parallel: (layer) => parallel({ layers: [layer] }), deep: (layer) => stack({ layers: [residual({ layer, projection: true })] }),
    };
    for (const [name, around] of Object.entries(hiding)) {
      assertThrows(() => bidirectional({ forward: around(back()), backward: back() }), 'ERR_BPTT_OPTION', /forward to be a layer of direction "forward", received \w+ of direction "backward"/);
      assertThrows(() => bidirectional({ forward: around(back()) }), 'ERR_BPTT_OPTION', /forward to be/);
      assertThrows(() => bidirectional({ forward: there(), backward: around(there()) }), 'ERR_BPTT_OPTION', /backward to be a layer of direction "backward", received \w+ of direction "forward"/);
      assertThrows(() => bidirectional({ forward: around(there()) }), 'ERR_BPTT_OPTION', /expected backward to be given, for \w+ has no option that turns it round/);
      const halves = { forward: around(there()), backward: around(back()) };
      const both = bidirectional({ ...halves, merge: 'sum' });
      const [first, second] = Object.entries(halves).map(([half, layer]) => runTestLayer({ layer: stack({ layers: [{ ...layer, name: half }] }), x, lengths }).output.data);
      assert.ok(largestDifference(runTestLayer({ layer: both, x, lengths }).output.data, first!.map((number, i) => number + second![i]!)) < 1e-15, name);
      assert.equal(both.direction, 'bidirectional');
    }
    const mixed = stack({ layers: [there(), back()] });
    assertThrows(() => bidirectional({ forward: mixed, backward: back() }), 'ERR_BPTT_OPTION', /received stack of direction "bidirectional"/);
    assertThrows(() => bidirectional({ forward: there(), backward: mixed }), 'ERR_BPTT_OPTION', /received stack of direction "bidirectional"/);
    assertThrows(() => bidirectional({ forward: bidirectional({ forward: there() }), backward: back() }), 'ERR_BPTT_OPTION', /received bidirectional of direction "bidirectional"/);
    assertThrows(() => bidirectional({ forward: withInitialState({ layer: back() }), backward: back() }), 'ERR_BPTT_OPTION', /withInitialState of direction "backward"/);
  });
  it('refuse what cannot work', () => {
    assertThrows(() => stack({ layers: [] }), 'ERR_BPTT_OPTION', /at least one layer/);
    assertThrows(() => stack({ layers: [dense({ units: 1, name: 'a' }), dense({ units: 1, name: 'a' })] }), 'ERR_BPTT_OPTION', /two called "a"/);
    assertThrows(() => stack({ layers: [7 as never] }), 'ERR_BPTT_TYPE', /layers\[0\]: expected a layer, received 7/);
    assertThrows(() => bidirectional({ forward: gru({ units: 3, direction: 'backward' }) }), 'ERR_BPTT_OPTION', /forward to be a layer of direction "forward", received gru of direction "backward"/);
    const uneven = bidirectional({ forward: gru({ units: 3 }), backward: gru({ units: 2, direction: 'backward' }), merge: 'sum' });
    assertThrows(() => buildLayer({ layer: uneven, x }), 'ERR_BPTT_SHAPE', /received sizes 3 and 2/);
  });
  it('names hold no path separators', () => {
    assertThrows(() => dense({ units: 1, name: 'a/b' }), 'ERR_BPTT_OPTION', /without "\/" and "\."/);
  });
});
