import assert from 'node:assert/strict';
import { characters, nextToken, windows } from '../../lib/data/index.ts';
import { sample } from '../../lib/decoding/index.ts';
import { activation, defineLayer, dense, embedding, flatten, gru, lastStep, lstm, repeatVector, rnn, sequenceToVector, timeDistributed, vectorToSequence } from '../../lib/layers/index.ts';
import { binaryCrossEntropy, crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { sequential, type Model } from '../../lib/model/index.ts';
import { adam } from '../../lib/optimizers/index.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { buildMany, checkMany, gradientsOf, someInput, valuesOf } from '../support/manyInputs.ts';
import { assertNear, someSequence, someSequences, someTokens, weightsOf } from '../support/models.ts';
import { someNumbers } from '../support/numbers.ts';

/** Index of the largest of each `width` numbers. */
function choices(data: ArrayLike<number>, width: number): number[] {
  return Array.from({ length: data.length / width }, (_, i) => {
    const part = Array.from({ length: width }, (_unused, k) => data[i * width + k]!);
    return part.indexOf(Math.max(...part));
  });
}

async function train(built: Model, batch: Parameters<Trainer['step']>[0], options: Partial<ConstructorParameters<typeof Trainer>[1]> & Pick<ConstructorParameters<typeof Trainer>[1], 'loss'>, updates: number): Promise<number> {
  const trainer = new Trainer(built, { optimizer: adam({ learningRate: 0.02 }), clip: { globalNorm: 1 }, ...options });
  let loss = Infinity;
  for (let update = 0; update < updates; update++) ({ loss } = await trainer.step(batch));
  return loss;
}

describe('shapes of use: kinds of sequences', function () {
  this.timeout(60_000);
  it('[1] text and DNA: a model of next tokens learns a text of 4 letters and goes on with it', async () => {
    for (const text of ['the cat sat. '.repeat(4), 'GATTACA'.repeat(8)]) {
      const vocabulary = characters(text);
      const built = sequential([embedding({ size: 8 }), gru({ units: 24 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 1 });
      const { input: read, target } = nextToken(vocabulary.encode(text));
      await train(built, { input: [read], target: [target] }, { loss: crossEntropy() }, 80);
      const prefix = text.slice(0, 7);
      assert.equal(vocabulary.decode(sample(built.stream(), { prefix: vocabulary.encode(prefix), length: 20, greedy: true })), text.slice(7, 27));
    }
  });

  it('[1] numeric series and frames: the next value of a sine, and the motion of a bright pixel', async () => {
    const series = Array.from({ length: 60 }, (_, t) => Math.sin(t / 3));
    const { input: past, target } = windows(series, { length: 12 });
    const forecast = sequential([lstm({ units: 12, output: 'last' }), dense({ units: 1 })], { input: { features: 1 }, seed: 1 });
    assert.ok(await train(forecast, { input: past, target }, { loss: squaredError() }, 80) < 0.01);
    const frame = (at: number): number[][][] => [0, 1, 2].map((row) => [0, 1, 2].map((column) => [Number(row * 3 + column === at % 9)]));
    const video = [0, 4, 7].map((start) => Array.from({ length: 5 }, (_, t) => frame(start + t)));
    const motion = sequential([timeDistributed({ layer: flatten() }), rnn({ units: 12 }), dense({ units: 9 })], { input: { features: [3, 3, 1] }, seed: 1 });
    const next = [0, 4, 7].map((start) => Array.from({ length: 5 }, (_, t) => (start + t + 1) % 9));
    await train(motion, { input: video, target: next }, { loss: crossEntropy() }, 80);
    assert.deepEqual(choices((await motion.predict(video)).output.data, 9), next.flat());
  });
});

describe('shapes of use: one and many', function () {
  this.timeout(60_000);
  it('[2] one to one: a dense network learns XOR, 4 of 4', async () => {
    const built = sequential([dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })], { input: { features: 2, time: false }, seed: 2 });
    const data = [[0, 0], [0, 1], [1, 0], [1, 1]];
    await train(built, { input: data, target: [[0], [1], [1], [0]] }, { loss: binaryCrossEntropy() }, 200);
    assert.deepEqual([...(await built.predict(data)).output.data].map((logit) => Number(logit > 0)), [0, 1, 1, 0]);
  });

  for (const at of ['all', 'first'] as const) {
    it(`[3] one to many: a vector, entering ${at === 'all' ? 'at every step' : 'at the first step only'}, becomes a sequence, learned to 100 %`, async () => {
      const built = sequential([repeatVector({ steps: 5, at }), gru({ units: 24 }), timeDistributed({ layer: dense({ units: 4 }) })], { input: { features: 3, time: false }, seed: 3 });
      const vectors = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]];
      const target = [[0, 1, 2, 3, 0], [3, 3, 2, 2, 1], [1, 0, 1, 0, 1], [2, 3, 3, 0, 0]];
      await train(built, { input: vectors, target }, { loss: crossEntropy() }, 120);
      assert.deepEqual(choices((await built.predict(vectors)).output.data, 4), target.flat());
      const { accuracy, steps } = await new Trainer(built, { loss: crossEntropy(), optimizer: adam() }).evaluate({ input: vectors, target });
      assert.deepEqual([accuracy, steps], [1, 20]);
    });
  }

  it('[3] repeatVector: the vector at every step or at the first, as often as another sequence has steps; its gradient is the sum', () => {
    const vector = someInput([2, 3]);
    const rows = (at: 'all' | 'first'): number[] => [...valuesOfLayer(at)];
    const valuesOfLayer = (at: 'all' | 'first'): Float64Array => {
      const built = buildMany(repeatVector({ steps: 3, at }), [{ x: vector, time: false }]);
      return valuesOf(built, [built.signal.value])[0]!.data;
    };
    assert.deepEqual(rows('all'), [...vector.data, ...vector.data, ...vector.data]);
    assert.deepEqual(rows('first'), [...vector.data, ...new Array<number>(12).fill(0)]);
    const like = buildMany(repeatVector(), [{ x: vector, time: false }, { x: someInput([4, 2, 1]), lengths: [4, 1] }]);
    assert.deepEqual(like.signal.value.shape, [4, 2, 3]);
    assert.ok(valuesOf(like, [like.signal.value])[0]!.data.subarray(9, 12).every((value) => value === 0), 'padding of the second row');
    checkMany(repeatVector(), [{ x: vector, time: false }, { x: someInput([4, 2, 1]), lengths: [4, 1] }]);
    assertThrows(() => buildMany(repeatVector(), [{ x: vector, time: false }]), 'ERR_BPTT_GRAPH', /the option steps, or the vector and a sequence/);
    assertThrows(() => buildMany(repeatVector({ steps: 2 }), [{ x: someInput([2, 2, 3]) }]), 'ERR_BPTT_SHAPE', /take its last step/);
  });

  it('[3] timeDistributed applies a layer without time to each step; layers with states are refused', () => {
    checkMany(timeDistributed({ layer: dense({ units: 2, activation: 'tanh' }) }), [{ x: someInput([4, 2, 3]), lengths: [4, 2] }]);
    const [each, plain] = [timeDistributed({ layer: dense({ units: 2 }) }), dense({ units: 2 })].map((layer) => buildMany(layer, [{ x: someInput([4, 2, 3]) }]));
    for (const name of ['weight', 'bias']) each!.inputs[`dense/${name}`] = plain!.inputs[name]!;
    assert.deepEqual([...valuesOf(each!, [each!.signal.value])[0]!.data], [...valuesOf(plain!, [plain!.signal.value])[0]!.data]);
    assertThrows(() => buildMany(timeDistributed({ layer: gru({ units: 2 }) }), [{ x: someInput([4, 2, 3]) }]), 'ERR_BPTT_SHAPE');
  });

  it('[4] many to one: which of two signs came more often, better than guessing; the gradient reaches the first step', async () => {
    const data = Array.from({ length: 48 }, (_, i) => someTokens(9, 2, i + 1));
    const labels = data.map((row) => Number(row.reduce((sum, token) => sum + token, 0) > 4));
    const built = sequential([embedding({ size: 4 }), sequenceToVector({ layers: [lstm({ units: 8 })] }), dense({ units: 2 })], { input: { tokens: 2 }, seed: 1 });
    await train(built, { input: data, target: labels }, { loss: crossEntropy() }, 60);
    const right = choices((await built.predict(data)).output.data, 2).filter((label, i) => label === labels[i]).length;
    const baseline = Math.max(labels.filter((label) => label === 1).length, labels.filter((label) => label === 0).length);
    assert.ok(right >= 45 && right > baseline, `${right} right, the commoner label ${baseline}`);
    const layer = buildMany(sequenceToVector({ layers: [lstm({ units: 4 }), gru({ units: 3 })] }), [{ x: someInput([8, 2, 3]), lengths: [8, 5] }]);
    const [gradient] = gradientsOf(layer, layer.signal.value, [layer.xs[0]!]);
    assert.ok(gradient!.data.subarray(0, 6).every((element) => element !== 0));
  });

  it('[5] many to many in step: a loss at each step, each step weighted', async () => {
    const data = [someTokens(10, 3, 1), someTokens(7, 3, 2)];
    const sums = data.map((row) => row.map((_, t) => row.slice(0, t + 1).reduce((a, b) => a + b, 0) % 3));
    const built = sequential([embedding({ size: 6 }), lstm({ units: 20 }), dense({ units: 3 })], { input: { tokens: 3 }, seed: 1 });
    await train(built, { input: data, target: sums }, { loss: crossEntropy() }, 150);
    const { output } = await built.predict(data);
    data.forEach((_, row) => assert.deepEqual(choices(output.row(row).data, 3), sums[row]));
    const masked = (target: number[][]): Promise<number> => new Trainer(built, { loss: crossEntropy(), optimizer: adam() }).evaluate({ input: data, target, weights: data.map((row) => row.map((_, t) => Number(t % 2 === 0))) })
      .then(({ loss }) => loss);
    assert.equal(await masked(sums), await masked(sums.map((row) => row.map((label, t) => (t % 2 === 0 ? label : (label + 1) % 3)))), 'steps of weight 0 count nothing');
    assert.notEqual(await masked(sums), await masked(sums.map((row) => row.map((label) => (label + 1) % 3))));
  });

  it('[7] windows shifted by one step are a loop\'s', () => {
    const series = [...someNumbers(20, 3)].map(Math.fround);
    const { input: past, target, count } = windows(series, { length: 6, target: 'shifted' });
    assert.deepEqual([past.shape, target.shape, count], [[14, 6, 1], [14, 6, 1], 14]);
    for (let i = 0; i < count; i++) {
      for (let t = 0; t < 6; t++) assert.deepEqual([past.data[i * 6 + t], target.data[i * 6 + t]], [series[i + t], series[i + t + 1]]);
    }
  });
});

