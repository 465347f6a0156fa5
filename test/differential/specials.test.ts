import assert from 'node:assert/strict';
import * as g from '../../lib/graph/index.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import type { RunArray, Runtime } from '../../lib/runtime/index.ts';
import { graphOf, nativeRuntime, needsNative } from './support.ts';

const special = [0, -0, 1, -1, 0.5, -2.5, 3, 1e10, -1e10, 3e38, -3e38, Infinity, -Infinity, NaN, 1e-30, 88, -88, 104];

const unary: Record<string, (x: g.Value) => g.Value> = {
  negate: g.negate, exp: g.exp, log: g.log, sqrt: g.sqrt, absolute: g.absolute, sign: g.sign, floor: g.floor, tanh: g.tanh, sigmoid: g.sigmoid, relu: g.relu,
  softplus: g.softplus, expMinusOne: g.expMinusOne, logOnePlus: g.logOnePlus, reciprocal: g.reciprocal, isFinite: g.isFinite,
  toInteger: (x) => g.cast(x, 'int32'), toBool: (x) => g.cast(x, 'bool'),
};
const binary: Record<string, (x: g.Value, y: g.Value) => g.Value> = {
  add: g.add, subtract: g.subtract, multiply: g.multiply, divide: g.divide, maximum: g.maximum, minimum: g.minimum, power: g.power,
  less: g.less, lessEqual: g.lessEqual, equal: g.equal, select: (x, y) => g.select(g.less(x, y), x, y),
};

function run(runtime: Runtime, value: g.Value, inputs: Record<string, RunArray>): RunArray {
  return runtime.compile(graphOf({ value }), { layouts: [] }).bind([]).run(inputs)['value']!;
}

/** Equal, or both NaN, or finite and within a relative 1e-6 after rounding to float32. Numbers below float32's normal range may be flushed to 0. */
function agrees(actual: number, expected: number): boolean {
  const rounded = Math.fround(expected);
  if (Object.is(actual, rounded) || actual === rounded) return true;
  if (Number.isNaN(rounded)) return Number.isNaN(actual);
  return Number.isFinite(rounded) && Math.abs(actual - rounded) <= Math.max(1.2e-38, 1e-6 * Math.abs(rounded));
}

function compare(name: string, value: g.Value, inputs: Record<string, number[]>): void {
  const received = run(nativeRuntime!, value, Object.fromEntries(Object.entries(inputs).map(([key, data]) => [key, Float32Array.from(data)])));
  const expected = run(referenceRuntime, value, Object.fromEntries(Object.entries(inputs).map(([key, data]) => [key, Float32Array.from(data)])));
  for (let i = 0; i < expected.length; i++) {
    const at = Object.entries(inputs).map(([key, data]) => `${key}=${data[i]!}`).join(' ');
    assert.ok(agrees(received[i]!, expected[i]!), `${name}(${at}): the engine gives ${received[i]!}, the reference ${expected[i]!}`);
  }
}

describe('signed zeros, infinities, NaN and numbers at the edge, engine against reference', () => {
  needsNative();

  for (const [name, build] of Object.entries(unary)) {
    it(name, () => compare(name, build(g.input('x', [special.length], 'float32')), { x: special }));
  }
  for (const [name, build] of Object.entries(binary)) {
    it(name, () => {
      const x = special.flatMap((a) => special.map(() => a));
      const y = special.flatMap(() => special);
      compare(name, build(g.input('x', [x.length], 'float32'), g.input('y', [y.length], 'float32')), { x, y });
    });
  }
  it('standardize', () => {
    const rows = [0, -0, 7, NaN, Infinity, -Infinity].flatMap((number) => [[number, number, number], [number, 1, 1], [1, -1, number]]);
    compare('standardize', g.standardize(g.input('x', [rows.length, 3], 'float32'), { epsilon: 0.5 }), { x: rows.flat() });
    const equal = [0, 0, 0, 4, 4, 4, -0.5, -0.5, -0.5];
    compare('standardize rows of equal numbers', g.standardize(g.input('x', [3, 3], 'float32'), { epsilon: 2 ** -126 }), { x: equal });
  });
});
