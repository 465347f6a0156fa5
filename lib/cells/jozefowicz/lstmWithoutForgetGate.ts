import { add, multiply, sigmoid, tanh } from '../../graph/index.ts';
import { activate } from '../activations.ts';
import { cell } from '../cell.ts';
import { outputGates } from './outputGates.ts';

/**
 * LSTM without forget gate: the cell of S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), and LSTM-f of
 * R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures", ICML (2015).
 *
 *     i = σ(W_i x + U_i h + b_i)        c' = c + i ⊙ g
 *     g = tanh(W_g x + U_g h + b_g)     h' = o ⊙ tanh(c')
 *     o = σ(W_o x + U_o h + b_o)
 *
 * Gate order i, g, o. What the cell once holds stays; it can only be added to. `outputGate: 'tanh'` is the second paper's print.
 */
export const lstmWithoutForgetGateCell = cell('lstmWithoutForgetGate', {
  state: { h: 'units', c: 'units' },
  options: { outputGate: outputGates },
}, ({ x, h, c, affine, candidate, options }) => {
  const i = sigmoid(affine('i', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = activate(options.outputGate, affine('o', x, h));
  const memory = add(c, multiply(i, g));
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, g, o } };
});
