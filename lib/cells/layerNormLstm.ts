import { add, multiply, sigmoid, tanh } from '../graph/index.ts';
import { cell } from './cell.ts';
import { epsilonOption, normalizedAffine, normalizedState } from './normalize.ts';

/**
 * Long short-term memory with layer normalisation: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv:1607.06450 (2016).
 *
 *     i = σ(N(W_i x) + N(U_i h) + b_i)        c' = f ⊙ c + i ⊙ g
 *     f = σ(N(W_f x) + N(U_f h) + b_f)        h' = o ⊙ tanh(N(c') + b_c)
 *     g = tanh(N(W_g x) + N(U_g h) + b_g)
 *     o = σ(N(W_o x) + N(U_o h) + b_o)        N(a) = α ⊙ (a − mean a) / √(var a + ε)
 *
 * Gate order i, f, g, o. Every product of every gate is normalised over its H units with gains α of its own, which begin at 1; the paper normalises the four gates of
 * a product together. c is carried on as it is. The paper's shifts of the products are the gates' biases; `bias: 'double'` has two of them. `epsilon` is ε, 1e−5.
 */
export const layerNormLstmCell = cell('layerNormLstm', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1, epsilon: epsilonOption },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affineThrough, candidate, parameter, biased, options }) => {
  const tools = { affineThrough, parameter, biased, options };
  const affine = normalizedAffine(tools);
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = sigmoid(affine('o', x, h));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = multiply(o, tanh(normalizedState(tools, 'c', memory)));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
