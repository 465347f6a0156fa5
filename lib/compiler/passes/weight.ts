import type { Node } from '../../graph/index.ts';
import { isElementwise } from '../plan/elementwise.ts';
import { isView } from '../walk.ts';

/** Operations on one row at a time that cost about as much as reading it: best where the row is in the cache. */
const rowsInPassing: ReadonlySet<string> = new Set(['standardize', 'standardizeGradient']);

/** Arithmetic that a map in the loop does in passing. */
const arithmetic: ReadonlySet<string> = new Set(['add', 'subtract', 'multiply', 'negate']);

/** Whether one application for all steps is better than one a step: products, lookups, sums. */
export function isHeavy({ operation }: Node): boolean {
  return !isElementwise(operation) && !isView(operation) && !rowsInPassing.has(operation) && operation !== 'argument' && operation !== 'concat' && operation !== 'pad';
}

/** Whether the loop had better do it itself, rather than read what was written to memory for all steps. */
export function isLight({ operation }: Node): boolean {
  return arithmetic.has(operation) || rowsInPassing.has(operation);
}
