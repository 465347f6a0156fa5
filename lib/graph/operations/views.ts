import { BpttError, describe, formatShape } from '../../errors.ts';
import { formatValue, requireShape, requireValue, resolveAxes, shapeError } from '../checks.ts';
import { applyOne, defineOperation } from '../operation.ts';
import { reshaped, rowMajorStrides, stridedCopy } from '../tensor.ts';
import { elementCount, sameShape, type Shape, type Value } from '../value.ts';
import { pad } from './copies.ts';
import { constant, fillOf } from './leaves.ts';
import { sum } from './reductions.ts';

defineOperation({
  name: 'reshape',
  infer([x], attributes) {
    const shape = attributes['shape'] as Shape;
    requireShape('reshape', shape);
    if (elementCount(shape) !== elementCount(x!.shape)) {
      throw shapeError('reshape', `a shape of ${elementCount(x!.shape)} elements for ${formatValue(x!)}`, shape);
    }
    return [{ shape, type: x!.type }];
  },
  gradient: (node, [upstream]) => [upstream && reshape(upstream, node.inputs[0]!.shape)],
  reference: (node, [x]) => [reshaped(x!, node.attributes['shape'] as Shape)],
});

/**
 * The same elements, row-major, under another shape of as many. One size may be −1: it becomes what the others leave.
 * @throws ERR_BPTT_SHAPE when the counts differ.
 */
export function reshape(x: Value, shape: Shape): Value {
  requireValue('reshape', 'the input', x);
  const open = shape.indexOf(-1);
  const rest = -elementCount(shape);
  const full = open < 0 ? [...shape] : shape.map((size, i) => (i === open ? elementCount(x.shape) / rest : size));
  if (sameShape(full, x.shape)) return x;
  const fill = fillOf(x);
  if (fill !== undefined && elementCount(full) === elementCount(x.shape)) return constant(fill, full, x.type);
  return applyOne('reshape', [x], { shape: full });
}

defineOperation({
  name: 'transpose',
  infer([x], attributes) {
    const permutation = attributes['permutation'] as readonly number[];
    if (permutation.length !== x!.shape.length || ![...permutation].sort((a, b) => a - b).every((axis, i) => axis === i)) {
      throw new BpttError('ERR_BPTT_RANGE', `transpose: expected each axis of ${formatValue(x!)} once, received ${formatShape(permutation)}`,
        { expected: x!.shape.map((_, i) => i), received: permutation });
    }
    return [{ shape: permutation.map((axis) => x!.shape[axis]!), type: x!.type }];
  },
  gradient(node, [upstream]) {
    const permutation = node.attributes['permutation'] as readonly number[];
    return [upstream && transpose(upstream, permutation.map((_, axis) => permutation.indexOf(axis)))];
  },
  reference(node, [x]) {
    const permutation = node.attributes['permutation'] as readonly number[];
    const strides = rowMajorStrides(x!.shape);
    return [stridedCopy(x!, node.outputs[0]!.shape, permutation.map((axis) => strides[axis]!))];
  },
});

/**
 * Axes in another order: axis i of the result is axis permutation[i] of x. Without a permutation the order is turned round.
 * @throws ERR_BPTT_RANGE when an axis is missing or twice.
 */
export function transpose(x: Value, permutation?: readonly number[]): Value {
  requireValue('transpose', 'the input', x);
  const order = permutation ? [...permutation] : x.shape.map((_, i) => x.shape.length - 1 - i);
  const identity = order.length === x.shape.length && order.every((axis, i) => axis === i);
  return identity ? x : applyOne('transpose', [x], { permutation: order });
}

defineOperation({
  name: 'broadcast',
  infer([x], attributes) {
    const shape = attributes['shape'] as Shape;
    requireShape('broadcast', shape);
    const offset = shape.length - x!.shape.length;
    if (offset < 0 || !x!.shape.every((size, i) => size === 1 || size === shape[i + offset])) {
      throw shapeError('broadcast', `a shape that ${formatValue(x!)} can repeat into`, shape, 'sizes are compared from the right and only size 1 repeats');
    }
    return [{ shape, type: x!.type }];
  },
  gradient(node, [upstream]) {
    if (!upstream) return [undefined];
    const { shape } = node.inputs[0]!;
    const offset = upstream.shape.length - shape.length;
    const repeated = upstream.shape.flatMap((size, axis) => (axis < offset || (shape[axis - offset] === 1 && size !== 1) ? [axis] : []));
    return [reshape(sum(upstream, repeated), shape)];
  },
  reference(node, [x]) {
    const shape = node.attributes['shape'] as Shape;
    const offset = shape.length - x!.shape.length;
    const own = rowMajorStrides(x!.shape);
    return [stridedCopy(x!, shape, shape.map((_, axis) => (axis < offset || x!.shape[axis - offset] === 1 ? 0 : own[axis - offset]!)))];
  },
});

