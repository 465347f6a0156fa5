import type { Tensor } from '../../../lib/data/index.ts';
import type { UniformSource } from '../../../lib/random.ts';
import { drawInteger } from './draw.ts';

/** Rows with their targets: sequences of pairs (value, marker), all of one length or each of its own. */
export interface AddingBatch {
  readonly input: Tensor | readonly Tensor[];
  /** [N, 1] */
  readonly target: Tensor;
}

/** Mean squared error of one who always answers 1: the variance of the sum of two uniform numbers. */
export const addingVariance = 1 / 6;

/**
 * The adding problem as S. Bai, J. Z. Kolter and V. Koltun (arXiv:1803.01271, 2018) have it: values from 0 to 1, two different steps of T marked with 1, the
 * others with 0; the target is the sum of the two marked values.
 */
export function addingBatch(random: UniformSource, { rows, steps }: { readonly rows: number; readonly steps: number }): AddingBatch & { readonly input: Tensor } {
  const input = new Float32Array(rows * steps * 2);
  const target = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * steps;
    for (let step = 0; step < steps; step++) input[(start + step) * 2] = random();
    const first = drawInteger(random, 0, steps - 1);
    const second = (first + drawInteger(random, 1, steps - 1)) % steps;
    for (const step of [first, second]) {
      input[(start + step) * 2 + 1] = 1;
      target[row] = target[row]! + input[(start + step) * 2]!;
    }
  }
  return { input: { data: input, shape: [rows, steps, 2] }, target: { data: target, shape: [rows, 1] } };
}

/** One sequence of experiment 4 of Hochreiter and Schmidhuber, and its target. */
export interface EarlyAddingExample {
  readonly input: Tensor;
  readonly target: number;
}

/**
 * Experiment 4 of S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997): values from −1 to 1; T to 1.1 T pairs, of which
 * the first and the last have the marker −1, one of the first ten and one of the first T/2 − 1 that are left have 1, the others 0. The target is
 * 0.5 + (X₁ + X₂) / 4, where X₁ is 0 if the very first pair is the marked one (its marker is then 1).
 */
export function earlyAddingExample(random: UniformSource, shortest: number): EarlyAddingExample {
  const steps = drawInteger(random, shortest, Math.floor(1.1 * shortest));
  const data = new Float32Array(steps * 2);
  for (let step = 0; step < steps; step++) data[step * 2] = 2 * random() - 1;
  data[1] = -1;
  data[(steps - 1) * 2 + 1] = -1;
  const first = drawInteger(random, 0, 9);
  let second = drawInteger(random, 0, Math.floor(shortest / 2) - 2);
  if (second >= first) second++;
  data[first * 2 + 1] = 1;
  data[second * 2 + 1] = 1;
  const value = (step: number): number => (step === 0 ? 0 : data[step * 2]!);
  return { input: { data, shape: [steps, 2] }, target: 0.5 + (value(first) + value(second)) / 4 };
}

/** Several of them, each of its own length. */
export function earlyAddingBatch(random: UniformSource, { rows, shortest }: { readonly rows: number; readonly shortest: number }): AddingBatch {
  const examples = Array.from({ length: rows }, () => earlyAddingExample(random, shortest));
  return { input: examples.map(({ input }) => input), target: { data: Float32Array.from(examples, ({ target }) => target), shape: [rows, 1] } };
}
