import { add, multiply, sigmoid, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';

/**
 * LSTM without output gate: LSTM-o of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures",
 * ICML (2015).
 *
 *     i = σ(W_i x + U_i h + b_i)        c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + U_f h + b_f)        h' = tanh(c')
 *     g = tanh(W_g x + U_g h + b_g)
 *
 * Gate order i, f, g. `forgetBias` begins at 1 as in `lstmCell`.
 */
export const lstmWithoutOutputGateCell = cell('lstmWithoutOutputGate', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = tanh(memory);
  return { output: next, h: next, c: memory, gates: { i, f, g } };
});
