import { add, multiply, sigmoid, tanh } from '../../graph/index.ts';
import { activate } from '../activations.ts';
import { cell } from '../cell.ts';
import { outputGates } from './outputGates.ts';

/**
 * LSTM without input gate: LSTM-i of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures",
 * ICML (2015).
 *
 *     f = σ(W_f x + U_f h + b_f)        c' = f ⊙ c + g
 *     g = tanh(W_g x + U_g h + b_g)     h' = o ⊙ tanh(c')
 *     o = σ(W_o x + U_o h + b_o)
 *
 * Gate order f, g, o. `outputGate: 'tanh'` is the paper's print; `forgetBias` begins at 1 as in `lstmCell`.
 */
export const lstmWithoutInputGateCell = cell('lstmWithoutInputGate', {
  state: { h: 'units', c: 'units' },
  options: { outputGate: outputGates, forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, options }) => {
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = activate(options.outputGate, affine('o', x, h));
  const memory = add(multiply(f, c), g);
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { f, g, o } };
});
