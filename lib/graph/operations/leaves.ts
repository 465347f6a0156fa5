import { BpttError, describe } from '../../errors.ts';
import { requireShape } from '../checks.ts';
import { applyOne, defineOperation, type Tensor, type ValueType } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { elementCount, type ElementType, type Node, type Shape, type Value, type Variable } from '../value.ts';

/** The attributes of a "constant" node: one element when every element is the same. */
export interface ConstantAttributes {
  readonly data: Float64Array | Int32Array;
  readonly shape: Shape;
  readonly type: ElementType;
}

function unbound(node: Node): never {
  const { name } = node.attributes as { name?: string };
  throw new BpttError('ERR_BPTT_GRAPH', `the ${node.operation} "${name ?? (node.attributes as { variable: Variable }).variable.name}" has no value in this evaluation; bind it`,
    { expected: 'a binding', received: undefined });
}

function declared(owner: string, attributes: Readonly<Record<string, unknown>>): ValueType[] {
  const { shape, type } = attributes as { shape: Shape; type: ElementType };
  requireShape(owner, shape);
  if (!['float32', 'int32', 'bool'].includes(type)) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected the type float32, int32 or bool, received ${describe(type)}`, { expected: ['float32', 'int32', 'bool'], received: type });
  }
  return [{ shape, type }];
}

defineOperation({
  name: 'input',
  infer: (_inputs, attributes) => declared(`input "${String(attributes['name'])}"`, attributes),
  reference: unbound,
});

defineOperation({
  name: 'argument',
  infer: (_inputs, attributes) => declared(`argument "${String(attributes['name'])}"`, attributes),
  reference: unbound,
});

defineOperation({
  name: 'variable',
  infer(_inputs, attributes) {
    const variable = attributes['variable'] as Variable;
    return declared(`variable "${variable.name}"`, { shape: variable.shape, type: variable.type });
  },
  reference: unbound,
});

defineOperation({
  name: 'constant',
  infer(_inputs, attributes) {
    const { data, shape } = attributes as unknown as ConstantAttributes;
    const types = declared('constant', attributes);
    if (data.length !== 1 && data.length !== elementCount(shape)) {
      throw new BpttError('ERR_BPTT_SHAPE', `constant: expected ${elementCount(shape)} numbers for shape [${shape.join(', ')}], received ${data.length}`,
        { expected: elementCount(shape), received: data.length });
    }
    return types;
  },
  reference(node) {
    const { data, shape, type } = node.attributes as unknown as ConstantAttributes;
    if (data.length === elementCount(shape)) return [{ shape, type, data }];
    const filled: Tensor = allocate(shape, type);
    filled.data.fill(data[0]!);
    return [filled];
  },
});

defineOperation({
  name: 'iota',
  infer(_inputs, attributes) {
    const count = attributes['count'] as number;
    requireShape('iota', [count]);
    return [{ shape: [count], type: 'int32' }];
  },
  reference(node) {
    const count = node.attributes['count'] as number;
    return [{ shape: [count], type: 'int32', data: Int32Array.from({ length: count }, (_, i) => i) }];
  },
});

/** A value fed at every run under `name`. @throws ERR_BPTT_SHAPE for a size under 1. */
export function input(name: string, shape: Shape, type: ElementType = 'float32'): Value {
  return applyOne('input', [], { name, shape: [...shape], type });
}

/** A parameter of a scan's body. Made by `scan`; passes that rebuild bodies make them too. */
export function argument(name: string, shape: Shape, type: ElementType = 'float32'): Value {
  return applyOne('argument', [], { name, shape: [...shape], type });
}

/** Reads a variable, as it is before this run's assignments. */
export function variable(source: Variable): Value {
  return applyOne('variable', [], { variable: source });
}

/**
 * Numbers known while building. One number fills the whole shape; a list must have as many numbers as the shape has elements, row-major.
 * Default shape: [] for a number, [length] for a list.
 * @throws ERR_BPTT_SHAPE when the count does not fit, ERR_BPTT_RANGE when an int32 or bool is given a number it cannot hold.
 */
export function constant(numbers: number | ArrayLike<number>, shape?: Shape, type: ElementType = 'float32'): Value {
  const list = typeof numbers === 'number' ? [numbers] : numbers;
  const data = type === 'float32' ? Float64Array.from(list) : Int32Array.from(list);
  for (let i = 0; type !== 'float32' && i < data.length; i++) {
    if (data[i] === list[i] && (type === 'int32' || data[i] === 0 || data[i] === 1)) continue;
    throw new BpttError('ERR_BPTT_RANGE', `constant: expected ${type === 'int32' ? 'whole numbers of 32 bits' : '0 or 1'} for type ${type}, received ${describe(list[i])}`,
      { expected: type, received: list[i] });
  }
  const given = shape ?? (typeof numbers === 'number' ? [] : [list.length]);
  if (typeof numbers !== 'number' && data.length !== elementCount(given)) {
    throw new BpttError('ERR_BPTT_SHAPE', `constant: expected ${elementCount(given)} numbers for shape [${given.join(', ')}], received ${data.length}`,
      { expected: elementCount(given), received: data.length });
  }
  return applyOne('constant', [], { data, shape: [...given], type });
}

/** Zeros of the given shape. */
export function zeros(shape: Shape, type: ElementType = 'float32'): Value {
  return constant(0, shape, type);
}

/** 0, 1, … count − 1, int32 [count]. @throws ERR_BPTT_SHAPE when count is under 1. */
export function iota(count: number): Value {
  return applyOne('iota', [], { count });
}

/** The number that fills a constant of one repeated value, or undefined for any other value. */
export function fillOf(value: Value): number | undefined {
  if (value.node.operation !== 'constant') return undefined;
  const { data } = value.node.attributes as unknown as ConstantAttributes;
  return data.length === 1 ? data[0] : undefined;
}
