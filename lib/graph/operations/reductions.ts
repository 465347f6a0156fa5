import { requireType, requireValue, resolveAxes } from '../checks.ts';
import { apply, applyOne, defineOperation, type Tensor } from '../operation.ts';
import { allocate, rowMajorStrides, stridedCopy } from '../tensor.ts';
import { elementCount, type Node, type Value } from '../value.ts';
import { divide, multiply } from './arithmetic.ts';
import { broadcast } from './broadcasting.ts';
import { cast, equal } from './logic.ts';
import { reshape } from './views.ts';

function axesOf(node: Node): readonly number[] {
  return node.attributes['axes'] as readonly number[];
}

/** A value of the reduced shape, repeated over the axes that were reduced. */
function restore(value: Value, node: Node): Value {
  const { shape } = node.inputs[0]!;
  return broadcast(reshape(value, shape.map((size, axis) => (axesOf(node).includes(axis) ? 1 : size))), shape);
}

function defineReduction(name: string, combine: (data: Float64Array, from: number, count: number) => number, gradient: (upstream: Value, node: Node) => Value): void {
  defineOperation({
    name,
    infer([x], attributes) {
      requireType(name, 'the input', x!, ['float32']);
      const axes = resolveAxes(name, attributes['axes'] as readonly number[], x!.shape.length);
      return [{ shape: x!.shape.filter((_, axis) => !axes.includes(axis)), type: 'float32' }];
    },
    gradient: (node, [upstream]) => [upstream && gradient(upstream, node)],
    reference(node, [x]) {
      const axes = axesOf(node);
      const kept = x!.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
      const ordered = reduceLast(x!, [...kept, ...axes]);
      const result = allocate(node.outputs[0]!.shape, 'float32');
      const count = elementCount(axes.map((axis) => x!.shape[axis]!));
      for (let i = 0; i < result.data.length; i++) result.data[i] = combine(ordered.data as Float64Array, i * count, count);
      return [result];
    },
  });
}

function reduceLast(x: Tensor, order: readonly number[]): Tensor {
  if (order.every((axis, i) => axis === i)) return x;
  const strides = rowMajorStrides(x.shape);
  return stridedCopy(x, order.map((axis) => x.shape[axis]!), order.map((axis) => strides[axis]!));
}

function total(data: Float64Array, from: number, count: number): number {
  if (count > 128) {
    const half = count >> 1;
    return total(data, from, half) + total(data, from + half, count - half);
  }
  let result = 0;
  for (let i = from; i < from + count; i++) result += data[i]!;
  return result;
}

function extreme(choose: (a: number, b: number) => number): (data: Float64Array, from: number, count: number) => number {
  return (data, from, count) => {
    let result = data[from]!;
    for (let i = from + 1; i < from + count; i++) result = choose(result, data[i]!);
    return result;
  };
}

/** Shares the gradient equally among all elements that equal the result. */
function toExtremes(upstream: Value, node: Node): Value {
  const chosen = cast(equal(node.inputs[0]!, restore(node.outputs[0]!, node)), 'float32');
  return multiply(chosen, restore(divide(upstream, sum(chosen, axesOf(node))), node));
}

defineReduction('reduceSum', total, restore);
defineReduction('reduceMax', extreme((a, b) => Math.max(a, b)), toExtremes);
defineReduction('reduceMin', extreme((a, b) => Math.min(a, b)), toExtremes);

// The sum of all squares, without the squares: the compiler's, so it has no gradient of its own.
defineOperation({
  name: 'sumSquares',
  infer([x]) {
    requireType('sumSquares', 'the input', x!, ['float32']);
    return [{ shape: [], type: 'float32' }];
  },
  reference(_, [x]) {
    const result = allocate([], 'float32');
    const squares = (x!.data as Float64Array).map((number) => number * number);
    result.data[0] = total(squares, 0, squares.length);
    return [result];
  },
});

function reduce(name: string, x: Value, axes: readonly number[] | undefined, keepDimensions: boolean): Value {
  requireValue(name, 'the input', x);
  const resolved = axes ? resolveAxes(name, axes, x.shape.length) : x.shape.map((_, axis) => axis);
  const result = resolved.length === 0 ? x : applyOne(name, [x], { axes: resolved });
  return keepDimensions ? reshape(result, x.shape.map((size, axis) => (resolved.includes(axis) ? 1 : size))) : result;
}

/** Sum over `axes` (default all); `keepDimensions` leaves them with size 1. float32. @throws ERR_BPTT_RANGE for an axis outside of x. */
export function sum(x: Value, axes?: readonly number[], keepDimensions = false): Value {
  return reduce('reduceSum', x, axes, keepDimensions);
}

/** Largest element over `axes` (default all), NaN when there is one. Equal largest elements share the gradient. */
export function max(x: Value, axes?: readonly number[], keepDimensions = false): Value {
  return reduce('reduceMax', x, axes, keepDimensions);
}

/** Smallest element over `axes` (default all), NaN when there is one. Equal smallest elements share the gradient. */
export function min(x: Value, axes?: readonly number[], keepDimensions = false): Value {
  return reduce('reduceMin', x, axes, keepDimensions);
}

/** Mean over `axes` (default all). */
export function mean(x: Value, axes?: readonly number[], keepDimensions = false): Value {
  const result = sum(x, axes, keepDimensions);
  return divide(result, elementCount(x.shape) / elementCount(result.shape));
}

defineOperation({
  name: 'argMax',
  infer([x]) {
    requireType('argMax', 'the input', x!, ['float32']);
    return [{ shape: x!.shape.slice(0, -1), type: 'int32' }];
  },
  reference(node, [x]) {
    const result = allocate(node.outputs[0]!.shape, 'int32');
    const count = x!.shape[x!.shape.length - 1]!;
    for (let row = 0; row < result.data.length; row++) {
      let best = 0;
      for (let i = 1; i < count; i++) if (x!.data[row * count + i]! > x!.data[row * count + best]!) best = i;
      result.data[row] = best;
    }
    return [result];
  },
});

/** Place of the largest element along the last axis, the first of equals: [..., V] → int32 [...]. No gradient flows. */
export function argMax(x: Value): Value {
  requireValue('argMax', 'the input', x);
  const size = x.shape[x.shape.length - 1] ?? 1;
  return reshape(apply('argMax', [reshape(x, [-1, size])])[0]!, x.shape.slice(0, -1));
}
