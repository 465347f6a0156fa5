import assert from 'node:assert/strict';
import { characters, readNpy, readWordVectors, words } from '../../lib/data/index.ts';
import { embedding, referenceRuntime, sequential } from '../../lib/index.ts';
import { assertThrows } from '../support/errors.ts';

const text = '3 2\nthe 0.5 -1\nof 2 3e-1\nfrance 4 5\n';

/** word2vec's binary form, with the line break that the original tool writes behind each vector. */
function binary(entries: readonly (readonly [string, number[]])[], count = entries.length): Uint8Array {
  const parts = entries.map(([word, numbers]) => Buffer.concat([Buffer.from(`${word} `), Buffer.from(Float32Array.from(numbers).buffer), Buffer.from('\n')]));
  return Buffer.concat([Buffer.from(`${count} ${entries[0]![1].length}\n`), ...parts]);
}

describe('readWordVectors', () => {
  it('[110] reads the text form with and without its first line, and the binary form, alike', () => {
    const withHeader = readWordVectors(text);
    const without = readWordVectors(text.slice(4));
    const bytes = readWordVectors(binary([['the', [0.5, -1]], ['of', [2, 0.3]], ['france', [4, 5]]]));
    for (const vectors of [withHeader, without, bytes]) {
      assert.deepEqual([vectors.words, vectors.size], [['the', 'of', 'france'], 2]);
      assert.deepEqual([...vectors.vector('of')!], [2, Math.fround(0.3)]);
      assert.equal(vectors.vector('Of'), null);
    }
  });
  it('[110] gives the table of an embedding: known words in their places, capitals by their small letters, the rest drawn from a seed', async () => {
    const vocabulary = words('The the of France unheard');
    const vectors = readWordVectors(text, { vocabulary });
    const table = vectors.table(vocabulary, { seed: 3 });
    assert.deepEqual([table.shape, table.found, table.missing], [[6, 2], 4, ['<unknown>', 'unheard']]);
    const model = sequential([embedding({ size: 2 })], { input: vocabulary, runtime: referenceRuntime });
    model.setParameter('embedding/weight', table);
    const { output } = await model.predict([[...vocabulary.encode('The of France')]]);
    assert.deepEqual([...output.data], [0.5, -1, 2, Math.fround(0.3), 4, 5]);
    const drawn = [...table.data.subarray(2 * vocabulary.numberOf('unheard')).subarray(0, 2)];
    assert.ok(drawn.every((value) => value !== 0 && Math.abs(value) <= 0.05));
    assert.deepEqual(vectors.table(vocabulary, { seed: 3 }).data, table.data);
    assert.notDeepEqual(vectors.table(vocabulary, { seed: 4 }).data, table.data);
  });
  it('keeps the first words only, those of a vocabulary only, and words with spaces', () => {
    assert.deepEqual(readWordVectors(text, { limit: 2 }).words, ['the', 'of']);
    assert.deepEqual(readWordVectors(text, { vocabulary: words('of all') }).words, ['of']);
    assert.deepEqual(readWordVectors('a 1 2\n. . . 3 4\n').words, ['a', '. . .']);
  });
  it('refuses files that do not hold together, naming the line', () => {
    assertThrows(() => readWordVectors('a 1 2\nb 3\n'), 'ERR_BPTT_FORMAT', /2 finite numbers in line 2/);
    assertThrows(() => readWordVectors('a 1 x\n'), 'ERR_BPTT_FORMAT', /line 1/);
    assertThrows(() => readWordVectors('4 2\na 1 2\n'), 'ERR_BPTT_FORMAT', /4 words/);
    assertThrows(() => readWordVectors(''), 'ERR_BPTT_FORMAT', /at least one word/);
    assertThrows(() => readWordVectors(binary([['a', [1, 2]]], 2)), 'ERR_BPTT_FORMAT', /2 words/);
    assertThrows(() => readWordVectors(new Uint8Array([1, 2, 3])), 'ERR_BPTT_FORMAT', /first line/);
    assertThrows(() => readWordVectors(7 as never), 'ERR_BPTT_TYPE');
    assertThrows(() => readWordVectors(text, { limits: 2 } as never), 'ERR_BPTT_OPTION', /did you mean "limit"/);
    assertThrows(() => readWordVectors(text).table(characters('ab'), { missing: -1 }), 'ERR_BPTT_RANGE');
  });
});

describe('readNpy', () => {
  const file = (dtype: string, fortran: boolean, shape: string, body: Buffer): Uint8Array => {
    const text = `{'descr': '${dtype}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }`.padEnd(117) + '\n';
    return Buffer.concat([Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]), Buffer.from(text), body]);
  };
  // Written by NumPy 2.4.6 (numpy.save).
  const saved = Buffer.from('k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPgAAAD8AAEA/AACAPwAAoD8=', 'base64');

  it('[110] reads what NumPy saves, into an embedding', () => {
    const { data, shape } = readNpy(saved);
    assert.deepEqual([data, shape], [Float32Array.from([0, 0.25, 0.5, 0.75, 1, 1.25]), [2, 3]]);
    const model = sequential([embedding({ size: 3 })], { input: { tokens: 2 } });
    model.setParameter('embedding/weight', readNpy(saved));
    assert.deepEqual([...model.parameter('embedding/weight').view], [...data]);
  });
  it('reads the other byte order, columns first, integers and booleans', () => {
    const big = Buffer.alloc(48);
    [0, 3, 1, 4, 2, 5].forEach((value, i) => big.writeDoubleBE(value, 8 * i));
    assert.deepEqual(readNpy(file('>f8', true, '(2, 3)', big)), { data: Float64Array.from([0, 1, 2, 3, 4, 5]), shape: [2, 3] });
    const wide = Buffer.alloc(16);
    wide.writeBigInt64LE(-(2n ** 40n), 8);
    assert.deepEqual(readNpy(file('<i8', false, '(2,)', wide)).data, Float64Array.from([0, -(2 ** 40)]));
    assert.deepEqual(readNpy(file('|b1', false, '(2,)', Buffer.from([1, 0]))).data, Uint8Array.from([1, 0]));
    assert.deepEqual(readNpy(file('<i2', false, '()', Buffer.from([255, 255]))), { data: Int16Array.from([-1]), shape: [] });
  });
  it('refuses other bytes, types and sizes', () => {
    assertThrows(() => readNpy(Buffer.from('PK\x03\x04 and more bytes')), 'ERR_BPTT_FORMAT', /NUMPY/);
    assertThrows(() => readNpy(saved.subarray(0, saved.length - 1)), 'ERR_BPTT_FORMAT', /24 bytes of numbers for shape \[2, 3\]/);
    assertThrows(() => readNpy(saved.subarray(0, 40)), 'ERR_BPTT_FORMAT', /header/);
    assertThrows(() => readNpy(file('<c8', false, '(1,)', Buffer.alloc(8))), 'ERR_BPTT_FORMAT', /numbers of type/);
    assertThrows(() => readNpy(file('|O', false, '(1,)', Buffer.alloc(8))), 'ERR_BPTT_FORMAT', /plain numbers/);
    assertThrows(() => readNpy('vectors.npy' as never), 'ERR_BPTT_TYPE');
    const huge = Buffer.alloc(8);
    huge.writeBigInt64LE(2n ** 60n);
    assertThrows(() => readNpy(file('<i8', false, '(1,)', huge)), 'ERR_BPTT_DATA', /2\^53/);
  });
});
