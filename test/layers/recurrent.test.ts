import assert from 'node:assert/strict';
import { cell, gruCell } from '../../lib/cells/index.ts';
import { add, elementCount, multiply, sigmoid, subtract, tanh } from '../../lib/graph/index.ts';
import { dense, gru, lstm, recurrent, registerLayer, rnn, type Layer } from '../../lib/layers/index.ts';
import { assertThrows } from '../support/errors.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';
import { buildLayer, initialNumbers, numbersFor, runTestLayer, TestScope } from '../support/scope.ts';
import { numbers, type Numbers } from '../support/tensors.ts';
import { input } from '../../lib/graph/index.ts';

const x = numbers([4, 3, 2], someNumbers(24, 8));

function parametersOf(layer: Layer): string[] {
  return [...buildLayer({ layer, x }).scope.requests.parameters.keys()];
}

/** Column `column` of a matrix [rows, columns]. */
function block(matrix: Float64Array, columns: number, from: number, width: number): Float64Array {
  const rows = matrix.length / columns;
  return Float64Array.from({ length: rows * width }, (_, i) => matrix[Math.floor(i / width) * columns + from + (i % width)]!);
}

function assertOrthogonal(square: Float64Array, size: number): void {
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) {
      let product = 0;
      for (let row = 0; row < size; row++) product += square[row * size + a]! * square[row * size + b]!;
      assert.ok(Math.abs(product - Number(a === b)) < 1e-12, `columns ${a} and ${b}: ${product}`);
    }
  }
}

