import { BpttError, describe } from '../errors.ts';
import { wrongType } from '../checks.ts';
import { requireReadable } from './tensor.ts';
import type { NumberArray, Tensor } from './tensor.ts';

type Reader = (view: DataView, offset: number, little: boolean) => number;

interface ElementKind {
  readonly bytes: number;
  readonly make: (count: number) => NumberArray;
  readonly read: Reader;
}

const safeInteger = (value: bigint): number => {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)) return Number(value);
  throw new BpttError('ERR_BPTT_DATA', `readNpy: expected integers within ±2^53, received ${value}`, { received: value });
};

/** What a NumPy type code is read as; 64-bit integers become doubles. */
const kinds: Readonly<Record<string, ElementKind>> = {
  f4: { bytes: 4, make: (count) => new Float32Array(count), read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, make: (count) => new Float64Array(count), read: (view, at, little) => view.getFloat64(at, little) },
  i1: { bytes: 1, make: (count) => new Int8Array(count), read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, make: (count) => new Int16Array(count), read: (view, at, little) => view.getInt16(at, little) },
  i4: { bytes: 4, make: (count) => new Int32Array(count), read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, make: (count) => new Float64Array(count), read: (view, at, little) => safeInteger(view.getBigInt64(at, little)) },
  u1: { bytes: 1, make: (count) => new Uint8Array(count), read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, make: (count) => new Uint16Array(count), read: (view, at, little) => view.getUint16(at, little) },
  u4: { bytes: 4, make: (count) => new Uint32Array(count), read: (view, at, little) => view.getUint32(at, little) },
  u8: { bytes: 8, make: (count) => new Float64Array(count), read: (view, at, little) => safeInteger(view.getBigUint64(at, little)) },
  b1: { bytes: 1, make: (count) => new Uint8Array(count), read: (view, at) => view.getUint8(at) },
};

interface Header {
  readonly kind: ElementKind;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly begin: number;
}

function malformed(expected: string, received: unknown): BpttError {
  return new BpttError('ERR_BPTT_FORMAT', `readNpy: expected ${expected}, received ${describe(received)}`, { expected, received });
}

function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || bytes[0] !== 0x93 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY') throw malformed('a file that begins with \\x93NUMPY', bytes);
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw malformed('format version 1, 2 or 3', version);
  const [size, begin] = version === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  if (begin + size > bytes.length) throw malformed(`a header of ${size} bytes`, bytes);
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(begin, begin + size));
  const type = /'descr'\s*:\s*'([<>|=])([a-z]\d+)'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const shape = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text);
  if (!type || !order || !shape) throw malformed('a header with descr, fortran_order and shape of plain numbers', text);
  const kind = kinds[type[2]!];
  if (!kind) throw malformed(`numbers of type ${Object.keys(kinds).join(', ')}`, type[2]);
  return { kind, little: type[1] !== '>', fortran: order[1] === 'True', shape: shape[1]!.split(',').map((part) => part.trim()).filter((part) => part !== '').map(Number), begin: begin + size };
}

/** The place in the file of each element in row-major order, for a file that has the first axis fastest. */
function fortranPlace(index: number, shape: readonly number[]): number {
  let [rest, place] = [index, 0];
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place += (rest % shape[axis]!) * strides[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return place;
}

/**
 * The array of a `.npy` file (NumPy's format, versions 1 to 3), row-major. Floats of 32 and 64 bits, integers and booleans are read in either byte order;
 * 64-bit integers become doubles.
 *
 * ```ts
 * model.setParameter('embedding/weight', readNpy(readFileSync('vectors.npy')));
 * ```
 * @throws ERR_BPTT_FORMAT for other bytes or types of numbers; ERR_BPTT_TYPE for anything but bytes; ERR_BPTT_DATA for integers beyond 2^53.
 */
export function readNpy(bytes: Uint8Array): Tensor {
  const owner = 'readNpy';
  if (!(requireReadable(owner, bytes) instanceof Uint8Array)) throw wrongType(owner, 'the file', 'its bytes, as readFileSync gives', bytes);
  const { kind, little, fortran, shape, begin } = readHeader(bytes);
  const count = shape.reduce((product, size) => product * size, 1);
  if (bytes.length - begin !== count * kind.bytes) throw malformed(`${count * kind.bytes} bytes of numbers for shape [${shape.join(', ')}]`, bytes.length - begin);
  const view = new DataView(bytes.buffer, bytes.byteOffset + begin, count * kind.bytes);
  const data = kind.make(count);
  for (let i = 0; i < count; i++) data[i] = kind.read(view, (fortran ? fortranPlace(i, shape) : i) * kind.bytes, little);
  return { data, shape };
}
