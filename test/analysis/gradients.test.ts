import assert from 'node:assert/strict';
import { gradientCheck, gradientNorms, jacobianNorms, singularValues } from '../../lib/analysis/index.ts';
import {
  bahdanauAttention, cell, crossEntropy, dense, elman, elmanCell, embedding, encoderDecoder, gru, gruCell, highway, lstm, lstmCell, recurrent, referenceRuntime, repeatVector, residual, rnn, rnnCell, sequential, squaredError,
} from '../../lib/index.ts';
import type { Layer, Model } from '../../lib/index.ts';
import { log, multiply, sigmoid, stopGradient, tanh } from '../../lib/graph/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { someSequences } from '../support/models.ts';
import { someNumbers } from '../support/numbers.ts';

const features = 2;
const reference = { input: { features }, seed: 3, runtime: referenceRuntime };

/** A decoder of a summary, or with attention: both look at the whole of the source at every step. */
function translator(bridge: 'vector' | 'none'): Model {
  const last = gru({ units: 3 });
  return encoderDecoder({
    source: { tokens: 4 }, target: { tokens: 4 }, bridge, seed: 2, encoder: [embedding({ size: 3 }), gru({ units: 3 })],
    decoder: [embedding({ size: 3 }), bridge === 'none' ? bahdanauAttention({ layer: last }) : last, dense({ units: 4 })],
  });
}

const words = { source: [[1, 2, 3]], target: [[1, 3, 0]] };

/** The state after one step, by path, from a state that is given. */
async function step(model: Model, x: number[], state: Record<string, number[]>): Promise<number[]> {
  const { state: after } = await model.predict([[x]], { state: Object.fromEntries(Object.entries(state).map(([path, values]) => [path, [values]])) });
  return Object.keys(state).flatMap((path) => [...after[path]!.data]);
}

/** ∂s(t)/∂s(t−1) by central differences of what `predict` gives. */
async function differences(model: Model, x: number[], state: Record<string, number[]>): Promise<Float64Array> {
  const places = Object.entries(state).flatMap(([path, values]) => values.map((_, i) => [path, i] as const));
  const jacobian = new Float64Array(places.length ** 2);
  for (const [column, [path, i]] of places.entries()) {
    const moved = (by: number): Promise<number[]> => step(model, x, { ...state, [path]: state[path]!.map((value, j) => (j === i ? value + by : value)) });
    const [up, down] = [await moved(1e-5), await moved(-1e-5)];
    up.forEach((value, row) => { jacobian[row * places.length + column] = (value - down[row]!) / 2e-5; });
  }
  return jacobian;
}

describe('singularValues', () => {
  it('are those of a diagonal turned from both sides, of tall, wide and empty matrices', () => {
    const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
    const turned = [3 * c, -0.5 * s, 3 * s, 0.5 * c];
    assert.deepEqual([...singularValues(turned, 2, 2)].map((value) => Math.round(value * 1e12) / 1e12), [3, 0.5]);
    const tall = someNumbers(15, 4);
    const [a, b] = [singularValues(tall, 5, 3), singularValues(Array.from({ length: 15 }, (_, i) => tall[(i % 5) * 3 + Math.floor(i / 5)]!), 3, 5)];
    assert.equal(a.length, 3);
    a.forEach((value, i) => assert.ok(Math.abs(value - b[i]!) < 1e-13));
    const squares = tall.reduce((sum, x) => sum + x * x, 0);
    assert.ok(Math.abs(a.reduce((sum, value) => sum + value * value, 0) - squares) < 1e-12);
    assert.deepEqual([...singularValues([0, 0, 0, 0], 2, 2)], [0, 0]);
  });
  it('refuse a matrix of other numbers than its sides say', () => {
    for (const [rows, columns] of [[3, 3], [1, 1]] as const) assertThrows(() => singularValues([1, 2, 3, 4], rows, columns), 'ERR_BPTT_SHAPE', /received 4/);
    assertThrows(() => singularValues([1, 2, 3, 4], 2.5, 2), 'ERR_BPTT_RANGE', /rows/);
    assertThrows(() => singularValues(undefined as never, 2, 2), 'ERR_BPTT_TYPE', /a list of numbers/);
  });
});

