import assert from 'node:assert/strict';
import { sample } from '../../lib/decoding/index.ts';
import { bidirectional, concatenate, dense, embedding, gru, lstm, rnn, withInitialState } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/index.ts';
import { connect, input, model, sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { assertThrows } from '../support/errors.ts';
import { assertNear, someSequence, someTokens } from '../support/models.ts';

const stacks: Readonly<Record<string, () => Layer[]>> = {
  'rnn': () => [rnn({ units: 5 })],
  'two layers of lstm and dense': () => [lstm({ units: 5, layers: 2 }), dense({ units: 3 })],
  'gru with the reset before': () => [gru({ units: 5, reset: 'before' }), dense({ units: 3, activation: 'tanh' })],
  'gru with a learned beginning': () => [gru({ units: 5, initialState: 'learned' })],
  'the last step only': () => [lstm({ units: 5, output: 'last' }), dense({ units: 3 })],
};

function built(layers: readonly Layer[]): Model {
  const made = sequential(layers, { input: { features: 3 }, seed: 2 });
  for (const { name, view } of made.parameters) if (name.includes('initial_')) view.forEach((_, i) => { view[i] = Math.fround(0.3 - 0.1 * i); });
  made.core.store.touch();
  return made;
}

describe('model: stream', () => {
  for (const [name, layers] of Object.entries(stacks)) {
    it(`step by step is the whole sequence, bit for bit: ${name}`, async () => {
      const made = built(layers());
      const sequence = someSequence(7, 3).map((row) => Float32Array.from(row));
      const { output, state } = await made.predict([sequence]);
      const stream = made.stream();
      const steps = sequence.map((row) => stream.step(row).slice());
      if (made.outputs[0]!.time) assert.deepEqual(steps.flatMap((step) => [...step]), [...output.data]);
      else assert.deepEqual([...steps.at(-1)!], [...output.data]);
      assert.deepEqual(Object.fromEntries(Object.entries(stream.state).map(([path, { data }]) => [path, [...data]])),
        Object.fromEntries(Object.entries(state).map(([path, { data }]) => [path, [...data]])));
    });
  }

  it('runs several rows side by side', async () => {
    const made = built([lstm({ units: 4 }), dense({ units: 2 })]);
    const sequences = [someSequence(5, 3, 1), someSequence(5, 3, 2), someSequence(5, 3, 3)];
    const stream = made.stream({ rows: 3 });
    const { output } = await made.predict(sequences);
    for (let step = 0; step < 5; step++) {
      const given = stream.step(sequences.flatMap((sequence) => sequence[step]!));
      for (let row = 0; row < 3; row++) {
        assertNear(given.subarray(row * 2, row * 2 + 2), output.row(row).data.subarray(step * 2, step * 2 + 2), `row ${row}, step ${step}`);
      }
    }
  });

  it('lets one row or all begin anew, from the learned state', () => {
    const made = built([gru({ units: 4, initialState: 'learned' })]);
    const step = someSequence(2, 3)[0]!;
    const stream = made.stream({ rows: 2 });
    const learned = [...made.parameter('gru/initial_h_l0').view];
    assert.deepEqual([...stream.state['gru/h']!.data], [...learned, ...learned]);
    const first = stream.step([...step, ...step]).slice();
    const second = stream.step([...step, ...step]).slice();
    assert.notDeepEqual(first, second);
    stream.reset(1);
    assert.deepEqual([...stream.state['gru/h']!.row(1).data], learned);
    const third = stream.step([...step, ...step]).slice();
    assert.deepEqual(third.subarray(4), first.subarray(4));
    assert.notDeepEqual(third.subarray(0, 4), first.subarray(0, 4));
    stream.reset();
    assert.equal(stream.output, null);
    assert.deepEqual(stream.step([...step, ...step]), first);
  });

  it('gives and takes its state', async () => {
    const made = built([lstm({ units: 4 })]);
    const sequence = someSequence(6, 3);
    const warm = await made.predict([sequence.slice(0, 3)]);
    const stream = made.stream();
    stream.state = warm.state;
    const other = made.stream();
    for (const row of sequence.slice(0, 3)) other.step(row);
    assert.deepEqual(stream.state, other.state);
    assertNear(stream.step(sequence[3]!), other.step(sequence[3]!), 'next step');
    const saved = JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(other.state).map(([name, value]) => [name, value.toArray()])))) as Record<string, number[][]>;
    stream.state = saved;
    assert.deepEqual(stream.state, other.state);
    assertThrows(() => { stream.state = { 'lstm/h': warm.state['lstm/h']! }; }, 'ERR_BPTT_STATE', /lstm\/c/);
    assertThrows(() => { stream.state = { ...warm.state, 'lstm/x': [[1]] }; }, 'ERR_BPTT_STATE');
    assertThrows(() => { stream.state = { ...warm.state, 'lstm/h': [[1]] }; }, 'ERR_BPTT_SHAPE');
    assert.deepEqual(stream.state, other.state);
  });

  it('keeps streams apart from each other', () => {
    const made = built([rnn({ units: 3 })]);
    const [first, second] = [made.stream(), made.stream()];
    const [a, b] = someSequence(2, 3) as [number[], number[]];
    const alone = made.stream();
    const expected = [alone.step(a).slice(), alone.step(b).slice()];
    const start = first.step(a).slice();
    second.step(b);
    assert.deepEqual([start, first.step(b).slice()], expected);
  });

  it('sees weights that have changed', () => {
    const made = built([rnn({ units: 3 })]);
    const stream = made.stream();
    const before = stream.step([1, 2, 3]).slice();
    made.setParameter('rnn/bias_ih_l0', [1, 1, 1]);
    stream.reset();
    assert.notDeepEqual(stream.step([1, 2, 3]), before);
  });

  it('refuses models that read backwards, and models without time', () => {
    const backwards: Layer[] = [lstm({ units: 2, direction: 'bidirectional' }), rnn({ units: 2, direction: 'backward' }), bidirectional({ forward: rnn({ units: 2 }) })];
    for (const layer of backwards) assertThrows(() => built([rnn({ units: 2 }), layer]).stream(), 'ERR_BPTT_OPTION', /reads steps ahead/);
    assertThrows(() => sequential([dense({ units: 2 })], { input: { features: 2, time: false } }).stream(), 'ERR_BPTT_OPTION', /no input has a time axis/);
  });

  it('checks every step and leaves the state alone when it refuses', () => {
    const made = sequential([embedding({ size: 2 }), rnn({ units: 2 })], { input: { tokens: 4 } });
    const stream = made.stream();
    stream.step(1);
    const before = stream.state;
    assertThrows(() => stream.step(4), 'ERR_BPTT_VOCABULARY', /from 0 to 3 in row 0, received 4/);
    assertThrows(() => stream.step(0.5), 'ERR_BPTT_VOCABULARY');
    assertThrows(() => stream.step([1, 2]), 'ERR_BPTT_SHAPE', /expected 1 tokens/);
    assertThrows(() => stream.step('1' as never), 'ERR_BPTT_SHAPE');
    assertThrows(() => made.stream({ rows: 0 }), 'ERR_BPTT_RANGE');
    assertThrows(() => made.stream({ row: 1 } as never), 'ERR_BPTT_OPTION');
    assertThrows(() => stream.reset(1), 'ERR_BPTT_RANGE');
    const numbers = built([rnn({ units: 2 })]).stream();
    assertThrows(() => numbers.step([1, NaN, 2]), 'ERR_BPTT_DATA', /feature 1/);
    assert.deepEqual(stream.state, before);
  });

  it('takes several inputs by name', async () => {
    const words = input({ name: 'words', tokens: 5 });
    const frames = input({ name: 'frames', features: 2 });
    const made = model({ inputs: [words, frames], outputs: connect(gru({ units: 3 }), connect(concatenate(), connect(embedding({ size: 2 }), words), frames)) });
    const { output } = await made.predict({ words: [[1, 2]], frames: [[[1, 2], [3, 4]]] });
    const stream = made.stream();
    const steps = [stream.step({ words: 1, frames: [1, 2] }).slice(), stream.step({ words: 2, frames: [3, 4] }).slice()];
    assertNear(steps.flatMap((step) => [...step]), output.data, 'steps');
    assertThrows(() => stream.step(1), 'ERR_BPTT_TYPE');
    assertThrows(() => stream.step({ words: 1 }), 'ERR_BPTT_SHAPE', /frames/);
  });

  it('samples: the state after the prefix is that of the whole prefix', async () => {
    const made = sequential([embedding({ size: 3 }), lstm({ units: 4 }), dense({ units: 5 })], { input: { tokens: 5 } });
    const prefix = someTokens(6, 5);
    const stream = made.stream();
    assert.deepEqual([...sample(stream, { prefix, length: 1, greedy: true })].length, 1);
    const { state } = await made.predict([prefix]);
    for (const [name, value] of Object.entries(state)) assertNear(stream.state[name]!.data, value.data, name);
    const again = (): number[] => [...sample(made.stream(), { prefix, length: 20, seed: 3, temperature: 1.5, topK: 4, topP: 0.95 })];
    assert.deepEqual(again(), again());
  });
});

