import { add, multiply, sigmoid, tanh } from '../../graph/index.ts';
import { activate } from '../activations.ts';
import { cell } from '../cell.ts';
import { outputGates } from './outputGates.ts';

/**
 * The LSTM of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures", ICML (2015), and its LSTM-b.
 *
 *     i = σ(W_i x + U_i h + b_i)        c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + U_f h + b_f)        h' = o ⊙ tanh(c')
 *     g = tanh(W_g x + U_g h + b_g)
 *     o = σ(W_o x + U_o h + b_o)        outputGate: 'sigmoid'
 *     o = tanh(W_o x + U_o h + b_o)     outputGate: 'tanh', as the paper prints it
 *
 * Gate order i, f, g, o; the paper's candidate i is g here and its input gate j is i. The forget gate's bias begins at 0: `forgetBias: 1` is LSTM-b,
 * and with the sigmoid the same as `lstmCell`. A bias b alone keeps σ(b)²⁰ of the cell over 20 steps: 9.5e−7 of it for 0, 1.9e−3 for 1, 7.9e−2 for 2.
 */
export const jozefowiczLstmCell = cell('jozefowiczLstm', {
  state: { h: 'units', c: 'units' },
  options: { outputGate: outputGates, forgetBias: 0 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, options }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = activate(options.outputGate, affine('o', x, h));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
