import { add, multiply, sigmoid, subtract, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';

/**
 * The mutation MUT3 that the search of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures",
 * ICML (2015), came upon.
 *
 *     z  = σ(W_z x + U_z tanh(h) + b_z)
 *     r  = σ(W_r x + U_r h + b_r)
 *     n  = tanh(W_n x + U_n (r ⊙ h) + b_n)
 *     h' = z ⊙ n + (1 − z) ⊙ h
 *
 * Gate order z, r, n; z takes the new state, unlike the z of `gruCell`.
 */
export const mut3Cell = cell('mut3', { state: { h: 'units' } }, ({ x, h, affine, candidate }) => {
  const z = sigmoid(affine('z', x, tanh(h)));
  const r = sigmoid(affine('r', x, h));
  const n = candidate(tanh(affine('n', x, multiply(r, h))));
  const next = add(multiply(z, n), multiply(subtract(1, z), h));
  return { output: next, h: next, gates: { z, r, n } };
});
