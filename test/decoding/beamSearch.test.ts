import assert from 'node:assert/strict';
import { beamSearch, generate, logProbabilities } from '../../lib/decoding/index.ts';
import type { BranchingRows, Hypothesis } from '../../lib/decoding/index.ts';
import { bahdanauAttention, dense, embedding, gru, lstm, luongAttention } from '../../lib/layers/index.ts';
import { encoderDecoder, sequential, type Model, type Stream } from '../../lib/model/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { assertThrows } from '../support/errors.ts';

/** A stream of one row whose logits follow from all that it has read; its state counts in the base of its vocabulary. */
function tree(size: number, logits: (read: readonly number[]) => readonly number[]): BranchingRows & { steps: number } {
  let code = new Float64Array(1);
  return {
    rows: 1, steps: 0,
    get state() { return { code: { data: code.slice(), shape: [1] } }; },
    set state(state) { code = (state as { code: { data: Float64Array } }).code.data.slice(); },
    step(read) {
      this.steps++;
      code[0] = code[0]! * size + read[0]! + 1;
      const tokens: number[] = [];
      for (let rest = code[0]; rest > 0; rest = Math.floor((rest - 1) / size)) tokens.push((rest - 1) % size);
      return logits(tokens.reverse());
    },
  };
}

function randomTree(size: number, seed: number): ReturnType<typeof tree> {
  return tree(size, (read) => {
    const random = uniformSource(seed, read.join());
    return Array.from({ length: size }, () => 3 * random());
  });
}

interface Every {
  readonly start: number;
  readonly end?: number;
  readonly length: number;
}

/** Everything that `generate` could give, with its log-probability and its steps. */
function everySequence(logs: (read: readonly number[]) => Float64Array, { start, end, length }: Every): { tokens: number[]; log: number; steps: number; ended: boolean }[] {
  const found: ReturnType<typeof everySequence> = [];
  const walk = (tokens: number[], log: number): void => {
    if (tokens.length === length) found.push({ tokens, log, steps: length, ended: false });
    else {
      logs([start, ...tokens]).forEach((next, token) => {
        if (token === end) found.push({ tokens, log: log + next, steps: tokens.length + 1, ended: true });
        else walk([...tokens, token], log + next);
      });
    }
  };
  walk([], 0);
  return found;
}

/** What the stream's logits say after it has read all this, from where it began. */
function logsOf(stream: BranchingRows): (read: readonly number[]) => Float64Array {
  const before = stream.state;
  return (read) => {
    stream.state = before;
    const logits = read.map((token) => logProbabilities(Float64Array.from(stream.step([token])))).at(-1)!;
    stream.state = before;
    return logits;
  };
}

/** The search as its definition has it: all extensions of all that go on, sorted; those that end take their place with them. */
function searchByLists(logs: (read: readonly number[]) => Float64Array, { start, end, length, width }: Every & { width: number }): { tokens: number[]; log: number; steps: number; ended: boolean }[] {
  let going: { tokens: number[]; log: number }[] = [{ tokens: [], log: 0 }];
  const found: ReturnType<typeof searchByLists> = [];
  for (let steps = 1; steps <= length; steps++) {
    const all = going.flatMap(({ tokens, log }) => Array.from(logs([start, ...tokens]), (next, token) => ({ tokens: [...tokens, token], log: log + next })));
    const best = all.sort((a, b) => b.log - a.log).slice(0, width - found.length);
    going = best.filter((one) => one.tokens.at(-1) !== end);
    found.push(...best.filter((one) => one.tokens.at(-1) === end).map((one) => ({ tokens: one.tokens.slice(0, -1), log: one.log, steps, ended: true })));
  }
  return [...found, ...going.map((one) => ({ ...one, steps: length, ended: false }))];
}

const tokens = (found: readonly Hypothesis[]): string[] => found.map((hypothesis) => `${hypothesis.tokens.join()}${hypothesis.ended ? '.' : ''}`);

