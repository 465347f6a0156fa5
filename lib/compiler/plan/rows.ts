import type { Node, Value } from '../../graph/value.ts';
import type { ScanParts } from '../walk.ts';
import { isLeaf, isView, orderNodes, viewedValue } from '../walk.ts';
import { isElementwise } from './elementwise.ts';
import type { Unit } from './units.ts';

/** Decides whether the rows of a body go through all steps without seeing each other. */
class RowAnalysis {
  private readonly rows: number;
  /** Values that the loop writes: those must stay with their rows. */
  private readonly written = new Set<Value>();
  private readonly invariant: ReadonlySet<Value>;

  constructor(parts: ScanParts, rows: number) {
    this.rows = rows;
    this.invariant = new Set(parts.body.captured);
    for (const value of parts.body.carried) this.written.add(value);
  }

  holds(nodes: readonly Node[]): boolean {
    return nodes.every((node) => {
      if (isLeaf(node.operation)) return true;
      const changes = node.inputs.some((value) => this.written.has(value));
      if (!isView(node.operation) || changes) for (const value of node.outputs) this.written.add(value);
      if (isView(node.operation)) return this.viewMayStay(node, changes);
      return node.outputs.every((value) => value.shape[0] === this.rows) && this.keepsRows(node);
    });
  }

  /** What the loop only reads may repeat or leave out rows; it must not move them, lest a copy be needed that does. */
  private viewMayStay(node: Node, changes: boolean): boolean {
    if (!this.changes(node.outputs[0]!)) return true;
    if (!changes && (node.operation === 'broadcast' || node.operation === 'slice')) return true;
    return this.viewKeepsRows(node);
  }

  private viewKeepsRows(node: Node): boolean {
    const value = node.outputs[0]!;
    const source = node.inputs[0]!;
    if (value.shape[0] !== this.rows || source.shape[0] !== this.rows) return false;
    switch (node.operation) {
      case 'transpose': return (node.attributes['permutation'] as readonly number[])[0] === 0;
      case 'broadcast': return source.shape.length === value.shape.length;
      case 'reverse': return !(node.attributes['axes'] as readonly number[]).includes(0);
      default: return true;
    }
  }

  private keepsRows(node: Node): boolean {
    if (isElementwise(node.operation)) return true;
    switch (node.operation) {
      case 'matmul': return this.productKeepsRows(node);
      case 'reduceSum': case 'reduceMax': case 'reduceMin': return !(node.attributes['axes'] as readonly number[]).includes(0);
      case 'concat': return node.attributes['axis'] !== 0;
      case 'pad': return (node.attributes['before'] as readonly number[])[0] === 0 && (node.attributes['after'] as readonly number[])[0] === 0;
      case 'gather': return !this.changes(node.inputs[0]!);
      case 'softmax': case 'logSoftmax': case 'softmaxCrossEntropy': case 'softmaxCrossEntropyGradient': case 'argMax': case 'oneHot':
      case 'standardize': return true;
      case 'standardizeGradient': return !this.changes(node.inputs[1]!);
      default: return false;
    }
  }

  private productKeepsRows(node: Node): boolean {
    const [, right] = node.inputs as [Value, Value];
    if (node.outputs[0]!.shape.length > 3) return false;
    if (node.outputs[0]!.shape.length === 3) return true;
    return node.attributes['transposeA'] === false && !this.changes(right);
  }

  /** Whether a value differs from step to step. */
  private changes(value: Value): boolean {
    const root = viewedValue(value);
    return !this.invariant.has(root) && root.node.operation !== 'constant';
  }
}

/**
 * The number of rows of a scan whose rows do not see each other, so that a thread may take a range of them through all steps; undefined for every
 * other scan.
 */
export function rowsOfBody(parts: ScanParts, units: readonly Unit[]): number | undefined {
  const { body } = parts;
  const roots = [...body.next, ...body.collected];
  const rows = roots[0]?.shape[0];
  if (rows === undefined || units.length === 0) return undefined;
  if ([...body.carried, ...roots].some((value) => value.shape[0] !== rows)) return undefined;
  return new RowAnalysis(parts, rows).holds(orderNodes(roots)) ? rows : undefined;
}
