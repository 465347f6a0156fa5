import assert from 'node:assert/strict';
import { gradientCheck } from '../../lib/analysis/index.ts';
import { adam, adamw, dense, gru, lstm, orthogonal, referenceRuntime, rnn, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Layer, Model, Optimizer, TrainerOptions } from '../../lib/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { someSequences, weightsOf } from '../support/models.ts';
import { runTestLayer } from '../support/scope.ts';
import { filled } from '../support/tensors.ts';

/** The columns of one gate's block of a weight [rows, gates · width]. */
function block(model: Model, name: string, gate: number, gates: number): { data: Float64Array; rows: number; width: number } {
  const { view, shape: [rows, columns] } = model.parameter(name) as { view: ArrayLike<number>; shape: readonly number[] } as { view: ArrayLike<number>; shape: readonly [number, number] };
  const width = columns / gates;
  return { rows, width, data: Float64Array.from({ length: rows * width }, (_, i) => view[Math.floor(i / width) * columns + gate * width + (i % width)]!) };
}

/** The Frobenius norm of WᵀW − I. */
function orthogonalityError({ data, rows, width }: { data: Float64Array; rows: number; width: number }): number {
  let squares = 0;
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < width; b++) {
      let product = 0;
      for (let row = 0; row < rows; row++) product += data[row * width + a]! * data[row * width + b]!;
      squares += (product - Number(a === b)) ** 2;
    }
  }
  return Math.sqrt(squares);
}

