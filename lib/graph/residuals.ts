import { fillOf } from './operations/leaves.ts';
import type { ScanBody } from './operations/scan.ts';
import { topologicalOrder } from './traverse.ts';
import { elementCount, type Node, type Value } from './value.ts';

/** Operations that cost less to compute again than to keep: no transcendental function, no product, no sum. */
const recomputed: ReadonlySet<string> = new Set([
  'add', 'subtract', 'multiply', 'negate', 'maximum', 'minimum', 'absolute', 'sign', 'floor', 'relu', 'less', 'lessEqual', 'equal', 'select', 'and', 'or', 'not',
  'isFinite', 'cast', 'sigmoidGradient', 'tanhGradient', 'reluGradient', 'constant', 'iota', 'oneHot', 'concat', 'pad', 'random',
]);

/** Operations that only look at their input in another way. */
const views: ReadonlySet<string> = new Set(['reshape', 'transpose', 'broadcast', 'slice', 'reverse', 'stopGradient']);

/** The values of the forward body that the backward results use. */
function demandedValues(forward: ReadonlySet<Node>, results: readonly Value[]): Value[] {
  const demanded = new Set<Value>();
  const need = (value: Value): void => {
    if (forward.has(value.node) && fillOf(value) === undefined) demanded.add(value);
  };
  results.forEach(need);
  for (const node of topologicalOrder(results)) if (!forward.has(node)) node.inputs.forEach(need);
  return [...demanded].sort((a, b) => a.id - b.id);
}

/**
 * Which values of a forward body are kept for the backward one, per step. What the body is given (sequences, captured values) is there already; cheap
 * values are computed again when what they need is there or smaller than they are; everything else that `results` use is kept.
 */
export function chooseResiduals(body: ScanBody, results: readonly Value[]): Value[] {
  const forward = new Set(topologicalOrder([...body.next, ...body.collected]));
  for (const value of [...body.carried, ...body.scanned, ...body.captured]) forward.add(value.node);
  const given = new Set([...body.scanned, ...body.captured]);
  const carried = new Set(body.carried);
  const isRecomputed = (value: Value): boolean => !carried.has(value) && (given.has(value) || recomputed.has(value.node.operation) || views.has(value.node.operation));
  const demanded = demandedValues(forward, results);
  const kept = new Set(demanded.filter((value) => !isRecomputed(value)));

  /** What would have to be kept besides, so that `value` can be computed again. */
  const missing = (value: Value, found: Set<Value>, seen: Set<Value>): Set<Value> => {
    if (seen.has(value) || kept.has(value) || given.has(value)) return found;
    seen.add(value);
    if (isRecomputed(value)) for (const operand of value.node.inputs) missing(operand, found, seen);
    else found.add(value);
    return found;
  };
  for (const value of demanded) {
    const lacking = missing(value, new Set(), new Set());
    const price = [...lacking].reduce((total, item) => total + elementCount(item.shape), 0);
    const own = elementCount(value.shape);
    const again = price < own || (price === own && views.has(value.node.operation));
    for (const item of again ? lacking : [value]) kept.add(item);
  }
  return [...kept].sort((a, b) => a.id - b.id);
}
