import { BpttError } from '../errors.ts';
import type { Attributes, ElementType, Node, Shape, Value } from './value.ts';

/** What the reference interpreter computes with: float values in float64, int32 and bool in Int32Array. Row-major, contiguous. */
export interface Tensor {
  readonly shape: Shape;
  readonly type: ElementType;
  readonly data: Float64Array | Int32Array;
}

export interface ValueType {
  readonly shape: Shape;
  readonly type: ElementType;
}

/** What an operation's reference meaning may ask of the interpreter: scans evaluate their bodies with it. */
export interface ReferenceContext {
  /** Evaluates `values` with the given arguments bound. */
  evaluate(values: readonly Value[], bindings: ReadonlyMap<Value, Tensor>): Tensor[];
}

/** All that the package knows of an operation, in one place. */
export interface Operation {
  readonly name: string;
  /** Shape rule. @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE or ERR_BPTT_RANGE saying what was expected and what came. */
  infer(inputs: readonly Value[], attributes: Attributes): ValueType[];
  /**
   * Vector-Jacobian product as more graph: one entry per input, undefined where no gradient flows. `upstream[i]` is undefined when
   * output i does not reach the loss. Absent: the operation is not differentiable (integers, comparisons, random numbers).
   */
  gradient?(node: Node, upstream: readonly (Value | undefined)[]): (Value | undefined)[];
  /** The meaning, in plain float64 TypeScript: the oracle of every kernel. */
  reference(node: Node, inputs: readonly Tensor[], context: ReferenceContext): Tensor[];
}

const registry = new Map<string, Operation>();
let nextId = 1;
let scopePath: string[] = [];

export function defineOperation(operation: Operation): Operation {
  if (registry.has(operation.name)) throw new BpttError('ERR_BPTT_GRAPH', `operation "${operation.name}" is defined twice`);
  registry.set(operation.name, operation);
  return operation;
}

export function operationNamed(name: string): Operation {
  const operation = registry.get(name);
  if (!operation) throw new BpttError('ERR_BPTT_GRAPH', `unknown operation "${name}"`, { received: name });
  return operation;
}

export function operationNames(): string[] {
  return [...registry.keys()];
}

/** Applies an operation: checks shapes, makes the node and gives its outputs. `scope` is set by passes that rebuild a node. */
export function apply(name: string, inputs: readonly Value[], attributes: Attributes = {}, scope?: string): readonly Value[] {
  const types = operationNamed(name).infer(inputs, attributes);
  const outputs: Value[] = [];
  const node: Node = { id: nextId++, operation: name, inputs: [...inputs], attributes, outputs, scope: scope ?? scopePath.join('/') };
  types.forEach(({ shape, type }, index) => outputs.push({ id: nextId++, node, index, shape, type }));
  return outputs;
}

/** `apply` for operations of one output. */
export function applyOne(name: string, inputs: readonly Value[], attributes: Attributes = {}, scope?: string): Value {
  return apply(name, inputs, attributes, scope)[0]!;
}

/** Runs `build` with `name` appended to the path that new nodes carry. */
export function withScope<Result>(name: string, build: () => Result): Result {
  const saved = scopePath;
  scopePath = [...saved, name];
  try {
    return build();
  } finally {
    scopePath = saved;
  }
}