describe('where weights begin', () => {
  it('[134] orthogonal: WᵀW = I within 1e-5, and a linear recurrence keeps the length of its state for 1000 steps', async () => {
    const units = 32;
    const model = sequential([rnn({ units, activation: 'linear', initializer: { recurrent: orthogonal() } })], { input: { features: 1 }, seed: 1 });
    assert.ok(orthogonalityError(block(model, 'rnn/weight_hh_l0', 0, 1)) < 1e-5);
    const start = Array.from({ length: units }, (_, i) => Math.sin(i + 1));
    const { output } = await model.predict([Array.from({ length: 1000 }, () => [0])], { state: { 'rnn/h': [start] } });
    const length = Math.hypot(...start);
    for (let t = 0; t < 1000; t++) {
      const now = Math.hypot(...output.data.subarray(t * units, (t + 1) * units));
      assert.ok(Math.abs(now / length - 1) < 1e-4, `step ${t + 1}: ${now} instead of ${length}`);
    }
  });
  it('[134] orthogonal 2048 × 2048 takes seconds [slow]', function () {
    this.timeout(600_000);
    const size = 2048;
    const before = process.cpuUsage();
    const data = orthogonal().fill({ shape: [size, size], fanIn: size, fanOut: size }, uniformSource(1));
    assert.ok(process.cpuUsage(before).user < 20e6);
    for (const [a, b] of [[0, 0], [7, 7], [0, 2047], [1000, 1001], [2047, 2047], [5, 1500]] as const) {
      let product = 0;
      for (let row = 0; row < size; row++) product += data[row * size + a]! * data[row * size + b]!;
      assert.ok(Math.abs(product - Number(a === b)) < 1e-12);
    }
  });
  it('[135] identity: W = I exactly, and an IRNN passes its state on unchanged', async () => {
    const model = sequential([rnn({ units: 3, activation: 'relu', initializer: { recurrent: 'identity' } })], { input: { features: 2 }, seed: 1 });
    assert.deepEqual([...model.parameter('rnn/weight_hh_l0').view], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const { state } = await model.predict([Array.from({ length: 500 }, () => [0, 0])], { state: { 'rnn/h': [[0.25, 3, 0]] } });
    assert.deepEqual([...state['rnn/h']!.data], [0.25, 3, 0]);
  });
  it('[135] [138] an IRNN with ReLU learns to add two marked numbers among 20 [slow]', async function () {
    this.timeout(600_000);
    const [steps, rows] = [20, 32];
    const random = uniformSource(11, 'adding');
    const batch = () => {
      const [input, target] = [new Float32Array(rows * steps * 2), new Float32Array(rows)];
      for (let row = 0; row < rows; row++) {
        const marks = [Math.floor(random() * steps / 2), Math.floor(steps / 2 + random() * steps / 2)];
        for (let t = 0; t < steps; t++) {
          const number = random();
          input.set([number, Number(marks.includes(t))], (row * steps + t) * 2);
          if (marks.includes(t)) target[row]! += number;
        }
      }
      return { input: { data: input, shape: [rows, steps, 2] }, target: { data: target, shape: [rows, 1] } };
    };
    const initializer = { input: { kind: 'normal', options: { deviation: 0.01 } }, recurrent: 'identity' };
    const model = sequential([rnn({ units: 40, activation: 'relu', output: 'last', initializer }), dense({ units: 1 })], { input: { features: 2 }, seed: 2 });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate: 5e-3 }), clip: { globalNorm: 1 } });
    for (let update = 0; update < 600; update++) await trainer.step(batch());
    const { loss } = await trainer.evaluate(Array.from({ length: 8 }, batch));
    // Always answering 1 gives 0.167.
    assert.ok(loss < 0.03, `mean squared error ${loss}`);
  });
  it('[136] every gate has the fan of its own matrix, and each gate\'s recurrent matrix is orthogonal itself', () => {
    const [units, features] = [40, 24];
    for (const [kind, layer, gates] of [['lstm', lstm({ units }), 4], ['gru', gru({ units }), 3]] as const) {
      const model = sequential([layer], { input: { features }, seed: 3 });
      const limit = Math.sqrt(6 / (features + units));
      for (let gate = 0; gate < gates; gate++) {
        const largest = block(model, `${kind}/weight_ih_l0`, gate, gates).data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        assert.ok(largest <= limit && largest > 0.95 * limit, `${kind} gate ${gate}: ${largest}, the limit of its own fan is ${limit}`);
        assert.ok(orthogonalityError(block(model, `${kind}/weight_hh_l0`, gate, gates)) < 1e-5);
      }
      const he = sequential([gates === 4 ? lstm({ units, initializer: { recurrent: 'heNormal' } }) : gru({ units, initializer: { recurrent: 'heNormal' } })], { input: { features }, seed: 3 });
      const { data } = block(he, `${kind}/weight_hh_l0`, 1, gates);
      const deviation = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
      assert.ok(Math.abs(deviation / Math.sqrt(2 / units) - 1) < 0.06, `${kind}: ${deviation}`);
    }
  });
  it('[137] the forget gate\'s bias begins at 1, at any other number, once where there are two biases, and no other gate\'s does', () => {
    const biases = (layer: Layer, name: string): number[] => [...sequential([layer], { input: { features: 1 } }).parameter(`lstm/${name}_l0`).view];
    assert.deepEqual(biases(lstm({ units: 2 }), 'bias_ih'), [0, 0, 1, 1, 0, 0, 0, 0]);
    assert.deepEqual(biases(lstm({ units: 2, forgetBias: 5 }), 'bias_ih'), [0, 0, 5, 5, 0, 0, 0, 0]);
    assert.deepEqual(biases(lstm({ units: 2, forgetBias: 0 }), 'bias_ih'), [0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(biases(lstm({ units: 2, bias: 'double' }), 'bias_ih'), [0, 0, 1, 1, 0, 0, 0, 0]);
    assert.deepEqual(biases(lstm({ units: 2, bias: 'double' }), 'bias_hh'), [0, 0, 0, 0, 0, 0, 0, 0]);
  });
  it('[138] ReLU takes the place of tanh: h = max(0, W x + U h + b), with right gradients', async () => {
    const model = sequential([rnn({ units: 1, activation: 'relu' })], { input: { features: 1 }, runtime: referenceRuntime });
    model.setParameter('rnn/weight_ih_l0', [[2]]);
    model.setParameter('rnn/weight_hh_l0', [[1.5]]);
    assert.deepEqual((await model.predict([[[1], [1], [-4], [3]]])).output.toArray(), [[[2], [5], [0], [6]]]);
    const { passed, text } = await gradientCheck(rnn({ units: 3, activation: 'relu' }));
    assert.ok(passed, text);
  });
});

