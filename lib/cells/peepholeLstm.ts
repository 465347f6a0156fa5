import { add, matmul, multiply, sigmoid, tanh, type Value } from '../graph/index.ts';
import { cell } from './cell.ts';
import { peephole } from './peepholes.ts';

/**
 * Long short-term memory whose gates see the cell: F. Gers, N. Schraudolph and J. Schmidhuber, "Learning precise timing with LSTM recurrent networks",
 * Journal of Machine Learning Research 3 (2002).
 *
 *     i = σ(W_i x + U_i h + P_i c + b_i)          c' = f ⊙ c + i ⊙ g
 *     f = σ(W_f x + U_f h + P_f c + b_f)          h' = o ⊙ tanh(c')
 *     g = tanh(W_g x + U_g h + b_g)
 *     o = σ(W_o x + U_o h + P_o c' + b_o)
 *
 * Gate order i, f, g, o. The output gate sees the cell of this step, the other two that of the step before. `peephole: 'diagonal'` has a vector for
 * each gate, P c = p ⊙ c, as the paper and ONNX do; 'full' a matrix, which is what gates over the concatenation [c, h, x] amount to.
 * `cellActivation: 'sigmoid'` is the printed variant c' = σ(f ⊙ c + i ⊙ g); it forgets, as `squashedLstmCell` says.
 */
export const peepholeLstmCell = cell('peepholeLstm', {
  state: { h: 'units', c: 'units' },
  options: { peephole: ['diagonal', 'full'], cellActivation: ['linear', 'sigmoid'], forgetBias: 1 },
  gateBias: ({ forgetBias }) => ({ f: forgetBias }),
}, ({ x, h, c, affine, candidate, parameter, options }) => {
  const see = (gate: string, seen: Value): Value => (
    options.peephole === 'diagonal' ? peephole({ parameter }, gate, seen) : matmul(seen, parameter(`peephole_${gate}`, ['units', 'units'])));
  const i = sigmoid(add(affine('i', x, h), see('i', c)));
  const f = sigmoid(add(affine('f', x, h), see('f', c)));
  const g = candidate(tanh(affine('g', x, h)));
  const sum = add(multiply(f, c), multiply(i, g));
  const memory = options.cellActivation === 'sigmoid' ? sigmoid(sum) : sum;
  const o = sigmoid(add(affine('o', x, h), see('o', memory)));
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
