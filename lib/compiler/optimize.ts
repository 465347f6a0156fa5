import type { Value } from '../graph/value.ts';
import { unrollNested } from './passes/unroll.ts';

/** Every graph pass, in order. */
export function optimizeValues(values: readonly Value[]): Value[] {
  return unrollNested(values);
}
