import { apply, rebuild, reshape, slice, stack, substitute } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';
import { orderNodes, scanParts } from '../walk.ts';

/** What a step of an unrolled loop reads of a sequence. */
function stepOf(sequence: Value, step: number): Value {
  const begin = sequence.shape.map((_, axis) => (axis === 0 ? step : 0));
  return reshape(slice(sequence, begin, [1, ...sequence.shape.slice(1)]), sequence.shape.slice(1));
}

/** A scan's outputs without the scan: its body once for every step. */
export function unrollScan(node: Node, inputs: readonly Value[]): readonly Value[] {
  const { body, length, reverse } = scanParts(node);
  let carried = inputs.slice(0, body.carried.length);
  const perStep = inputs.slice(body.carried.length, body.carried.length + body.scanned.length);
  const captured = inputs.slice(body.carried.length + body.scanned.length);
  const collected: Value[][] = body.collected.map(() => []);
  for (let i = 0; i < length; i++) {
    const step = reverse ? length - 1 - i : i;
    const mapping = new Map<Value, Value>();
    body.carried.forEach((argument, k) => mapping.set(argument, carried[k]!));
    body.scanned.forEach((argument, k) => mapping.set(argument, stepOf(perStep[k]!, step)));
    body.captured.forEach((argument, k) => mapping.set(argument, captured[k]!));
    const values = substitute([...body.next, ...body.collected], mapping);
    carried = values.slice(0, body.carried.length);
    values.slice(body.carried.length).forEach((value, j) => { collected[j]![step] = value; });
  }
  return [...carried, ...collected.map((values) => stack(values, 0))];
}

/** The values of a body with every scan in it, at any depth, unrolled. */
function flatten(values: readonly Value[]): Value[] {
  return rebuild(values, (node, inputs) => {
    if (node.operation !== 'scan') return undefined;
    const inner = withBody(node, inputs);
    return unrollScan(inner, inner.inputs);
  });
}

/** The same scan over other inputs, its body without scans. */
function withBody(node: Node, inputs: readonly Value[]): Node {
  const { body } = scanParts(node);
  const roots = [...body.next, ...body.collected];
  const nested = orderNodes(roots).some((inner) => inner.operation === 'scan');
  if (!nested && inputs.every((value, i) => value === node.inputs[i])) return node;
  const values = nested ? flatten(roots) : roots;
  const rebuilt = { ...body, next: values.slice(0, body.next.length), collected: values.slice(body.next.length) };
  return apply('scan', inputs, { ...node.attributes, body: rebuilt }, node.scope)[0]!.node;
}

/**
 * Unrolls every scan that stands in the body of another: the engine's scans do not nest. A scan that stands in none stays.
 * @returns the same values, rebuilt.
 */
export function unrollNested(values: readonly Value[]): Value[] {
  return rebuild(values, (node, inputs) => (node.operation === 'scan' ? withBody(node, inputs).outputs : undefined));
}
