import type { Tensor } from '../../../lib/data/index.ts';
import type { UniformSource } from '../../../lib/random.ts';
import { drawInteger } from './draw.ts';

/** Digits to be remembered. */
export const copiedDigits = 10;
/** Tokens: 0 for nothing, the digits 1 to 8, and 9 which says that it is time to answer. */
export const copyTokens = 10;

/** Tokens, a sequence in each row, and what is to be answered at each step. */
export interface CopyBatch {
  readonly input: Tensor;
  readonly target: Tensor;
}

/** Cross-entropy of one who answers 0 until it is time and then guesses among the eight digits. */
export function copyGuessLoss(gap: number): number {
  return copiedDigits * Math.log(8) / (gap + 2 * copiedDigits);
}

/**
 * Copy memory as S. Bai, J. Z. Kolter and V. Koltun (arXiv:1803.01271, 2018) have it: ten digits from 1 to 8, zeros, and eleven nines at the end, T + 20
 * tokens in all; the answer is 0 at all steps but the last ten, which repeat the digits.
 */
export function copyBatch(random: UniformSource, { rows, gap }: { readonly rows: number; readonly gap: number }): CopyBatch {
  const steps = gap + 2 * copiedDigits;
  const input = new Int32Array(rows * steps);
  const target = new Int32Array(rows * steps);
  for (let row = 0; row < rows; row++) {
    const start = row * steps;
    input.fill(9, start + steps - copiedDigits - 1, start + steps);
    for (let i = 0; i < copiedDigits; i++) {
      const digit = drawInteger(random, 1, 8);
      input[start + i] = digit;
      target[start + steps - copiedDigits + i] = digit;
    }
  }
  return { input: { data: input, shape: [rows, steps] }, target: { data: target, shape: [rows, steps] } };
}
