/** Type of a value's elements. Native memory holds each in 4 bytes (bool as int32 0 or 1); the reference in float64 and int32. */
export type ElementType = 'float32' | 'int32' | 'bool';

/** Sizes of the dimensions, outermost first; [] is a scalar. Always concrete: a graph is built per input signature. */
export type Shape = readonly number[];

/** The settings of an operation, beside its inputs: plain data. */
export type Attributes = Readonly<Record<string, unknown>>;

/** One result of a node: what expressions are made of. Immutable. */
export interface Value {
  readonly id: number;
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly index: number;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** One application of an operation. Nodes form a directed acyclic graph through their inputs. */
export interface Node {
  readonly id: number;
  /** Name in the registry of operations. */
  readonly operation: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Path of the layer that made it, such as "encoder/lstm": errors name it. */
  readonly scope: string;
}

/** Memory that outlives a run: a weight, an optimizer's moment, a carried state. A graph reads it with `variable()` and writes it by assignment. */
export interface Variable {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** A whole computation: what it reads from outside, what it gives back and what it writes. */
export interface Graph {
  /** Fed at every run; each is a node of operation "input". */
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
  /** Written after everything has been read: the right sides see the old values. */
  readonly assignments: readonly { readonly variable: Variable; readonly value: Value }[];
}

export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
