import { add, multiply, sigmoid, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';

/**
 * No peepholes, p = 0: the variant NP of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015).
 *
 *     i = σ(W_i x + R_i h + b_i)           c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + R_f h + b_f)           h' = o ⊙ tanh(c')
 *     g = tanh(W_g x + R_g h + b_g)
 *     o = σ(W_o x + R_o h + b_o)
 *
 * Gate order i, f, g, o. The same network as `lstmCell`, under the name by which the paper compares it.
 */
export const npCell = cell('np', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(f, c), multiply(i, g));
  const o = sigmoid(affine('o', x, h));
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
