import assert from 'node:assert/strict';
import { bidirectional, concatenate, dense, embedding, gru, lastStep, lstm, oneHot, rnn } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/index.ts';
import { connect, input, model, sequential } from '../../lib/model/index.ts';
import type { Model, Prediction } from '../../lib/model/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, flat, someSequence, someSequences, weightsOf } from '../support/models.ts';

const stacks: Readonly<Record<string, () => Layer[]>> = {
  'rnn and dense': () => [rnn({ units: 4 }), dense({ units: 2 })],
  'two layers of lstm': () => [lstm({ units: 4, layers: 2 }), dense({ units: 2 })],
  'gru with a learned beginning': () => [gru({ units: 4, initialState: 'learned' }), dense({ units: 2 })],
  'lstm in both directions': () => [lstm({ units: 3, direction: 'bidirectional' }), gru({ units: 3, direction: 'backward' })],
  'the last step of both directions': () => [lstm({ units: 3, direction: 'bidirectional', output: 'last' }), dense({ units: 2 })],
  'twins': () => [bidirectional({ forward: rnn({ units: 3 }), merge: 'sum' }), lastStep()],
};

function built(layers: readonly Layer[], features = 3, seed = 5): Model {
  const made = sequential(layers, { input: { features }, seed });
  for (const { name, view } of made.parameters) if (name.includes('initial_') || name.endsWith('bias')) view.forEach((_, i) => { view[i] = Math.fround(0.1 * (i + 1)); });
  made.core.store.touch();
  return made;
}

