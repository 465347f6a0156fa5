import { add, multiply, sigmoid, subtract, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { inUnits } from './inUnits.ts';

/**
 * The mutation MUT2 that the search of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures",
 * ICML (2015), came upon.
 *
 *     z  = σ(W_z x + U_z h + b_z)
 *     r  = σ(x + U_r h + b_r)
 *     n  = tanh(W_n x + U_n (r ⊙ h) + b_n)
 *     h' = z ⊙ n + (1 − z) ⊙ h
 *
 * The paper adds x itself to vectors of H units, so that x must have H features. Where it has another number, P x stands in its place with a matrix
 * "projection" of its own; where the sizes match there is none and x enters as it is. Gate order z, r, n; z takes the new state, unlike the z of `gruCell`.
 */
export const mut2Cell = cell('mut2', { state: { h: 'units' } }, ({ x, h, affine, candidate, parameter }) => {
  const z = sigmoid(affine('z', x, h));
  const r = sigmoid(add(inUnits({ x, parameter }, h), affine('r', h)));
  const n = candidate(tanh(affine('n', x, multiply(r, h))));
  const next = add(multiply(z, n), multiply(subtract(1, z), h));
  return { output: next, h: next, gates: { z, r, n } };
});
