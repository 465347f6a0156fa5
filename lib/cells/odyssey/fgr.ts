import { add, matmul, multiply, sigmoid, tanh, type Value } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { peephole } from '../peepholes.ts';

/**
 * Full gate recurrence: the variant FGR of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015): the gates see
 * all gates of the step before, as in S. Hochreiter and J. Schmidhuber, "Long short-term memory" (1997).
 *
 *     i' = σ(W_i x + R_i h + p_i ⊙ c + R_ii i + R_fi f + R_oi o + b_i)          c' = f' ⊙ c + i' ⊙ g
 *     f' = σ(W_f x + R_f h + p_f ⊙ c + R_if i + R_ff f + R_of o + b_f)          h' = o' ⊙ tanh(c')
 *     g  = tanh(W_g x + R_g h + b_g)
 *     o' = σ(W_o x + R_o h + p_o ⊙ c' + R_io i + R_fo f + R_oo o + b_o)
 *
 * Gate order i, f, g, o. The gates are states beside h and c and begin at 0. The nine further matrices are called "recurrent_fi" for what goes from f to
 * i, and so on; where they are 0 this is the vanilla block.
 */
export const fgrCell = cell('fgr', {
  state: { h: 'units', c: 'units', i: 'units', f: 'units', o: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, i, f, o, affine, candidate, parameter }) => {
  const from = (source: string, target: string, before: Value): Value => matmul(before, parameter(`recurrent_${source}${target}`, ['units', 'units']));
  const gates = (target: string): Value => add(add(from('i', target, i), from('f', target, f)), from('o', target, o));
  const gate = (name: string, seen: Value): Value => sigmoid(add(add(affine(name, x, h), peephole({ parameter }, name, seen)), gates(name)));
  const input = gate('i', c);
  const forget = gate('f', c);
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(forget, c), multiply(input, g));
  const shown = gate('o', memory);
  const next = multiply(shown, tanh(memory));
  return { output: next, h: next, c: memory, i: input, f: forget, o: shown, gates: { i: input, f: forget, g, o: shown } };
});
