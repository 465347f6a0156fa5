import { add, multiply, sigmoid, tanh } from '../graph/index.ts';
import { cell } from './cell.ts';

/**
 * Long short-term memory that shows its cell unsquashed, without peepholes: the variant NOAF of K. Greff et al., "LSTM: a search space odyssey",
 * arXiv:1503.04069 (2015), with its peepholes 0.
 *
 *     i = σ(W_i x + U_i h + b_i)        c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + U_f h + b_f)        h' = o ⊙ c'
 *     g = tanh(W_g x + U_g h + b_g)
 *     o = σ(W_o x + U_o h + b_o)
 *
 * Gate order i, f, g, o. Its output has no bound: where the cell counts, h grows with it.
 */
export const linearOutputLstmCell = cell('linearOutputLstm', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = sigmoid(affine('o', x, h));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = multiply(o, memory);
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
