/** The language aⁿbⁿ as tokens: 0 begins a string, 1 is a, 2 is b, 3 ends it. */
export const countingTokens = 4;
const [begin, a, b, end] = [0, 1, 2, 3];

/** A string with what is to be foretold. */
export interface CountingExample {
  /** begin, n times a, n times b: 2n + 1 tokens. */
  readonly input: Int32Array;
  /** n times a, n times b, end. */
  readonly target: Int32Array;
  /** 1 from the first b on, where what follows is certain, 0 before: nobody can know when the b begin. */
  readonly weights: Float32Array;
}

/** aⁿbⁿ for one n. */
export function countingExample(n: number): CountingExample {
  const whole = Int32Array.from({ length: 2 * n + 2 }, (_, i) => (i === 0 ? begin : i <= n ? a : i <= 2 * n ? b : end));
  return { input: whole.slice(0, -1), target: whole.slice(1), weights: Float32Array.from({ length: 2 * n + 1 }, (_, i) => Number(i > n)) };
}

/**
 * Whether aⁿbⁿ is recognised: once the first b has come, every b and the end are foretold. How many a come nobody can know.
 * @param logits [2n + 1, 4], flat.
 */
export function recognises(n: number, logits: ArrayLike<number>): boolean {
  for (let step = n + 1; step <= 2 * n; step++) {
    const expected = step < 2 * n ? b : end;
    for (let token = 0; token < countingTokens; token++) {
      if (token !== expected && !(logits[step * countingTokens + expected]! > logits[step * countingTokens + token]!)) return false;
    }
  }
  return true;
}