describe('model: predict', () => {
  for (const [name, layers] of Object.entries(stacks)) {
    it(`gives sequences of different lengths what each gives alone: ${name}`, async () => {
      const made = built(layers());
      const sequences = someSequences([5, 1, 20, 3], 3);
      const together = await made.predict(sequences);
      for (const [row, sequence] of sequences.entries()) {
        const alone = await made.predict([sequence]);
        assertNear(together.output.row(row).data, alone.output.row(0).data, `row ${row}`);
        assert.deepEqual(together.output.row(row).shape, alone.output.row(0).shape);
        for (const state of Object.keys(alone.state)) assertNear(together.state[state]!.row(row).data, alone.state[state]!.data, `${state} of row ${row}`);
      }
    });
  }

  it('trims what it has padded: the result is as long as the longest sequence', async () => {
    const made = built([rnn({ units: 2 })]);
    const { output } = await made.predict(someSequences([33, 2], 3));
    assert.deepEqual(output.shape, [2, 33, 2]);
    assert.deepEqual([...output.lengths!], [33, 2]);
    assert.ok(output.data.subarray(33 * 2 + 2 * 2).every((number) => number === 0));
    assert.deepEqual((output.toArray() as unknown[][]).map((row) => row.length), [33, 2]);
  });

  it('takes padded data with lengths, whatever is in the padding', async () => {
    const made = built([lstm({ units: 3 })]);
    const [long, short] = someSequences([4, 2], 3) as [number[][], number[][]];
    const padded = { data: Float32Array.from([...flat(long), ...flat(short), ...new Array<number>(6).fill(NaN)]), shape: [2, 4, 3] };
    const { output, state } = await made.predict(padded, { lengths: [4, 2] });
    const ragged = await made.predict([long.map((row) => Float32Array.from(row)), short.map((row) => Float32Array.from(row))]);
    assert.deepEqual(output, ragged.output);
    assert.deepEqual(state, ragged.state);
  });

  it('no state is the zero state', async () => {
    const made = built([lstm({ units: 3, layers: 2 })]);
    const data = [someSequence(4, 3)];
    const plain = await made.predict(data);
    const zeros = Object.fromEntries(made.states.map(({ name, sizes }) => [name, { data: new Float32Array(sizes[0]!), shape: [1, ...sizes] }]));
    assert.deepEqual((await made.predict(data, { state: zeros })).output.data, plain.output.data);
  });

  it('chunk by chunk with the state is the whole sequence', async () => {
    for (const layers of [() => [lstm({ units: 4, layers: 2 }), dense({ units: 2 })], () => [gru({ units: 4, initialState: 'learned' as const })]]) {
      const made = built(layers());
      const sequences = [someSequence(9, 3, 1), someSequence(9, 3, 2)];
      const whole = await made.predict(sequences);
      const first = await made.predict(sequences.map((sequence) => sequence.slice(0, 4)));
      const second = await made.predict(sequences.map((sequence) => sequence.slice(4)), { state: first.state });
      for (const row of [0, 1]) assertNear([...first.output.row(row).data, ...second.output.row(row).data], whole.output.row(row).data, `row ${row}`);
      for (const name of Object.keys(whole.state)) assertNear(second.state[name]!.data, whole.state[name]!.data, name);
    }
  });

  it('answers calls made at once in order, each with its own data', async () => {
    const made = built([rnn({ units: 3 })]);
    const batches = Array.from({ length: 6 }, (_, i) => [someSequence(4, 3, i + 1)]);
    const together = await Promise.all(batches.map((batch) => made.predict(batch)));
    for (const [i, batch] of batches.entries()) assert.deepEqual(together[i]!.output.data, (await made.predict(batch)).output.data);
  });

  it('has read its data when it returns, whether it runs at once or waits', async () => {
    const made = built([gru({ units: 4 })]);
    const numbers = Float32Array.from(flat(someSequence(6, 3)));
    const expected = (await made.predict({ data: numbers.slice(), shape: [1, 6, 3] })).output.data;
    const pending = [0, 1, 2].map(() => {
      const data = numbers.slice();
      const prediction = made.predict({ data, shape: [1, 6, 3] });
      data.fill(0.5);
      return prediction;
    });
    for (const { output } of await Promise.all(pending)) assert.deepEqual(output.data, expected);
  });

  it('keeps calls apart that the data\'s own getters make', async () => {
    const made = built([gru({ units: 3 })], 2);
    const tensor = (shift: number): { data: Float32Array; shape: number[] } => ({ data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * 1.3 + shift)), shape: [2, 3, 2] });
    const [name] = made.states.map((state) => state.name) as [string];
    const start = (): { data: Float32Array; shape: number[] } => ({ data: new Float32Array(6).fill(0.3), shape: [2, 3] });
    const [outer, inner] = [await made.predict(tensor(1), { state: { [name]: start() } }), await made.predict(tensor(9))];
    let nested: Promise<Prediction> | undefined;
    const state = { get [name]() { nested ??= made.predict(tensor(9)); return start(); } };
    assert.deepEqual((await made.predict(tensor(1), { state })).output.data, outer.output.data);
    assert.deepEqual((await nested!).output.data, inner.output.data);
  });

  it('gives each its own, whatever ran before it: other shapes, padding, refused data', async () => {
    const [a, b] = [input({ name: 'a', features: 2 }), input({ name: 'b', features: 2 })];
    const make = (): Model => model({ inputs: [a, b], outputs: connect(gru({ units: 3 }), connect(concatenate(), a, b)) });
    const [busy, tensor] = [make(), (seed: number, rows: number, steps: number) => ({ data: Float32Array.from(flat(someSequence(rows * steps, 2, seed))), shape: [rows, steps, 2] })];
    const calls = [
      [{ a: tensor(1, 2, 3), b: tensor(2, 2, 3) }, {}],
      [{ a: tensor(3, 3, 2), b: tensor(4, 3, 2) }, {}],
      [{ a: tensor(5, 2, 3), b: tensor(6, 2, 3) }, { lengths: [1, 3] }],
      [{ a: tensor(7, 2, 3), b: tensor(8, 2, 3) }, {}],
      [{ a: [someSequence(3, 2), someSequence(1, 2)], b: [someSequence(3, 2, 2), someSequence(1, 2, 2)] }, {}],
    ] as const;
    for (const [data, options] of calls) {
      const broken = { a: tensor(9, 2, 3), b: { data: new Float32Array(12).fill(NaN), shape: [2, 3, 2] } };
      await assertRejects(() => busy.predict(broken), 'ERR_BPTT_DATA', /input "b".*row 0, step 0, feature 0/);
      assert.deepEqual(await busy.predict(data, options), await make().predict(data, options));
    }
  });

  it('gives shapes that are the caller\'s own', async () => {
    const made = built([gru({ units: 3 })]);
    for (const input of [someSequences([4, 4], 3), someSequences([4, 2], 3)]) {
      const expected = await made.predict(input);
      const spoilt = await made.predict(input);
      for (const { shape } of [spoilt.output, ...Object.values(spoilt.state)]) (shape as number[]).fill(7);
      assert.deepEqual(await made.predict(input), expected);
    }
  });

  it('takes several inputs and gives several outputs by name', async () => {
    const words = input({ name: 'words', tokens: 5 });
    const frames = input({ name: 'frames', features: 2 });
    const row = input({ name: 'row', features: 3, time: false });
    const joined = connect(concatenate(), connect(embedding({ size: 3 }), words), frames);
    const hidden = connect(gru({ units: 4, output: 'last' }), joined);
    const made = model({
      inputs: [words, frames, row],
      outputs: [connect(dense({ name: 'class', units: 2 }), connect(concatenate(), hidden, row)), connect(dense({ name: 'score', units: 1 }), hidden)],
    });
    const data = { words: [[1, 2, 3], [4]], frames: [someSequence(3, 2), someSequence(1, 2)], row: [[1, 2, 3], [4, 5, 6]] };
    const result = await made.predict(data);
    assert.deepEqual(Object.keys(result.outputs), ['class', 'score']);
    assert.equal(result.output, result.outputs['class']);
    assert.deepEqual(result.outputs['score']!.shape, [2, 1]);
    await assertRejects(() => made.predict({ words: [[1]], frames: [someSequence(1, 2)] }), 'ERR_BPTT_DATA', /input "row"/);
    await assertRejects(() => made.predict({ ...data, rows: [[1]] }), 'ERR_BPTT_OPTION', /did you mean "row"/);
    await assertRejects(() => made.predict({ ...data, row: [[1, 2, 3]] }), 'ERR_BPTT_SHAPE', /same rows/);
    await assertRejects(() => made.predict([[1]]), 'ERR_BPTT_DATA', /by name/);
  });

  it('a vector repeated at every step, and a plain net, are models too', async () => {
    const net = sequential([dense({ units: 4, activation: 'tanh' }), dense({ units: 1 })], { input: { features: 2, time: false } });
    const { output, state } = await net.predict([[0, 1], [1, 0], [1, 1]]);
    assert.deepEqual([output.shape, output.lengths, state], [[3, 1], null, {}]);
  });

  it('says what it expected', async () => {
    const made = sequential([oneHot(), rnn({ units: 3 })], { input: { tokens: 4 }, name: 'speech' });
    await assertRejects(() => made.predict([[1, 9]]), 'ERR_BPTT_VOCABULARY', /model "speech", input "input": expected a token from 0 to 3 at row 0, step 1, received 9/);
    await assertRejects(() => made.predict([[1]], { stat: {} } as never), 'ERR_BPTT_OPTION', /did you mean "state"/);
    await assertRejects(() => made.predict([[1]], { state: { 'rnn/g': [[0, 0, 0]] } }), 'ERR_BPTT_STATE', /did you mean "rnn\/h"/);
    await assertRejects(() => made.predict([[1]], { state: { 'rnn/h': [[0, 0]] } }), 'ERR_BPTT_SHAPE', /rnn\/h/);
    await assertRejects(() => made.predict([[1]], { state: { 'rnn/h': [[0, 0, 0], [0, 0, 0]] } }), 'ERR_BPTT_SHAPE');
    await assertRejects(() => made.predict([[1]], { signal: AbortSignal.abort() }), 'ERR_BPTT_ABORTED');
  });

  it('stops waiting when it is aborted in the queue', async () => {
    const made = built([rnn({ units: 3 })]);
    const controller = new AbortController();
    const first = made.predict([someSequence(4, 3)]);
    const second = made.predict([someSequence(4, 3)], { signal: controller.signal });
    const third = made.predict([someSequence(4, 3)]);
    controller.abort('enough');
    await assert.rejects(second, { code: 'ERR_BPTT_ABORTED', cause: 'enough' });
    assert.deepEqual((await third).output.data, (await first).output.data);
  });
});