describe('recurrent layers: weights', () => {
  it('have PyTorch\'s names and layout', () => {
    assert.deepEqual(parametersOf(lstm({ units: 5, layers: 2, direction: 'bidirectional', bias: 'double' })), [
      'weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0', 'weight_ih_l0_reverse', 'weight_hh_l0_reverse', 'bias_ih_l0_reverse', 'bias_hh_l0_reverse',
      'weight_ih_l1', 'weight_hh_l1', 'bias_ih_l1', 'bias_hh_l1', 'weight_ih_l1_reverse', 'weight_hh_l1_reverse', 'bias_ih_l1_reverse', 'bias_hh_l1_reverse',
    ]);
    const { parameters } = buildLayer({ layer: lstm({ units: 5, layers: 2, direction: 'bidirectional' }), x }).scope.requests;
    assert.deepEqual(parameters.get('weight_ih_l0')!.options.disk, { name: 'weight_ih_l0', transpose: true });
    assert.deepEqual(parameters.get('bias_ih_l0')!.options.disk, { name: 'bias_ih_l0', transpose: false });
    assert.deepEqual(parameters.get('weight_ih_l1')!.shape, [10, 20]);
  });
  it('belong to the groups that regularisers choose by', () => {
    const { parameters } = buildLayer({ layer: lstm({ units: 5, initialState: 'learned' }), x }).scope.requests;
    assert.deepEqual([...parameters.values()].map(({ options }) => options.group), ['input', 'recurrent', 'bias', 'state', 'state']);
  });
  it('are initialised gate by gate: each recurrent gate orthogonal, each input gate within its own limit', () => {
    const { parameters } = buildLayer({ layer: gru({ units: 8 }), x }).scope.requests;
    const recurrentWeight = initialNumbers('weight_hh_l0', parameters.get('weight_hh_l0')!);
    for (let gate = 0; gate < 3; gate++) assertOrthogonal(block(recurrentWeight, 24, gate * 8, 8), 8);
    const limit = Math.sqrt(6 / (2 + 8));
    const inputWeight = initialNumbers('weight_ih_l0', parameters.get('weight_ih_l0')!);
    assert.ok(inputWeight.every((element) => Math.abs(element) <= limit));
    assert.ok(inputWeight.some((element) => Math.abs(element) > 0.8 * limit));
  });
  it('begin with a forget bias of 1, once, or of what is asked for', () => {
    const bias = (layer: Layer, name: string): number[] => [...initialNumbers(name, buildLayer({ layer, x }).scope.requests.parameters.get(name)!)];
    assert.deepEqual(bias(lstm({ units: 2 }), 'bias_ih_l0'), [0, 0, 1, 1, 0, 0, 0, 0]);
    assert.deepEqual(bias(lstm({ units: 2, bias: 'double' }), 'bias_hh_l0'), [0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(bias(lstm({ units: 2, forgetBias: -2 }), 'bias_ih_l0'), [0, 0, -2, -2, 0, 0, 0, 0]);
    assert.deepEqual(bias(lstm({ units: 1, initializer: { bias: 'ones' } }), 'bias_ih_l0'), [1, 1, 1, 1]);
  });
  it('take initializers by object, description and name', () => {
    const layer = rnn({ units: 3, initializer: { recurrent: 'identity', input: { kind: 'constant', options: { value: 0.5 } } } });
    const { parameters } = buildLayer({ layer, x }).scope.requests;
    assert.deepEqual([...initialNumbers('w', parameters.get('weight_hh_l0')!)], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert.deepEqual([...initialNumbers('w', parameters.get('weight_ih_l0')!)], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  });
});

describe('recurrent layers: what they compute', () => {
  it('rnn without activation has the closed form h_n = Uⁿ h_0 + Σ Uⁿ⁻ᵗ (W x_t + b)', () => {
    const steps = 6;
    const [w, u, b, start] = [0.7, -0.9, 0.3, 1.1];
    const values = someNumbers(steps, 4);
    const { final } = runTestLayer({
      layer: rnn({ units: 1, activation: 'linear' }), x: numbers([steps, 1, 1], values), state: { h: [start] }, weights: { weight_ih_l0: [w], weight_hh_l0: [u], bias_ih_l0: [b] },
    });
    const expected = values.reduce((total, value, t) => total + u ** (steps - 1 - t) * (w * value + b), u ** steps * start);
    assert.ok(Math.abs(final['h']!.data[0]! - expected) < 1e-12);
  });
  it('lstm with forget gate 1 and input gate 0 keeps its memory exactly', () => {
    const weights = { weight_ih_l0: [0, 0, 1, 1], weight_hh_l0: [0, 0, 1, 1], bias_ih_l0: [-1e4, 1e4, 0, 0] };
    const { sequence } = runTestLayer({ layer: lstm({ units: 1 }), x: numbers([1000, 1, 1], someNumbers(1000)), state: { h: [0.3], c: [0.7] }, weights });
    assert.ok(sequence['c']!.data.every((element) => element === 0.7));
  });
  it('gru with its update gate negated is the gru of texts that print (1 − z) h + z n', () => {
    const flipped = cell('testFlippedGru', { state: { h: 'units' } }, ({ x: now, h, affine }) => {
      const r = sigmoid(affine('r', now, h));
      const z = sigmoid(affine('z', now, h));
      const next = add(multiply(subtract(1, z), h), multiply(z, tanh(affine('n', now, multiply(r, h)))));
      return { output: next, h: next };
    });
    const weights = Object.fromEntries([['weight_ih_l0', [2, 9]], ['weight_hh_l0', [3, 9]], ['bias_ih_l0', [9]]].map(([name, shape]) => (
      [name, numbersFor(name as string, shape as number[])]))) as Record<string, Float64Array>;
    const negated = Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, values.map((value, i) => (Math.floor(i / 3) % 3 === 1 ? -value : value))]));
    const one = runTestLayer({ layer: recurrent(gruCell, { units: 3, reset: 'before' }), x, weights });
    const other = runTestLayer({ layer: recurrent(flipped, { units: 3 }), x, weights: negated });
    assert.ok(largestDifference(one.output.data, other.output.data) < 1e-15);
  });
  it('a single bias equals two biases that add up to it', () => {
    const bias = numbersFor('b', [12]);
    const half = bias.map((value) => value / 2);
    const single = runTestLayer({ layer: lstm({ units: 3 }), x, weights: { bias_ih_l0: bias } });
    const double = runTestLayer({ layer: lstm({ units: 3, bias: 'double' }), x, weights: { bias_ih_l0: half, bias_hh_l0: half } });
    assert.ok(largestDifference(single.output.data, double.output.data) < 1e-15);
  });
  for (const merge of ['concat', 'sum', 'average', 'product'] as const) {
    it(`bidirectional: ${merge} of both directions, each as alone`, () => {
      const both = runTestLayer({ layer: gru({ units: 3, direction: 'bidirectional', merge }), x });
      const forward = runTestLayer({ layer: gru({ units: 3 }), x }).output.data;
      const backward = runTestLayer({ layer: gru({ units: 3, direction: 'backward' }), x }).output.data;
      const expected = Array.from({ length: 12 }, (_, step) => {
        const [a, b] = [[...forward.subarray(step * 3, step * 3 + 3)], [...backward.subarray(step * 3, step * 3 + 3)]];
        if (merge === 'concat') return [...a, ...b];
        return a.map((value, i) => (merge === 'product' ? value * b[i]! : (value + b[i]!) * (merge === 'sum' ? 1 : 0.5)));
      }).flat();
      assert.ok(largestDifference(both.output.data, expected) < 1e-15);
    });
  }
  it('bidirectional with output "last": the end of the one, the beginning of the other', () => {
    const lengths = [4, 1, 2];
    const { output, final } = runTestLayer({ layer: gru({ units: 3, direction: 'bidirectional', output: 'last' }), x, lengths });
    assert.deepEqual(output.shape, [3, 6]);
    for (let row = 0; row < 3; row++) {
      assert.deepEqual([...output.data.subarray(row * 6, row * 6 + 6)], [...final['forward/h']!.data.subarray(row * 3, row * 3 + 3), ...final['backward/h']!.data.subarray(row * 3, row * 3 + 3)]);
    }
  });
  it('stacked layers have states of their own and feed each other', () => {
    const { output, final } = runTestLayer({ layer: lstm({ units: 3, layers: 2 }), x });
    assert.deepEqual(Object.keys(final), ['layer_0/h', 'layer_0/c', 'layer_1/h', 'layer_1/c']);
    assert.deepEqual([...final['layer_1/h']!.data], [...output.data.subarray(27)]);
  });
  it('an initial state can be learned, and its gradient is right', () => {
    const { scope, signal, inputs } = buildLayer({ layer: lstm({ units: 3, initialState: 'learned' }), x });
    const learned = ['initial_h_l0', 'initial_c_l0'].map((name) => scope.requests.parameters.get(name)!.value);
    assert.deepEqual(learned.map(({ shape }) => shape), [[3], [3]]);
    checkGradient(signal.value, learned, { inputs });
  });
  it('stacked and bidirectional layers over ragged rows have right gradients', () => {
    const { scope, x: leaf, signal, inputs } = buildLayer({ layer: gru({ units: 2, layers: 2, direction: 'bidirectional', bias: 'double' }), x, lengths: [4, 1, 3] });
    checkGradient(signal.value, [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value)], { inputs, samples: 12 });
  });
});

