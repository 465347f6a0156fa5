import assert from 'node:assert/strict';
import {
  asInitializer, constantValue, conv1d, dense, embedding, glorotNormal, glorotUniform, heNormal, heUniform, highway, identity, lstm, normal, ones, orthogonal, uniform, zeros, type Initializer, type Layer,
} from '../../lib/layers/index.ts';
import { sequential } from '../../lib/model/index.ts';
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
  it('are not taken for arrays, which have a method of that name', () => {
    for (const array of [[], [1, 2], new Float32Array(4)]) {
      assertThrows(() => asInitializer('here', array as never), 'ERR_BPTT_TYPE', /here: expected an initializer such as glorotUniform\(\), received/);
      assertThrows(() => dense({ units: 2, initializer: { weight: array as never } }), 'ERR_BPTT_TYPE', /dense: initializer\.weight/);
      assertThrows(() => embedding({ size: 2, initializer: array as never }), 'ERR_BPTT_TYPE');
    }
  });
  it('have to give finite numbers of float32, as many as asked for', () => {
    const model = (layer: Layer): unknown => sequential([layer], { input: { features: 2 } });
    const giving = (block: unknown): Layer => dense({ units: 2, initializer: { weight: { kind: 'mine', options: {}, fill: () => block as Float64Array } } });
    assertThrows(() => model(giving(undefined)), 'ERR_BPTT_TYPE', /dense\/weight: expected what its initializer gives to be a Float64Array, received undefined/);
    assertThrows(() => model(giving([1, 2, 3, 4])), 'ERR_BPTT_TYPE', /received array of 4/);
    assertThrows(() => model(giving(new Float64Array(5))), 'ERR_BPTT_SHAPE', /to give \[2, 2\], received 5 numbers/);
    assertThrows(() => model(giving(Float64Array.of(1, 2, NaN, 4))), 'ERR_BPTT_RANGE', /dense\/weight: .* received NaN/);
    for (const weight of [constantValue({ value: 1e39 }), uniform({ low: -1.7e308, high: 1.7e308 }), normal({ deviation: 1e300 })]) {
      assertThrows(() => model(dense({ units: 2, initializer: { weight } })), 'ERR_BPTT_RANGE', /finite numbers of float32, within ±3\.4e38/);
    }
    assertThrows(() => model(lstm({ units: 2, forgetBias: -1e300 })), 'ERR_BPTT_RANGE', /lstm\/bias_ih_l0, gate "f": .*received -1e\+300/);
    assertThrows(() => model(highway({ layer: dense({ units: 2 }), gateBias: 1e300 })), 'ERR_BPTT_RANGE', /gate_bias/);
    assertThrows(() => model(conv1d({ filters: 2, kernel: 2, weightNorm: true, initializer: { weight: 'zeros' } })), 'ERR_BPTT_RANGE', /weightNorm: .*gives every filter a direction, received zeros of zeros/);
    model(giving(Float64Array.of(3.4e38, -3.4e38, 1e-300, 0)));
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
