import type { Value } from '../graph/value.ts';
import { hoist } from './passes/hoist.ts';
import { merge } from './passes/merge.ts';
import { recompute } from './passes/recompute.ts';
import { simplify } from './passes/simplify.ts';
import { sink } from './passes/sink.ts';
import { tidyScans } from './passes/tidy.ts';
import { unrollNested } from './passes/unroll.ts';

/** Wide products, and as little as possible in the loops. */
function shapeLoops(values: readonly Value[], final: boolean): Value[] {
  const clean = (current: readonly Value[]): Value[] => simplify(tidyScans(simplify(current, { final })), { final });
  return clean(hoist(clean(merge(clean(values)))));
}

/**
 * What a forward graph needs before its gradient is taken: products merged and hoisted, so that the gradient is made of merged and hoisted products in
 * turn. Values to differentiate by have to be among `values`, since they may be replaced: each result takes the place of the value at its position.
 */
export function prepare(values: readonly Value[]): Value[] {
  return shapeLoops(values, false);
}

/** Every graph pass, in order: nested scans are unrolled, products merged and hoisted, sums over time taken out of the loops, random numbers made again. */
export function optimizeValues(values: readonly Value[]): Value[] {
  const shaped = shapeLoops(unrollNested(values), true);
  return recompute(simplify(tidyScans(simplify(sink(shaped)))));
}
