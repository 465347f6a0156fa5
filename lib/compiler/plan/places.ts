import { elementCount } from '../../graph/value.ts';
import type { ElementType, Shape } from '../../graph/value.ts';
import type { Place, Region } from '../program.ts';

/** Row-major strides. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** The whole of a region (or what begins at `offset` in it), row-major. */
export function placeIn(region: Region, shape: Shape, type: ElementType, offset = 0): Place {
  return { region, offset, type, dimensions: shape, strides: contiguousStrides(shape), stepStride: 0, stepShift: 0, stepSlots: 0 };
}

/** One slot of a history that moves with the step: slot(t) = t + shift, modulo `slots` unless that is 0. */
export function slotPlace(region: Region, shape: Shape, type: ElementType, shift: number, slots: number): Place {
  return { ...placeIn(region, shape, type), stepStride: elementCount(shape), stepShift: shift, stepSlots: slots };
}

/** Whether the elements lie one after another in row-major order. */
export function isContiguous(place: Place): boolean {
  let expected = 1;
  for (let i = place.dimensions.length - 1; i >= 0; i--) {
    if (place.dimensions[i] !== 1 && place.strides[i] !== expected) return false;
    expected *= place.dimensions[i]!;
  }
  return true;
}

/** Whether the last dimension has stride 1 (or one element), as kernels want it that read rows. */
export function hasUnitColumn(place: Place): boolean {
  const last = place.dimensions.length - 1;
  return last < 0 || place.dimensions[last] === 1 || place.strides[last] === 1;
}

/** Whether distinct indices lie at distinct addresses for certain: what may be written to. */
export function isInjective(place: Place): boolean {
  const axes = place.dimensions.map((size, i) => ({ size, stride: Math.abs(place.strides[i]!) })).filter(({ size }) => size > 1);
  axes.sort((a, b) => a.stride - b.stride);
  let extent = 0;
  for (const { size, stride } of axes) {
    if (stride <= extent) return false;
    extent += stride * (size - 1);
  }
  return true;
}

/** The same elements under another shape, or undefined when no strides say that. */
export function reshapePlace(place: Place, shape: Shape): Place | undefined {
  const old = place.dimensions.map((size, i) => ({ size, stride: place.strides[i]! })).filter(({ size }) => size !== 1);
  const strides = new Array<number>(shape.length).fill(0);
  let from = 0;
  let to = 0;
  while (from < old.length) {
    let oldEnd = from + 1;
    let oldSize = old[from]!.size;
    let newEnd = to;
    let newSize = 1;
    while (newSize !== oldSize || newEnd === to) {
      if (newSize < oldSize || newEnd === to) newSize *= shape[newEnd++]!;
      else oldSize *= old[oldEnd++]!.size;
    }
    for (let i = from; i < oldEnd - 1; i++) {
      if (old[i]!.stride !== old[i + 1]!.stride * old[i + 1]!.size) return undefined;
    }
    let stride = old[oldEnd - 1]!.stride;
    for (let i = newEnd - 1; i >= to; i--) {
      strides[i] = stride;
      stride *= shape[i]!;
    }
    from = oldEnd;
    to = newEnd;
  }
  return { ...place, dimensions: shape, strides };
}

export function transposePlace(place: Place, permutation: readonly number[]): Place {
  return { ...place, dimensions: permutation.map((axis) => place.dimensions[axis]!), strides: permutation.map((axis) => place.strides[axis]!) };
}

/** Right-aligned, sizes 1 repeat. */
export function broadcastPlace(place: Place, shape: Shape): Place {
  const lead = shape.length - place.dimensions.length;
  const strides = shape.map((size, i) => (i < lead || (place.dimensions[i - lead] === 1 && size !== 1) ? 0 : place.strides[i - lead]!));
  return { ...place, dimensions: shape, strides };
}

export function slicePlace(place: Place, begin: readonly number[], size: Shape): Place {
  const offset = begin.reduce((sum, start, i) => sum + start * place.strides[i]!, place.offset);
  return { ...place, offset, dimensions: size };
}

export function reversePlace(place: Place, axes: readonly number[]): Place {
  const offset = axes.reduce((sum, axis) => sum + (place.dimensions[axis]! - 1) * place.strides[axis]!, place.offset);
  return { ...place, offset, strides: place.strides.map((stride, i) => (axes.includes(i) ? -stride : stride)) };
}

/** One index of the leading dimension, moving with the step of a scan: element t of what lies outside. */
export function stepPlace(place: Place): Place {
  return { ...place, dimensions: place.dimensions.slice(1), strides: place.strides.slice(1), stepStride: place.strides[0]!, stepShift: 0, stepSlots: 0 };
}

/** Whether two places are the same elements at the same addresses at every step. */
export function samePlace(a: Place, b: Place): boolean {
  return a.offset === b.offset && a.stepStride === b.stepStride
    && (a.stepStride === 0 || (a.stepShift === b.stepShift && a.stepSlots === b.stepSlots))
    && a.dimensions.length === b.dimensions.length
    && a.dimensions.every((size, i) => size === b.dimensions[i] && (size === 1 || a.strides[i] === b.strides[i]));
}

/**
 * Merges neighbouring dimensions that every place steps through evenly, so that maps run over few long dimensions. The first `keep` dimensions stay
 * as they are.
 */
export function coalesce(places: readonly Place[], keep: number): Place[] {
  const first = places[0]!;
  const dimensions: number[] = [];
  const strides: number[][] = places.map(() => []);
  first.dimensions.forEach((size, axis) => {
    const last = dimensions.length - 1;
    if (size === 1 && axis >= keep) return;
    const fits = last >= keep && places.every((place, p) => strides[p]![last] === place.strides[axis]! * size);
    if (fits) dimensions[last]! *= size;
    else dimensions.push(size);
    places.forEach((place, p) => {
      if (fits) strides[p]![last] = place.strides[axis]!;
      else strides[p]!.push(place.strides[axis]!);
    });
  });
  return places.map((place, p) => ({ ...place, dimensions, strides: strides[p]! }));
}
