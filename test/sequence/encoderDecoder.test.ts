import assert from 'node:assert/strict';
import { pairs, teacherForcing } from '../../lib/data/index.ts';
import type { Dataset, SequencePair } from '../../lib/data/index.ts';
import { generate, sample } from '../../lib/decoding/index.ts';
import {
  bahdanauAttention, concatenate, dense, embedding, globalAveragePooling, globalMaxPooling, gru, lastStep, lstm, luongAttention, repeatVector, stack, withInitialState, type Layer,
} from '../../lib/layers/index.ts';
import { crossEntropy } from '../../lib/losses/index.ts';
import { connect, encoderDecoder, input, model, modelFromJSON, sequential, type Model } from '../../lib/model/index.ts';
import { adam, exponentialDecay } from '../../lib/optimizers/index.ts';
import { permutation, uniformSource } from '../../lib/random.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertThrows } from '../support/errors.ts';
import { assertNear, someTokens } from '../support/models.ts';

const [start, end] = [0, 1];

/** Trains until nearly everything unseen is given exactly, at most so many epochs. @returns the share that is */
async function learn(built: Model, seen: readonly SequencePair[], unseen: readonly SequencePair[], { epochs, batch = 32, learningRate = 1e-2 }: { epochs: number; batch?: number; learningRate?: number }): Promise<number> {
  const trainer = new Trainer(built, { loss: crossEntropy(), optimizer: adam({ learningRate: exponentialDecay({ learningRate, factor: 0.9, steps: 300 }) }), clip: { globalNorm: 1 } });
  const data: Dataset = pairs(seen, { start, end, batch, shuffle: true });
  let exact = 0;
  for (let epoch = 0; epoch < epochs && exact < 0.995; epoch++) {
    for await (const part of data.epoch(epoch)) await trainer.step(part);
    const given = generate(built.stream({ given: { source: unseen.map(({ source }) => source) as number[][] } }), { start, end, length: 14, greedy: true });
    exact = given.filter((tokens, i) => tokens.join() === Array.from(unseen[i]!.target).join()).length / unseen.length;
  }
  return exact;
}

function someStrings(count: number, change: (tokens: number[]) => number[], seed: number): SequencePair[] {
  const random = uniformSource(seed, 'strings');
  return Array.from({ length: count }, () => {
    const source = Array.from({ length: 2 + Math.floor(random() * 6) }, () => 2 + Math.floor(random() * 8));
    return { source, target: change(source) };
  });
}

/** Digits are tokens 2 to 11, the plus sign 12; the last digit first. */
function digits(text: string): number[] {
  return [...text].reverse().map((sign) => Number(sign) + 2);
}

describe('encoder–decoder: tasks of other lengths', () => {
  const tasks = { reverse: (tokens: number[]) => [...tokens].reverse(), copy: (tokens: number[]) => tokens };
  for (const [name, change] of Object.entries(tasks)) {
    it(`[6] ${name}: more than 99 % of unseen strings exactly [slow]`, async function () {
      this.timeout(120_000);
      const built = encoderDecoder({
        source: { tokens: 10 }, target: { tokens: 10 }, encoder: [embedding({ size: 16 }), gru({ units: 48 })],
        decoder: [embedding({ size: 16 }), name === 'copy' ? luongAttention({ layer: gru({ units: 48 }), inputFeeding: true, units: 48 }) : bahdanauAttention({ layer: gru({ units: 48 }) }), dense({ units: 10 })], seed: 1,
      });
      const exact = await learn(built, someStrings(3000, change, 1), someStrings(300, change, 2), { epochs: 14 });
      assert.ok(exact > 0.99, `${exact}`);
    });
  }

  it('[6] addition of two numbers of two digits, read and written from the last one: more than 99 % of unseen sums exactly [slow]', async function () {
    this.timeout(180_000);
    const sums = Array.from(permutation(10_000, uniformSource(1, 'sums')), (pair): SequencePair => {
      const [a, b] = [Math.floor(pair / 100), pair % 100];
      return { source: [...digits(String(a).padStart(2, '0')), 12, ...digits(String(b).padStart(2, '0'))], target: digits(String(a + b)) };
    });
    const built = encoderDecoder({
      source: { tokens: 13 }, target: { tokens: 13 }, encoder: [embedding({ size: 16 }), gru({ units: 64 })],
      decoder: [embedding({ size: 16 }), gru({ units: 64 }), dense({ units: 13 })], seed: 1,
    });
    const exact = await learn(built, sums.slice(300), sums.slice(0, 300), { epochs: 20, learningRate: 5e-3 });
    assert.ok(exact > 0.99, `${exact}`);
  });
});

