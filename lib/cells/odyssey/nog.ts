import { add, multiply, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { peepholeGates } from '../peepholes.ts';

/**
 * No output gate, o = 1: the variant NOG of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015).
 *
 *     i = σ(W_i x + R_i h + p_i ⊙ c + b_i)        c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + R_f h + p_f ⊙ c + b_f)        h' = tanh(c')
 *     g = tanh(W_g x + R_g h + b_g)
 *
 * Gate order i, f, g. The vanilla block with b_o = ∞.
 */
export const nogCell = cell('nog', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, parameter }) => {
  const gate = peepholeGates({ x, h, affine, parameter });
  const i = gate('i', c);
  const f = gate('f', c);
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = tanh(memory);
  return { output: next, h: next, c: memory, gates: { i, f, g } };
});