describe('jacobianNorms', () => {
  const layers: readonly (readonly [string, Layer, readonly string[]])[] = [
    ['rnn', rnn({ units: 3 }), ['rnn/h']], ['gru', gru({ units: 3 }), ['gru/h']], ['lstm', lstm({ units: 3 }), ['lstm/h', 'lstm/c']],
  ];
  for (const [name, layer, states] of layers) {
    it(`[47] of ${name} equal central differences at every step of every row`, async () => {
      const model = sequential([layer, dense({ units: 1 })], reference);
      const data = someSequences([4, 2], features);
      const { rows, size, states: paths } = await jacobianNorms(model, data);
      assert.deepEqual(paths, states);
      assert.equal(size, 3 * states.length);
      assert.deepEqual(rows.map(({ jacobians }) => jacobians.length), [4, 2]);
      for (const [row, sequence] of data.entries()) {
        let state = Object.fromEntries(states.map((path) => [path, [0, 0, 0]]));
        let through: number[][] | undefined;
        for (const [t, x] of sequence.entries()) {
          const expected = await differences(model, x, state);
          const found = rows[row]!.jacobians[t]!;
          found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-8, `row ${row} step ${t}: ${value} is not ${expected[i]}`));
          const matrix = Array.from({ length: size }, (_, i) => [...found.subarray(i * size, (i + 1) * size)]);
          const earlier = through;
          through = earlier ? matrix.map((line) => line.map((_, j) => line.reduce((sum, value, k) => sum + value * earlier[k]![j]!, 0))) : matrix;
          assert.ok(Math.abs(rows[row]!.product[t]! - singularValues(through.flat(), size, size)[0]!) < 1e-13);
          assert.ok(Math.abs(rows[row]!.largest[t]! - singularValues(expected, size, size)[0]!) < 1e-7);
          const after = await step(model, x, state);
          state = Object.fromEntries(states.map((path, i) => [path, after.slice(3 * i, 3 * i + 3)]));
        }
      }
    });
  }

  it('[47] of a linear recurrence are its weight, and those through all steps its powers', async () => {
    const model = sequential([rnn({ units: 2, activation: 'linear' })], reference);
    model.setParameter('rnn/weight_hh_l0', [[0.5, 0.2], [0, 0.5]]);
    const { rows: [row] } = await jacobianNorms(model, someSequences([3], features));
    // s(t) = s(t−1) W in rows, so that ∂s_i(t)/∂s_j(t−1) = W_ji.
    for (const jacobian of row!.jacobians) assert.deepEqual([...jacobian], [0.5, 0, 0.2, 0.5]);
    const cubed = [0.125, 0.15, 0, 0.125];
    assert.ok(Math.abs(row!.product[2]! - singularValues(cubed, 2, 2)[0]!) < 1e-14);
  });

  it('[48] σ < 1 is said to prove vanishing, σ > 1 only to be necessary for exploding, with the slope of the activation in the count', async () => {
    const data = someSequences([6], features);
    const scaled = async (gain: number, activation: 'tanh' | 'sigmoid' | 'linear') => {
      const model = sequential([rnn({ units: 4, activation, initializer: { recurrent: { kind: 'orthogonal', options: { gain } } } })], reference);
      return jacobianNorms(model, data);
    };
    const small = await scaled(0.8, 'tanh');
    assert.equal(small.verdict, 'vanishes');
    assert.ok(Math.abs(small.weight!.largest - 0.8) < 1e-6 && small.weight!.slope === 1);
    assert.match(small.text, /sufficient/);
    assert.ok(small.rows[0]!.product.at(-1)! <= small.rows[0]!.largest.reduce((bound, value) => bound * value, 1) + 1e-12);
    const large = await scaled(1.5, 'linear');
    assert.equal(large.verdict, 'may explode');
    assert.match(large.text, /necessary.*not sufficient/s);
    // The weight's singular value is 3, and still the slope of the sigmoid, at most ¼, makes gradients vanish.
    const squashed = await scaled(3, 'sigmoid');
    assert.equal(squashed.verdict, 'vanishes');
    assert.ok(Math.abs(squashed.weight!.bound - 0.75) < 1e-6);
    assert.match(squashed.text, /whatever the data/);
    const gated = await jacobianNorms(sequential([lstm({ units: 3 })], reference), data);
    assert.equal(gated.weight, null);
    assert.match(gated.text, /simple recurrences only/);
  });

  it('[48] counts zoneout, and proves nothing by a weight that lacks of 1 what float32 rounds away', async () => {
    const data = someSequences([4], features);
    for (const zoneout of [0.9, { h: 0.9 }]) {
      const { weight, rows: [row], text } = await jacobianNorms(sequential([rnn({ units: 3, activation: 'sigmoid', dropout: { zoneout } })], reference), data);
      assert.equal(weight!.zoneout, 0.9);
      assert.ok(Math.abs(weight!.bound - (0.9 + 0.1 * 0.25)) < 1e-6);
      assert.ok(row!.largest.every((value) => value > 0.9 && value <= weight!.bound + 1e-12), row!.largest.join());
      assert.match(text, /zoneout keeps 0\.9 of the state\. The bound of both, 0\.925, is below 1/);
    }
    for (const seed of [1, 2, 3, 4]) {
      const { text } = await jacobianNorms(sequential([rnn({ units: 3 })], { ...reference, seed }), data);
      assert.match(text, /Their product 1 is not below 1/);
    }
    const { weight, text } = await jacobianNorms(sequential([elman({ units: 2 })], reference), data);
    assert.equal(weight, null);
    assert.match(text, /whatever else a step has, such as gates/);
  });

  it('remarks that a step stops gradients, so that small Jacobians say nothing of the memory', async () => {
    const [stopped, free] = await Promise.all([elman, rnn].map((layer) => jacobianNorms(sequential([layer({ units: 2 })], reference), someSequences([3], features))));
    assert.deepEqual([stopped!.stopsGradients, free!.stopsGradients], [true, false]);
    assert.ok(stopped!.rows[0]!.largest.every((value) => value === 0));
    assert.match(stopped!.text, /stops gradients on purpose.*says nothing of how long states are remembered/);
    assert.doesNotMatch(free!.text, /stops gradients/);
  });

  it('looks at one of several recurrences, and refuses what has none or reads ahead', async () => {
    const data = someSequences([3], features);
    const stacked = sequential([gru({ units: 2, layers: 2 })], reference);
    await assertRejects(() => jacobianNorms(stacked, data), 'ERR_BPTT_OPTION', /say which by layer \(gru\/layer_0, gru\/layer_1\)/);
    assert.equal((await jacobianNorms(stacked, data, { layer: 'gru/layer_1' })).rows[0]!.jacobians[2]!.length, 4);
    await assertRejects(() => jacobianNorms(sequential([dense({ units: 2 })], reference), data), 'ERR_BPTT_OPTION', /recurrent layer/);
    await assertRejects(() => jacobianNorms(sequential([gru({ units: 2, direction: 'bidirectional' })], reference), data), 'ERR_BPTT_OPTION', /reads steps ahead/);
    await assertRejects(() => jacobianNorms(stacked, data, { layr: 'gru' } as never), 'ERR_BPTT_OPTION', /did you mean "layer"/);
    await assertRejects(() => jacobianNorms(stacked, data, { layer: 5 } as never), 'ERR_BPTT_TYPE', /a path such as/);
  });

  it('finds a recurrence by a layer around it, if that has one alone', async () => {
    const data = someSequences([3], features);
    const nested = sequential([residual({ layer: residual({ layer: lstm({ units: 2, layers: 2 }) }) }), highway({ layer: gru({ units: 2 }) })], reference);
    const around = await jacobianNorms(nested, data, { layer: 'highway' });
    assert.deepEqual(around, await jacobianNorms(nested, data, { layer: 'highway/gru' }));
    assert.equal(around.layer, 'highway/gru');
    const batch = { input: data, target: [[[0, 0], [0, 0], [0, 0]]] };
    assert.equal((await gradientNorms(nested, batch, { loss: squaredError(), layer: 'highway' })).layer, 'highway/gru');
    await assertRejects(() => jacobianNorms(nested, data, { layer: 'residual' }), 'ERR_BPTT_OPTION', /"residual" has several recurrences inside; say which by layer \(residual\/residual\/lstm\/layer_0, residual\/residual\/lstm\/layer_1\)$/);
    await assertRejects(() => jacobianNorms(nested, data, { layer: 'high' }), 'ERR_BPTT_OPTION', /no recurrence "high"/);
  });

  it('refuses recurrences whose steps are not those of the data, or look at the whole of it', async () => {
    const data = someSequences([3], features);
    for (const steps of [1, 3]) {
      const repeated = sequential([gru({ units: 2, output: 'last' }), repeatVector({ steps }), rnn({ units: 2 })], reference);
      assert.equal((await jacobianNorms(repeated, data, { layer: 'gru' })).rows[0]!.jacobians.length, 3);
      await assertRejects(() => jacobianNorms(repeated, data, { layer: 'rnn' }), 'ERR_BPTT_OPTION', /of its own/);
    }
    for (const [bridge, layer] of [['vector', 'gru_1'], ['none', 'bahdanauAttention']] as const) {
      assert.equal((await jacobianNorms(translator(bridge), words, { layer: 'gru' })).rows[0]!.jacobians.length, 3);
      await assertRejects(() => jacobianNorms(translator(bridge), words, { layer }), 'ERR_BPTT_OPTION', /the whole of an input/);
    }
    await assertRejects(() => jacobianNorms(translator('none'), { ...words, source: [[1, 2]] }, { layer: 'gru' }), 'ERR_BPTT_DATA', /equally many steps/);
  });
});

