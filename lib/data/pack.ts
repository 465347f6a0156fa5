import { BpttError, describe, formatShape } from '../errors.ts';
import { isTensor, requireReadable, requireTensor } from './tensor.ts';
import type { Data, FloatArray, NumberArray, Tensor } from './tensor.ts';

/** What one input or target must look like. */
export interface DataSpecification {
  /** Begins every message: 'model "speech", input "frames"'. */
  readonly owner: string;
  /** int32 are tokens or classes, float32 are measurements. */
  readonly type: 'int32' | 'float32';
  /** Whether there is a time axis after the batch axis. */
  readonly time: boolean;
  /** Sizes after batch and time: [] for tokens, [C] for features. */
  readonly sizes: readonly number[];
  /** Tokens must be below it. */
  readonly bound?: number | undefined;
  /** Hold floats in float64: the reference runtime computes in it. */
  readonly double: boolean;
  /** Copies numbers between arrays of the same length and tells whether all are finite; default JavaScript does. */
  readonly copyFinite?: ((from: Float32Array, to: Float32Array) => boolean) | undefined;
  /** Gives the array for float32 numbers, zeros unless every one of them is going to be written; default a new one. */
  readonly take?: ((length: number, filled: boolean) => Float32Array) | undefined;
}

/** Numbers ready for a run: [N, T, …] or [N, …] with zeros beyond each row's end. */
export interface Packed {
  readonly data: FloatArray | Int32Array;
  readonly rows: number;
  /** T as allocated; 1 without a time axis. */
  readonly steps: number;
  /** T as given: less than `steps` where that was rounded up. */
  readonly longest: number;
  /** Valid steps of each row, or null when every row has all `steps`. */
  readonly lengths: Int32Array | null;
}

export interface PackOptions {
  /** Valid steps of each row of padded data. */
  readonly lengths?: ArrayLike<number> | undefined;
  /** Rounds T of sequences of different lengths up, so that few different T come up. */
  readonly round?: boolean;
}

/**
 * Copies data of any accepted form into one array, checking shape, type and every number.
 * @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_VOCABULARY for a token out of range, ERR_BPTT_DATA for empty data, empty sequences, NaN and infinities.
 */
export function pack(data: Data, specification: DataSpecification, options: PackOptions = {}): Packed {
  if (isTensor(data)) return packTensor(requireTensor(specification.owner, data), specification, options);
  if (ArrayBuffer.isView(data)) {
    const flat = requireReadable(specification.owner, data);
    return packTensor({ data: flat, shape: [flat.length] }, specification, options);
  }
  if (Array.isArray(data)) return packRows(data as readonly unknown[], specification, options);
  throw new BpttError('ERR_BPTT_TYPE', `${specification.owner}: expected nested arrays or { data, shape }, received ${describe(data)}`,
    { expected: 'data', received: data });
}

/**
 * Data that goes with an input step by step: targets or weights. Each row has as many steps as the input's row, or all T of them, of which those beyond the
 * row's end are not read. One value for each row is repeated over its steps.
 * @throws as `pack`; ERR_BPTT_SHAPE for other rows or steps than the input's.
 */
export function packAlong(data: Data, specification: DataSpecification, along: Packed): Packed {
  const perRow = specification.time && isPerRow(data, specification, along);
  const single = perRow || !specification.time;
  const rows = single ? pack(data, { ...specification, time: false }) : packSteps(data, specification, along);
  if (rows.rows !== along.rows) {
    throw new BpttError('ERR_BPTT_SHAPE', `${specification.owner}: expected ${along.rows} rows as in the input, received ${rows.rows}`, { expected: along.rows, received: rows.rows });
  }
  return perRow ? repeatOverSteps(rows, specification, along) : rows;
}

function isPerRow(data: Data, specification: DataSpecification, { longest }: Packed): boolean {
  const shape = isTensor(data) ? data.shape : ArrayBuffer.isView(data) ? [data.length] : Array.isArray(data) ? measure(data, specification) : [];
  const { sizes } = specification;
  if (sizes.length !== 1 || sizes[0] !== 1) return shape.length === 1 + sizes.length;
  if (shape.length !== 2) return shape.length === 1;
  // One feature's axis may be left out, so that rows of one number are values of rows only where every row has one and the sequences have more.
  return longest !== 1 && (Array.isArray(data) ? data.every((row) => measure(row, specification)[0] === 1) : shape[1] === 1);
}

