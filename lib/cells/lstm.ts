import { add, matmul, multiply, sigmoid, tanh } from '../graph/index.ts';
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
 * With `projection: P` above 0, h' = W_r (o ⊙ tanh(c')) has P features instead of H, and so has the output: H. Sak, A. Senior and F. Beaufays, "Long
 * short-term memory recurrent neural network architectures for large scale acoustic modeling" (2014), without their second, non-recurrent projection. W_r is
 * called "weight_hr", as in PyTorch, whose `proj_size` this is.
 *
 * The forget gate's bias begins at `forgetBias`, default 1: R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network
 * architectures" (2015), found it to close the gap to the GRU.
 */
export const lstmCell = cell('lstm', {
  state: { h: ({ units, options }) => options.projection || units, c: 'units' },
  options: { forgetBias: 1, projection: { default: 0, least: 0, whole: true } },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, parameter, options }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = sigmoid(affine('o', x, h));
  const memory = add(multiply(f, c), multiply(i, g));
  const shown = multiply(o, tanh(memory));
  const next = options.projection === 0 ? shown : matmul(shown, parameter('weight_hr', ['units', options.projection], { transposed: true }));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
