import assert from 'node:assert/strict';
import type { FloatArray, Nested } from '../../lib/data/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { testedTolerance } from './runtime.ts';
import { someNumbers } from './numbers.ts';

/** A sequence [T, C] of reproducible numbers. */
export function someSequence(steps: number, features: number, seed = 1): number[][] {
  const numbers = someNumbers(steps * features, seed);
  return Array.from({ length: steps }, (_, step) => [...numbers.subarray(step * features, (step + 1) * features)]);
}

/** Sequences of the given lengths. */
export function someSequences(lengths: readonly number[], features: number, seed = 1): number[][][] {
  return lengths.map((length, i) => someSequence(length, features, seed + i));
}

/** Tokens below `bound`, one after the other from a seed. */
export function someTokens(count: number, bound: number, seed = 1): number[] {
  return Array.from(someNumbers(count, seed), (number) => Math.floor(Math.abs(number) * 997) % bound);
}

/** Asserts that numbers agree within `tolerance` (default: what the tested runtime promises), relative to the largest. */
export function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string, tolerance = testedTolerance()): void {
  assert.equal(actual.length, expected.length, `${what}: count`);
  let scale = 1;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance * scale, `${what} at ${i}: ${actual[i]!} is not ${expected[i]!}`);
  }
}

/** Every number of nested arrays. */
export function flat(nested: unknown): number[] {
  return (nested as Nested).flat(Infinity as 1) as number[];
}

/** Copies of all weights of a model. */
export function weightsOf(model: Model): Record<string, FloatArray> {
  return Object.fromEntries(model.parameters.map(({ name, view }) => [name, view.slice()]));
}
