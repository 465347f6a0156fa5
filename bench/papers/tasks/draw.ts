import type { UniformSource } from '../../../lib/random.ts';

/** A whole number from `low` up to and including `high`. */
export function drawInteger(random: UniformSource, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** One of the characters of a text. */
export function drawCharacter(random: UniformSource, characters: string): string {
  return characters[drawInteger(random, 0, characters.length - 1)]!;
}
