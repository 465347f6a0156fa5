import { add, multiply, sigmoid, subtract, tanh } from '../graph/index.ts';
import { cell } from './cell.ts';
import { epsilonOption, normalizedAffine } from './normalize.ts';

/**
 * Gated recurrent unit with layer normalisation: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv:1607.06450 (2016).
 *
 *     r  = σ(N(W_r x) + N(U_r h) + b_r)
 *     z  = σ(N(W_z x) + N(U_z h) + b_z)
 *     n  = tanh(N(W_n x) + b_n + r ⊙ (N(U_n h) + b'_n))        N(a) = α ⊙ (a − mean a) / √(var a + ε)
 *     h' = (1 − z) ⊙ n + z ⊙ h
 *
 * Gate order r, z, n, and the conventions of `gruCell` by default: the reset acts after the product, z keeps the old state (the paper's z takes the new one). Every
 * product of every gate is normalised over its H units with gains α of its own, which begin at 1; the paper normalises r and z of a product together. `epsilon` is
 * ε, 1e−5.
 */
export const layerNormGruCell = cell('layerNormGru', {
  state: { h: 'units' },
  options: { epsilon: epsilonOption },
}, ({ x, h, affineThrough, candidate, parameter, biased, options }) => {
  const affine = normalizedAffine({ affineThrough, parameter, biased, options });
  const r = sigmoid(affine('r', x, h));
  const z = sigmoid(affine('z', x, h));
  const n = candidate(tanh(add(affine('n', x), multiply(r, affine('n', h)))));
  const next = add(multiply(subtract(1, z), n), multiply(z, h));
  return { output: next, h: next, gates: { r, z, n } };
});