describe('shapes of use: nets by name', () => {
  const copied = (from: Model, to: Model): void => {
    const values = Object.values(weightsOf(from));
    assert.equal(values.length, to.parameters.length);
    to.parameters.forEach(({ name }, i) => to.setParameter(name, values[i]!));
  };

  it('[8] sequence to vector, vector to sequence, and one after the other are what is wired by hand, bit for bit', async () => {
    const [features, vector] = [{ input: { features: 3 }, seed: 4 }, { input: { features: 5, time: false }, seed: 4 }];
    const toVector = sequential([sequenceToVector({ layers: [gru({ units: 5 })] })], features);
    const toSequence = sequential([vectorToSequence({ steps: 4, layers: [lstm({ units: 6 }), dense({ units: 2 })] })], vector);
    const both = sequential([sequenceToVector({ layers: [gru({ units: 5 })] }), vectorToSequence({ steps: 4, layers: [lstm({ units: 6 }), dense({ units: 2 })] })], features);
    const hand = [sequential([gru({ units: 5 }), lastStep()], features), sequential([repeatVector({ steps: 4 }), lstm({ units: 6 }), dense({ units: 2 })], vector),
      sequential([gru({ units: 5, output: 'last' }), repeatVector({ steps: 4 }), lstm({ units: 6 }), dense({ units: 2 })], features)];
    const data = someSequences([6, 2, 4], 3);
    for (const [i, [named, given]] of ([[toVector, data], [toSequence, someSequence(3, 5)], [both, data]] as const).entries()) {
      copied(named, hand[i]!);
      const [one, other] = [await named.predict(given), await hand[i]!.predict(given)];
      assert.deepEqual([one.output.shape, [...one.output.data]], [other.output.shape, [...other.output.data]]);
    }
    assert.deepEqual((await both.predict(data)).output.shape, [3, 4, 2], 'S is not T');
  });
});