describe('encoder–decoder: wiring', () => {
  const data = { source: [[2, 3, 4], [5, 6, 7, 8, 9]], target: [[0, 3, 4, 5], [0, 6]] };

  it('[8] encoderDecoder is what is wired by hand, bit for bit, with states handed over', async () => {
    const [source, target] = [input({ name: 'source', tokens: 10 }), input({ name: 'target', tokens: 10 })];
    const encoded = connect(lstm({ units: 6, name: 'encoder' }), connect(embedding({ size: 4, name: 'read' }), source));
    const decoded = connect(withInitialState({ layer: lstm({ units: 6, name: 'decoder' }), name: 'decoder' }), connect(embedding({ size: 4, name: 'written' }), target), encoded);
    const hand = model({ inputs: [source, target], outputs: connect(dense({ units: 10, name: 'logits' }), decoded), seed: 5 });
    const short = encoderDecoder({
      source: { tokens: 10 }, target: { tokens: 10 }, seed: 5,
      encoder: [embedding({ size: 4, name: 'read' }), lstm({ units: 6, name: 'encoder' })], decoder: [embedding({ size: 4, name: 'written' }), lstm({ units: 6, name: 'decoder' }), dense({ units: 10, name: 'logits' })],
    });
    assert.deepEqual(short.toJSON(), hand.toJSON());
    const [one, other] = [await short.predict(data), await hand.predict(data)];
    assert.deepEqual([...one.output.data], [...other.output.data]);
    const { state } = await sequential([embedding({ size: 4, name: 'read' }), lstm({ units: 6, name: 'encoder' })], { input: { tokens: 10 }, seed: 5 }).predict(data.source);
    const alone = sequential([embedding({ size: 4, name: 'written' }), lstm({ units: 6, name: 'decoder' }), dense({ units: 10, name: 'logits' })], { input: { tokens: 10 }, seed: 5 });
    for (const { name, view } of hand.parameters) if (alone.parameters.some((parameter) => parameter.name === name)) alone.setParameter(name, view);
    const continued = await alone.predict(data.target, { state: { 'decoder/h': state['encoder/h']!, 'decoder/c': state['encoder/c']! } });
    assertNear(continued.output.data, one.output.data, 'the decoder from the encoder\'s state');
  });

  it('[8] without a target it is a net to a vector and a net from it', async () => {
    const short = encoderDecoder({ source: { features: 2 }, steps: 4, encoder: [gru({ units: 3 })], decoder: [lstm({ units: 3 }), dense({ units: 1 })], seed: 2 });
    const hand = sequential([gru({ units: 3, output: 'last' }), repeatVector({ steps: 4 }), lstm({ units: 3 }), dense({ units: 1 })], { input: { name: 'source', features: 2 }, seed: 2 });
    const rows = [[[1, 2], [3, 4]], [[0.5, -1]]];
    assert.deepEqual([...(await short.predict(rows)).output.data], [...(await hand.predict(rows)).output.data]);
  });

  it('a layer that comes twice in the decoder has one set of weights, and in each place the states of its own source', async () => {
    const parts = { source: { tokens: 10 }, target: { tokens: 10 }, seed: 4 };
    const encoder = (): Layer[] => [embedding({ size: 4 }), gru({ units: 4, name: 'below' }), gru({ units: 4, name: 'above' })];
    const shared = gru({ units: 4 });
    const tied = encoderDecoder({ ...parts, encoder: encoder(), decoder: [embedding({ size: 4 }), shared, shared, dense({ units: 10 })] });
    assert.deepEqual(tied.definition.layers.filter(({ kind }) => kind === 'withInitialState').map(({ name, inputs, weights }) => [name, inputs.at(-1), weights]),
      [['withInitialState', 'below', undefined], ['withInitialState_1', 'above', 'withInitialState']]);
    const apart = encoderDecoder({ ...parts, encoder: encoder(), decoder: [embedding({ size: 4 }), gru({ units: 4 }), gru({ units: 4 }), dense({ units: 10 })] });
    assert.ok(apart.parameterCount > tied.parameterCount);
    for (const { name, view } of tied.parameters) {
      apart.setParameter(name, view);
      if (name.startsWith('withInitialState/')) apart.setParameter(name.replace('withInitialState', 'withInitialState_1'), view);
    }
    assertNear((await tied.predict(data)).output.data, (await apart.predict(data)).output.data, 'as two layers of equal weights');
    assert.deepEqual(modelFromJSON(JSON.parse(JSON.stringify(tied))).toJSON(), tied.toJSON());
    assertThrows(() => encoderDecoder({ ...parts, encoder: encoder(), decoder: [embedding({ size: 4 }), shared, shared, dense({ units: 10 })], truthShare: 0.5 }), 'ERR_BPTT_OPTION', /one gru layer twice; make them by two calls/);
    assertThrows(() => encoderDecoder({ ...parts, encoder: [embedding({ size: 4 }), shared], decoder: [embedding({ size: 4 }), shared, dense({ units: 10 })] }), 'ERR_BPTT_OPTION', /one gru layer in both; make two layers by two calls/);
  });

  it('bridges by the encoder\'s vector, read at every step, or by attention alone; equal from JSON', async () => {
    const parts = { source: { tokens: 10 }, target: { tokens: 10 }, encoder: [embedding({ size: 4 }), lstm({ units: 3, direction: 'bidirectional' as const })] };
    for (const built of [
      encoderDecoder({ ...parts, decoder: [embedding({ size: 4 }), gru({ units: 5 }), dense({ units: 10 })], bridge: 'vector' }),
      encoderDecoder({ ...parts, decoder: [embedding({ size: 4 }), bahdanauAttention({ layer: gru({ units: 5 }) }), dense({ units: 10 })], bridge: 'none' }),
    ]) {
      const again = modelFromJSON(JSON.parse(JSON.stringify(built)));
      const [one, other] = [await built.predict(data), await again.predict(data)];
      assert.deepEqual([...other.output.data], [...one.output.data]);
      const changed = await built.predict({ ...data, source: [[2, 3, 9], [5, 6, 7, 8, 2]] });
      assert.notDeepEqual([...changed.output.data], [...one.output.data], 'the decoder hears of the source');
    }
  });

  it('bridge "vector" takes what the encoder ends in, whatever makes it: pooling over steps or over images, what ends in a stack, a row without steps', async () => {
    const [written, reader, logits] = [embedding({ size: 4, name: 'written' }), gru({ units: 5, name: 'reader' }), dense({ units: 10, name: 'logits' })];
    const copy = (from: Model, to: Model): void => to.parameters.forEach(({ name }) => to.setParameter(name, from.parameter(name).view));
    const ends: Readonly<Record<string, readonly [number | readonly number[], boolean, () => readonly Layer[]]>> = {
      'pooling over steps': [2, true, () => [gru({ units: 3 }), globalMaxPooling()]],
      'pooling in a stack': [2, true, () => [stack({ layers: [gru({ units: 3 }), globalAveragePooling()] }), dense({ units: 2 })]],
      'a row': [2, false, () => [dense({ units: 3 })]],
      'an image': [[2, 2, 1], false, () => [globalAveragePooling(), dense({ units: 2 })]],
      'the last of many images': [[2, 2, 1], true, () => [globalAveragePooling()]],
    };
    for (const [title, [sizes, time, encoder]] of Object.entries(ends)) {
      const source = { features: sizes, time };
      const built = encoderDecoder({ source, target: { tokens: 10 }, encoder: encoder(), decoder: [written, reader, logits], bridge: 'vector', seed: 3 });
      const vectors = sequential([...encoder(), ...(title === 'the last of many images' ? [lastStep()] : [])], { input: source, seed: 3 });
      copy(built, vectors);
      const shape = [2, ...(time ? [3] : []), ...[sizes].flat()];
      const given = { data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)), shape };
      const { output: vector } = await vectors.predict(given);
      const [first, words] = [input({ name: 'vector', features: vector.shape[1]!, time: false }), input({ name: 'target', tokens: 10 })];
      const place = connect(written, words);
      const hand = model({ inputs: [first, words], outputs: connect(logits, connect(reader, connect(concatenate(), place, connect(repeatVector(), first, place)))) });
      copy(built, hand);
      assertNear((await built.predict({ source: given, target: data.target })).output.data, (await hand.predict({ vector, target: data.target })).output.data, title);
      assert.deepEqual(modelFromJSON(JSON.parse(JSON.stringify(built))).toJSON(), built.toJSON());
    }
    const without = encoderDecoder({ source: { features: 2 }, steps: 4, encoder: [gru({ units: 3 }), globalMaxPooling()], decoder: [gru({ units: 2 })] });
    assert.deepEqual((await without.predict([[[1, 2], [3, 4]]])).output.shape, [1, 4, 2]);
  });

  it('refuses what does not fit together', () => {
    const parts = { source: { tokens: 10 }, target: { tokens: 10 } };
    assertThrows(() => encoderDecoder({ ...parts, encoder: [embedding({ size: 4 })], decoder: [embedding({ size: 4 }), gru({ units: 5 })] }), 'ERR_BPTT_OPTION', /bridge "state" needs a recurrent layer in the encoder/);
    assertThrows(() => encoderDecoder({ ...parts, encoder: [embedding({ size: 4 }), gru({ units: 5, direction: 'bidirectional' })], decoder: [embedding({ size: 4 }), gru({ units: 5 })] }), 'ERR_BPTT_STATE', /none of the states forward\/h, backward\/h/);
    assertThrows(() => encoderDecoder({ ...parts, encoder: [embedding({ size: 4 }), gru({ units: 5 })], decoder: [embedding({ size: 4 }), gru({ units: 6 })] }), 'ERR_BPTT_SHAPE', /the state "h" to begin with/);
    assertThrows(() => encoderDecoder({ ...parts, steps: 3, encoder: [gru({ units: 5 })], decoder: [gru({ units: 5 })] }), 'ERR_BPTT_OPTION', /leave out steps/);
    assertThrows(() => encoderDecoder({ source: { features: 1 }, encoder: [gru({ units: 5 })], decoder: [gru({ units: 5 })] }), 'ERR_BPTT_TYPE', /steps/);
    for (const steps of [0, 1.5, NaN, 65_537]) {
      assertThrows(() => encoderDecoder({ source: { features: 1 }, steps, encoder: [gru({ units: 5 })], decoder: [gru({ units: 5 })] }), 'ERR_BPTT_RANGE', /^encoderDecoder: expected steps to be an integer from 1 to 65536, received/);
    }
  });
});

