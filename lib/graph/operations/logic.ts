import { BpttError } from '../../errors.ts';
import { formatValue, isValue, requireType, requireValue } from '../checks.ts';
import { applyOne, defineOperation, type Tensor } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { sameShape, type ElementType, type Value } from '../value.ts';
import { align, broadcast, broadcastShapes, type Operand } from './broadcasting.ts';
import { defineBinary, defineUnary } from './elementwise.ts';

/** a < b, bool; false when either is NaN. float32 or int32, with broadcasting. */
export const less = defineBinary({ name: 'less', types: ['float32', 'int32'], result: 'bool', compute: (a, b) => Number(a < b) });

/** a ≤ b, bool; false when either is NaN. float32 or int32, with broadcasting. */
export const lessEqual = defineBinary({ name: 'lessEqual', types: ['float32', 'int32'], result: 'bool', compute: (a, b) => Number(a <= b) });

/** a = b, bool; false when either is NaN. float32 or int32, with broadcasting. */
export const equal = defineBinary({ name: 'equal', types: ['float32', 'int32'], result: 'bool', compute: (a, b) => Number(a === b) });

/** Both, of bools, with broadcasting. */
export const and = defineBinary({ name: 'and', types: ['bool'], compute: (a, b) => a & b });

/** Either, of bools, with broadcasting. */
export const or = defineBinary({ name: 'or', types: ['bool'], compute: (a, b) => a | b });

/** The opposite of a bool. */
export const not = defineUnary({ name: 'not', type: 'bool', compute: (x) => 1 - x });

/** Neither infinite nor NaN, bool. */
export const isFinite = defineUnary({ name: 'isFinite', result: 'bool', compute: (x) => Number(Number.isFinite(x)) });

/** a > b, bool; false when either is NaN. */
export function greater(a: Operand, b: Operand): Value {
  return less(b, a);
}

/** a ≥ b, bool; false when either is NaN. */
export function greaterEqual(a: Operand, b: Operand): Value {
  return lessEqual(b, a);
}

/** a ≠ b, bool; true when either is NaN. */
export function notEqual(a: Operand, b: Operand): Value {
  return not(equal(a, b));
}

defineOperation({
  name: 'select',
  infer(inputs) {
    const [condition, a, b] = inputs as [Value, Value, Value];
    requireType('select', 'a condition', condition, ['bool']);
    requireType('select', 'a third input', b, [a.type]);
    if (!sameShape(condition.shape, a.shape) || !sameShape(a.shape, b.shape)) {
      throw new BpttError('ERR_BPTT_SHAPE', `select: expected inputs of one shape, received ${inputs.map(formatValue).join(' and ')}; broadcast them`,
        { expected: condition.shape, received: inputs.map((value) => value.shape) });
    }
    return [{ shape: a.shape, type: a.type }];
  },
  gradient(node, [upstream]) {
    if (!upstream) return [undefined, undefined, undefined];
    const condition = node.inputs[0]!;
    return [undefined, select(condition, upstream, 0), select(condition, 0, upstream)];
  },
  reference(_node, inputs) {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    const y = allocate(a.shape, a.type);
    for (let i = 0; i < y.data.length; i++) y.data[i] = condition.data[i] ? a.data[i]! : b.data[i]!;
    return [y];
  },
});

/** a where the bool `condition` holds, else b; what is not chosen never reaches the result nor its gradient. All three broadcast; a and b of one type. */
export function select(condition: Value, a: Operand, b: Operand): Value {
  requireValue('select', 'the condition', condition);
  const chosen = align('select', [a, b]);
  const shape = broadcastShapes('select', [condition.shape, ...[a, b].filter(isValue).map((value) => value.shape)]);
  const [first, second] = sameShape(chosen[0]!.shape, shape) ? chosen : chosen.map((value) => broadcast(value, shape));
  return applyOne('select', [broadcast(condition, shape), first!, second!]);
}

/** Truncation towards zero; what int32 cannot hold becomes the nearest number it can, NaN becomes 0. */
function truncate(x: number): number {
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), -2147483648), 2147483647);
}

defineOperation({
  name: 'cast',
  infer: (inputs, attributes) => [{ shape: inputs[0]!.shape, type: attributes['to'] as ElementType }],
  reference(node, [x]) {
    const to = node.attributes['to'] as ElementType;
    const y = allocate(x!.shape, to);
    for (let i = 0; i < y.data.length; i++) {
      const element = x!.data[i]!;
      y.data[i] = to === 'bool' ? Number(element !== 0) : to === 'int32' ? truncate(element) : element;
    }
    return [y];
  },
});

/** x as another type: float32 to int32 truncates towards zero, anything to bool is "not 0". No gradient flows. */
export function cast(x: Value, to: ElementType): Value {
  requireValue('cast', 'the input', x);
  if (!['float32', 'int32', 'bool'].includes(to)) {
    throw new BpttError('ERR_BPTT_TYPE', `cast: expected the type float32, int32 or bool, received ${String(to)}`, { expected: ['float32', 'int32', 'bool'], received: to });
  }
  return x.type === to ? x : applyOne('cast', [x], { to });
}
