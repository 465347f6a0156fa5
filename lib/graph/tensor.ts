import type { Tensor } from './operation.ts';
import { elementCount, type ElementType, type Shape } from './value.ts';

/** A tensor of zeros. */
export function allocate(shape: Shape, type: ElementType): Tensor {
  const count = elementCount(shape);
  return { shape, type, data: type === 'float32' ? new Float64Array(count) : new Int32Array(count) };
}

/** Elements between neighbours along each axis of a contiguous row-major tensor. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** The same elements under another shape: shares memory. */
export function reshaped(tensor: Tensor, shape: Shape): Tensor {
  return { shape, type: tensor.type, data: tensor.data };
}

/** A contiguous copy of the view of `source` with the given shape, strides (0 repeats, negative walks backwards) and offset. */
export function stridedCopy(source: Tensor, shape: Shape, strides: readonly number[], offset = 0): Tensor {
  const result = allocate(shape, source.type);
  visitStrided(shape, strides, offset, (from, stride, to, count) => {
    for (let i = 0; i < count; i++) result.data[to + i] = source.data[from + i * stride]!;
  });
  return result;
}

/** Writes `source` into the view of `target` with the given strides and offset. */
export function stridedWrite(source: Tensor, target: Tensor, strides: readonly number[], offset = 0): void {
  visitStrided(source.shape, strides, offset, (to, stride, from, count) => {
    for (let i = 0; i < count; i++) target.data[to + i * stride] = source.data[from + i]!;
  });
}

/** Calls `visit` for each run along the last axis: its place in the strided view, its stride there, its place in row-major order, its length. */
function visitStrided(shape: Shape, strides: readonly number[], offset: number, visit: (strided: number, stride: number, dense: number, count: number) => void): void {
  const last = shape.length - 1;
  if (last < 0) {
    visit(offset, 1, 0, 1);
    return;
  }
  const index = new Array<number>(last).fill(0);
  const count = shape[last]!;
  const runs = elementCount(shape) / count;
  let place = offset;
  for (let run = 0; run < runs; run++) {
    visit(place, strides[last]!, run * count, count);
    for (let axis = last - 1; axis >= 0; axis--) {
      place += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      place -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}