describe('recurrent layers: dropout', () => {
  const wide = numbers([20, 16, 8], someNumbers(2560, 3));
  const dropped = (layer: Layer): Numbers => runTestLayer({ layer, x: wide, training: true }).output;
  const share = ({ data }: Numbers): number => data.filter((element) => element === 0).length / data.length;

  it('touches nothing outside of training', () => {
    const dropout = { input: 0.5, output: 0.5, recurrent: 0.5 };
    assert.deepEqual(runTestLayer({ layer: lstm({ units: 4, dropout }), x }).output, runTestLayer({ layer: lstm({ units: 4 }), x }).output);
  });
  it('drops and scales what leaves the layer', () => {
    const plain = runTestLayer({ layer: lstm({ units: 16 }), x: wide }).output;
    const output = dropped(lstm({ units: 16, dropout: { output: 0.4 } }));
    assert.ok(Math.abs(share(output) - 0.4) < 0.03, `dropped ${share(output)}`);
    output.data.forEach((element, i) => assert.ok(element === 0 || Math.abs(element - plain.data[i]! / 0.6) < 1e-12));
  });
  it('leaves the recurrent path alone unless asked', () => {
    const run = runTestLayer({ layer: lstm({ units: 16, dropout: 0.4 }), x: wide, training: true });
    assert.equal(share(run.final['h']!), 0);
    const [inputs, between] = [{ input: 0.4 }, { recurrent: 0.4 }].map((dropout) => runTestLayer({ layer: lstm({ units: 16, dropout }), x: wide, training: true }).output.data);
    const plain = runTestLayer({ layer: lstm({ units: 16 }), x: wide }).output.data;
    const firstStep = 16 * 16;
    assert.ok(largestDifference(inputs!.subarray(0, firstStep), plain.subarray(0, firstStep)) > 1e-3);
    assert.equal(largestDifference(between!.subarray(0, firstStep), plain.subarray(0, firstStep)), 0, 'a zero state has nothing to drop');
    assert.ok(largestDifference(between!.subarray(firstStep), plain.subarray(firstStep)) > 1e-3);
  });
  it('draws a fresh mask at each step, or one for all with variational', () => {
    const masks = (variational: boolean): string[] => {
      const { data } = dropped(lstm({ units: 16, dropout: { output: 0.5, variational } }));
      return Array.from({ length: 20 }, (_, t) => [...data.subarray(t * 256, (t + 1) * 256)].map((element) => Number(element === 0)).join(''));
    };
    assert.equal(new Set(masks(true)).size, 1);
    assert.equal(new Set(masks(false)).size, 20);
  });
  it('a number drops between stacked layers too, each passage once', () => {
    const { scope } = buildLayer({ layer: lstm({ units: 4, layers: 3, dropout: 0.5 }), x, training: true });
    assert.equal(scope.requests.keys, 4);
    const only = buildLayer({ layer: lstm({ units: 4, layers: 3, dropout: { between: 0.5 } }), x, training: true });
    assert.equal(only.scope.requests.keys, 2);
  });
  it('has right gradients with every kind of it', () => {
    for (const variational of [false, true]) {
      const { scope, x: leaf, signal, inputs } = buildLayer({
        layer: gru({ units: 3, layers: 2, dropout: { input: 0.3, output: 0.3, recurrent: 0.3, variational } }), x, training: true,
      });
      checkGradient(signal.value, [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value)], { inputs, samples: 8 });
    }
  });
});

