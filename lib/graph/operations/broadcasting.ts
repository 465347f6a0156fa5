import { BpttError, formatShape } from '../../errors.ts';
import { isValue, requireValue } from '../checks.ts';
import { applyOne } from '../operation.ts';
import { sameShape, type ElementType, type Shape, type Value } from '../value.ts';
import { constant, fillOf } from './leaves.ts';

// Families of operations call each other in their gradients, so their modules form circles. What they call while loading stands in modules outside of
// the circles: this one and elementwise.ts.

/** x repeated into `shape`: aligned at the right, axes of size 1 and missing axes repeat. @throws ERR_BPTT_SHAPE when it does not fit. */
export function broadcast(x: Value, shape: Shape): Value {
  requireValue('broadcast', 'the input', x);
  if (sameShape(x.shape, shape)) return x;
  const fill = fillOf(x);
  const repeats = fill !== undefined && sameShape(broadcastShapes('broadcast', [x.shape, shape]), shape);
  return repeats ? constant(fill, shape, x.type) : applyOne('broadcast', [x], { shape: [...shape] });
}

/** What elementwise builders take: a number stands for a constant of the other operands' shape and type. */
export type Operand = Value | number;

/** numpy's rule: shapes are aligned at the right; sizes are equal or 1. @throws ERR_BPTT_SHAPE when they do not go together. */
export function broadcastShapes(owner: string, shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    shape.forEach((size, i) => {
      const axis = i + rank - shape.length;
      if (size !== 1 && result[axis] !== 1 && result[axis] !== size) {
        throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected shapes that broadcast together (equal from the right, or 1), received ${shapes.map(formatShape).join(' and ')}`,
          { expected: 'shapes that broadcast', received: shapes });
      }
      if (size !== 1) result[axis] = size;
    });
  }
  return result;
}

/** Values of one shape: numbers become constants of the first value's type (float32 when there is none), smaller shapes are broadcast. */
export function align(owner: string, operands: readonly Operand[], typeOfNumbers?: ElementType): Value[] {
  operands.forEach((operand, i) => {
    if (typeof operand !== 'number') requireValue(owner, `operand ${i + 1}`, operand);
  });
  const values = operands.filter(isValue);
  const shape = broadcastShapes(owner, values.map((value) => value.shape));
  const type = typeOfNumbers ?? values[0]?.type ?? 'float32';
  return operands.map((operand) => (typeof operand === 'number' ? constant(operand, shape, type) : broadcast(operand, shape)));
}
