import assert from 'node:assert/strict';
import {
  asInitializer, constantValue, glorotNormal, glorotUniform, heNormal, heUniform, identity, normal, ones, orthogonal, uniform, zeros, type Initializer,
} from '../../lib/layers/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { assertThrows } from '../support/errors.ts';

function fill(initializer: Initializer, shape: readonly number[], seed = 1): Float64Array {
  return initializer.fill({ shape, fanIn: shape[0]!, fanOut: shape.at(-1)! }, uniformSource(seed));
}

function moments(values: Float64Array): { mean: number; deviation: number; largest: number } {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length);
  return { mean, deviation, largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

/** The largest element of |AᵀA − I| over a sample of column pairs, A being [rows, columns]. */
function orthogonalityError(matrix: Float64Array, rows: number, columns: number): number {
  let error = 0;
  for (let k = 0; k < 400; k++) {
    const a = (k * 7) % columns;
    const b = k % 4 === 0 ? a : (k * 13) % columns;
    let product = 0;
    for (let row = 0; row < rows; row++) product += matrix[row * columns + a]! * matrix[row * columns + b]!;
    error = Math.max(error, Math.abs(product - Number(a === b)));
  }
  return error;
}

describe('initializers', () => {
  it('have the moments that their papers give', () => {
    const [rows, columns] = [200, 300];
    const expected: [Initializer, number, number][] = [
      [uniform({ low: -0.3, high: 0.3 }), 0.3 / Math.sqrt(3), 0.3],
      [normal({ deviation: 0.2 }), 0.2, Infinity],
      [glorotUniform(), Math.sqrt(2 / 500), Math.sqrt(6 / 500)],
      [glorotNormal({ gain: 2 }), 2 * Math.sqrt(2 / 500), Infinity],
      [heUniform(), Math.sqrt(2 / 200), Math.sqrt(6 / 200)],
      [heNormal(), Math.sqrt(2 / 200), Infinity],
    ];
    for (const [initializer, deviation, limit] of expected) {
      const found = moments(fill(initializer, [rows, columns]));
      assert.ok(Math.abs(found.mean) < 0.02 * deviation * 3, `${initializer.kind}: mean ${found.mean}`);
      assert.ok(Math.abs(found.deviation / deviation - 1) < 0.02, `${initializer.kind}: deviation ${found.deviation}, expected ${deviation}`);
      assert.ok(found.largest <= limit, `${initializer.kind}: ${found.largest}`);
    }
    assert.ok(Math.abs(moments(fill(normal({ mean: 3, deviation: 1 }), [100, 100])).mean - 3) < 0.05);
  });
  it('fill with constants and the identity', () => {
    assert.deepEqual([...fill(constantValue({ value: 2.5 }), [2])], [2.5, 2.5]);
    assert.deepEqual([...fill(zeros(), [2])], [0, 0]);
    assert.deepEqual([...fill(ones(), [2])], [1, 1]);
    assert.deepEqual([...fill(identity({ gain: 3 }), [2, 3])], [3, 0, 0, 0, 3, 0]);
  });
  it('give the same numbers for the same seed only', () => {
    for (const initializer of [uniform(), normal(), orthogonal()]) {
      assert.deepEqual(fill(initializer, [5, 4], 3), fill(initializer, [5, 4], 3));
      assert.notDeepEqual(fill(initializer, [5, 4], 3), fill(initializer, [5, 4], 4));
    }
  });
  it('are made of names and descriptions', () => {
    assert.equal(asInitializer('x', 'heNormal').kind, 'heNormal');
    assert.deepEqual(asInitializer('x', { kind: 'uniform', options: { low: -1 } }).options, { low: -1 });
    assertThrows(() => asInitializer('dense: initializer', 'glorot'), 'ERR_BPTT_OPTION', /unknown initializer "glorot"/);
    assertThrows(() => asInitializer('x', 7 as never), 'ERR_BPTT_TYPE', /expected an initializer such as/);
  });
  it('refuse wrong options', () => {
    assertThrows(() => uniform({ low: 2, high: 1 }), 'ERR_BPTT_RANGE');
    assertThrows(() => normal({ deviation: -1 }), 'ERR_BPTT_RANGE');
    assertThrows(() => orthogonal({ gian: 2 } as never), 'ERR_BPTT_OPTION', /did you mean "gain"/);
    assertThrows(() => fill(orthogonal(), [3]), 'ERR_BPTT_SHAPE', /expected a matrix to fill, received shape \[3\]/);
  });
});

describe('orthogonal', () => {
  for (const [rows, columns] of [[1, 1], [2, 2], [3, 5], [31, 31], [32, 32], [33, 33], [70, 33], [33, 70], [257, 130]] as const) {
    it(`${rows} × ${columns}: the shorter side is orthonormal`, () => {
      const matrix = fill(orthogonal(), [rows, columns]);
      const flipped = Float64Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
      assert.ok((rows >= columns ? orthogonalityError(matrix, rows, columns) : orthogonalityError(flipped, columns, rows)) < 1e-13);
    });
  }
  it('keeps lengths over a thousand steps', () => {
    const size = 24;
    const matrix = fill(orthogonal(), [size, size]);
    let h = Float64Array.from({ length: size }, (_, i) => Math.sin(i + 1));
    const length = (v: Float64Array): number => Math.hypot(...v);
    const before = length(h);
    for (let t = 0; t < 1000; t++) h = h.map((_, j) => h.reduce((total, value, i) => total + value * matrix[i * size + j]!, 0));
    assert.ok(Math.abs(length(h) / before - 1) < 1e-11);
  });
  it('is uniform among rotations and reflections: either sign, every place', () => {
    const corners = Array.from({ length: 400 }, (_, seed) => fill(orthogonal(), [3, 3], seed));
    for (let place = 0; place < 9; place++) {
      const { mean, deviation } = moments(Float64Array.from(corners, (matrix) => matrix[place]!));
      assert.ok(Math.abs(mean) < 0.1, `place ${place}: mean ${mean}`);
      assert.ok(Math.abs(deviation - Math.sqrt(1 / 3)) < 0.05, `place ${place}: deviation ${deviation}`);
    }
  });
  it('scales by its gain', () => {
    assert.ok(Math.abs(Math.hypot(...fill(orthogonal({ gain: 2 }), [1, 9])) - 2) < 1e-14);
  });
  it('512 × 512 takes a fraction of a second', () => {
    const before = process.cpuUsage();
    const matrix = fill(orthogonal(), [512, 512]);
    const seconds = process.cpuUsage(before).user / 1e6;
    assert.ok(orthogonalityError(matrix, 512, 512) < 1e-13);
    assert.ok(seconds < 2, `took ${seconds} s`);
  });
});
