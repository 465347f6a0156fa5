import { scanAttributes, scanInputs } from '../graph/index.ts';
import type { ScanAttributes } from '../graph/index.ts';
import type { Node, Value } from '../graph/value.ts';

/** A "scan" node taken apart: its attributes, inputs and outputs by what they are for. */
export interface ScanParts extends ScanAttributes {
  readonly initial: readonly Value[];
  readonly perStep: readonly Value[];
  readonly captured: readonly Value[];
  /** Outputs: the carried values after the last step. */
  readonly final: readonly Value[];
  /** Outputs: what every step gave, [T, …]. */
  readonly stacked: readonly Value[];
}

export function scanParts(node: Node): ScanParts {
  const attributes = scanAttributes(node);
  const { initial, sequences, captured } = scanInputs(node);
  return { ...attributes, initial, perStep: sequences, captured, final: node.outputs.slice(0, initial.length), stacked: node.outputs.slice(initial.length) };
}

/**
 * Every node that `roots` need, each after those it needs and soon after the last of them (depth first), so that what is planned in this order dies young.
 * Bodies of scans are not entered.
 */
export function orderNodes(roots: readonly Value[]): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, number>();
  const stack: Node[] = [];
  for (const root of roots) {
    stack.push(root.node);
    while (stack.length > 0) {
      const node = stack[stack.length - 1]!;
      const next = state.get(node) ?? 0;
      if (next < node.inputs.length) {
        state.set(node, next + 1);
        const inner = node.inputs[next]!.node;
        if (!state.has(inner)) stack.push(inner);
        continue;
      }
      stack.pop();
      if (next === node.inputs.length) {
        state.set(node, next + 1);
        order.push(node);
      }
    }
  }
  return order;
}

/** How often each value is used: by nodes that `roots` need and as a root. */
export function countUses(roots: readonly Value[], nodes: readonly Node[] = orderNodes(roots)): Map<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  roots.forEach(count);
  for (const node of nodes) node.inputs.forEach(count);
  return uses;
}

/** The nodes that use each value. */
export function usersOf(nodes: readonly Node[]): Map<Value, Node[]> {
  const users = new Map<Value, Node[]>();
  for (const node of nodes) {
    for (const value of new Set(node.inputs)) {
      const list = users.get(value);
      if (list) list.push(node);
      else users.set(value, [node]);
    }
  }
  return users;
}

const views = new Set(['reshape', 'transpose', 'broadcast', 'slice', 'reverse', 'stopGradient']);
const leaves = new Set(['input', 'variable', 'constant', 'argument']);

/** Whether an operation only looks at its input's memory in another way. */
export function isView(operation: string): boolean {
  return views.has(operation);
}

/** Whether an operation brings a value in from outside. */
export function isLeaf(operation: string): boolean {
  return leaves.has(operation);
}

/** The value that a chain of views looks at. */
export function viewedValue(value: Value): Value {
  let source = value;
  while (isView(source.node.operation)) source = source.node.inputs[0]!;
  return source;
}
