import assert from 'node:assert/strict';
import * as graph from '../../lib/graph/index.ts';
import { fillRandom, philox } from '../../lib/graph/philox.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';

const hexadecimal = (words: readonly number[]): string[] => words.map((word) => word.toString(16).padStart(8, '0'));
const ones = 0xffffffff;

function draw(key: [number, number], count: number, distribution: 'uniform' | 'normal', stream = 0): Float64Array {
  const value = graph.random(graph.constant(key, [2], 'int32'), [count], { distribution, stream });
  return evaluate([value])[0]!.data as Float64Array;
}

function moment(numbers: Float64Array, power: number): number {
  return numbers.reduce((total, x) => total + x ** power, 0) / numbers.length;
}

describe('random numbers', () => {
  it('Philox4x32-10 gives the known answers', () => {
    assert.deepEqual(hexadecimal(philox([0, 0, 0, 0], 0, 0)), ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']);
    assert.deepEqual(hexadecimal(philox([ones, ones, ones, ones], ones, ones)), ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd']);
    assert.deepEqual(hexadecimal(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], 0xa4093822, 0x299f31d0)), ['d16cfe09', '94fdcceb', '5001e420', '24126ea1']);
  });

  it('element i takes word i mod 4 of block ⌊i / 4⌋', () => {
    const words = [0, 1].flatMap((block) => [...philox([block, 0, 9, 0], 7, -1)]);
    assert.deepEqual([...draw([7, -1], 7, 'uniform', 9)], words.slice(0, 7).map((word) => (word >>> 8) * 2 ** -24));
  });

  it('normal numbers come in pairs by Box–Muller', () => {
    const [w0, w1] = philox([0, 0, 0, 0], 1, 2);
    const radius = Math.sqrt(-2 * Math.log(((w0 >>> 8) + 1) * 2 ** -24));
    const angle = 2 * Math.PI * (w1 >>> 8) * 2 ** -24;
    assert.deepEqual([...draw([1, 2], 2, 'normal')], [radius * Math.cos(angle), radius * Math.sin(angle)]);
  });

  it('uniform numbers are in [0, 1), with the moments of the uniform distribution', () => {
    const numbers = draw([1, 2], 40000, 'uniform');
    assert.ok(numbers.every((x) => x >= 0 && x < 1));
    assert.ok(Math.abs(moment(numbers, 1) - 1 / 2) < 0.006);
    assert.ok(Math.abs(moment(numbers, 2) - 1 / 3) < 0.006);
  });

  it('normal numbers are finite, with the moments of the normal distribution', () => {
    const numbers = draw([3, 4], 40000, 'normal');
    assert.ok(numbers.every(Number.isFinite));
    assert.ok(Math.abs(moment(numbers, 1)) < 0.02);
    assert.ok(Math.abs(moment(numbers, 2) - 1) < 0.03);
    assert.ok(Math.abs(moment(numbers, 4) - 3) < 0.2);
    const neighbours = numbers.reduce((total, x, i) => total + x * (numbers[i + 1] ?? 0), 0) / numbers.length;
    assert.ok(Math.abs(neighbours) < 0.02);
  });

  it('the same key and stream give the same numbers; another key or stream gives others', () => {
    const numbers = draw([1, 2], 64, 'uniform', 3);
    assert.deepEqual(draw([1, 2], 64, 'uniform', 3), numbers);
    for (const others of [draw([1, 3], 64, 'uniform', 3), draw([2, 2], 64, 'uniform', 3), draw([1, 2], 64, 'uniform', 4)]) {
      assert.ok(others.filter((x, i) => x === numbers[i]).length < 2);
    }
  });

  it('numbers do not depend on how many are drawn', () => {
    const few = new Float64Array(5);
    const many = new Float64Array(50);
    fillRandom(few, { key: [5, 6], stream: 1, distribution: 'normal' });
    fillRandom(many, { key: [5, 6], stream: 1, distribution: 'normal' });
    assert.deepEqual(few, many.slice(0, 5));
  });

  it('a third word of the key says how many slices of the draw come before', () => {
    for (const distribution of ['uniform', 'normal'] as const) {
      const whole = graph.random(graph.constant([5, 6], [2], 'int32'), [7, 3], { distribution, stream: 2 });
      const part = graph.random(graph.constant([5, 6, 4], [3], 'int32'), [3, 3], { distribution, stream: 2 });
      const [all, some] = evaluate([whole, part]);
      assert.deepEqual(some!.data, all!.data.slice(12));
    }
  });
});
