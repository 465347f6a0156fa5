import assert from 'node:assert/strict';
import { ctcBeamSearch, ctcGreedy, logProbabilities } from '../../lib/decoding/index.ts';
import type { CtcHypothesis } from '../../lib/decoding/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { assertThrows } from '../support/errors.ts';

function randomFrames(steps: number, labels: number, seed: number): number[][] {
  const random = uniformSource(seed, 'frames');
  return Array.from({ length: steps }, () => Array.from({ length: labels }, () => 4 * random() - 2));
}

/** Log-probability of every sequence of labels: the sum over all alignments, each written out. */
function everySequence(frames: readonly (readonly number[])[], blank: number): Map<string, number> {
  const rows = frames.map((frame) => logProbabilities(frame));
  const sums = new Map<string, number>();
  const walk = (t: number, path: readonly number[], product: number): void => {
    if (t === rows.length) {
      const key = path.filter((label, i) => label !== blank && label !== path[i - 1]).join();
      sums.set(key, (sums.get(key) ?? 0) + product);
    } else rows[t]!.forEach((log, label) => walk(t + 1, [...path, label], product * Math.exp(log)));
  };
  walk(0, [], 1);
  return new Map([...sums].map(([key, sum]) => [key, Math.log(sum)]));
}

const key = ({ labels }: CtcHypothesis): string => labels.join();

const logSum = (...terms: number[]): number => Math.log(terms.reduce((sum, term) => sum + Math.exp(term), 0));

/** The search as its definition has it: prefixes as texts in a table, all sums made anew at each frame. */
function searchByTables(frames: readonly (readonly number[])[], blank: number, width: number, add: (prefix: string) => number): [string, number][] {
  let beam = new Map<string, readonly [number, number]>([['', [0, -Infinity]]]);
  for (const frame of frames) {
    const p = logProbabilities(frame);
    const next = new Map<string, readonly [number, number]>();
    const give = (prefix: string, blanks: number, labels: number): void => {
      const [a, b] = next.get(prefix) ?? [-Infinity, -Infinity];
      next.set(prefix, [logSum(a, blanks), logSum(b, labels)]);
    };
    for (const [prefix, [blanks, labels]] of beam) {
      const last = prefix.at(-1);
      give(prefix, logSum(blanks, labels) + p[blank]!, last === undefined ? -Infinity : labels + p[Number(last)]!);
      p.forEach((log, label) => {
        if (label !== blank) give(`${prefix}${label}`, -Infinity, (String(label) === last ? blanks : logSum(blanks, labels)) + log);
      });
    }
    const ranked = [...next].sort(([a, x], [b, y]) => logSum(...y) + add(b) - logSum(...x) - add(a));
    beam = new Map(ranked.slice(0, width));
  }
  return [...beam].map(([prefix, masses]) => [prefix, logSum(...masses) + add(prefix)]);
}

/** A language model of pairs: each label after each, after none the last row. */
function pairModel(labels: number, seed: number): (prefix: readonly number[]) => Float64Array {
  const table = randomFrames(labels + 1, labels, seed).map((row) => logProbabilities(row));
  return (prefix) => table[prefix.at(-1) ?? labels]!;
}

function languageScore(model: (prefix: readonly number[]) => ArrayLike<number>, labels: readonly number[]): number {
  return labels.reduce((sum, label, i) => sum + model(labels.slice(0, i))[label]!, 0);
}

