import { apply, applyOne, elementCount, rebuild, topologicalOrder } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';
import { isElementwise } from '../plan/elementwise.ts';
import { usersOf } from '../walk.ts';

/** Fewer random numbers than this are kept. */
const smallest = 4096;

/**
 * Between which phases of a run a node stands: how many loops and products lie on the longest way to it. Uses of one value in different phases would keep
 * it in memory between them.
 */
function phasesOf(order: readonly Node[]): Map<Node, number> {
  const phases = new Map<Node, number>();
  for (const node of order) {
    const before = Math.max(0, ...node.inputs.map((value) => phases.get(value.node) ?? 0));
    phases.set(node, before + (node.operation === 'scan' || node.operation === 'matmul' ? 1 : 0));
  }
  return phases;
}

/** Elementwise nodes from which a random value is used, through elementwise nodes that need nothing but random numbers and constants: a mask. */
function isMask(node: Node, masks: ReadonlySet<Node>): boolean {
  return isElementwise(node.operation) && node.inputs.some((value) => masks.has(value.node))
    && node.inputs.every((value) => masks.has(value.node) || value.node.operation === 'constant');
}

/**
 * Random numbers that are used far apart, as dropout's masks forwards and backwards, are made once for each use instead of kept: they depend on their key
 * alone, and making them costs less than the memory between.
 */
export function recompute(values: readonly Value[]): Value[] {
  const order = topologicalOrder(values);
  if (!order.some(({ operation }) => operation === 'random')) return [...values];
  const phases = phasesOf(order);
  const users = usersOf(order);
  const masks = new Set<Node>();
  for (const node of order) {
    const large = node.operation === 'random' && elementCount(node.outputs[0]!.shape) >= smallest;
    if (large || isMask(node, masks)) masks.add(node);
  }
  const copies = new Map<string, Value>();
  const copyFor = (value: Value, phase: number, first: number, current: (own: Value) => Value): Value => {
    if (phase === first) return current(value);
    const key = `${value.id} ${phase}`;
    const known = copies.get(key);
    if (known) return known;
    const { operation, inputs, attributes, scope } = value.node;
    const copy = applyOne(operation, inputs.map((own) => (masks.has(own.node) ? copyFor(own, phase, first, current) : current(own))), attributes, scope);
    copies.set(key, copy);
    return copy;
  };
  const firstPhase = (value: Value): number => Math.min(...(users.get(value) ?? []).map((user) => phases.get(user)!));
  const done = new Map<Value, Value>();
  return rebuild(values, (node, inputs) => {
    node.inputs.forEach((value, i) => done.set(value, inputs[i]!));
    if (masks.has(node) || !node.inputs.some((value) => masks.has(value.node))) return undefined;
    const chosen = node.inputs.map((value, i) => (
      masks.has(value.node) ? copyFor(value, phases.get(node)!, firstPhase(value), (own) => done.get(own) ?? own) : inputs[i]!
    ));
    return chosen.every((value, i) => value === inputs[i]) ? undefined : apply(node.operation, chosen, node.attributes, node.scope);
  });
}