function assertSame(found: readonly Hypothesis[], expected: readonly { tokens: readonly number[]; ended: boolean; log: number; score: number }[], tolerance: number): void {
  assert.deepEqual(tokens(found), expected.map((one) => `${one.tokens.join()}${one.ended ? '.' : ''}`));
  found.forEach(({ logProbability, score }, i) => {
    assert.ok(Math.abs(logProbability - expected[i]!.log) < tolerance, `${logProbability}, ${expected[i]!.log}`);
    assert.ok(Math.abs(score - expected[i]!.score) < tolerance, `${score}, ${expected[i]!.score}`);
  });
}

const byScore = (a: { score: number }, b: { score: number }): number => b.score - a.score;

describe('decoding: beam search', () => {
  it('keeps what is not the likeliest at first: "The quick br" and a letter, and one more', () => {
    const next = new Map([['', { a: 0.3, o: 0.4, '?': 0.3 }], ['a', { a: 0.01, b: 0.1, c: 0.3, '?': 0.59 }], ['o', { a: 0.2, b: 0.01, w: 0.6, '?': 0.19 }]]);
    const letters = ['a', 'b', 'c', 'o', 'w', '?', '<'];
    const stream = tree(7, (read) => {
      const shares = next.get(read.slice(1).map((token) => letters[token]).join('')) ?? { '?': 1 };
      return letters.map((letter) => Math.log((shares as Record<string, number>)[letter] ?? 0));
    });
    const found = beamSearch(stream, { start: 6, length: 2, width: 20, count: 20, languageModel: () => letters.map((letter) => (letter === '?' ? -Infinity : 0)) })[0]!;
    const written = found.map((hypothesis) => [hypothesis.tokens.map((token) => letters[token]).join(''), Number(Math.exp(hypothesis.logProbability).toFixed(6))]);
    assert.deepEqual(written, [['ow', 0.24], ['ac', 0.09], ['oa', 0.08], ['ab', 0.03], ['ob', 0.004], ['aa', 0.003]]);
  });

  for (const options of [{}, { lengthNormalization: 1 }, { lengthNormalization: 0.6 }, { lengthBonus: 0.8 }, { lengthBonus: 2.5, lengthNormalization: 1 }, { lengthBonus: -1 }]) {
    it(`as wide as there are sequences finds the best of all, ${JSON.stringify(options)}`, () => {
      for (let seed = 0; seed < 6; seed++) {
        const stream = randomTree(4, seed);
        const { lengthBonus = 0, lengthNormalization = 0 } = options;
        const expected = everySequence(logsOf(stream), { start: 3, end: 0, length: 4 })
          .map((one) => ({ ...one, score: (one.log + lengthBonus * one.steps) / one.steps ** lengthNormalization })).sort(byScore);
        for (const count of [1, 5, expected.length]) {
          assertSame(beamSearch(stream, { start: 3, end: 0, length: 4, width: expected.length, count, ...options })[0]!, expected.slice(0, count), 1e-10);
        }
      }
    });
  }

  for (const lengthNormalization of [0, 1]) {
    it(`with a cut keeps what the definition keeps, α = ${lengthNormalization}`, () => {
      for (let seed = 0; seed < 40; seed++) {
        const stream = randomTree(4, seed);
        const width = 2 + seed % 4;
        const expected = searchByLists(logsOf(stream), { start: 1, end: 0, length: 6, width }).map((one) => ({ ...one, score: one.log / one.steps ** lengthNormalization })).sort(byScore);
        assertSame(beamSearch(stream, { start: 1, end: 0, length: 6, width, count: width, lengthNormalization })[0]!, expected, 1e-10);
        assertSame(beamSearch(stream, { start: 1, end: 0, length: 6, width, lengthNormalization })[0]!, expected.slice(0, 1), 1e-10);
      }
    });
  }

  it('stops where nothing can become better, and gives what it would have given', () => {
    const stream = tree(3, (read) => [read.length > 2 ? 6 : 0, 1, 0]);
    const whole = beamSearch(stream, { start: 1, end: 0, length: 30, width: 3, count: 3 })[0]!;
    stream.steps = 0;
    const [best] = beamSearch(stream, { start: 1, end: 0, length: 30, width: 3 })[0]!;
    assert.deepEqual(best, whole[0]);
    assert.ok(stream.steps < 12, `${stream.steps} steps`);
  });

  it('[109] adds a language model of the next token, the end included', () => {
    const stream = randomTree(4, 3);
    const model = randomTree(4, 77);
    const logs = logsOf(model);
    const languageModel = (prefix: readonly number[]): Float64Array => logs([3, ...prefix]);
    const language = new Map(everySequence(logs, { start: 3, end: 0, length: 4 }).map((one) => [`${one.tokens.join()}${one.ended ? '.' : ''}`, one.log]));
    const expected = everySequence(logsOf(stream), { start: 3, end: 0, length: 4 })
      .map((one) => ({ ...one, score: one.log + 1.5 * language.get(`${one.tokens.join()}${one.ended ? '.' : ''}`)! })).sort(byScore);
    assertSame(beamSearch(stream, { start: 3, end: 0, length: 4, width: 300, count: 20, languageModel, languageWeight: 1.5 })[0]!, expected.slice(0, 20), 1e-10);
  });

  it('width 1 takes the likeliest token each time, whatever the lengths weigh', () => {
    for (let seed = 0; seed < 20; seed++) {
      const stream = randomTree(5, seed);
      const [greedy] = generate(randomTree(5, seed), { start: 1, end: 0, length: 6, greedy: true });
      for (const lengthNormalization of [0, 1]) assert.deepEqual(beamSearch(stream, { start: 1, end: 0, length: 6, width: 1, lengthNormalization })[0]![0]!.tokens, greedy);
    }
  });

  it('a wider beam finds better ones than a narrow one, here at last the best', () => {
    const scores = [1, 3, 400].map((width) => {
      let sum = 0;
      for (let seed = 0; seed < 30; seed++) sum += beamSearch(randomTree(4, seed), { start: 1, end: 0, length: 5, width })[0]![0]!.score;
      return sum;
    });
    assert.ok(scores[0]! < scores[1]! && scores[1]! < scores[2]!, scores.join());
  });

  it('without an end gives rows of the full length, and nothing of length 0', () => {
    const found = beamSearch(randomTree(3, 1), { start: 0, length: 3, width: 4, count: 4 })[0]!;
    assert.deepEqual(found.map((one) => [one.tokens.length, one.ended]), new Array(4).fill([3, false]));
    assert.deepEqual(beamSearch(randomTree(3, 1), { start: 0, length: 0, width: 4 })[0], [{ tokens: [], ended: false, logProbability: 0, score: 0 }]);
    assert.deepEqual(beamSearch(randomTree(3, 1), { start: 0, length: 2, width: 4, languageModel: () => new Array<number>(3).fill(-Infinity) })[0], []);
  });

  it('refuses what cannot be meant, and leaves the stream as it was', () => {
    const stream = randomTree(3, 1);
    const options = { start: 0, length: 3, width: 2 };
    assertThrows(() => beamSearch(stream, { start: 0, length: 3 } as never), 'ERR_BPTT_TYPE', /width/);
    assertThrows(() => beamSearch(stream, { ...options, count: 3 }), 'ERR_BPTT_RANGE', /count to be an integer from 1 to 2/);
    assertThrows(() => beamSearch(stream, { ...options, end: 3 }), 'ERR_BPTT_RANGE', /end to be an integer from 0 to 2/);
    assertThrows(() => beamSearch(stream, { ...options, lengthNormalisation: 1 } as never), 'ERR_BPTT_OPTION', /did you mean "lengthNormalization"/);
    assertThrows(() => beamSearch(stream, { ...options, lengthNormalization: -1 }), 'ERR_BPTT_RANGE');
    assertThrows(() => beamSearch(stream, { ...options, languageWeight: 1 }), 'ERR_BPTT_OPTION');
    assertThrows(() => beamSearch(stream, { ...options, languageModel: () => [0] }), 'ERR_BPTT_SHAPE', /3 log-probabilities/);
    assertThrows(() => beamSearch(tree(2, () => [NaN, 0]), options), 'ERR_BPTT_NON_FINITE');
    assertThrows(() => beamSearch({} as never, options), 'ERR_BPTT_TYPE', /model\.stream/);
    assert.equal(stream.state['code']!.data[0], 0);
  });
});

