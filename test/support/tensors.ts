import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** Numbers with their shape, row-major. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** How fixtures hold numbers: integers with a scale, or the numbers themselves. */
export interface StoredNumbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
  readonly scale?: number;
}

export type Nested = number | readonly Nested[];

/** Reads a fixture of test/golden. */
export function readGolden<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')) as Content;
}

export function restore(stored: StoredNumbers): Numbers {
  const scale = stored.scale ?? 1;
  return { shape: stored.shape, data: Float64Array.from(stored.data, (value) => value / scale) };
}

export function restoreAll(stored: Readonly<Record<string, StoredNumbers>>): Record<string, Numbers> {
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, restore(value)]));
}

export function numbers(shape: readonly number[], data: ArrayLike<number>): Numbers {
  assert.equal(data.length, count(shape), `data for shape [${shape.join(', ')}]`);
  return { shape, data: Float64Array.from(data) };
}

export function filled(shape: readonly number[], value: number): Numbers {
  return { shape, data: new Float64Array(count(shape)).fill(value) };
}

export function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function fromNested(nested: Nested): Numbers {
  const shape: number[] = [];
  for (let level: Nested | undefined = nested; Array.isArray(level); level = (level as readonly Nested[])[0]) shape.push(level.length);
  const flat = Array.isArray(nested) ? (nested as readonly unknown[]).flat(Infinity) as number[] : [nested as number];
  return numbers(shape, flat);
}

/** A copy whose axis i is the axis `permutation[i]` of `source`. */
export function permute(source: Numbers, permutation: readonly number[]): Numbers {
  const shape = permutation.map((axis) => source.shape[axis]!);
  const strides = source.shape.map((_, axis) => count(source.shape.slice(axis + 1)));
  const data = new Float64Array(source.data.length);
  const index = shape.map(() => 0);
  for (let position = 0; position < data.length; position++) {
    data[position] = source.data[permutation.reduce((sum, axis, i) => sum + index[i]! * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]!; axis--) index[axis] = 0;
  }
  return { shape, data };
}

/** [N, T, …] ↔ [T, N, …]. */
export function swapBatchAndTime(source: Numbers): Numbers {
  return permute(source, source.shape.map((_, axis) => (axis === 0 ? 1 : axis === 1 ? 0 : axis)));
}

/** Part number `index` of the first axis, without that axis. */
export function part(source: Numbers, index: number): Numbers {
  const shape = source.shape.slice(1);
  const size = count(shape);
  return { shape, data: source.data.slice(index * size, (index + 1) * size) };
}

/** The opposite of `part`: same shapes stacked on a new first axis. */
export function stackParts(parts: readonly Numbers[]): Numbers {
  const shape = [parts.length, ...parts[0]!.shape];
  return numbers(shape, parts.flatMap((one) => [...one.data]));
}

/** Side by side on the last axis. */
export function joinLast(parts: readonly Numbers[]): Numbers {
  const widths = parts.map((one) => one.shape.at(-1)!);
  const rows = parts[0]!.data.length / widths[0]!;
  const data: number[] = [];
  for (let row = 0; row < rows; row++) {
    parts.forEach((one, i) => data.push(...one.data.subarray(row * widths[i]!, (row + 1) * widths[i]!)));
  }
  return numbers([...parts[0]!.shape.slice(0, -1), widths.reduce((a, b) => a + b, 0)], data);
}

/**
 * The largest error of `actual`, relative to the largest expected number (at least `floor`). NaN anywhere gives NaN, which fails every bound.
 */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>, floor = 1e-30): number {
  assert.equal(actual.length, expected.length, 'number of elements');
  let largest = floor;
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return NaN;
    error = Math.max(error, difference);
  }
  return error / largest;
}

/** Fails unless shapes agree and every number lies within `tolerance` of the expected one, relative to the largest of the tensor. */
export function assertClose(actual: Numbers, expected: Numbers, tolerance: number, what: string, floor?: number): void {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  const error = relativeError(actual.data, expected.data, floor);
  if (error <= tolerance) return;
  const worst = [...expected.data].reduce((at, value, i) => (
    !(Math.abs(actual.data[i]! - value) <= Math.abs(actual.data[at]! - expected.data[at]!)) ? i : at), 0);
  assert.fail(`${what}: relative error ${error.toExponential(2)} above ${tolerance.toExponential(0)}; element ${worst} is ${actual.data[worst]}, expected ${expected.data[worst]}`);
}

/** How far a number may lie from the expected one: absolute + relative · |expected|. */
export interface Allowance {
  readonly absolute: number;
  readonly relative: number;
}

/** Fails unless shapes agree and every number lies within its own allowance. */
export function assertWithin(actual: Numbers, expected: Numbers, { absolute, relative }: Allowance, what: string): void {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  const wrong = expected.data.findIndex((value, i) => !(Math.abs(actual.data[i]! - value) <= absolute + relative * Math.abs(value)));
  if (wrong < 0) return;
  assert.fail(`${what}: element ${wrong} is ${actual.data[wrong]}, expected ${expected.data[wrong]} within ${absolute} + ${relative} relative`);
}