describe('recurrent layers: what they refuse', () => {
  const build = (layer: Layer, shape: readonly number[], { time = true, type = 'float32' }: { time?: boolean; type?: 'float32' | 'int32' } = {}): unknown => (
    layer.build(new TestScope({ path: 'encoder' }), { value: input('x', shape, type), time }));

  it('misspelt options, with the nearest right one', () => {
    assertThrows(() => lstm({ unit: 3 } as never), 'ERR_BPTT_OPTION', /lstm: unknown option "unit"; did you mean "units"\?/);
    assertThrows(() => lstm({ units: 3, dropout: { inputs: 0.1 } as never }), 'ERR_BPTT_OPTION', /did you mean "input"/);
    assertThrows(() => gru({ units: 3, forgetBias: 1 } as never), 'ERR_BPTT_OPTION', /unknown option "forgetBias"/);
  });
  it('values out of range', () => {
    assertThrows(() => lstm({ units: 0 }), 'ERR_BPTT_RANGE', /units to be an integer of 1 or more, received 0/);
    assertThrows(() => lstm({ units: 3, dropout: 1 }), 'ERR_BPTT_RANGE', /dropout/);
    assertThrows(() => lstm({ units: 3, layers: 1.5 }), 'ERR_BPTT_RANGE', /layers/);
    assertThrows(() => rnn({ units: 3, activation: 'tan' as 'tanh' }), 'ERR_BPTT_OPTION', /did you mean "tanh"/);
    assertThrows(() => lstm({ units: 3, forgetBias: NaN }), 'ERR_BPTT_TYPE', /forgetBias to be a finite number/);
    assertThrows(() => lstm({ units: 3, bias: true as never }), 'ERR_BPTT_OPTION', /"single", "double" or false/);
    assertThrows(() => lstm({ units: 3, initializer: { recurrent: 'orthogonl' } }), 'ERR_BPTT_OPTION', /did you mean "orthogonal"/);
  });
  it('options that would have no effect', () => {
    assertThrows(() => lstm({ units: 3, merge: 'sum' }), 'ERR_BPTT_OPTION', /merge joins the two directions/);
    assertThrows(() => lstm({ units: 3, dropout: { between: 0.1 } }), 'ERR_BPTT_OPTION', /between stacked layers/);
  });
  it('a signal without time, naming the layer and the usual cause', () => {
    assertThrows(() => build(rnn({ units: 3 }), [100, 39], { time: false }), 'ERR_BPTT_SHAPE',
      /^rnn "encoder": expected input of shape \[N, T, features\], received \[100, 39\]; .*output: 'last'/);
  });
  it('tokens, naming the cure', () => {
    assertThrows(() => build(rnn({ units: 3 }), [7, 100], { type: 'int32' }), 'ERR_BPTT_TYPE', /^rnn "encoder": expected float32 features, received int32 \[100, 7\]; put embedding\(\) or oneHot\(\)/);
  });
  it('what is no cell', () => {
    assertThrows(() => recurrent({ name: 'lstm' } as never, { units: 3 } as never), 'ERR_BPTT_TYPE', /made by cell/);
    assertThrows(() => recurrent(dense({ units: 1 }) as never, { units: 3 } as never), 'ERR_BPTT_TYPE', /made by cell/);
  });
  it('cells whose options hide those of every layer', () => {
    const shadowing = cell('testShadowing', { state: { h: 'units' }, options: { layers: 3 } }, ({ h }) => ({ output: h, h }));
    assertThrows(() => recurrent(shadowing, { units: 3 }), 'ERR_BPTT_OPTION', /"layers" is one that every recurrent layer has/);
  });
  it('cells called like another layer', () => {
    const hidden = cell('dense', { state: { h: 'units' } }, ({ h }) => ({ output: h, h }));
    assertThrows(() => recurrent(hidden, { units: 3 }), 'ERR_BPTT_OPTION', /cell "dense": there is a layer of this name/);
    assertThrows(() => registerLayer('lstm', dense), 'ERR_BPTT_OPTION', /"lstm" is registered already/);
  });
  it('all of it leaves layers frozen and plain', () => {
    const layer = lstm({ name: 'encoder', units: 3, dropout: { output: 0.5 } });
    assert.ok(Object.isFrozen(layer) && Object.isFrozen(layer.options) && Object.isFrozen(layer.options['dropout']));
    assert.deepEqual(JSON.parse(JSON.stringify(layer.options)), { units: 3, dropout: { output: 0.5 } });
    assert.equal(elementCount(layer.build(new TestScope(), { value: input('x', [4, 3, 2], 'float32'), time: true }).value.shape), 36);
  });
});

