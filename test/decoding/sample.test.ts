import assert from 'node:assert/strict';
import { distribution, sample, suggest } from '../../lib/decoding/index.ts';
import type { TokenStream } from '../../lib/decoding/index.ts';
import { assertThrows } from '../support/errors.ts';

const close = (actual: ArrayLike<number>, expected: readonly number[]): void => {
  assert.equal(actual.length, expected.length);
  expected.forEach((number, i) => assert.ok(Math.abs(actual[i]! - number) < 1e-12, `${actual[i]} is not ${number}`));
};

/** After token t the likeliest is t + 1, then t + 2. */
function counter(size: number): TokenStream & { readonly seen: number[] } {
  const seen: number[] = [];
  let output: number[] | null = null;
  return {
    rows: 1, seen, get output() { return output; },
    step(token) {
      seen.push(token);
      output = Array.from({ length: size }, (_, i) => (i === (token + 1) % size ? 2 : i === (token + 2) % size ? 1 : -1));
      return output;
    },
  };
}

describe('decoding: distribution', () => {
  const logits = [Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05)];

  it('is the softmax of the logits', () => close(distribution(logits), [0.5, 0.3, 0.15, 0.05]));
  it('is sharper when cold, flatter when hot', () => {
    const squares = [0.25, 0.09, 0.0225, 0.0025];
    close(distribution(logits, { temperature: 0.5 }), squares.map((weight) => weight / 0.365));
    assert.ok(distribution(logits, { temperature: 5 })[0]! < 0.5);
  });
  it('keeps the top k', () => close(distribution(logits, { topK: 2 }), [0.625, 0.375, 0, 0]));
  it('keeps the smallest set that reaches p', () => {
    close(distribution(logits, { topP: 0.5 }), [1, 0, 0, 0]);
    close(distribution(logits, { topP: 0.6 }), [0.625, 0.375, 0, 0]);
    close(distribution(logits, { topP: 1 }), [0.5, 0.3, 0.15, 0.05]);
  });
  it('cuts to k before p', () => close(distribution(logits, { topK: 2, topP: 0.62 }), [1, 0, 0, 0]));
  it('takes the lower number among equals', () => close(distribution([1, 1, 1], { topK: 1 }), [1, 0, 0]));
  it('does not overflow', () => close(distribution([1000, 0, -Infinity]), [1, 0, 0]));
  it('rejects NaN and options out of range', () => {
    assertThrows(() => distribution([0, NaN]), 'ERR_BPTT_NON_FINITE', /token 1/);
    assertThrows(() => distribution([0], { temperature: 0 }), 'ERR_BPTT_RANGE');
    assertThrows(() => distribution([0], { topP: 0 }), 'ERR_BPTT_RANGE');
    assertThrows(() => distribution([0], { topK: 0 }), 'ERR_BPTT_RANGE');
    assertThrows(() => distribution([]), 'ERR_BPTT_TYPE');
  });
});

describe('decoding: sample', () => {
  it('reads the prefix, then feeds back what it gives', () => {
    const stream = counter(10);
    assert.deepEqual([...sample(stream, { prefix: [3, 4], greedy: true, length: 4 })], [5, 6, 7, 8]);
    assert.deepEqual(stream.seen, [3, 4, 5, 6, 7]);
  });

  it('goes on from a stream that has read', () => {
    const stream = counter(10);
    stream.step(1);
    assert.deepEqual([...sample(stream, { greedy: true, length: 2 })], [2, 3]);
    assertThrows(() => [...sample(counter(4), { length: 2 })], 'ERR_BPTT_DATA', /prefix/);
  });

  it('stops before the end token', () => {
    assert.deepEqual([...sample(counter(10), { prefix: [0], greedy: true, length: 9, endToken: 3 })], [1, 2]);
  });

  it('repeats itself for the same seed only', () => {
    const run = (seed: number): number[] => [...sample(counter(10), { prefix: [0], temperature: 2, length: 40, seed })];
    assert.deepEqual(run(5), run(5));
    assert.notDeepEqual(run(5), run(6));
  });

  it('draws by the probabilities', () => {
    const stream: TokenStream = { rows: 1, output: null, step: () => [Math.log(0.7), Math.log(0.2), Math.log(0.1)] };
    const counts = [0, 0, 0];
    for (const token of sample(stream, { prefix: [0], length: 20_000, seed: 2 })) counts[token]!++;
    [0.7, 0.2, 0.1].forEach((probability, token) => assert.ok(Math.abs(counts[token]! / 20_000 - probability) < 0.012, counts.join()));
  });

  it('at k = 1 or a low temperature is greedy', () => {
    for (const options of [{ topK: 1 }, { temperature: 1e-3 }, { topP: 1e-9 }]) {
      assert.deepEqual([...sample(counter(10), { prefix: [0], length: 3, ...options })], [1, 2, 3]);
    }
  });

  it('rejects options that would not be used, and streams of several rows', () => {
    assertThrows(() => sample(counter(4), { prefix: [0], greedy: true, temperature: 1, length: 1 }), 'ERR_BPTT_OPTION', /temperature/);
    assertThrows(() => sample(counter(4), { prefix: [0], temprature: 1, length: 1 } as never), 'ERR_BPTT_OPTION', /did you mean "temperature"/);
    assertThrows(() => sample({ ...counter(4), rows: 2 }, { prefix: [0], length: 1 }), 'ERR_BPTT_SHAPE');
    assertThrows(() => sample(counter(4), { prefix: [0], length: -1 }), 'ERR_BPTT_RANGE');
  });

  it('suggests without moving on', () => {
    const stream = counter(20);
    stream.step(4);
    const suggestions = suggest(stream, { count: 2 });
    assert.deepEqual(suggestions.map(({ token }) => token), [5, 6]);
    assert.ok(suggestions[0]!.probability > suggestions[1]!.probability);
    assert.equal(suggest(stream).length, 10);
    assert.deepEqual(stream.seen, [4]);
  });
});

describe('decoding: what cannot be meant', () => {
  const stream = (): TokenStream => ({ rows: 1, output: [1, 2, 3], step: () => [1, 2, 3] });

  it('options and logits that a distribution has no use for', () => {
    assertThrows(() => distribution([1, 2], { temprature: 2 } as never), 'ERR_BPTT_OPTION', /did you mean "temperature"/);
    assertThrows(() => distribution([-Infinity, -Infinity]), 'ERR_BPTT_NON_FINITE', /at least one token/);
    assertThrows(() => distribution(['a', 'b'] as never), 'ERR_BPTT_TYPE', /every logit to be a number/);
  });

  it('a prefix that is no array, though the stream has read something, and an end token that no model gives', () => {
    assertThrows(() => sample(stream(), { length: 1, prefix: 5 as never }), 'ERR_BPTT_TYPE', /vocabulary\.encode/);
    assertThrows(() => sample(stream(), { length: 1, prefix: 'ab' as never }), 'ERR_BPTT_TYPE', /received "ab"/);
    assertThrows(() => [...sample(stream(), { length: 1, endToken: 3 })], 'ERR_BPTT_RANGE', /endToken to be an integer from 0 to 2, received 3/);
  });
});
