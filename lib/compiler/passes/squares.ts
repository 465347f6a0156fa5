import { apply, createSubstitution, topologicalOrder } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';

/** What a node squares; undefined where it does something else. */
function squaredBy({ operation, inputs: [a, b] }: Node): Value | undefined {
  return operation === 'multiply' && a === b ? a : undefined;
}

/** Sums of all squares of a value, as norms of gradients are, in one operation, so that the squares are never written down; where something else reads the squares they stay. */
export function joinSquares(values: readonly Value[]): Value[] {
  const order = topologicalOrder(values);
  const readers = new Map<Value, number>();
  for (const value of [...values, ...order.flatMap(({ inputs }) => inputs)]) readers.set(value, (readers.get(value) ?? 0) + 1);
  const mapping = new Map<Value, Value>();
  for (const { operation, inputs: [squares], attributes, outputs: [result], scope } of order) {
    if (operation !== 'reduceSum' || (attributes['axes'] as readonly number[]).length !== squares!.shape.length || readers.get(squares!) !== 1) continue;
    const squared = squaredBy(squares!.node);
    if (squared) mapping.set(result!, apply('sumSquares', [squared], {}, scope)[0]!);
  }
  return mapping.size === 0 ? [...values] : values.map(createSubstitution(mapping, true));
}
