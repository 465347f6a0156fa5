import { BpttError, describe, formatShape } from '../errors.ts';

/** A tensor as it stands in a file: row-major, with its own memory. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
}

/** What a file holds. Order is the file's. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

type Dtype = 'F32' | 'F64' | 'I32' | 'I64' | 'U8' | 'BOOL';

const elementBytes: Readonly<Record<Dtype, number>> = { F32: 4, F64: 8, I32: 4, I64: 8, U8: 1, BOOL: 1 };

/** The format's own limit, which keeps a hostile length from being believed. */
const largestHeader = 100_000_000;

function dtypeOf(data: StoredTensor['data']): Dtype {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Int32Array) return 'I32';
  return data instanceof BigInt64Array ? 'I64' : 'U8';
}

function typedArray(dtype: Dtype, buffer: ArrayBuffer): StoredTensor['data'] {
  switch (dtype) {
    case 'F32': return new Float32Array(buffer);
    case 'F64': return new Float64Array(buffer);
    case 'I32': return new Int32Array(buffer);
    case 'I64': return new BigInt64Array(buffer);
    case 'U8':
    case 'BOOL': return new Uint8Array(buffer);
  }
}

/**
 * The bytes of a safetensors file: an 8-byte header length, a JSON header, the tensors one after the other.
 * @throws ERR_BPTT_FORMAT when a tensor's data do not fill its shape, or a name is used by the format itself.
 */
export function encodeSafetensors(tensors: ReadonlyMap<string, StoredTensor>, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (name === '__metadata__') throw new BpttError('ERR_BPTT_FORMAT', 'a tensor may not be called "__metadata__": the format keeps that name for itself');
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== data.length) {
      throw new BpttError('ERR_BPTT_FORMAT', `tensor "${name}": expected ${count} elements for shape ${formatShape(shape)}, received ${data.length}`,
        { expected: count, received: data.length });
    }
    header.push([name, { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded);
  bytes.set(text, 8);
  let position = 8 + padded;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Reads one file, naming it in every complaint. */
class Reader {
  readonly source: string;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, source: string) {
    this.bytes = bytes;
    this.source = source;
  }

  fail(problem: string, details: { expected?: unknown; received?: unknown; cause?: unknown } = {}): never {
    throw new BpttError('ERR_BPTT_FORMAT', `${this.source}: ${problem}; the file is damaged or of another kind: write it again or restore it`, details);
  }

  /** The header as unchecked JSON, and where the data begin. */
  header(): { json: Record<string, unknown>; dataBegin: number } {
    const { bytes } = this;
    if (bytes.length < 8) this.fail(`expected at least 8 bytes of safetensors, received ${bytes.length}`);
    const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    const most = Math.min(bytes.length - 8, largestHeader);
    if (length > BigInt(most)) this.fail(`expected a header of at most ${most} bytes, received a length of ${length}`, { expected: most, received: length });
    const dataBegin = 8 + Number(length);
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataBegin)));
    } catch (cause) {
      this.fail(`expected a header in JSON (${(cause as Error).message})`, { cause });
    }
    if (typeof json !== 'object' || json === null || Array.isArray(json)) this.fail(`expected the header to be an object, received ${describe(json)}`);
    return { json: json as Record<string, unknown>, dataBegin };
  }

  metadata(value: unknown): Record<string, string> {
    if (value === undefined) return {};
    const isText = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((text) => typeof text === 'string');
    if (!isText) this.fail('expected __metadata__ to hold text only');
    return value as Record<string, string>;
  }

  entry(name: string, value: unknown): Entry {
    if (typeof value !== 'object' || value === null) this.fail(`tensor "${name}": expected a description, received ${describe(value)}`);
    const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
    if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype)) {
      this.fail(`tensor "${name}": expected a dtype of ${Object.keys(elementBytes).join(', ')}, received ${describe(dtype)}`, { received: dtype });
    }
    if (!Array.isArray(shape) || !shape.every(isSize)) this.fail(`tensor "${name}": expected a shape of whole numbers, received ${describe(shape)}`);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) this.fail(`tensor "${name}": expected two data_offsets, received ${describe(offsets)}`);
    const [begin, end] = offsets as [number, number];
    const expected = shape.reduce<number>((product, size) => product * (size), elementBytes[dtype as Dtype]);
    if (end - begin !== expected) {
      this.fail(`tensor "${name}": expected ${expected} bytes for ${dtype} ${formatShape(shape)}, received offsets ${begin} to ${end}`);
    }
    return { name, dtype: dtype as Dtype, shape: shape, begin, end };
  }

  /** Tensors must lie side by side from the first byte to the last: nothing shared, nothing hidden. */
  checkLayout(entries: readonly Entry[], dataBytes: number): void {
    let position = 0;
    for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
      if (begin !== position) this.fail(`tensor "${name}": expected to begin at byte ${position} of the data, received ${begin}: tensors ${begin < position ? 'overlap' : 'leave a gap'}`);
      position = end;
    }
    if (position !== dataBytes) this.fail(`expected ${position} bytes of data, received ${dataBytes}: the file was ${dataBytes < position ? 'cut short' : 'added to'}`);
  }
}

/**
 * Reads the bytes of a safetensors file and copies each tensor out.
 * @param source how messages call the file.
 * @throws ERR_BPTT_FORMAT for anything but a whole, well-formed file: every length, type and offset is checked before it is used.
 */
export function decodeSafetensors(bytes: Uint8Array, source = 'safetensors'): TensorFile {
  const reader = new Reader(bytes, source);
  const { json, dataBegin } = reader.header();
  const { __metadata__: metadata, ...described } = json;
  const entries = Object.entries(described).map(([name, value]) => reader.entry(name, value));
  reader.checkLayout(entries, bytes.length - dataBegin);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const copy = Uint8Array.from(bytes.subarray(dataBegin + begin, dataBegin + end));
    tensors.set(name, { shape, data: typedArray(dtype, copy.buffer) });
  }
  return { tensors, metadata: reader.metadata(metadata) };
}