describe('model: streams whose states begin with an input', () => {
  it('want it before the first step', async () => {
    const [x, picture] = [input({ name: 'x', features: 2 }), input({ name: 'picture', features: 3, time: false })];
    const captions = model({ inputs: [x, picture], outputs: connect(dense({ units: 2 }), connect(withInitialState({ layer: rnn({ units: 3 }) }), x, picture)), seed: 2 });
    assertThrows(() => captions.stream(), 'ERR_BPTT_OPTION', /state "withInitialState\/h" begins with what the input "picture" gives.*stream\(\{ given: \{ picture: … \} \}\)/);
    const stream = captions.stream({ given: { picture: [[1, 2, 3]] } });
    assert.deepEqual([...stream.state['withInitialState/h']!.data], [1, 2, 3]);
    assertNear(stream.step([0.5, -1]), (await captions.predict({ x: [[[0.5, -1]]], picture: [[1, 2, 3]] })).output.data, 'first step');
  });
});

describe('model: rows of a stream', () => {
  it('are no more than anything can count', () => {
    assertThrows(() => built(stacks['rnn']!()).stream({ rows: 2 ** 31 }), 'ERR_BPTT_RANGE', /rows to be an integer from 1 to 2147483647/);
  });

  it('are no more than memory holds, and the refusal names them', () => {
    for (const layers of Object.values(stacks)) {
      for (const rows of [2 ** 31 - 1, 2 ** 30, 1e9]) assertThrows(() => built(layers()).stream({ rows }), 'ERR_BPTT_MEMORY', new RegExp(`: stream of ${rows} rows: .*choose fewer units, rows or steps`));
    }
  });
});