function packSteps(data: Data, specification: DataSpecification, along: Packed): Packed {
  if (Array.isArray(data)) {
    if (data.length !== along.rows) return pack(data as Data, specification);
    return packRows(data as readonly unknown[], specification, {}, along);
  }
  const { longest, lengths, steps, rows } = along;
  const sameRows = isTensor(data) && data.shape[0] === rows;
  const packed = pack(data, specification, { lengths: sameRows ? lengths ?? undefined : undefined });
  if (packed.steps !== longest) throw stepsError(specification, longest, packed.steps);
  if (longest === steps || packed.rows !== rows) return packed;
  const width = stepWidth(specification);
  const spread = allocate(specification, rows * steps * width);
  for (let row = 0; row < rows; row++) spread.set(packed.data.subarray(row * longest * width, (row + 1) * longest * width), row * steps * width);
  return { ...packed, data: spread, steps };
}

function repeatOverSteps(packed: Packed, specification: DataSpecification, { rows, steps, longest, lengths }: Packed): Packed {
  const width = stepWidth(specification);
  const data = allocate(specification, rows * steps * width);
  for (let row = 0; row < rows; row++) {
    const value = packed.data.subarray(row * width, (row + 1) * width);
    for (let step = 0; step < (lengths?.[row] ?? steps); step++) data.set(value, (row * steps + step) * width);
  }
  return { data, rows, steps, longest, lengths };
}

function stepsError(specification: DataSpecification, expected: number, received: number, row?: number): BpttError {
  return new BpttError('ERR_BPTT_SHAPE', `${specification.owner}: expected ${expected} steps as in the input, received ${received}${row === undefined ? '' : ` in row ${row}`}`,
    { expected, received });
}

/** T for sequences of different lengths: exact up to 16, then with three binary digits after the first, at most an eighth more. */
export function roundSteps(longest: number): number {
  if (longest <= 16) return longest;
  const unit = 2 ** (Math.floor(Math.log2(longest)) - 3);
  return Math.ceil(longest / unit) * unit;
}

/** "[N, T, 40]" */
export function expectedShape(specification: Pick<DataSpecification, 'time' | 'sizes'>): string {
  return formatShape(['N', ...(specification.time ? ['T'] : []), ...specification.sizes]);
}

function shapeError(specification: DataSpecification, received: string): BpttError {
  const expected = expectedShape(specification);
  const cure = specification.time && specification.sizes.length === 0 ? '; one sequence alone is a batch of one: [sequence]' : '';
  return new BpttError('ERR_BPTT_SHAPE', `${specification.owner}: expected shape ${expected}, received ${received}${cure}`, { expected, received });
}

function packTensor(tensor: Tensor, specification: DataSpecification, options: PackOptions): Packed {
  const axes = 1 + (specification.time ? 1 : 0);
  const shape = withFeature(tensor.shape, axes, specification);
  const fits = shape.length === axes + specification.sizes.length && specification.sizes.every((size, i) => size === shape[axes + i]);
  if (!fits) throw shapeError(specification, formatShape(tensor.shape));
  const rows = shape[0]!;
  if (rows === 0) throw emptyError(specification, 'no rows');
  const steps = specification.time ? shape[1]! : 1;
  if (steps === 0) throw emptyError(specification, 'sequences without steps');
  const lengths = readLengths(specification, options.lengths, rows, steps);
  const width = stepWidth(specification);
  const target = allocate(specification, rows * steps * width, lengths === null);
  const whole = lengths === null && tensor.data instanceof Float32Array && target instanceof Float32Array;
  if (whole && copyFinite(tensor.data, target, specification)) return { data: target, rows, steps, longest: steps, lengths };
  for (let row = 0; row < rows; row++) {
    const start = row * steps * width;
    copyChecked(tensor.data, start, (lengths?.[row] ?? steps) * width, target, start, specification, row);
  }
  return { data: target, rows, steps, longest: steps, lengths };
}

function packRows(list: readonly unknown[], specification: DataSpecification, options: PackOptions, along?: Packed): Packed {
  if (list.length === 0) throw emptyError(specification, 'no rows');
  const rowLengths = list.map((row, index) => measureRow(row, specification, index));
  if (along) return packRowsAlong(list, rowLengths, specification, along);
  const longest = rowLengths.reduce((most, length) => Math.max(most, length), 1);
  const ragged = rowLengths.some((length) => length !== longest);
  if (ragged && options.lengths) {
    throw new BpttError('ERR_BPTT_DATA', `${specification.owner}: lengths belong to padded data, received sequences that have lengths of their own; leave lengths out`,
      { received: options.lengths });
  }
  const steps = ragged && options.round ? roundSteps(longest) : longest;
  const lengths = ragged ? Int32Array.from(rowLengths) : readLengths(specification, options.lengths, list.length, steps);
  const width = stepWidth(specification);
  const target = allocate(specification, list.length * steps * width, lengths === null);
  list.forEach((row, index) => copyRow(row, (lengths?.[index] ?? steps) * width, target, index * steps * width, specification, index));
  return { data: target, rows: list.length, steps, longest, lengths };
}