describe('L2 and weight decay', () => {
  const strength = 0.1;
  const rate = 0.05;
  const batch = { input: someSequences([4, 4], 2), target: someSequences([4, 4], 1, 9) };
  const make = () => sequential([rnn({ units: 3 }), dense({ units: 1 })], { input: { features: 2 }, seed: 4, runtime: referenceRuntime });

  /** Weights after some steps; with `decoupled`, every step also shrinks what it began with. */
  async function train(optimizer: Optimizer, { decoupled = false, ...options }: Partial<TrainerOptions> & { decoupled?: boolean } = {}): Promise<number[]> {
    const model = make();
    const trainer = new Trainer(model, { loss: squaredError(), optimizer, ...options });
    for (let update = 0; update < 6; update++) {
      const before = weightsOf(model);
      await trainer.step(batch);
      if (!decoupled) continue;
      for (const { name, view } of model.parameters) view.forEach((value, i) => { view[i] = value - rate * strength * before[name]![i]!; });
      model.core.store.touch();
    }
    return model.parameters.flatMap(({ view }) => [...view]);
  }
  const everything = { input: strength, recurrent: strength, output: strength, bias: strength };
  const difference = (a: number[], b: number[]): number => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

  it('[139] L2 is decoupled weight decay under plain descent', async () => {
    const penalised = await train(sgd({ learningRate: rate }), { l2: everything });
    assert.ok(difference(penalised, await train(sgd({ learningRate: rate }), { decoupled: true })) < 1e-14);
    assert.ok(difference(penalised, await train(sgd({ learningRate: rate }))) > 1e-3);
  });
  it('[139] L2 is not weight decay under Adam, whose decoupled form is AdamW', async () => {
    const decayed = await train(adamw({ learningRate: rate, weightDecay: strength }));
    assert.ok(difference(decayed, await train(adam({ learningRate: rate }), { decoupled: true })) < 1e-14);
    assert.ok(difference(decayed, await train(adam({ learningRate: rate }), { l2: everything })) > 1e-3);
  });
  it('[139] L2 leaves alone the groups that are not named, such as biases', async () => {
    const model = make();
    model.setParameter('dense/bias', [2]);
    const zero = { input: someSequences([3], 2).map((row) => row.map(() => [0, 0])), target: [[[2], [2], [2]]] };
    await new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: rate }), l2: { input: 1, recurrent: 1, output: 1 } }).step(zero);
    assert.deepEqual([...model.parameter('dense/bias').view], [2]);
    await new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: rate }), l2: { bias: 1 } }).step(zero);
    assert.ok(Math.abs(model.parameter('dense/bias').view[0]! - 2 * (1 - rate)) < 1e-12);
  });
});

describe('where dropout acts', () => {
  const [steps, rows] = [8, 4000];
  /** A sum over time, h' = h + x, of ones; so that what is dropped can be counted. */
  const adder = (dropout: object | undefined): Layer => rnn({ units: 1, activation: 'linear', bias: false, ...(dropout ? { dropout } : {}) });
  const weights = { weight_ih_l0: [1], weight_hh_l0: [1] };
  const run = (dropout: object | undefined, x = 1, h = 0, training = true) => runTestLayer({
    layer: adder(dropout), x: filled([steps, rows, 1], x), weights, training, state: { h: new Float64Array(rows).fill(h) },
  }).output.data;
  const moments = (values: Float64Array): [number, number] => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
  };
  const step = (data: Float64Array, t: number): Float64Array => data.slice(t * rows, (t + 1) * rows);
  const near = (actual: number, expected: number, share = 0.1): void => assert.ok(Math.abs(actual - expected) <= share * expected, `${actual} is not ${expected}`);

  it('[140] input and output are dropped, the recurrent path is not: what the state holds stays, bit for bit', () => {
    const held = run({ input: 0.5 }, 0, 3);
    assert.ok(held.every((value) => value === 3));
    const shown = run({ output: 0.5 }, 0, 3);
    assert.deepEqual([...new Set(shown)].sort(), [0, 6]);
    for (let t = 0; t < steps; t++) near(moments(step(shown, t))[0], 3);
  });
  it('[140] variances say where: of the input p/(1−p) for each step that has been added up, of the output that of one mask', () => {
    const added = run({ input: 0.5 });
    for (const t of [0, 3, 7]) {
      const [mean, variance] = moments(step(added, t));
      near(mean, t + 1, 0.05);
      near(variance, t + 1);
    }
    const shown = run({ output: 0.2 });
    for (const t of [0, 3, 7]) near(moments(step(shown, t))[1], (t + 1) ** 2 * 0.25, 0.12);
    const still = run({ input: 0, output: 0 });
    for (const t of [0, 3, 7]) assert.deepEqual(moments(step(still, t)), [t + 1, 0]);
  });
  it('[140] recurrent dropout is off unless it is asked for, and then multiplies at every step', () => {
    const kept = run({ recurrent: 0.5 }, 0, 1);
    for (const t of [0, 1, 2]) near(step(kept, t).filter((value) => value !== 0).length / rows, 0.5 ** (t + 1), 0.15);
    assert.ok(step(kept, 1).every((value) => value === 0 || value === 4));
  });
  it('[140] a variational mask is the same at every step of a row, others are drawn anew', () => {
    const once = run({ input: 0.5, variational: true });
    assert.ok(Array.from({ length: rows }, (_, row) => step(once, 7)[row]!).every((value) => value === 0 || value === 16));
    near(moments(step(once, 7))[1], 64);
    assert.ok(new Set(step(run({ input: 0.5 }), 7)).size > 5);
  });
  it('[140] without training nothing is dropped, and the same is said twice', async () => {
    assert.deepEqual(run({ input: 0.5, output: 0.5, recurrent: 0.5 }, 1, 0, false), run(undefined, 1, 0, false));
    const model = sequential([lstm({ units: 3, dropout: 0.5 })], { input: { features: 2 }, seed: 1 });
    const data = someSequences([5], 2);
    assert.deepEqual((await model.predict(data)).output.data, (await model.predict(data)).output.data);
  });
});
