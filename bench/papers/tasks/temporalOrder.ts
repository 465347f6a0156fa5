import type { UniformSource } from '../../../lib/random.ts';
import { drawCharacter, drawInteger } from './draw.ts';

export const orderSymbols = 'EBabcdXY';

/** Where the symbols that matter may stand, [first, last] for each of them: two of them give four classes, three eight. */
export const orderPlaces = {
  two: [[10, 20], [50, 60]],
  three: [[10, 20], [33, 43], [66, 76]],
} as const;

export type OrderTask = keyof typeof orderPlaces;

/** A sequence of tokens and the class of its order of X and Y. */
export interface OrderExample {
  readonly tokens: Int32Array;
  readonly target: number;
}

/**
 * Temporal order, experiment 6 of S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997): E, 98 to 108 symbols, B; all of
 * them distractors a to d but for two (6a) or three (6b) which are X or Y. The class tells their order: X,X is 0, X,Y 1, Y,X 2, Y,Y 3.
 */
export function orderExample(random: UniformSource, task: OrderTask): OrderExample {
  const length = drawInteger(random, 100, 110);
  const tokens = Int32Array.from({ length }, (_, step) => orderSymbols.indexOf(step === 0 ? 'E' : step === length - 1 ? 'B' : drawCharacter(random, 'abcd')));
  let target = 0;
  for (const [first, last] of orderPlaces[task]) {
    const symbol = drawInteger(random, 0, 1);
    tokens[drawInteger(random, first, last)] = orderSymbols.indexOf('X') + symbol;
    target = 2 * target + symbol;
  }
  return { tokens, target };
}