interface SliceAttributes {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}

defineOperation({
  name: 'slice',
  infer([x], attributes) {
    const { begin, size } = attributes as unknown as SliceAttributes;
    const { shape } = x!;
    const fits = begin.length === shape.length && size.length === shape.length
      && shape.every((whole, i) => Number.isInteger(begin[i]) && Number.isInteger(size[i]) && begin[i]! >= 0 && size[i]! >= 1 && begin[i]! + size[i]! <= whole);
    if (!fits) {
      throw new BpttError('ERR_BPTT_RANGE', `slice: expected a part of ${formatValue(x!)}, received begin ${formatShape(begin)} and size ${formatShape(size)}`,
        { expected: shape, received: { begin, size } });
    }
    return [{ shape: size, type: x!.type }];
  },
  gradient(node, [upstream]) {
    const { begin, size } = node.attributes as unknown as SliceAttributes;
    const whole = node.inputs[0]!.shape;
    return [upstream && pad(upstream, begin, whole.map((total, i) => total - begin[i]! - size[i]!))];
  },
  reference(node, [x]) {
    const { begin, size } = node.attributes as unknown as SliceAttributes;
    const strides = rowMajorStrides(x!.shape);
    return [stridedCopy(x!, size, strides, begin.reduce((place, start, i) => place + start * strides[i]!, 0))];
  },
});

/** The part of x that begins at `begin` and has the shape `size`. @throws ERR_BPTT_RANGE when it is not inside of x. */
export function slice(x: Value, begin: readonly number[], size: readonly number[]): Value {
  requireValue('slice', 'the input', x);
  if (sameShape(size, x.shape) && begin.length === size.length && begin.every((start) => start === 0)) return x;
  return applyOne('slice', [x], { begin: [...begin], size: [...size] });
}

/** The part `begin` … `begin + size` of one axis, all of the others. @throws ERR_BPTT_RANGE when it is not inside of x. */
export function sliceAxis(x: Value, axis: number, begin: number, size: number): Value {
  requireValue('slice', 'the input', x);
  const [resolved] = resolveAxes('slice', [axis], x.shape.length);
  return slice(x, x.shape.map((_, i) => (i === resolved ? begin : 0)), x.shape.map((whole, i) => (i === resolved ? size : whole)));
}

/** x without its axis `axis`, at `index` along it. @throws ERR_BPTT_RANGE when there is no such index. */
export function at(x: Value, axis: number, index: number): Value {
  const part = sliceAxis(x, axis, index, 1);
  const [resolved] = resolveAxes('slice', [axis], x.shape.length);
  return reshape(part, part.shape.filter((_, i) => i !== resolved));
}

defineOperation({
  name: 'reverse',
  infer([x], attributes) {
    resolveAxes('reverse', attributes['axes'] as readonly number[], x!.shape.length);
    return [{ shape: x!.shape, type: x!.type }];
  },
  gradient: (node, [upstream]) => [upstream && reverse(upstream, node.attributes['axes'] as readonly number[])],
  reference(node, [x]) {
    const axes = node.attributes['axes'] as readonly number[];
    const strides = rowMajorStrides(x!.shape);
    const offset = axes.reduce((place, axis) => place + (x!.shape[axis]! - 1) * strides[axis]!, 0);
    return [stridedCopy(x!, x!.shape, strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride)), offset)];
  },
});

/** x with the order along `axes` turned round. @throws ERR_BPTT_RANGE for an axis outside of x. */
export function reverse(x: Value, axes: readonly number[]): Value {
  requireValue('reverse', 'the input', x);
  if (!Array.isArray(axes)) throw new BpttError('ERR_BPTT_TYPE', `reverse: expected a list of axes, received ${describe(axes)}`, { expected: 'axes', received: axes });
  const resolved = resolveAxes('reverse', axes, x.shape.length);
  return resolved.length === 0 ? x : applyOne('reverse', [x], { axes: resolved });
}

/** x with new axes of size 1, where the result has them. @throws ERR_BPTT_RANGE for an axis outside of the result. */
export function expand(x: Value, axes: readonly number[]): Value {
  requireValue('expand', 'the input', x);
  const rank = x.shape.length + axes.length;
  const resolved = resolveAxes('expand', axes, rank);
  const sizes = [...x.shape];
  return reshape(x, Array.from({ length: rank }, (_, axis) => (resolved.includes(axis) ? 1 : sizes.shift()!)));
}

/** Identity whose gradient is nothing. */
export function stopGradient(x: Value): Value {
  requireValue('stopGradient', 'the input', x);
  return applyOne('stopGradient', [x]);
}

defineOperation({
  name: 'stopGradient',
  infer: ([x]) => [{ shape: x!.shape, type: x!.type }],
  gradient: () => [undefined],
  reference: (_node, [x]) => [x!],
});