describe('gradientNorms', () => {
  it('[47] are powers of w for a linear unit, and products of Jacobians for any', async () => {
    const model = sequential([rnn({ units: 1, activation: 'linear' })], { ...reference, input: { features: 1 } });
    model.setParameter('rnn/weight_ih_l0', [[1]]);
    model.setParameter('rnn/weight_hh_l0', [[0.5]]);
    const batch = { input: [[[1], [0], [0], [0]]], target: [[[0], [0], [0], [0]]] };
    const { states, inputs, factor, loss } = await gradientNorms(model, batch, { loss: squaredError(), lossOn: 'last' });
    // h(4) = 1/8, dL/dh(4) = 2 h(4) = 1/4 and half of that at each step back.
    assert.deepEqual([...states], [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4]);
    assert.deepEqual([...inputs!], [1 / 32, 1 / 16, 1 / 8, 1 / 4]);
    assert.deepEqual([factor, loss], [0.5, 1 / 64]);
  });
  it('[47] of a model of tokens agree with its Jacobians', async () => {
    const model = sequential([embedding({ size: 3 }), gru({ units: 4 }), dense({ units: 5 })], { ...reference, input: { tokens: 5 } });
    const input = [[1, 2, 0, 4, 3]];
    const { states, inputs, layer } = await gradientNorms(model, { input, target: [[2, 0, 4, 3, 1]] }, { loss: crossEntropy(), lossOn: 'last' });
    assert.equal(layer, 'gru');
    assert.equal(inputs!.length, 5);
    const { rows: [row] } = await jacobianNorms(model, input);
    for (let t = 4; t > 0; t--) assert.ok(states[t - 1]! <= states[t]! * row!.largest[t - 1]! * (1 + 1e-9) && states[t - 1]! >= states[t]! * row!.smallest[t - 1]! * (1 - 1e-9), `step ${t}`);
  });
  it('of stacked recurrences equal what a change of the state at that step does to the loss', async () => {
    const model = sequential([gru({ units: 2, layers: 2 }), dense({ units: 1 })], reference);
    const [sequence] = someSequences([3], features, 8);
    const { states } = await gradientNorms(model, { input: [sequence!], target: [[[0], [0], [0]]] }, { loss: squaredError(), reduction: 'sum', layer: 'gru/layer_0' });
    const loss = async (h: number[]): Promise<number> => {
      const { output } = await model.predict([sequence!], { state: { 'gru/layer_0/h': [h] } });
      return Array.from(output.data).reduce((sum, y) => sum + y * y, 0);
    };
    const slopes = [(await loss([1e-5, 0]) - await loss([-1e-5, 0])) / 2e-5, (await loss([0, 1e-5]) - await loss([0, -1e-5])) / 2e-5];
    assert.ok(Math.abs(states[0]! - Math.hypot(...slopes)) < 1e-8 && states[0]! > 0.01);
  });
  it('refuses a last step of what has none, and models whose steps cannot be made one by one', async () => {
    const [input] = [someSequences([3], features)];
    const vector = sequential([gru({ units: 2, output: 'last' })], reference);
    const batch = { input, target: [[1, 1]] };
    await assertRejects(() => gradientNorms(vector, batch, { loss: squaredError(), lossOn: 'last' }), 'ERR_BPTT_OPTION', /one value for each row/);
    assert.ok((await gradientNorms(vector, batch, { loss: squaredError() })).loss > 0);
    for (const steps of [1, 3]) {
      for (const layers of [[], [rnn({ units: 2 })]]) {
        const repeated = sequential([gru({ units: 2, output: 'last' }), repeatVector({ steps }), ...layers], reference);
        const target = [Array.from({ length: steps }, () => [1, 1])];
        await assertRejects(() => gradientNorms(repeated, { input, target }, { loss: squaredError(), layer: 'gru' }), 'ERR_BPTT_OPTION', /of its own/);
      }
    }
    for (const bridge of ['vector', 'none'] as const) {
      await assertRejects(() => gradientNorms(translator(bridge), { input: words, target: [[3, 0, 1]] }, { loss: crossEntropy(), layer: 'gru' }), 'ERR_BPTT_OPTION', /the whole of an input/);
    }
  });
  it('refuses sequences of different lengths', async () => {
    const model = sequential([rnn({ units: 1 })], reference);
    await assertRejects(() => gradientNorms(model, { input: someSequences([2, 3], features), target: [[[1], [1]], [[1], [1], [1]]] }, { loss: squaredError() }), 'ERR_BPTT_DATA', /one length/);
  });
});

