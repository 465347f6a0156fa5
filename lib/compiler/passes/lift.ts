import { apply, applyOne, broadcast, matmul, reshape, transpose } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';
import { isElementwise } from '../plan/elementwise.ts';
import { isView } from '../walk.ts';

const rowwise = new Set(['softmax', 'logSoftmax', 'argMax', 'oneHot', 'gather', 'standardize', 'standardizeGradient', 'softmaxCrossEntropyGradient']);
const reductions = new Set(['reduceSum', 'reduceMax', 'reduceMin']);

/** Inputs of row-wise operations that belong to no row, by operation. */
const shared: Readonly<Record<string, number>> = { gather: 0, standardizeGradient: 1 };

/** Whether an operation can be applied to all steps at once. */
export function canLift(node: Node): boolean {
  const { operation } = node;
  return isElementwise(operation) || isView(operation) || rowwise.has(operation) || reductions.has(operation) || operation === 'concat' || operation === 'pad'
    || operation === 'matmul';
}

export interface LifterOptions {
  /** T. */
  readonly length: number;
  /** What is there for all steps: the sequences of arguments. */
  readonly sequenceOf: ReadonlyMap<Value, Value>;
  /** Whether a node belongs to the body. */
  readonly inside: (node: Node) => boolean;
  /** All steps of a value that the loop makes, where it may be taken from there; undefined: it is computed again outside. */
  readonly standIn?: (value: Value) => Value | undefined;
}

/** Computes values of a scan's body for all steps at once, outside of the loop: [T, …] for every value […]. */
export class Lifter {
  private readonly length: number;
  private readonly inside: (node: Node) => boolean;
  private readonly standIn: (value: Value) => Value | undefined;
  private readonly lifted = new Map<Value, Value>();
  private readonly possible = new Map<Node, boolean>();

  constructor({ length, sequenceOf, inside, standIn = () => undefined }: LifterOptions) {
    this.length = length;
    this.inside = inside;
    this.standIn = standIn;
    for (const [value, sequence] of sequenceOf) this.lifted.set(value, sequence);
  }

  /** Whether a value can be had for all steps. */
  can(value: Value): boolean {
    if (this.lifted.has(value) || !this.inside(value.node)) return true;
    let possible = this.possible.get(value.node);
    if (possible === undefined) {
      possible = this.standIn(value) !== undefined
        || (canLift(value.node) && this.operandsFit(value.node) && value.node.inputs.every((input) => this.can(input)));
      this.possible.set(value.node, possible);
    }
    return possible;
  }

  isInvariant(value: Value): boolean {
    return !this.lifted.has(value) && !this.inside(value.node);
  }

  /** The value at every step, [T, …]. */
  lift(value: Value): Value {
    const known = this.lifted.get(value);
    if (known) return known;
    const result = this.inside(value.node) ? this.standIn(value) ?? this.apply(value) : broadcast(value, [this.length, ...value.shape]);
    this.lifted.set(value, result);
    return result;
  }

  /** A table, or a gain, has to be the same at all steps. */
  private operandsFit(node: Node): boolean {
    const own = shared[node.operation];
    return own === undefined || this.isInvariant(node.inputs[own]!);
  }

  private apply({ node, index }: Value): Value {
    const { operation, attributes, scope } = node;
    if (operation === 'matmul') return this.product(node);
    if (rowwise.has(operation)) return this.rowwise(node, index);
    const inputs = node.inputs.map((value) => this.lift(value));
    const shape = [this.length, ...node.outputs[0]!.shape];
    const after = (list: unknown): number[] => [0, ...(list as readonly number[]).map((axis) => axis + 1)];
    const counts = (list: unknown): number[] => [0, ...(list as readonly number[])];
    switch (operation) {
      case 'reshape': return reshape(inputs[0]!, shape);
      case 'transpose': return transpose(inputs[0]!, after(attributes['permutation']));
      case 'broadcast': return this.repeat(node.inputs[0]!, inputs[0]!, shape);
      case 'slice': return applyOne('slice', inputs, { begin: counts(attributes['begin']), size: shape }, scope);
      case 'reverse': return applyOne('reverse', inputs, { axes: after(attributes['axes']).slice(1) }, scope);
      case 'concat': return applyOne('concat', inputs, { axis: (attributes['axis'] as number) + 1 }, scope);
      case 'pad': return applyOne('pad', inputs, { ...attributes, before: counts(attributes['before']), after: counts(attributes['after']) }, scope);
      default: break;
    }
    if (reductions.has(operation)) return applyOne(operation, inputs, { axes: after(attributes['axes']).slice(1) }, scope);
    return applyOne(operation, inputs, attributes, scope);
  }

  /** Axes are aligned from the right, so that the step's axis needs sizes of 1 behind it. */
  private repeat(source: Value, lifted: Value, shape: readonly number[]): Value {
    const missing = shape.length - 1 - source.shape.length;
    const ones = new Array<number>(missing).fill(1);
    return broadcast(reshape(lifted, [this.length, ...ones, ...source.shape]), shape);
  }

  private rowwise(node: Node, index: number): Value {
    const flat = node.inputs.map((value, i) => (i === shared[node.operation] ? value : this.flatten(value)));
    const result = apply(node.operation, flat, node.attributes, node.scope)[index]!;
    return reshape(result, [this.length, ...node.outputs[index]!.shape]);
  }

  /** The rows of all steps one after another: [T·R, …]. */
  private flatten(value: Value): Value {
    const { shape } = value;
    return reshape(this.lift(value), [this.length * shape[0]!, ...shape.slice(1)]);
  }

  private product(node: Node): Value {
    const [a, b] = node.inputs as [Value, Value];
    const { transposeA, transposeB } = node.attributes as { transposeA: boolean; transposeB: boolean };
    if (this.isInvariant(b) && b.shape.length === 2) {
      const left = transposeA ? transpose(this.lift(a), [0, 2, 1]) : this.lift(a);
      return matmul(left, b, { transposeB });
    }
    return applyOne('matmul', [this.lift(a), this.lift(b)], node.attributes, node.scope);
  }
}
