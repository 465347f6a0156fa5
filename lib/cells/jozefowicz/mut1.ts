import { add, multiply, sigmoid, subtract, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { inUnits } from './inUnits.ts';

/**
 * The mutation MUT1 that the search of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures",
 * ICML (2015), came upon.
 *
 *     z  = σ(W_z x + b_z)
 *     r  = σ(W_r x + U_r h + b_r)
 *     n  = tanh(U_n (r ⊙ h) + tanh(x) + b_n)
 *     h' = z ⊙ n + (1 − z) ⊙ h
 *
 * The paper adds x itself to vectors of H units, so that x must have H features. Where it has another number, P x stands in its place with a matrix
 * "projection" of its own; where the sizes match there is none and x enters as it is. Gate order z, r, n; z takes the new state, unlike the z of `gruCell`.
 */
export const mut1Cell = cell('mut1', { state: { h: 'units' } }, ({ x, h, affine, candidate, parameter }) => {
  const z = sigmoid(affine('z', x));
  const r = sigmoid(affine('r', x, h));
  const n = candidate(tanh(add(affine('n', multiply(r, h)), tanh(inUnits({ x, parameter }, h)))));
  const next = add(multiply(z, n), multiply(subtract(1, z), h));
  return { output: next, h: next, gates: { z, r, n } };
});
