import { applyOne, closeScan, elementCount, fillOf, rebuild, reshape, topologicalOrder } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';
import { scanParts } from '../walk.ts';
import { openScan } from './open-scan.ts';

/** The [C] that `value` [R, C] repeats for each of its rows. */
function repeatedRow(value: Value): Value | undefined {
  if (value.node.operation !== 'broadcast') return undefined;
  const source = value.node.inputs[0]!;
  const columns = value.shape[1]!;
  const isRow = source.shape[source.shape.length - 1] === columns && elementCount(source.shape) === columns;
  return isRow ? reshape(source, [columns]) : undefined;
}

function withGain(node: Node, [d, gain, y, scale]: readonly Value[]): readonly Value[] | undefined {
  if (d!.node.operation !== 'multiply' || fillOf(gain!) !== 1) return undefined;
  for (const [own, other] of [[0, 1], [1, 0]] as const) {
    const row = repeatedRow(d!.node.inputs[own]!);
    if (row) return [applyOne('standardizeGradient', [d!.node.inputs[other]!, row, y!, scale!], {}, node.scope)];
  }
  return undefined;
}

function inScan(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  const { body } = scanParts(node);
  if (!topologicalOrder([...body.next, ...body.collected]).some(({ operation }) => operation === 'standardizeGradient')) return undefined;
  const open = openScan(node, inputs);
  const roots = [...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value)];
  const changed = rebuild(roots, change);
  if (changed.every((value, i) => value === roots[i])) return undefined;
  return closeScan({
    ...open,
    carried: open.carried.map((entry, k) => ({ ...entry, next: changed[k]! })),
    collected: open.collected.map((entry, j) => ({ ...entry, value: changed[open.carried.length + j]! })),
  }, node.scope);
}

function change(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  if (node.operation === 'scan') return inScan(node, inputs);
  return node.operation === 'standardizeGradient' ? withGain(node, inputs) : undefined;
}

/** Lets the gradient of standardized rows multiply with the gain itself, so that what flows back is not written down a second time, scaled. In scans too. */
export function takeGains(values: readonly Value[]): Value[] {
  return rebuild(values, change);
}
