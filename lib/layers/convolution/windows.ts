import { requireInteger } from '../../checks.ts';
import { BpttError, describe } from '../../errors.ts';
import { add, cast, concat, constant, expand, iota, lessEqual, matmul, multiply, pad, reshape, sliceAxis, subtract, sum, type Value } from '../../graph/index.ts';
import { mostPlaces } from '../limits.ts';

/** How windows lie along one axis: `kernel` places that are `dilation` apart, each window `stride` after the one before. */
export interface Windows {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

/**
 * What stands beyond the ends: 'valid': nothing, every window lies inside; 'same': half of what a window needs on each side (the odd one behind), so that windows with
 * stride 1 are as many as elements; 'causal': all of it before the beginning, so that a window ends at its own element.
 */
export type Padding = 'causal' | 'same' | 'valid';

/** From a window's first place to its last. */
export function spanOf({ kernel, dilation }: Windows): number {
  return (kernel - 1) * dilation + 1;
}

/** How many elements are added at each end. They do not depend on the axis's length, so that rows of any length give what each alone would. */
export function paddingOf(windows: Windows, padding: Padding): { readonly before: number; readonly after: number } {
  const needed = spanOf(windows) - 1;
  if (padding === 'valid') return { before: 0, after: 0 };
  if (padding === 'causal') return { before: needed, after: 0 };
  return { before: Math.floor(needed / 2), after: needed - Math.floor(needed / 2) };
}

/** How many windows there are on an axis of `size`; less than 1 when none fits. */
export function windowCount(size: number, windows: Windows, padding: Padding): number {
  const { before, after } = paddingOf(windows, padding);
  return Math.floor((before + size + after - spanOf(windows)) / windows.stride) + 1;
}

/** How many windows lie in each row of so many valid steps, int32 [N]. `most` is their largest number. */
export function windowCounts(lengths: Value, most: number, windows: Windows, padding: Padding): Value {
  const { before, after } = paddingOf(windows, padding);
  const lastPlaces = multiply(iota(most), windows.stride);
  const fits = lessEqual(expand(lastPlaces, [1]), subtract(lengths, spanOf(windows) - before - after));
  return cast(sum(cast(fits, 'float32'), [0]), 'int32');
}

/** x with `before` and `after` more elements of `fill` along one axis. */
export function padAxis(x: Value, axis: number, before: number, after: number, fill = 0): Value {
  const counts = (count: number): number[] => x.shape.map((_, i) => (i === axis ? count : 0));
  return pad(x, counts(before), counts(after), fill);
}

/** Every `stride`-th element from `first` on, `count` of them. */
function every(x: Value, axis: number, first: number, count: number, stride: number): Value {
  if (stride === 1) return sliceAxis(x, axis, first, count);
  const blocks = Math.floor(x.shape[axis]! / stride);
  const whole = sliceAxis(x, axis, 0, blocks * stride);
  const split = reshape(whole, [...x.shape.slice(0, axis), blocks, stride, ...x.shape.slice(axis + 1)]);
  const column = sliceAxis(sliceAxis(split, axis, Math.floor(first / stride), count), axis + 1, first % stride, 1);
  return reshape(column, x.shape.map((size, i) => (i === axis ? count : size)));
}

/** What each place of the windows sees along `axis` of a padded x: `kernel` values with `count` elements there. */
export function tapsAlong(x: Value, axis: number, { kernel, stride: apart, dilation }: Windows, count: number): Value[] {
  const stride = count === 1 ? 1 : apart;  // one window has no next one: no padding up to it
  const needed = (count + Math.floor(((kernel - 1) * dilation) / stride)) * stride;
  const long = needed > x.shape[axis]! && stride > 1 ? padAxis(x, axis, 0, needed - x.shape[axis]!) : x;
  return Array.from({ length: kernel }, (_, place) => every(long, axis, place * dilation, count, stride));
}

/** From so many features on each place of the windows has a product of its own. */
const wide = 4;

/**
 * What filters [kernel · C, F] make of the taps, one [..., C] for each place of the kernel: [..., F]. Taps of few features are laid side by side for one product; of many,
 * each has its own, for then to copy them costs more than to add the products up.
 */
export function filtered(taps: readonly Value[], filters: Value): Value {
  const features = taps[0]!.shape.at(-1)!;
  if (features < wide || taps.length === 1) return matmul(concat(taps, -1), filters);
  return taps.map((tap, place) => matmul(tap, sliceAxis(filters, 0, place * features, features))).reduce((total, product) => add(total, product));
}

/** Whether windows see elements behind their own place, or are fewer than the elements: then no single step gives a step. */
export function readsAhead(windows: Windows, padding: Padding): boolean {
  return windows.stride > 1 || (padding !== 'causal' && spanOf(windows) > 1);
}

/** int32 [N]: no windows in any row. */
export function noWindows(rows: number): Value {
  return constant(0, [rows], 'int32');
}

/** The places of windows over images, [height, width]. @throws ERR_BPTT_TYPE or ERR_BPTT_RANGE. */
export function readKernel(owner: string, name: string, value: unknown): readonly [number, number] {
  const [height, width] = readPair(owner, name, value);
  requireInteger(owner, `the places of ${name}`, height * width, 1, mostPlaces);
  return [height, width];
}

/** A size of `most` at most for both axes of an image, or one for each, [height, width]. @throws ERR_BPTT_TYPE or ERR_BPTT_RANGE. */
export function readPair(owner: string, name: string, value: unknown, most?: number): readonly [number, number] {
  if (typeof value === 'number') {
    const size = requireInteger(owner, name, value, 1, most);
    return [size, size];
  }
  if (!Array.isArray(value) || value.length !== 2) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected ${name} to be a number, or [height, width], received ${describe(value)}`, { expected: '[height, width]', received: value });
  }
  return [requireInteger(owner, `${name}[0]`, value[0], 1, most), requireInteger(owner, `${name}[1]`, value[1], 1, most)];
}