function packRowsAlong(list: readonly unknown[], rowLengths: readonly number[], specification: DataSpecification, { steps, longest, lengths, rows }: Packed): Packed {
  const width = stepWidth(specification);
  const data = allocate(specification, rows * steps * width);
  list.forEach((row, index) => {
    const length = lengths?.[index] ?? longest;
    const received = rowLengths[index]!;
    if (received !== length && received !== longest) throw stepsError(specification, length, received, index);
    copyRow(row, length * width, data, index * steps * width, specification, index);
  });
  return { data, rows, steps, longest, lengths };
}

/** Steps of one row, after checking that its shape is that of a row. */
function measureRow(row: unknown, specification: DataSpecification, index: number): number {
  const axes = specification.time ? 1 : 0;
  const measured = measure(row, specification);
  if (specification.time && measured[0] === 0) throw emptyError(specification, `sequence ${index} without steps`);
  const shape = withFeature(measured, axes, specification);
  const fits = shape.length === axes + specification.sizes.length && specification.sizes.every((size, i) => size === shape[axes + i]);
  if (!fits) throw shapeError(specification, `row ${index} of shape ${formatShape(measured)}`);
  return specification.time ? shape[0]! : 1;
}

function measure(value: unknown, specification: DataSpecification): readonly number[] {
  if (isTensor(value)) return requireTensor(specification.owner, value).shape;
  if (ArrayBuffer.isView(value)) return [requireReadable(specification.owner, value).length];
  if (Array.isArray(value)) return value.length === 0 ? [0] : [value.length, ...measure(value[0], specification)];
  return [];
}

/** Where there is one feature, its axis may be left out. */
function withFeature(shape: readonly number[], axes: number, specification: DataSpecification): readonly number[] {
  return specification.sizes.length === 1 && specification.sizes[0] === 1 && shape.length === axes ? [...shape, 1] : shape;
}

function copyRow(row: unknown, count: number, target: FloatArray | Int32Array, offset: number, specification: DataSpecification, index: number): void {
  if (isTensor(row)) copyChecked(row.data, 0, count, target, offset, specification, index);
  else if (ArrayBuffer.isView(row)) copyChecked(row as NumberArray, 0, count, target, offset, specification, index);
  else if (Array.isArray(row)) {
    const flat: unknown[] = [];
    flatten(row, measure(row, specification), flat, specification, index);
    copyChecked(flat, 0, count, target, offset, specification, index);
  } else copyChecked([row], 0, 1, target, offset, specification, index);
}

function flatten(value: unknown, shape: readonly number[], flat: unknown[], specification: DataSpecification, row: number): void {
  const received = measureHere(value);
  if (received !== (shape[0] ?? -1)) {
    throw shapeError(specification, `row ${row} with parts of different sizes (${shape[0] ?? 'a number'} and ${received === -1 ? describe(value) : received})`);
  }
  if (received === -1) flat.push(value);
  else if (Array.isArray(value)) for (const part of value as unknown[]) flatten(part, shape.slice(1), flat, specification, row);
  else for (const element of isTensor(value) ? value.data : (value as NumberArray)) flat.push(element);
}

function measureHere(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  if (isTensor(value)) return value.shape[0] ?? -1;
  return ArrayBuffer.isView(value) ? (value as NumberArray).length : -1;
}

function copyChecked(
  source: ArrayLike<unknown>, start: number, count: number, target: FloatArray | Int32Array, offset: number, specification: DataSpecification, row: number,
): void {
  const bound = specification.bound ?? Infinity;
  if (specification.type === 'int32') {
    if (source instanceof Float32Array || source instanceof Float64Array) {
      throw new BpttError('ERR_BPTT_TYPE', `${specification.owner}: expected whole numbers (Int32Array or arrays), received ${describe(source)}`,
        { expected: 'int32', received: source });
    }
    for (let i = 0; i < count; i++) {
      const number = source[start + i];
      if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number >= bound) throw tokenError(number, specification, row, i);
      target[offset + i] = number;
    }
    return;
  }
  if (source instanceof Float32Array && target instanceof Float32Array && source.length >= start + count) {
    if (copyFinite(source.subarray(start, start + count), target.subarray(offset, offset + count), specification)) return;
  }
  for (let i = 0; i < count; i++) {
    const number = source[start + i];
    if (typeof number !== 'number') throw numberError(number, specification, row, i);
    target[offset + i] = number;
    if (!Number.isFinite(target[offset + i]!)) throw numberError(number, specification, row, i);
  }
}

