import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import { pack, roundSteps } from '../../lib/data/pack.ts';
import { ScratchMemory } from '../../lib/data/scratchMemory.ts';
import { Output } from '../../lib/data/tensor.ts';
import type { Data } from '../../lib/data/index.ts';
import { assertThrows } from '../support/errors.ts';

const frames = { owner: 'input "frames"', type: 'float32', time: true, sizes: [2], double: false } as const;
const tokens = { owner: 'input "tokens"', type: 'int32', time: true, sizes: [], bound: 5, double: false } as const;
const features = { owner: 'input "features"', type: 'float32', time: false, sizes: [3], double: false } as const;
const single = { owner: 'input "series"', type: 'float32', time: true, sizes: [1], double: false } as const;

describe('data: what comes in at the door', () => {
  it('takes the same numbers in every form', () => {
    const expected = [1, 2, 3, 4, 5, 6, 7, 8];
    const forms: Data[] = [
      { data: Float32Array.from(expected), shape: [2, 2, 2] },
      { data: Float64Array.from(expected), shape: [2, 2, 2] },
      { data: Uint8Array.from(expected), shape: [2, 2, 2] },
      [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
      [[new Float32Array([1, 2]), [3, 4]], [[5, 6], [7, 8]]],
      [{ data: new Float32Array([1, 2, 3, 4]), shape: [2, 2] }, { data: new Float32Array([5, 6, 7, 8]), shape: [2, 2] }],
    ];
    for (const form of forms) {
      const packed = pack(form, frames);
      assert.deepEqual([...packed.data], expected);
      assert.deepEqual([packed.rows, packed.steps, packed.lengths], [2, 2, null]);
    }
  });

  it('takes a subarray by its offset and a shared buffer by copy', () => {
    const whole = Float32Array.from([9, 9, 1, 2, 3, 4]);
    assert.deepEqual([...pack({ data: whole.subarray(2), shape: [1, 2, 2] }, frames).data], [1, 2, 3, 4]);
    const shared = new Float32Array(new SharedArrayBuffer(16));
    shared.set([1, 2, 3, 4]);
    const packed = pack({ data: shared, shape: [1, 2, 2] }, frames);
    shared.fill(0);
    assert.deepEqual([...packed.data], [1, 2, 3, 4]);
    assert.ok(!(packed.data.buffer instanceof SharedArrayBuffer));
  });

  it('says that a detached buffer is detached', () => {
    const data = new Float32Array(4);
    new MessageChannel().port1.postMessage(data, [data.buffer]);
    assertThrows(() => pack({ data, shape: [1, 2, 2] }, frames), 'ERR_BPTT_DATA', /detached/);
    assertThrows(() => pack([data], single), 'ERR_BPTT_DATA', /detached/);
  });

  it('pads sequences of different lengths with zeros', () => {
    const packed = pack([[1, 2, 3], Int32Array.of(4)], tokens);
    assert.deepEqual([...packed.data], [1, 2, 3, 4, 0, 0]);
    assert.deepEqual([...packed.lengths!], [3, 1]);
  });

  it('reads nothing beyond the given lengths', () => {
    const packed = pack({ data: new Float32Array([1, 2, NaN, NaN, 3, 4, 5, 6]), shape: [2, 2, 2] }, frames, { lengths: [1, 2] });
    assert.deepEqual([...packed.data], [1, 2, 0, 0, 3, 4, 5, 6]);
    assert.deepEqual([...packed.lengths!], [1, 2]);
    assertThrows(() => pack([[1, 2]], tokens, { lengths: [3] }), 'ERR_BPTT_DATA', /row 0 from 1 to 2, received 3/);
    assertThrows(() => pack([[1, 2]], tokens, { lengths: [0] }), 'ERR_BPTT_DATA');
    assertThrows(() => pack([[1, 2]], tokens, { lengths: [1, 2] }), 'ERR_BPTT_SHAPE');
    assertThrows(() => pack([[1, 2], [3]], tokens, { lengths: [2, 1] }), 'ERR_BPTT_DATA', /lengths of their own/);
    assertThrows(() => pack([[1, 2, 3]], features, { lengths: [1] }), 'ERR_BPTT_OPTION');
  });

  it('leaves out the axis of a single feature', () => {
    assert.deepEqual(pack([[1, 2], [3, 4]], single).data, new Float32Array([1, 2, 3, 4]));
    assert.deepEqual(pack({ data: new Float32Array(4), shape: [2, 2] }, single).steps, 2);
  });

  it('names the expected and the received shape', () => {
    assertThrows(() => pack({ data: new Float32Array(12), shape: [2, 2, 3] }, frames), 'ERR_BPTT_SHAPE', /input "frames": expected shape \[N, T, 2\], received \[2, 2, 3\]/);
    assertThrows(() => pack(new Float32Array(4), frames), 'ERR_BPTT_SHAPE', /received \[4\]/);
    assertThrows(() => pack({ data: new Float32Array(5), shape: [1, 2, 2] }, frames), 'ERR_BPTT_SHAPE', /holds 4 numbers, received Float32Array of 5/);
    assertThrows(() => pack({ data: new Float32Array(4), shape: [1, 2.5, 2] }, frames), 'ERR_BPTT_SHAPE');
    assertThrows(() => pack(new Int32Array([1, 2]), tokens), 'ERR_BPTT_SHAPE', /one sequence alone is a batch of one/);
    assertThrows(() => pack([[[1, 2], [3]]], frames), 'ERR_BPTT_SHAPE', /row 0/);
    assertThrows(() => pack([[[1, 2], 3]], frames), 'ERR_BPTT_SHAPE', /row 0/);
    assertThrows(() => pack([[1, 2], [3, 4, 5]], features), 'ERR_BPTT_SHAPE', /row 0 of shape \[2\]/);
  });

  it('rejects wrong types', () => {
    assertThrows(() => pack({ data: new Float32Array(2), shape: [1, 2] }, tokens), 'ERR_BPTT_TYPE', /whole numbers/);
    assertThrows(() => pack([[0.5]], tokens), 'ERR_BPTT_TYPE', /row 0, step 0/);
    assertThrows(() => pack([['a']] as never, tokens), 'ERR_BPTT_TYPE');
    assertThrows(() => pack([[[1, 'x']]] as never, frames), 'ERR_BPTT_TYPE', /step 0, feature 1/);
    assertThrows(() => pack('text' as never, tokens), 'ERR_BPTT_TYPE');
    assertThrows(() => pack(null as never, tokens), 'ERR_BPTT_TYPE');
    assertThrows(() => pack([[1n]] as never, tokens), 'ERR_BPTT_TYPE');
    assertThrows(() => pack({ data: new BigInt64Array(2), shape: [1, 2] } as never, tokens), 'ERR_BPTT_TYPE');
  });

  it('names where a number is missing or a token is a stranger', () => {
    assertThrows(() => pack({ data: new Float32Array([1, 2, 3, NaN]), shape: [1, 2, 2] }, frames), 'ERR_BPTT_DATA', /row 0, step 1, feature 1, received NaN/);
    assertThrows(() => pack([[[1, Infinity]]], frames), 'ERR_BPTT_DATA');
    assertThrows(() => pack([[0, 1], [4, 5]], tokens), 'ERR_BPTT_VOCABULARY', /from 0 to 4 at row 1, step 1, received 5/);
    assertThrows(() => pack([[-1]], tokens), 'ERR_BPTT_VOCABULARY');
  });

  it('says where a number is not finite to a copier that only says that one is', () => {
    const lengths: number[] = [];
    const copyFinite = (from: Float32Array, to: Float32Array): boolean => {
      lengths.push(from.length);
      to.set(from);
      return from.every(Number.isFinite);
    };
    const wide = { ...frames, sizes: [128] }, copied = { ...wide, copyFinite };
    const whole = Float32Array.from({ length: 512 }, (_, i) => i), tensor = { data: whole, shape: [2, 2, 128] };
    assert.deepEqual(pack(tensor, copied), pack(tensor, wide));
    assert.deepEqual(lengths.splice(0), [512]);
    assert.deepEqual(pack(tensor, copied, { lengths: [1, 2] }), pack(tensor, wide, { lengths: [1, 2] }));
    assert.deepEqual(lengths.splice(0), [128, 256]);
    assert.deepEqual(pack({ data: whole.subarray(0, 8), shape: [2, 2, 2] }, { ...frames, copyFinite }).data, whole.subarray(0, 8));
    assert.deepEqual(lengths.splice(0), [], 'few numbers are copied here');
    whole[257] = Infinity;
    assertThrows(() => pack(tensor, copied), 'ERR_BPTT_DATA', /row 1, step 0, feature 1, received Infinity/);
    assertThrows(() => pack([[whole.subarray(0, 128)], [whole.subarray(256, 384)]], copied), 'ERR_BPTT_DATA', /row 1, step 0, feature 1/);
  });

  it('pads memory that was used before with zeros', () => {
    const memory = new ScratchMemory();
    const reused = { ...frames, take: (length: number, filled: boolean) => memory.take(length, filled) };
    const data = new Float32Array(8).fill(3);
    const first = pack({ data, shape: [2, 2, 2] }, reused);
    memory.give(first.data as Float32Array);
    const second = pack({ data, shape: [2, 2, 2] }, reused, { lengths: [1, 2] });
    assert.equal(second.data, first.data);
    assert.deepEqual([...second.data], [3, 3, 0, 0, 3, 3, 3, 3]);
  });

  it('rejects empty data and empty sequences', () => {
    assertThrows(() => pack([], frames), 'ERR_BPTT_DATA');
    assertThrows(() => pack({ data: new Float32Array(0), shape: [0, 2, 2] }, frames), 'ERR_BPTT_DATA');
    assertThrows(() => pack({ data: new Float32Array(0), shape: [2, 0, 2] }, frames), 'ERR_BPTT_DATA');
    assertThrows(() => pack([[1], []], tokens), 'ERR_BPTT_DATA', /sequence 1 without steps/);
  });

  it('rounds T up by an eighth at most', () => {
    for (let length = 1; length < 3000; length++) {
      const rounded = roundSteps(length);
      assert.ok(rounded >= length && rounded <= length * 1.125);
    }
    assert.equal(pack([new Array<number>(33).fill(1), [1]], tokens, { round: true }).steps, 36);
  });

  it('gives rows and nested arrays back', () => {
    const output = new Output(new Float32Array([1, 2, 3, 4, 0, 0]), [1, 3, 2], Int32Array.of(2));
    assert.deepEqual(output.row(0), { data: new Float32Array([1, 2, 3, 4]), shape: [2, 2] });
    assert.deepEqual(output.toArray(), [[[1, 2], [3, 4]]]);
    assertThrows(() => output.row(1), 'ERR_BPTT_RANGE');
  });
});