describe('shapes of use: streams and sizes', () => {
  it('[9] [11] step by step is the whole sequence bit for bit; the state is kept, set, reset and goes through JSON', async () => {
    const built = sequential([lstm({ units: 5, layers: 2 }), gru({ units: 4 }), dense({ units: 2 })], { input: { features: 3 }, seed: 1 });
    const sequence = someSequence(9, 3).map((row) => Float32Array.from(row));
    const whole = (await built.predict([sequence])).output.data;
    const stream = built.stream();
    const first = sequence.slice(0, 4).flatMap((row) => [...stream.step(row)]);
    const text = JSON.stringify(Object.fromEntries(Object.entries(stream.state).map(([path, state]) => [path, state.toArray()])));
    const rest = sequence.slice(4).flatMap((row) => [...stream.step(row)]);
    assert.deepEqual([...first, ...rest], [...whole]);
    const other = built.stream();
    other.state = JSON.parse(text) as Record<string, number[][]>;
    assert.deepEqual(sequence.slice(4).flatMap((row) => [...other.step(row)]), rest, 'a stream of another time goes on from the text');
    other.reset();
    assert.deepEqual(sequence.slice(0, 4).flatMap((row) => [...other.step(row)]), first);
    const { state } = await built.predict([sequence.slice(0, 4)]);
    assert.deepEqual([...(await built.predict([sequence.slice(4)], { state })).output.data], rest, 'runs over parts remember too');
  });

  it('[10] weights are the same for every length, from 1 to 4096 steps', async () => {
    const built = sequential([rnn({ units: 8 }), dense({ units: 1 })], { input: { features: 2 }, seed: 1 });
    const count = built.parameterCount;
    assert.equal(count, 8 * 2 + 8 * 8 + 8 + 8 + 1);
    const long = someSequence(4096, 2);
    const { output } = await built.predict([long]);
    for (const steps of [1, 2, 64, 1000]) {
      const part = await built.predict([long.slice(0, steps)]);
      assertNear(part.output.data, output.data.subarray(0, steps), `${steps} steps`);
      assert.equal(built.parameterCount, count);
    }
  });

  it('[12] a window of 100 words of 100 numbers takes 1,000,000 weights for 100 hidden units, a recurrent network 20,000', () => {
    const window = sequential([dense({ units: 100, bias: false })], { input: { features: 100 * 100, time: false } });
    const network = sequential([rnn({ units: 100, bias: false })], { input: { features: 100 } });
    assert.deepEqual([window.parameterCount, network.parameterCount], [1_000_000, 20_000]);
  });

  it('[13] rows of different lengths: outputs and training steps are as of each row alone', async () => {
    const make = (): Model => sequential([lstm({ units: 4, direction: 'bidirectional' }), gru({ units: 3, output: 'last' }), dense({ units: 2 }), activation({ function: 'tanh' })], { input: { features: 3 }, seed: 6, runtime: referenceRuntime });
    const built = make();
    const rows = someSequences([7, 1, 4], 3);
    const together = await built.predict(rows);
    for (const [i, row] of rows.entries()) assert.deepEqual([...(await built.predict([row])).output.data], [...together.output.row(i).data], `row ${i}`);
    const target = [[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]];
    const { loss } = await new Trainer(make(), { loss: squaredError(), optimizer: adam(), reduction: 'sum' }).step({ input: rows, target });
    let alone = 0;
    for (const [i, row] of rows.entries()) alone += (await new Trainer(make(), { loss: squaredError(), optimizer: adam(), reduction: 'sum' }).step({ input: [row], target: [target[i]!] })).loss;
    assert.ok(Math.abs(loss - alone) < 1e-12);
    const padded = buildMany(lstm({ units: 3, direction: 'bidirectional' }), [{ x: someInput([5, 2, 2]), lengths: [5, 3] }]);
    assert.ok(gradientsOf(padded, padded.signal.value, [padded.xs[0]!])[0]!.data.filter((_, i) => i >= 12 && i % 4 >= 2).every((element) => element === 0), 'no gradient reaches the padding');
  });

  it('layers of one\'s own that forget the lengths still have the steps of the input', async () => {
    const forgetful = defineLayer('testForgetful', {}, (_scope, signal) => ({ value: signal.value, time: true }));
    const trainer = new Trainer(sequential([dense({ units: 1 }), forgetful], { input: { features: 1 } }), { loss: squaredError(), optimizer: adam() });
    assert.equal((await trainer.step({ input: [[1, 2, 3], [4, 5, 6]], target: [[1, 2, 3], [4, 5, 6]] })).steps, 6);
  });

  it('outputs of their own number of steps want targets of that number', async () => {
    const built = sequential([sequenceToVector({ layers: [gru({ units: 3 })] }), vectorToSequence({ steps: 4, layers: [dense({ units: 1 })] })], { input: { features: 1 } });
    const trainer = new Trainer(built, { loss: squaredError(), optimizer: adam() });
    const { steps } = await trainer.step({ input: [[1, 2], [3]], target: [[1, 2, 3, 4], [1, 2, 3, 4]] });
    assert.equal(steps, 8);
    await assertRejects(() => trainer.step({ input: [[1, 2], [3, 4]], target: [[1, 2], [1, 2]] }), 'ERR_BPTT_SHAPE', /expected 4 steps/);
  });
});
