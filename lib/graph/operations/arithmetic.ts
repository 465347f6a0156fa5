import type { Value } from '../value.ts';
import type { Operand } from './broadcasting.ts';
import { defineBinary } from './elementwise.ts';
import { log, negate } from './functions.ts';
import { equal, less, select } from './logic.ts';

/** a + b, elementwise with broadcasting; float32 or int32 (wrapping). */
export const add = defineBinary({
  name: 'add', types: ['float32', 'int32'],
  compute: (a, b) => a + b, integer: (a, b) => (a + b) | 0,
  gradient: (d) => [d, d],
});

/** a − b, elementwise with broadcasting; float32 or int32 (wrapping). */
export const subtract = defineBinary({
  name: 'subtract', types: ['float32', 'int32'],
  compute: (a, b) => a - b, integer: (a, b) => (a - b) | 0,
  gradient: (d) => [d, negate(d)],
});

/** a · b, elementwise with broadcasting; float32 or int32 (wrapping). */
export const multiply = defineBinary({
  name: 'multiply', types: ['float32', 'int32'],
  compute: (a, b) => a * b, integer: Math.imul,
  gradient: (d, a, b) => [multiply(d, b), multiply(d, a)],
});

/** a / b, elementwise with broadcasting; float32. */
export const divide = defineBinary({
  name: 'divide', types: ['float32'],
  compute: (a, b) => a / b,
  gradient: (d, _a, b, y) => [divide(d, b), negate(divide(multiply(d, y), b))],
});

/** The larger of a and b, NaN when either is NaN; float32 or int32. Of equals, the gradient goes to a. */
export const maximum = defineBinary({
  name: 'maximum', types: ['float32', 'int32'],
  compute: (a, b) => Math.max(a, b),
  gradient: (d, a, b) => toOneSide(d, less(a, b)),
});

/** The smaller of a and b, NaN when either is NaN; float32 or int32. Of equals, the gradient goes to a. */
export const minimum = defineBinary({
  name: 'minimum', types: ['float32', 'int32'],
  compute: (a, b) => Math.min(a, b),
  gradient: (d, a, b) => toOneSide(d, less(b, a)),
});

function toOneSide(upstream: Value, second: Value): readonly [Value, Value] {
  return [select(second, 0, upstream), select(second, upstream, 0)];
}

/** a to the power of b, elementwise with broadcasting; float32. Anything to the power of 0 is 1; 1 to NaN or ±∞ is NaN, as in JavaScript. */
export const power = defineBinary({
  name: 'power', types: ['float32'],
  compute: Math.pow,
  gradient(d, a, b, y) {
    const base = select(equal(b, 0), 0, multiply(b, power(a, subtract(b, 1))));
    const exponent = select(equal(a, 0), 0, multiply(y, log(a)));
    return [multiply(d, base), multiply(d, exponent)];
  },
});

/** x · x. */
export function square(x: Value): Value {
  return multiply(x, x);
}

/** x limited to low … high; NaN stays NaN. The gradient flows where low ≤ x ≤ high. */
export function clip(x: Value, low: Operand, high: Operand): Value {
  return minimum(maximum(x, low), high);
}

/** d · y · (1 − y): the upstream gradient d through y = sigmoid(x). */
export const sigmoidGradient = defineBinary({
  name: 'sigmoidGradient', types: ['float32'],
  compute: (d, y) => d * y * (1 - y),
  gradient: (u, d, y) => [sigmoidGradient(u, y), multiply(multiply(u, d), subtract(1, multiply(2, y)))],
});

/** d · (1 − y²): the upstream gradient d through y = tanh(x). */
export const tanhGradient = defineBinary({
  name: 'tanhGradient', types: ['float32'],
  compute: (d, y) => d * (1 - y * y),
  gradient: (u, d, y) => [tanhGradient(u, y), multiply(multiply(u, d), multiply(-2, y))],
});

/** d where y > 0, else 0: the upstream gradient d through y = relu(x). */
export const reluGradient = defineBinary({
  name: 'reluGradient', types: ['float32'],
  compute: (d, y) => (y > 0 ? d : 0),
  gradient: (u, _d, y) => [reluGradient(u, y), undefined],
});