describe('recurrent layers: options that nobody would read', () => {
  it('where biases begin, without biases', () => {
    assertThrows(() => lstm({ units: 2, bias: false, forgetBias: 2 }), 'ERR_BPTT_OPTION', /lstm: forgetBias says where biases begin, and bias: false/);
    assertThrows(() => gru({ units: 2, bias: false, initializer: { bias: 'ones' } }), 'ERR_BPTT_OPTION', /gru: initializer\.bias/);
    assertThrows(() => dense({ units: 2, bias: false, initializer: { bias: 'ones' } }), 'ERR_BPTT_OPTION', /dense: initializer\.bias/);
    assert.ok(lstm({ units: 2, bias: false }));
    assert.ok(gru({ units: 2, bias: false, reset: 'before' }));
  });

  it('misspelt parts of an initializer\'s description', () => {
    assertThrows(() => dense({ units: 2, initializer: { weight: { kind: 'uniform', optoins: { low: -9 } } as never } }), 'ERR_BPTT_OPTION', /did you mean "options"/);
  });

  it('rates that are none, in words', () => {
    assertThrows(() => lstm({ units: 2, dropout: null as never }), 'ERR_BPTT_TYPE', /dropout/);
    assertThrows(() => lstm({ units: 2, dropout: 1 }), 'ERR_BPTT_RANGE', /dropout to be a number of 0 or more and below 1, received 1/);
  });
});