/** Fewer numbers are copied in the time that a call of native code takes. */
const leastNative = 128;

function copyFinite(from: Float32Array, to: Float32Array, specification: DataSpecification): boolean {
  if (specification.copyFinite && from.length >= leastNative) return specification.copyFinite(from, to);
  to.set(from);
  return allFinite(to);
}

/** Whether no number is infinite or none at all: 0 times such a number is not 0. */
function allFinite(numbers: Float32Array): boolean {
  // Four sums, since one would wait for itself.
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= numbers.length; i += 4) {
    a += numbers[i]! * 0;
    b += numbers[i + 1]! * 0;
    c += numbers[i + 2]! * 0;
    d += numbers[i + 3]! * 0;
  }
  for (; i < numbers.length; i++) a += numbers[i]! * 0;
  return a + b + c + d === 0;
}

function place(specification: DataSpecification, row: number, position: number): string {
  const width = stepWidth(specification);
  const parts = [`row ${row}`];
  if (specification.time) parts.push(`step ${Math.floor(position / width)}`);
  if (specification.sizes.length > 0) parts.push(`feature ${position % width}`);
  return parts.join(', ');
}

function tokenError(received: unknown, specification: DataSpecification, row: number, position: number): BpttError {
  const at = place(specification, row, position);
  if (typeof received !== 'number' || !Number.isInteger(received)) {
    return new BpttError('ERR_BPTT_TYPE', `${specification.owner}: expected a whole number at ${at}, received ${describe(received)}`, { expected: 'integer', received });
  }
  const range = specification.bound === undefined ? '0 or more' : `from 0 to ${specification.bound - 1}`;
  return new BpttError('ERR_BPTT_VOCABULARY', `${specification.owner}: expected a token ${range} at ${at}, received ${received}`, { expected: range, received });
}

function numberError(received: unknown, specification: DataSpecification, row: number, position: number): BpttError {
  const at = place(specification, row, position);
  if (typeof received !== 'number') {
    return new BpttError('ERR_BPTT_TYPE', `${specification.owner}: expected a number at ${at}, received ${describe(received)}`, { expected: 'number', received });
  }
  return new BpttError('ERR_BPTT_DATA', `${specification.owner}: expected a finite number at ${at}, received ${received}; remove or fill in missing values first`,
    { expected: 'finite number', received });
}

function emptyError(specification: DataSpecification, what: string): BpttError {
  return new BpttError('ERR_BPTT_DATA', `${specification.owner}: expected at least one row and one step in each, received ${what}`,
    { expected: expectedShape(specification), received: what });
}

function readLengths(specification: DataSpecification, lengths: ArrayLike<number> | undefined, rows: number, steps: number): Int32Array | null {
  if (lengths === undefined) return null;
  if (!specification.time) throw new BpttError('ERR_BPTT_OPTION', `${specification.owner}: lengths need a time axis, which ${expectedShape(specification)} has not`, { received: lengths });
  if (lengths === null || typeof lengths !== 'object' || lengths.length !== rows) {
    throw new BpttError('ERR_BPTT_SHAPE', `${specification.owner}: expected ${rows} lengths, one for each row, received ${describe(lengths)}`, { expected: rows, received: lengths });
  }
  for (let row = 0; row < rows; row++) {
    const length = lengths[row]!;
    if (Number.isInteger(length) && length >= 1 && length <= steps) continue;
    throw new BpttError('ERR_BPTT_DATA', `${specification.owner}: expected the length of row ${row} from 1 to ${steps}, received ${describe(length)}`,
      { expected: `1 to ${steps}`, received: length });
  }
  const copy = Int32Array.from(lengths);
  return copy.every((length) => length === steps) ? null : copy;
}

function stepWidth(specification: DataSpecification): number {
  return specification.sizes.reduce((product, size) => product * size, 1);
}

/** @param filled whether every number is written before any is read: otherwise they must be zeros. */
function allocate(specification: DataSpecification, count: number, filled = false): FloatArray | Int32Array {
  if (specification.take && specification.type === 'float32' && !specification.double) return specification.take(count, filled);
  if (specification.type === 'int32') return new Int32Array(count);
  return specification.double ? new Float64Array(count) : new Float32Array(count);
}
