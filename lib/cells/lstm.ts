import { add, multiply, sigmoid, tanh } from '../graph/index.ts';
import { cell } from './cell.ts';

/**
 * Long short-term memory: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), with the forget gate of F. Gers,
 * J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12 (2000). Without peepholes, as PyTorch and Keras have it.
 *
 *     i = σ(W_i x + U_i h + b_i)        c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + U_f h + b_f)        h' = o ⊙ tanh(c')
 *     g = tanh(W_g x + U_g h + b_g)
 *     o = σ(W_o x + U_o h + b_o)
 *
 * The forget gate's bias begins at `forgetBias`, default 1: R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network
 * architectures" (2015), found it to close the gap to the GRU.
 */
export const lstmCell = cell('lstm', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = tanh(affine('g', x, h));
  const o = sigmoid(affine('o', x, h));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