describe('decoding: CTC', () => {
  it('the best path merges repetitions, then leaves out blanks', () => {
    const frames = [1, 1, 0, 1, 2, 2, 0].map((label) => [0, 1, 2].map((one) => (one === label ? 3 : 0)));
    assert.deepEqual(ctcGreedy(frames), [1, 1, 2]);
    assert.deepEqual(ctcGreedy(frames, { blank: 2 }), [1, 0, 1, 0]);
    assert.deepEqual(ctcGreedy({ data: new Float32Array(frames.flat()), shape: [7, 3] }), [1, 1, 2]);
    assert.deepEqual(ctcGreedy([[2, 1]]), []);
  });

  it('finds what has the most probability in all its alignments, where the best path finds nothing', () => {
    const frames = [[Math.log(0.6), Math.log(0.4)], [Math.log(0.6), Math.log(0.4)]];
    assert.deepEqual(ctcGreedy(frames), []);
    const [first, second] = ctcBeamSearch(frames, { width: 2, count: 2 });
    assert.deepEqual([first!.labels, second!.labels], [[1], []]);
    assert.ok(Math.abs(first!.logProbability - Math.log(0.64)) < 1e-12 && Math.abs(second!.score - Math.log(0.36)) < 1e-12);
  });

  for (const [steps, labels, blank] of [[1, 3, 0], [2, 2, 1], [4, 3, 0], [5, 3, 2], [6, 3, 1], [5, 4, 3]] as const) {
    it(`without a cut is the sum over all alignments: ${steps} frames of ${labels} labels, blank ${blank}`, () => {
      for (let seed = 0; seed < 5; seed++) {
        const frames = randomFrames(steps, labels, seed);
        const expected = [...everySequence(frames, blank)].sort(([, a], [, b]) => b - a);
        const found = ctcBeamSearch(frames, { width: 1000, count: 1000, blank });
        assert.deepEqual(found.map(key), expected.map(([sequence]) => sequence));
        found.forEach(({ logProbability, score }, i) => {
          assert.ok(Math.abs(logProbability - expected[i]![1]) < 1e-10, `${logProbability}, ${expected[i]![1]}`);
          assert.equal(score, logProbability);
        });
      }
    });
  }

  it('[109] a language model, its weight and the bonus for length are added to that sum', () => {
    for (let seed = 0; seed < 5; seed++) {
      const frames = randomFrames(5, 4, seed);
      const languageModel = pairModel(4, seed);
      const scores = new Map([...everySequence(frames, 0)].map(([sequence, log]) => {
        const list = sequence === '' ? [] : sequence.split(',').map(Number);
        return [sequence, log + 0.7 * languageScore(languageModel, list) + 0.4 * list.length] as const;
      }));
      const expected = [...scores].sort(([, a], [, b]) => b - a);
      const found = ctcBeamSearch(frames, { width: 1000, count: 10, languageModel, languageWeight: 0.7, lengthBonus: 0.4 });
      assert.deepEqual(found.map(key), expected.slice(0, 10).map(([sequence]) => sequence));
      found.forEach((hypothesis, i) => assert.ok(Math.abs(hypothesis.score - expected[i]![1]) < 1e-10));
    }
  });

  it('with a cut keeps what the definition keeps, prefixes that return included', () => {
    for (let seed = 0; seed < 40; seed++) {
      const width = 1 + seed % 5;
      const frames = randomFrames(12, 4, seed);
      const languageModel = pairModel(4, seed + 100);
      const add = (prefix: string): number => languageScore(languageModel, [...prefix].map(Number)) - 0.1 * prefix.length;
      const expected = searchByTables(frames, 0, width, add);
      const found = ctcBeamSearch(frames, { width, count: width, languageModel, lengthBonus: -0.1 });
      assert.deepEqual(found.map(({ labels }) => labels.join('')), expected.map(([prefix]) => prefix));
      found.forEach(({ score }, i) => assert.ok(Math.abs(score - expected[i]![1]) < 1e-9));
    }
  });

  it('a language model decides between what sounds alike, rules labels out, and is asked once for each prefix', () => {
    const alike = [[0, 3, 3, -9], [3, 0, 0, -9], [0, -9, -9, 3]];
    const asked: string[] = [];
    const languageModel = (prefix: readonly number[]): number[] => {
      asked.push(prefix.join());
      return [-Infinity, Math.log(0.1), Math.log(0.6), Math.log(0.3)];
    };
    assert.deepEqual(ctcBeamSearch(alike, { width: 8, languageModel })[0]!.labels, [2, 3]);
    assert.equal(new Set(asked).size, asked.length);
    assert.deepEqual(ctcBeamSearch(alike, { width: 8, languageModel: () => [0, -1, -Infinity, -1] })[0]!.labels, [1, 3]);
    assert.deepEqual(ctcBeamSearch(alike, { width: 8, languageModel: () => new Array<number>(4).fill(-Infinity) })[0]!.labels, []);
  });

  it('reads rows of a prediction, and log-probabilities as logits', () => {
    const frames = randomFrames(6, 3, 1);
    const flat = { data: new Float64Array(frames.flat()), shape: [6, 3] };
    const expected = ctcBeamSearch(frames, { width: 3, count: 3 });
    assert.deepEqual(ctcBeamSearch(flat, { width: 3, count: 3 }), expected);
    assert.deepEqual(ctcBeamSearch(frames.map((frame) => [...logProbabilities(frame)]), { width: 3, count: 3 }).map(key), expected.map(key));
  });

  it('takes long sequences', () => {
    const [found] = ctcBeamSearch(randomFrames(2000, 6, 3), { width: 20 });
    assert.ok(found!.labels.length > 500 && found!.logProbability > -4000);
  });

  it('refuses what cannot be meant', () => {
    const frames = randomFrames(3, 3, 0);
    assertThrows(() => ctcBeamSearch(frames, {} as never), 'ERR_BPTT_TYPE', /width to be a number/);
    assertThrows(() => ctcBeamSearch(frames, { width: 0 }), 'ERR_BPTT_RANGE', /width/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, count: 3 }), 'ERR_BPTT_RANGE', /count to be an integer from 1 to 2/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, blank: 3 }), 'ERR_BPTT_RANGE', /blank to be an integer from 0 to 2/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, beam: 3 } as never), 'ERR_BPTT_OPTION', /unknown option "beam"/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, languageWeight: 2 }), 'ERR_BPTT_OPTION', /there is none/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, lengthBonus: NaN }), 'ERR_BPTT_RANGE', /lengthBonus/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, languageModel: () => [0, 0] }), 'ERR_BPTT_SHAPE', /3 log-probabilities/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, languageModel: () => [0, 2, 0] }), 'ERR_BPTT_RANGE', /at most 0, received 2 for token 1; logProbabilities/);
    assertThrows(() => ctcBeamSearch(frames, { width: 2, languageModel: 3 as never }), 'ERR_BPTT_TYPE', /a function/);
    assertThrows(() => ctcGreedy([]), 'ERR_BPTT_SHAPE', /at least one frame/);
    assertThrows(() => ctcGreedy([[1, 2], [1]]), 'ERR_BPTT_SHAPE', /array of 1 as frame 1/);
    assertThrows(() => ctcGreedy({ data: new Float32Array(8), shape: [2, 2, 2] }), 'ERR_BPTT_SHAPE', /output\.row/);
    assertThrows(() => ctcBeamSearch([[[0, 1], [1, 0]]] as never, { width: 2 }), 'ERR_BPTT_SHAPE', /ctcBeamSearch: .* of several, \[N, T, C\]/);
    assertThrows(() => ctcGreedy([[NaN, 1]]), 'ERR_BPTT_NON_FINITE');
    assertThrows(() => ctcGreedy(5 as never), 'ERR_BPTT_TYPE');
    assertThrows(() => logProbabilities([]), 'ERR_BPTT_TYPE');
  });
});
