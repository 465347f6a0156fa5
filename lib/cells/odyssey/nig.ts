import { add, multiply, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { peepholeGates } from '../peepholes.ts';

/**
 * No input gate, i = 1: the variant NIG of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015).
 *
 *     f = σ(W_f x + R_f h + p_f ⊙ c + b_f)         c' = f ⊙ c + g
 *     g = tanh(W_g x + R_g h + b_g)                h' = o ⊙ tanh(c')
 *     o = σ(W_o x + R_o h + p_o ⊙ c' + b_o)
 *
 * Gate order f, g, o. The vanilla block with b_i = ∞.
 */
export const nigCell = cell('nig', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, parameter }) => {
  const gate = peepholeGates({ x, h, affine, parameter });
  const f = gate('f', c);
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(f, c), g);
  const o = gate('o', memory);
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { f, g, o } };
});
