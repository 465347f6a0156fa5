import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BpttError } from '../../lib/errors.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../../lib/formats/safetensors.ts';

const example = new Map<string, StoredTensor>([
  ['weight_ih_l0', { shape: [2, 3], data: Float32Array.of(1, -0, 2.5, Infinity, NaN, 6) }],
  ['flags', { shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ['count', { shape: [], data: BigInt64Array.of(-5n) }],
  ['moment', { shape: [1, 0], data: new Float64Array(0) }],
  ['__proto__', { shape: [1], data: Int32Array.of(7) }],
]);

/** A file with any header text and any data. */
function file(header: unknown, data = new Uint8Array(0), length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function assertRejects(bytes: Uint8Array, message: RegExp): void {
  assert.throws(() => decodeSafetensors(bytes, 'x.safetensors'), (error: unknown) => {
    assert.ok(error instanceof BpttError, String(error));
    assert.equal(error.code, 'ERR_BPTT_FORMAT');
    assert.match(error.message, /^x\.safetensors: /);
    assert.match(error.message, message);
    return true;
  });
}

const tensor = (begin: number, end: number, extra: object = {}): object => ({ dtype: 'F32', shape: [(end - begin) / 4], data_offsets: [begin, end], ...extra });

describe('safetensors', () => {
  it('gives back what it was given, bit for bit', () => {
    const { tensors, metadata } = decodeSafetensors(encodeSafetensors(example, { format: 'bptt' }));
    assert.deepEqual([...tensors], [...example]);
    assert.deepEqual(metadata, { format: 'bptt' });
  });

  it('lays the file out as the format says', () => {
    const bytes = encodeSafetensors(new Map([['a', { shape: [1], data: Float32Array.of(1) }]]));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assert.equal(length % 8, 0);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))), { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    assert.deepEqual([...bytes.subarray(8 + length)], [0, 0, 0x80, 0x3f]);
  });

  it('reads from a subarray at an odd offset and owns what it gives', () => {
    const bytes = encodeSafetensors(example);
    const odd = new Uint8Array(bytes.length + 3);
    odd.set(bytes, 3);
    const { tensors } = decodeSafetensors(odd.subarray(3));
    odd.fill(0);
    assert.deepEqual([...tensors], [...example]);
  });

  it('refuses to write data that do not fill their shape', () => {
    assert.throws(() => encodeSafetensors(new Map([['a', { shape: [2], data: Float32Array.of(1) }]])), /tensor "a": expected 2 elements for shape \[2\], received 1/);
    assert.throws(() => encodeSafetensors(new Map([['__metadata__', { shape: [1], data: Float32Array.of(1) }]])), /keeps that name/);
  });

  it('refuses every truncation', () => {
    const bytes = encodeSafetensors(example);
    for (let length = 0; length < bytes.length; length++) assert.throws(() => decodeSafetensors(bytes.subarray(0, length)), { code: 'ERR_BPTT_FORMAT' }, `length ${length}`);
  });

  it('refuses a header longer than the file or than the format allows', () => {
    assertRejects(file('{}', undefined, 3n), /header of at most 2 bytes, received a length of 3/);
    assertRejects(file('{}', undefined, 2n ** 63n), /received a length of 9223372036854775808/);
  });

  it('refuses a header that is not an object in UTF-8 JSON', () => {
    assertRejects(file('{"a":'), /header in JSON/);
    assertRejects(file('[]'), /header to be an object, received array of 0/);
    assertRejects(file('null'), /received null/);
    assertRejects(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff), /header in JSON/);
    assertRejects(file('['.repeat(100_000)), /header in JSON/);
  });

  it('refuses tensors that overlap, leave gaps or reach beyond the data', () => {
    assertRejects(file({ a: tensor(0, 8), b: tensor(4, 12) }, new Uint8Array(12)), /overlap/);
    assertRejects(file({ a: tensor(0, 4), b: tensor(8, 12) }, new Uint8Array(12)), /gap/);
    assertRejects(file({ a: tensor(0, 8) }, new Uint8Array(4)), /cut short/);
    assertRejects(file({ a: tensor(0, 4) }, new Uint8Array(8)), /added to/);
  });

  it('refuses wrong types, shapes and offsets', () => {
    assertRejects(file({ a: tensor(0, 4, { dtype: 'F8' }) }, new Uint8Array(4)), /dtype of F32, .*received "F8"/);
    assertRejects(file({ a: tensor(0, 4, { dtype: 'constructor' }) }, new Uint8Array(4)), /dtype/);
    assertRejects(file({ a: tensor(0, 4, { shape: [-1] }) }, new Uint8Array(4)), /shape of whole numbers/);
    assertRejects(file({ a: tensor(0, 4, { shape: [2] }) }, new Uint8Array(4)), /expected 8 bytes for F32 \[2\]/);
    assertRejects(file({ a: tensor(0, 4, { shape: [2 ** 52, 2 ** 52] }) }, new Uint8Array(4)), /bytes for F32/);
    assertRejects(file({ a: tensor(0, 4, { data_offsets: [0] }) }, new Uint8Array(4)), /two data_offsets/);
    assertRejects(file({ a: tensor(0, 4, { data_offsets: [4, 0] }) }, new Uint8Array(4)), /offsets 4 to 0/);
    assertRejects(file({ a: 5 }), /expected a description, received 5/);
    assertRejects(file({ __metadata__: { a: 5 } }), /__metadata__ to hold text/);
  });

  it('answers random bytes and flipped bits with a typed error or tensors, nothing else', () => {
    const valid = encodeSafetensors(example);
    const attempt = (bytes: Uint8Array): void => {
      try {
        decodeSafetensors(bytes);
      } catch (error) {
        assert.ok(error instanceof BpttError && error.code === 'ERR_BPTT_FORMAT', String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
    fc.assert(fc.property(fc.nat(valid.length - 1), fc.nat(255), (at, value) => {
      const bytes = valid.slice();
      bytes[at] = value;
      attempt(bytes);
    }), { numRuns: 1000 });
  });
});
