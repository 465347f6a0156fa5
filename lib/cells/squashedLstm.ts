import { add, multiply, sigmoid, tanh } from '../graph/index.ts';
import { cell } from './cell.ts';

/**
 * Long short-term memory with a sigmoid around the cell, as some courses print S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural
 * Computation 9 (1997); the paper has none.
 *
 *     i = σ(W_i x + U_i h + b_i)        c' = σ(f ⊙ c + i ⊙ g)
 *     f = σ(W_f x + U_f h + b_f)        h' = o ⊙ tanh(c')
 *     g = tanh(W_g x + U_g h + b_g)
 *     o = σ(W_o x + U_o h + b_o)
 *
 * Gate order i, f, g, o. The cell stays in (0, 1) and does not keep what it holds: ∂c'/∂c = f c' (1 − c') ≤ f / 4, so that even with f = 1 and i = 0
 * every start ends at the fixed point of σ, 0.659. It is here for comparison; to learn with, use `lstmCell`.
 */
export const squashedLstmCell = cell('squashedLstm', {
  state: { h: 'units', c: 'units' },
  options: { forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate }) => {
  const i = sigmoid(affine('i', x, h));
  const f = sigmoid(affine('f', x, h));
  const g = candidate(tanh(affine('g', x, h)));
  const o = sigmoid(affine('o', x, h));
  const memory = sigmoid(add(multiply(f, c), multiply(i, g)));
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