describe('model: weights', () => {
  it('follow from the seed and the name alone', () => {
    const layers = (): Layer[] => [embedding({ size: 3 }), lstm({ name: 'memory', units: 4 }), dense({ units: 2 })];
    const first = sequential(layers(), { input: { tokens: 5 }, seed: 7 });
    assert.deepEqual(weightsOf(first), weightsOf(sequential(layers(), { input: { tokens: 5 }, seed: 7 })));
    assert.notDeepEqual(weightsOf(first), weightsOf(sequential(layers(), { input: { tokens: 5 }, seed: 8 })));
    const other = sequential([embedding({ size: 3 }), dense({ name: 'between', units: 3 }), ...layers().slice(1)], { input: { tokens: 5 }, seed: 7 });
    assert.deepEqual(other.parameter('memory/weight_hh_l0').view, first.parameter('memory/weight_hh_l0').view);
  });

  it('fill each gate on its own', () => {
    const { view, shape } = sequential([lstm({ units: 8 })], { input: { features: 3 } }).parameter('lstm/weight_hh_l0');
    const width = shape[1]!;
    for (let gate = 0; gate < 4; gate++) {
      for (let a = 0; a < 8; a++) {
        for (let b = 0; b < 8; b++) {
          let product = 0;
          for (let row = 0; row < 8; row++) product += view[row * width + gate * 8 + a]! * view[row * width + gate * 8 + b]!;
          assert.ok(Math.abs(product - (a === b ? 1 : 0)) < 1e-5, `gate ${gate} is not orthogonal`);
        }
      }
    }
  });

  it('are set by either name and change what the model gives', async () => {
    const made = sequential([dense({ units: 2 })], { input: { features: 2, time: false } });
    made.setParameter('dense/weight', [[1, 2], [3, 4]]);
    made.setParameter('dense.bias', new Float32Array([10, 20]));
    assert.deepEqual([...(await made.predict([[1, 1]])).output.data], [14, 26]);
    assertThrows(() => made.setParameter('dense/wieght', [[1]]), 'ERR_BPTT_OPTION', /did you mean "dense\/weight"/);
    assertThrows(() => made.setParameter('dense/weight', [[1, 2]]), 'ERR_BPTT_SHAPE');
    assertThrows(() => made.setParameter('dense/weight', [[1, 2], [3, NaN]]), 'ERR_BPTT_DATA');
  });

  it('number what the lecture notes count', () => {
    const count = (layers: Layer[], features: number): number => sequential(layers, { input: { features } }).parameterCount;
    assert.equal(count([lstm({ units: 100, layers: 2, bias: 'double' })], 1), 122_000);
    const text = sequential([embedding({ size: 64 }), lstm({ units: 128 }), rnn({ units: 128, output: 'last' }), dense({ units: 10 })], { input: { tokens: 1000 } });
    assert.equal(text.parameterCount, 64_000 + 98_816 + 32_896 + 1_290);
  });
});

describe('model: inputs that a layer joins step by step', () => {
  it('must have the same steps in every row', async () => {
    const [a, b] = [input({ name: 'a', features: 1 }), input({ name: 'b', features: 1 })];
    const made = model({ inputs: [a, b], outputs: connect(concatenate(), connect(rnn({ units: 2 }), a), b) });
    const [long, short] = [[[1], [2], [3]], [[1]]];
    await assertRejects(() => made.predict({ a: [long, short], b: [short, long] }), 'ERR_BPTT_SHAPE', /row 0 of "b" as of "a", for the layer "concatenate".*received 1 and 3/);
    await assertRejects(() => made.predict({ a: [long, short], b: [long, long] }), 'ERR_BPTT_SHAPE', /row 1 of "b".*received 3 and 1/);
    assert.deepEqual([...(await made.predict({ a: [long, short], b: [long, short] })).output.lengths!], [3, 1]);
    const apart = model({ inputs: [a, b], outputs: connect(concatenate(), connect(rnn({ units: 2, output: 'last' }), a), connect(rnn({ units: 2, output: 'last' }), b)) });
    assert.deepEqual((await apart.predict({ a: [long, short], b: [short, long] })).output.shape, [2, 4]);
  });
});
