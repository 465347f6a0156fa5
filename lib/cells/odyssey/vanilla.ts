import { add, multiply, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { peepholeGates } from '../peepholes.ts';

/**
 * The vanilla block V of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015).
 *
 *     i = σ(W_i x + R_i h + p_i ⊙ c + b_i)         c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + R_f h + p_f ⊙ c + b_f)         h' = o ⊙ tanh(c')
 *     g = tanh(W_g x + R_g h + b_g)
 *     o = σ(W_o x + R_o h + p_o ⊙ c' + b_o)
 *
 * Gate order i, f, g, o; the paper's block input z is g here and its output y is h. Peepholes are diagonal and begin at 0, where this is `lstmCell`; it is
 * the reference that the paper's eight variants each change in one thing.
 */
export const vanillaLstmCell = cell('vanillaLstm', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, parameter }) => {
  const gate = peepholeGates({ x, h, affine, parameter });
  const i = gate('i', c);
  const f = gate('f', c);
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(f, c), multiply(i, g));
  const o = gate('o', memory);
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
