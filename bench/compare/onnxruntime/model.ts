/** An ONNX model of one LSTM, written as protocol buffers by hand: the few messages that it takes. */
import type { Bundle } from '../../support/bundle.ts';

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

/** A field of a whole number. */
function whole(field: number, value: number): Buffer {
  return Buffer.from([...varint(field * 8), ...varint(value)]);
}

/** A field of bytes: a text, a message or packed numbers. */
function bytes(field: number, content: Uint8Array | string): Buffer {
  const data = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(data.length)]), data]);
}

const message = (...fields: readonly Buffer[]): Buffer => Buffer.concat(fields);

/** TensorProto: dims 1, data_type 2 (1 = float), name 8, raw_data 9. */
function tensor(name: string, shape: readonly number[], data: Float32Array): Buffer {
  return message(...shape.map((size) => whole(1, size)), whole(2, 1), bytes(8, name), bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } }. */
function valueInfo(name: string, shape: readonly number[]): Buffer {
  const sizes = message(...shape.map((size) => bytes(1, whole(1, size))));
  return message(bytes(1, name), bytes(2, bytes(1, message(whole(1, 1), bytes(2, sizes)))));
}

/** AttributeProto of an integer: name 1, i 3, type 20 (2 = INT). */
function integer(name: string, value: number): Buffer {
  return message(bytes(1, name), whole(3, value), whole(20, 2));
}

/** [in, 4·H] with gates i f g o → [4·H, in] with gates i o f c. */
function toOnnx(data: Float32Array, inputs: number, units: number): Float32Array {
  const result = new Float32Array(data.length);
  [0, 3, 1, 2].forEach((gate, place) => {
    for (let unit = 0; unit < units; unit++) {
      for (let i = 0; i < inputs; i++) result[(place * units + unit) * inputs + i] = data[i * 4 * units + gate * units + unit]!;
    }
  });
  return result;
}

/** Inputs x [T, N, I], h0 and c0 [1, N, H]; outputs y [T, 1, N, H], h and c [1, N, H]. */
export function lstmModel(numbers: Bundle, steps: number): Buffer {
  const [features, gates] = numbers['w']!.shape as [number, number];
  const rows = numbers['h0']!.shape[0]!;
  const units = gates / 4;
  const bias = new Float32Array(8 * units);
  bias.set(toOnnx(numbers['b']!.data, 1, units));
  const node = message(
    ...['x', 'w', 'u', 'b', '', 'h0', 'c0'].map((name) => bytes(1, name)), ...['y', 'h', 'c'].map((name) => bytes(2, name)), bytes(4, 'LSTM'), bytes(5, integer('hidden_size', units)));
  const state = [1, rows, units];
  const graph = message(
    bytes(1, node), bytes(2, 'lstm'),
    bytes(5, tensor('w', [1, gates, features], toOnnx(numbers['w']!.data, features, units))),
    bytes(5, tensor('u', [1, gates, units], toOnnx(numbers['u']!.data, units, units))),
    bytes(5, tensor('b', [1, 8 * units], bias)),
    bytes(11, valueInfo('x', [steps, rows, features])), bytes(11, valueInfo('h0', state)), bytes(11, valueInfo('c0', state)),
    bytes(12, valueInfo('y', [steps, 1, rows, units])), bytes(12, valueInfo('h', state)), bytes(12, valueInfo('c', state)));
  return message(whole(1, 8), bytes(2, 'bench'), bytes(7, graph), bytes(8, message(bytes(1, ''), whole(2, 14))));
}