describe('gradientCheck', () => {
  const wrong = cell('testWrongGradient', { state: { h: 'units' } }, ({ x, h, affine }) => {
    const next = multiply(stopGradient(sigmoid(affine('a', x, h))), tanh(affine('b', x, h)));
    return { output: next, h: next };
  });

  it('passes cells, layers and models: parameters, inputs, initial states', async () => {
    for (const each of [rnnCell, gruCell, lstmCell]) {
      const { passed, entries, text } = await gradientCheck(each);
      assert.ok(passed, text);
      assert.deepEqual([...new Set(entries.map(({ kind }) => kind))], ['parameter', 'input', 'state']);
      assert.match(text, /weight_hh_l0 .* ok\n/);
      for (const { name, worst } of entries) assert.notEqual(worst.analytic, 0, `${name} is not varied`);
    }
    assert.ok((await gradientCheck(lstm({ units: 2, direction: 'bidirectional', initialState: 'learned' }), { steps: 3 })).passed);
    const model = sequential([embedding({ size: 2 }), gru({ units: 2 }), dense({ units: 4 })], { input: { tokens: 4 }, seed: 1 });
    const trained = await gradientCheck(model, { data: [[0, 1, 3], [2, 2]], target: [[1, 3, 0], [2, 1]], loss: crossEntropy() });
    assert.ok(trained.passed, trained.text);
    assert.deepEqual(trained.entries.map(({ name }) => name), [...model.parameters.map(({ name }) => name), 'gru/h']);
  });
  it('finds a gradient that is cut off, and says where', async () => {
    const { passed, entries, text } = await gradientCheck(wrong);
    assert.equal(passed, false);
    assert.equal(entries.find(({ name }) => name.endsWith('weight_ih_l0'))!.passed, false);
    assert.match(text, /differs at \[\d+\][\s\S]*tensors disagree by more than 0.000001/);
    assert.equal((await gradientCheck(recurrent(wrong, { units: 2 }))).passed, false);
  });
  it('remarks that a graph stops gradients, in and outside of loops, so that differences are expected', async () => {
    const stopped = cell('testStoppedGate', { state: { h: 'units' } }, ({ x, h, affine }) => {
      const next = multiply(stopGradient(sigmoid(affine('a', x))), tanh(affine('b', h)));
      return { output: next, h: next };
    });
    for (const each of [elmanCell, elman({ units: 3 }), wrong, stopped]) {
      const { passed, stopsGradients, text } = await gradientCheck(each);
      assert.deepEqual([passed, stopsGradients], [false, true]);
      assert.match(text, /stops gradients on the way.*expected to differ/);
    }
    const { stopsGradients, text } = await gradientCheck(gruCell);
    assert.equal(stopsGradients, false);
    assert.doesNotMatch(text, /stops gradients/);
  });
  it('does not pass where a difference is no number, whatever those after it are', async () => {
    const logarithmic = cell('testLogarithm', { state: { h: 'units' } }, ({ x, h, affine }) => {
      const next = multiply(affine('a', x, h), log(x));
      return { output: next, h: next };
    });
    const model = sequential([recurrent(logarithmic, { units: 1 })], { input: { features: 1 }, runtime: referenceRuntime });
    assert.ok((await gradientCheck(model, { data: [[[0.3], [0.5], [0.7]]] })).passed);
    const { passed, entries, text } = await gradientCheck(model, { data: [[[1e-7], [0.5], [0.7]]] });
    assert.equal(passed, false);
    const { worst } = entries.find(({ kind }) => kind === 'input')!;
    assert.deepEqual([worst.index, worst.numeric, Number.isFinite(worst.analytic)], [0, NaN, true]);
    assert.match(text, /differs at \[0\]/);
  });
  it('refuses what it cannot check', async () => {
    await assertRejects(() => gradientCheck({} as never), 'ERR_BPTT_TYPE', /a model, a layer or a cell/);
    await assertRejects(() => gradientCheck(rnnCell, { sample: 3 } as never), 'ERR_BPTT_OPTION', /did you mean "samples"/);
    await assertRejects(() => gradientCheck(rnn({ units: 2 }), { units: 3 }), 'ERR_BPTT_OPTION', /a layer has its own/);
    const model = sequential([rnn({ units: 2 })], reference);
    for (const unread of ['rows', 'steps'] as const) {
      await assertRejects(() => gradientCheck(model, { data: someSequences([3], features), [unread]: 9 }), 'ERR_BPTT_OPTION', new RegExp(`${unread} is for random data, and data has its own`));
    }
    const still = sequential([dense({ units: 2 })], { ...reference, input: { features, time: false } });
    await assertRejects(() => gradientCheck(still, { steps: 9 }), 'ERR_BPTT_OPTION', /no input of the model has any/);
    assert.ok((await gradientCheck(still, { rows: 3 })).passed);
    await assertRejects(() => gradientCheck(rnn({ units: 2 }), { loss: squaredError() }), 'ERR_BPTT_OPTION', /together with a target/);
    const spoken = sequential([embedding({ size: 2 }), rnn({ units: 2 })], { ...reference, input: { tokens: 3 } });
    for (const model of [sequential([rnn({ units: 2 })], reference), spoken]) {
      for (const much of [{ rows: 1e12 }, { steps: 1e12 }]) await assertRejects(() => gradientCheck(model, much), 'ERR_BPTT_MEMORY', /numbers .*of the data of gradientCheck/);
    }
  });
});
