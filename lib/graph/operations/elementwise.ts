import { BpttError } from '../../errors.ts';
import { formatValue, requireType } from '../checks.ts';
import { applyOne, defineOperation, type Tensor } from '../operation.ts';
import { elementCount, sameShape, type ElementType, type Shape, type Value } from '../value.ts';
import { align, type Operand } from './broadcasting.ts';

function requireSameShapes(owner: string, inputs: readonly Value[], count: number): void {
  if (inputs.length !== count) {
    throw new BpttError('ERR_BPTT_GRAPH', `${owner}: expected ${count} inputs, received ${inputs.length}`, { expected: count, received: inputs.length });
  }
  if (inputs.every((value) => sameShape(value.shape, inputs[0]!.shape))) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected inputs of one shape, received ${inputs.map(formatValue).join(' and ')}; broadcast them`,
    { expected: inputs[0]!.shape, received: inputs.map((value) => value.shape) });
}

function output(shape: Shape, type: ElementType): Tensor {
  const count = elementCount(shape);
  return { shape, type, data: type === 'float32' ? new Float64Array(count) : new Int32Array(count) };
}

export interface UnaryDefinition {
  readonly name: string;
  readonly compute: (x: number) => number;
  /** Type of the input; default float32. */
  readonly type?: ElementType;
  /** Type of the result; default that of the input. */
  readonly result?: ElementType;
  readonly gradient?: (upstream: Value, x: Value, y: Value) => Value | undefined;
}

/** Defines an elementwise operation of one input and gives its builder. */
export function defineUnary({ name, compute, type = 'float32', result = type, gradient }: UnaryDefinition): (x: Operand) => Value {
  defineOperation({
    name,
    infer(inputs) {
      requireSameShapes(name, inputs, 1);
      requireType(name, 'an input', inputs[0]!, [type]);
      return [{ shape: inputs[0]!.shape, type: result }];
    },
    ...(gradient && { gradient: (node, [upstream]) => [upstream && gradient(upstream, node.inputs[0]!, node.outputs[0]!)] }),
    reference(_node, [x]) {
      const y = output(x!.shape, result);
      for (let i = 0; i < y.data.length; i++) y.data[i] = compute(x!.data[i]!);
      return [y];
    },
  });
  return (x) => applyOne(name, align(name, [x], type));
}

export interface BinaryDefinition {
  readonly name: string;
  readonly types: readonly ElementType[];
  readonly compute: (a: number, b: number) => number;
  /** The meaning for int32 where it differs from `compute`. */
  readonly integer?: (a: number, b: number) => number;
  /** Type of the result; default that of the inputs. */
  readonly result?: ElementType;
  readonly gradient?: (upstream: Value, a: Value, b: Value, y: Value) => readonly [Value | undefined, Value | undefined];
}

/** Defines an elementwise operation of two inputs of one type and gives its builder. */
export function defineBinary({ name, types, compute, integer = compute, result, gradient }: BinaryDefinition): (a: Operand, b: Operand) => Value {
  defineOperation({
    name,
    infer(inputs) {
      requireSameShapes(name, inputs, 2);
      const [a, b] = inputs as [Value, Value];
      requireType(name, 'a first input', a, types);
      requireType(name, 'a second input', b, [a.type]);
      return [{ shape: a.shape, type: result ?? a.type }];
    },
    ...(gradient && {
      gradient: (node, [upstream]) => (upstream ? [...gradient(upstream, node.inputs[0]!, node.inputs[1]!, node.outputs[0]!)] : [undefined, undefined]),
    }),
    reference(_node, inputs) {
      const [a, b] = inputs as [Tensor, Tensor];
      const y = output(a.shape, result ?? a.type);
      const meaning = a.type === 'int32' ? integer : compute;
      for (let i = 0; i < y.data.length; i++) y.data[i] = meaning(a.data[i]!, b.data[i]!);
      return [y];
    },
  });
  return (a, b) => applyOne(name, align(name, [a, b]));
}