describe('encoder–decoder: generation', () => {
  /** Gives in each row the tokens of a script, one after the other, whatever it reads. */
  function scripted(scripts: readonly (readonly number[])[], tokens: number): { rows: number; read: number[][]; step(given: ArrayLike<number>): number[] } {
    let step = 0;
    const read: number[][] = [];
    return {
      rows: scripts.length, read,
      step: (given) => {
        read.push(Array.from(given));
        const logits = scripts.flatMap((script) => Array.from({ length: tokens }, (_, token) => (token === script[step] ? 50 : 0)));
        step++;
        return logits;
      },
    };
  }

  it('[98] rows begin with START, end at END each for itself, and no row goes over the length', () => {
    const stream = scripted([[3, 4, 1, 5], [1, 5, 5, 5], [2, 2, 2, 2]], 6);
    assert.deepEqual(generate(stream, { start, end, length: 3, greedy: true }), [[3, 4], [], [2, 2, 2]]);
    assert.deepEqual(stream.read, [[0, 0, 0], [3, 0, 2], [4, 0, 2]]);
    const finished = scripted([[3, 1, 4, 4], [1, 4, 4, 4]], 6);
    assert.deepEqual(generate(finished, { start, end, length: 100, greedy: true }), [[3], []]);
    assert.equal(finished.read.length, 2, 'nothing is computed once every row has ended');
    assert.deepEqual(generate(scripted([[3, 1]], 6), { start, length: 2, greedy: true }), [[3, 1]], 'without an end token it is a token as any other');
    assert.deepEqual(generate(scripted([[3]], 6), { start, end, length: 0 }), [[]]);
  });

  it('[98] drawn tokens follow the softmax, the same for the same seed, whatever the rows beside', () => {
    const logits = [Math.log(0.1), Math.log(0.6), Math.log(0.3)];
    const stream = (rows: number): { rows: number; step: () => number[] } => ({ rows, step: () => Array.from({ length: rows }, () => logits).flat() });
    const drawn = generate(stream(4), { start, length: 500, seed: 3 });
    const shares = [0, 1, 2].map((token) => drawn.flat().filter((other) => other === token).length / 2000);
    [0.1, 0.6, 0.3].forEach((share, token) => assert.ok(Math.abs(shares[token]! - share) < 0.04, shares.join(' ')));
    assert.deepEqual(generate(stream(1), { start, length: 500, seed: 3 })[0], drawn[0]);
    assert.notDeepEqual(generate(stream(1), { start, length: 500, seed: 4 })[0], drawn[0]);
    assertThrows(() => generate(stream(1), { start, length: 3, greedy: true, temperature: 2 }), 'ERR_BPTT_OPTION', /greedy/);
    assertThrows(() => generate(stream(1), { start, end: 7, length: 3 }), 'ERR_BPTT_RANGE', /end/);
  });

  it('[98] teacher forcing: START before what is read, END after what is given, the one a step behind the other', () => {
    assert.deepEqual(teacherForcing([5, 6], { start, end }), { input: Int32Array.of(0, 5, 6), target: Int32Array.of(5, 6, 1) });
    const list = [{ source: [2, 3], target: [4] }, { source: [7], target: [5, 6, 8] }];
    assert.deepEqual([...pairs(list, { start, end, batch: 2 }).epoch(0) as Iterable<unknown>],
      [{ input: { target: [Int32Array.of(0, 4), Int32Array.of(0, 5, 6, 8)], source: [[2, 3], [7]] }, target: [Int32Array.of(4, 1), Int32Array.of(5, 6, 8, 1)] }]);
    const long = teacherForcing(new Int32Array(300_000).fill(7), { start, end });
    assert.deepEqual([long.input.length, long.input[0], long.input.at(-1), long.target.length, long.target[0], long.target.at(-1)], [300_001, 0, 7, 300_001, 7, 1]);
    assertThrows(() => pairs([{ source: [], target: [1] }], { start, end, batch: 1 }), 'ERR_BPTT_DATA', /at least one step in every source/);
  });

  it('a vector begins the state that is asked for; beside states that are handed over by name the name is refused', async () => {
    const [vector, words] = [input({ name: 'vector', features: 3, time: false }), input({ name: 'words', features: 2 })];
    const begun = model({ inputs: [vector, words], outputs: connect(withInitialState({ layer: lstm({ units: 3 }), state: 'c', name: 'decoder' }), words, vector), seed: 1 });
    const stream = begun.stream({ given: { vector: [[0.25, -0.5, 1]] } });
    assert.deepEqual([[...stream.state['decoder/h']!.data], [...stream.state['decoder/c']!.data]], [[0, 0, 0], [0.25, -0.5, 1]]);
    const read = input({ name: 'source', features: 2 });
    assertThrows(() => model({ inputs: [read, words], outputs: connect(withInitialState({ layer: lstm({ units: 3 }), state: 'c' }), words, connect(lstm({ units: 3 }), read)) }),
      'ERR_BPTT_OPTION', /hands over states by name \(h, c\); leave it out, or hand over one of them by namedOutput/);
  });

  it('streams with sources given whole are the same as whole targets, bit for bit, in every row', async () => {
    const built = encoderDecoder({
      source: { tokens: 10 }, target: { tokens: 10 }, encoder: [embedding({ size: 4 }), lstm({ units: 6 })],
      decoder: [embedding({ size: 4 }), bahdanauAttention({ layer: lstm({ units: 6 }) }), dense({ units: 10 })], seed: 2,
    });
    const [source, target] = [[someTokens(5, 10, 1), someTokens(2, 10, 2)], [someTokens(4, 10, 3), someTokens(4, 10, 4)]];
    const { output } = await built.predict({ source, target });
    const stream = built.stream({ given: { source } });
    assert.deepEqual([stream.rows, Object.keys(stream.state)], [2, ['withInitialState/h', 'withInitialState/c']]);
    for (const again of [1, 2]) {
      for (let t = 0; t < 4; t++) {
        const given = stream.step([target[0]![t]!, target[1]![t]!]);
        for (const row of [0, 1]) assert.deepEqual([...given.subarray(row * 10, row * 10 + 10)], [...output.row(row).data.subarray(t * 10, t * 10 + 10)], `row ${row}, step ${t}, time ${again}`);
      }
      stream.reset();
    }
    const options = { prefix: [start], endToken: end, length: 6, greedy: true } as const;
    assert.deepEqual([...sample(built.stream({ given: { source: [source[1]!] } }), options)], generate(built.stream({ given: { source } }), { start, end, length: 6, greedy: true })[1]);
    assertThrows(() => built.stream(), 'ERR_BPTT_OPTION', /reads steps ahead, the whole of the input "source"; .*stream\(\{ given: \{ source/);
    assertThrows(() => built.stream({ given: { source, target } }), 'ERR_BPTT_OPTION', /no input over time is left/);
    assertThrows(() => built.stream({ given: { sauce: source } }), 'ERR_BPTT_OPTION', /did you mean "source"/);
    assertThrows(() => built.stream({ rows: 3, given: { source } }), 'ERR_BPTT_SHAPE', /as many rows as are given, 2/);
    assertThrows(() => built.stream({ given: { source: [[99]] } }), 'ERR_BPTT_VOCABULARY');
  });
});