const [start, end, size] = [0, 1, 4];

function translator(attention: boolean): Model {
  const layer = lstm({ units: 5, layers: 2 });
  return encoderDecoder({
    source: { tokens: 4 }, target: { tokens: size }, seed: 4,
    encoder: [embedding({ size: 3 }), lstm({ units: 5, layers: 2 })],
    decoder: [embedding({ size: 3 }), attention ? luongAttention({ layer, inputFeeding: true, units: 5 }) : layer, dense({ units: size })],
  });
}

describe('decoding: beam search through models', () => {
  const source = [[0, 1, 2], [3], [2, 2, 1, 0, 3]];

  /** From predictions over whole sequences, not from streams. */
  async function everyTranslation(model: Model, one: readonly number[], length: number): Promise<ReturnType<typeof everySequence>> {
    const sequences: number[][] = [[]];
    for (let i = 0; i < sequences.length; i++) if (sequences[i]!.length < length - 1) for (let token = 0; token < size; token++) if (token !== end) sequences.push([...sequences[i]!, token]);
    const { output } = await model.predict({ source: sequences.map(() => [...one]), target: sequences.map((sequence) => [start, ...sequence]) });
    const logs = new Map(sequences.map((sequence, i) => {
      const { data, shape } = output.row(i);
      return [[start, ...sequence].join(), logProbabilities([...data.slice(-shape[1]!)])];
    }));
    return everySequence((read) => logs.get(read.join())!, { start, end, length });
  }

  for (const attention of [false, true]) {
    it(`every row of an encoder–decoder ${attention ? 'with attention ' : ''}gets the best of all its sequences`, async () => {
      const model = translator(attention);
      for (const { name, view, shape } of model.parameters) model.setParameter(name, { data: view.map((weight) => 3 * weight), shape });
      const found = beamSearch(model.stream({ given: { source } }), { start, end, length: 4, width: 200, count: 8, lengthNormalization: 0.5 });
      const firsts = new Set(found.map(([best]) => tokens([best!]).join()));
      assert.ok(firsts.size > 1, 'rows differ');
      for (const [row, one] of source.entries()) {
        const expected = (await everyTranslation(model, one, 4)).map((each) => ({ ...each, score: each.log / each.steps ** 0.5 })).sort(byScore);
        assertSame(found[row]!, expected.slice(0, 8), 1e-4);
      }
    });
  }

  it('rows are as each alone, and width 1 is greedy generation', () => {
    const model = translator(true);
    const options = { start, end, length: 6, width: 3, count: 3 };
    const found = beamSearch(model.stream({ given: { source } }), options);
    source.forEach((one, row) => assert.deepEqual(tokens(found[row]!), tokens(beamSearch(model.stream({ given: { source: [one] } }), options)[0]!)));
    const greedy = generate(model.stream({ given: { source } }), { start, end, length: 6, greedy: true });
    assert.deepEqual(beamSearch(model.stream({ given: { source } }), { ...options, width: 1, count: 1 }).map(([best]) => best!.tokens), greedy);
  });

  it('several rows of one step for each search find the same in fewer steps', () => {
    const model = translator(true);
    for (const { name, view, shape } of model.parameters) model.setParameter(name, { data: view.map((weight) => 3 * weight), shape });
    const options = { start, end, length: 6, width: 6, count: 6 };
    const expected = beamSearch(model.stream({ given: { source } }), options);
    assert.ok(new Set(expected.map((found) => tokens(found).join(' '))).size > 1, 'rows differ');
    const taken = [1, 2, 4, 6].map((rowsEach) => {
      const stream = model.stream({ given: { source: source.flatMap((one) => Array.from({ length: rowsEach }, () => one)) } });
      let steps = 0;
      const counting: BranchingRows = {
        rows: stream.rows, step: (given) => { steps++; return stream.step(given); },
        get state() { return stream.state; }, set state(state) { stream.state = state; },
      };
      beamSearch(counting, { ...options, rowsEach }).forEach((found, row) => assertSame(found, expected[row]!.map((one) => ({ ...one, log: one.logProbability })), 1e-5));
      return steps;
    });
    assert.ok(taken.every((steps, i) => i === 0 || steps < taken[i - 1]!), taken.join());
    assert.equal(taken.at(-1), 6, 'one step for each token');
  });

  it('the first of the rows of a search says where it begins, and all of them are afterwards what they were', () => {
    const model = sequential([embedding({ size: 4 }), gru({ units: 6 }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 2 });
    const [single, wide] = [model.stream({ rows: 2 }), model.stream({ rows: 6 })];
    single.step([1, 4]);
    wide.step([1, 0, 0, 4, 0, 0]);
    const before = wide.state['gru/h']!.data.slice();
    const options = { start: 3, length: 5, width: 3, count: 3 };
    const expected = beamSearch(single, options);
    beamSearch(wide, { ...options, rowsEach: 3 }).forEach((found, row) => assertSame(found, expected[row]!.map((one) => ({ ...one, log: one.logProbability })), 1e-5));
    assert.deepEqual(wide.state['gru/h']!.data, before);
    assertThrows(() => beamSearch(wide, { ...options, width: 8, rowsEach: 4 }), 'ERR_BPTT_SHAPE', /expected a stream of 4 rows for each search, received 6 rows/);
    assertThrows(() => beamSearch(wide, { ...options, rowsEach: 6 }), 'ERR_BPTT_RANGE', /rowsEach to be an integer from 1 to 3/);
  });

  it('goes on from what a stream has read, and leaves its state as it was', () => {
    const model = sequential([embedding({ size: 4 }), gru({ units: 6, initialState: 'learned' }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 2 });
    const read = (prefix: readonly number[]): Stream => {
      const stream = model.stream();
      for (const token of prefix) stream.step(token);
      return stream;
    };
    for (const { name, shape, view } of model.parameters.filter(({ name: each }) => each.includes('initial'))) model.setParameter(name, { data: view.map((_, i) => i - 2), shape });
    for (const prefix of [[4, 2], []]) {
      const stream = read(prefix);
      const [found] = beamSearch(stream, { start: 3, length: 4, width: 2, count: 2 });
      assert.deepEqual(Array.from(stream.step(1)), Array.from(read([...prefix]).step(1)));
      for (const { tokens: given, logProbability } of found!) {
        const after = read(prefix);
        const log = [3, ...given.slice(0, -1)].reduce((sum, token, i) => sum + logProbabilities(after.step(token))[given[i]!]!, 0);
        assert.ok(Math.abs(log - logProbability) < 1e-5);
      }
    }
  });

  it('a model without states has a beam too', () => {
    const model = sequential([embedding({ size: 4 }), dense({ units: 4 })], { input: { tokens: 4 }, seed: 3 });
    const logs = logsOf(model.stream());
    const expected = everySequence((read) => logs(read.slice(-1)), { start: 2, end: 0, length: 3 }).map((one) => ({ ...one, score: one.log })).sort(byScore);
    assertSame(beamSearch(model.stream(), { start: 2, end: 0, length: 3, width: 60, count: 5 })[0]!, expected.slice(0, 5), 1e-6);
  });

  it('attention by Bahdanau too', () => {
    const model = encoderDecoder({
      source: { tokens: 4 }, target: { tokens: size }, seed: 5, encoder: [embedding({ size: 3 }), gru({ units: 4 })],
      decoder: [embedding({ size: 3 }), bahdanauAttention({ layer: gru({ units: 4 }) }), dense({ units: size })],
    });
    const [first] = beamSearch(model.stream({ given: { source: [[1, 2]] } }), { start, end, length: 3, width: 50, count: 2 });
    assert.equal(first!.length, 2);
    assert.ok(first![0]!.score > first![1]!.score);
  });
});
