import { add, divide, multiply, reluGradient, sigmoidGradient, subtract, tanhGradient } from './arithmetic.ts';
import { defineUnary } from './elementwise.ts';

/** −x. */
export const negate = defineUnary({ name: 'negate', compute: (x) => -x, gradient: (d) => negate(d) });

/** e to the power of x. */
export const exp = defineUnary({ name: 'exp', compute: Math.exp, gradient: (d, _x, y) => multiply(d, y) });

/** Natural logarithm. */
export const log = defineUnary({ name: 'log', compute: Math.log, gradient: (d, x) => divide(d, x) });

/** Square root. Its gradient at 0 is infinite. */
export const sqrt = defineUnary({ name: 'sqrt', compute: Math.sqrt, gradient: (d, _x, y) => divide(multiply(0.5, d), y) });

/** |x|, with gradient 0 at 0. */
export const absolute = defineUnary({ name: 'absolute', compute: Math.abs, gradient: (d, x) => multiply(d, sign(x)) });

/** −1, 0 or 1; its gradient is 0 everywhere. */
export const sign = defineUnary({ name: 'sign', compute: Math.sign, gradient: () => undefined });

/** The largest whole number not above x; its gradient is 0 everywhere. */
export const floor = defineUnary({ name: 'floor', compute: Math.floor, gradient: () => undefined });

/** sin x, in radians. */
export const sine = defineUnary({ name: 'sine', compute: Math.sin, gradient: (d, x) => multiply(d, cosine(x)) });

/** cos x, in radians. */
export const cosine = defineUnary({ name: 'cosine', compute: Math.cos, gradient: (d, x) => negate(multiply(d, sine(x))) });

/** Hyperbolic tangent. */
export const tanh = defineUnary({ name: 'tanh', compute: Math.tanh, gradient: (d, _x, y) => tanhGradient(d, y) });

/** 1 / (1 + e⁻ˣ). */
export const sigmoid = defineUnary({ name: 'sigmoid', compute: logistic, gradient: (d, _x, y) => sigmoidGradient(d, y) });

/** x where x > 0, else 0; NaN stays NaN. Its gradient at 0 is 0. */
export const relu = defineUnary({ name: 'relu', compute: (x) => (x <= 0 ? 0 : x), gradient: (d, _x, y) => reluGradient(d, y) });

/** log(1 + eˣ), without overflow. */
export const softplus = defineUnary({
  name: 'softplus',
  compute: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: (d, x) => multiply(d, sigmoid(x)),
});

/** eˣ − 1, accurate near 0. */
export const expMinusOne = defineUnary({ name: 'expMinusOne', compute: Math.expm1, gradient: (d, _x, y) => multiply(d, add(y, 1)) });

/** log(1 + x), accurate near 0. */
export const logOnePlus = defineUnary({ name: 'logOnePlus', compute: Math.log1p, gradient: (d, x) => divide(d, add(x, 1)) });

/** 1 / x. */
export const reciprocal = defineUnary({ name: 'reciprocal', compute: (x) => 1 / x, gradient: (d, _x, y) => negate(multiply(d, multiply(y, y))) });

/** 1 − x: the complement of a gate. */
export function complement(x: Parameters<typeof negate>[0]) {
  return subtract(1, x);
}

function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}
