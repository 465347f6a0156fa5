import { BpttError, describe } from '../errors.ts';

/** Typed arrays that hold ordinary numbers (the 64-bit integer ones do not). */
export type NumberArray =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** Numbers with a shape, row-major. */
export interface Tensor<Numbers extends NumberArray = NumberArray> {
  readonly data: Numbers;
  readonly shape: readonly number[];
}

/** Arrays of numbers to any depth; a leaf may be a typed array or a tensor. */
export type Nested = readonly (number | NumberArray | Tensor | Nested)[];

/** Every form in which numbers may be given: with a shape, flat (rank 1), or nested, where sequences may differ in length. */
export type Data = Tensor | NumberArray | Nested;

/** Floats that a run gives back: float32 from the engine, float64 from the reference runtime. */
export type FloatArray = Float32Array | Float64Array;

export function isNumberArray(value: unknown): value is NumberArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array);
}

export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'data' in value && 'shape' in value && Array.isArray(value.shape) && ArrayBuffer.isView(value.data);
}

export function isData(value: unknown): value is Data {
  return Array.isArray(value) || ArrayBuffer.isView(value) || isTensor(value);
}

/** @throws ERR_BPTT_TYPE for anything but a typed array of numbers; ERR_BPTT_DATA when its memory was transferred away. */
export function requireReadable(owner: string, array: unknown): NumberArray {
  if (!isNumberArray(array)) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected a typed array of numbers, received ${describe(array)}`, { expected: 'typed array', received: array });
  }
  if (array.byteLength === 0 && isDetached(array.buffer)) {
    throw new BpttError('ERR_BPTT_DATA',
      `${owner}: the typed array's memory was transferred away (detached), nothing is left to read; pass a copy to postMessage or structuredClone`,
      { expected: 'attached buffer', received: 'detached buffer' });
  }
  return array;
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length !== buffer.byteLength;
  } catch {
    return true;
  }
}

/**
 * A copy of a list of tokens.
 * @throws ERR_BPTT_TYPE for anything but an array of numbers; ERR_BPTT_DATA when its memory was transferred away; ERR_BPTT_VOCABULARY for what is no whole
 * number from 0 on.
 */
export function readTokens(owner: string, tokens: unknown): Int32Array {
  const list: ArrayLike<unknown> = Array.isArray(tokens) ? tokens : requireReadable(owner, tokens);
  const copy = new Int32Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const token = list[i];
    copy[i] = token as number;
    if (copy[i] === token && copy[i]! >= 0) continue;
    throw new BpttError('ERR_BPTT_VOCABULARY', `${owner}: expected whole numbers from 0 on as tokens, received ${describe(token)} at place ${i}; encode text by a vocabulary first`,
      { expected: 'token', received: token });
  }
  return copy;
}

/** Checks that a tensor's shape has whole sizes and as many elements as its data. */
export function requireTensor(owner: string, tensor: Tensor): Tensor {
  const data = requireReadable(owner, tensor.data);
  for (const size of tensor.shape) {
    if (Number.isSafeInteger(size) && size >= 0) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected a shape of whole numbers, received [${tensor.shape.join(', ')}]`, { received: tensor.shape });
  }
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  if (count === data.length) return tensor;
  throw new BpttError('ERR_BPTT_SHAPE',
    `${owner}: the shape [${tensor.shape.join(', ')}] holds ${count} numbers, received ${describe(data)}`, { expected: count, received: data.length });
}

/** What a run gives: numbers with a shape, and for sequences how many steps of each row are valid. Steps beyond them are zero. */
export class Output<Numbers extends NumberArray = FloatArray> implements Tensor<Numbers> {
  /** Row-major. */
  readonly data: Numbers;
  /** [N, T, …] for sequences, else [N, …]. */
  readonly shape: readonly number[];
  /** Valid steps of each row; null where there is no time axis. */
  readonly lengths: Int32Array | null;

  constructor(data: Numbers, shape: readonly number[], lengths: Int32Array | null) {
    this.data = data;
    this.shape = shape;
    this.lengths = lengths;
  }

  /**
   * A view of one row's valid part: [T_row, …] for sequences, else […].
   * @throws ERR_BPTT_RANGE when there is no such row.
   */
  row(index: number): Tensor<Numbers> {
    const rows = this.shape[0] ?? 0;
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new BpttError('ERR_BPTT_RANGE', `expected a row from 0 to ${rows - 1}, received ${describe(index)}`, { expected: rows, received: index });
    }
    const rest = this.shape.slice(1);
    const stride = rest.reduce((product, size) => product * size, 1);
    if (this.lengths) rest[0] = this.lengths[index]!;
    const count = rest.reduce((product, size) => product * size, 1);
    return { data: this.data.subarray(index * stride, index * stride + count) as Numbers, shape: rest };
  }

  /** Nested arrays of plain numbers; sequences of different lengths give arrays of different lengths. */
  toArray(): Nested {
    return Array.from({ length: this.shape[0] ?? 0 }, (_, index) => {
      const row = this.row(index);
      return nest(row.data, row.shape);
    });
  }
}

/** Nested arrays of plain numbers from flat ones. */
export function nest(data: NumberArray, shape: readonly number[], offset = 0): number | Nested {
  if (shape.length === 0) return data[offset]!;
  const rest = shape.slice(1);
  const stride = rest.reduce((product, size) => product * size, 1);
  return Array.from({ length: shape[0]! }, (_, i) => nest(data, rest, offset + i * stride));
}
