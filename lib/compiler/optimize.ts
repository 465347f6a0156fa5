import type { Value } from '../graph/value.ts';
import { takeGains } from './passes/gains.ts';
import { hoist } from './passes/hoist.ts';
import { joinCrossEntropy } from './passes/cross-entropy.ts';
import { merge } from './passes/merge.ts';
import { recompute } from './passes/recompute.ts';
import { simplify } from './passes/simplify.ts';
import { sink } from './passes/sink.ts';
import { tidyScans } from './passes/tidy.ts';
import { unrollNested } from './passes/unroll.ts';

type Pass = (values: readonly Value[]) => Value[];

function sameValues(a: readonly Value[], b: readonly Value[]): boolean {
  return a.every((value, i) => value === b[i]);
}

/** Simplified, scans without what they do not need. */
function clean(values: readonly Value[], final: boolean): Value[] {
  const simpler = simplify(values, { final });
  const tidied = tidyScans(simpler);
  return sameValues(tidied, simpler) ? simpler : simplify(tidied, { final });
}

/** Runs passes one after another, each followed by cleaning where it has changed something. */
function run(values: readonly Value[], final: boolean, passes: readonly Pass[]): Value[] {
  return passes.reduce((current, pass) => {
    const changed = pass(current);
    return sameValues(changed, current) ? current : clean(changed, final);
  }, clean(values, final));
}

/**
 * What a forward graph needs before its gradient is taken: products merged and hoisted, so that the gradient is made of merged and hoisted products in
 * turn. Values to differentiate by have to be among `values`, since they may be replaced: each result takes the place of the value at its position.
 */
export function prepare(values: readonly Value[]): Value[] {
  return run(values, false, [merge, hoist]);
}

/**
 * Every graph pass, in order: nested scans are unrolled, products merged and hoisted, sums over time taken out of the loops, gains multiplied by what reads them, random
 * numbers made again, cross-entropies joined with their gradients.
 */
export function optimizeValues(values: readonly Value[]): Value[] {
  return joinCrossEntropy(recompute(takeGains(run(unrollNested(values), true, [merge, hoist, sink]))));
}
