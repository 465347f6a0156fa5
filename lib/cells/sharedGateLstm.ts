import { add, multiply, sigmoid, tanh, type Value } from '../graph/index.ts';
import { cell } from './cell.ts';

/**
 * Long short-term memory whose gates share one pair of weights and differ in their biases only, with the cell shown unsquashed: the equations of
 * `linearOutputLstmCell` where W and U have no subscripts.
 *
 *     s = W x + U h + b                 c' = f ⊙ c + i ⊙ g
 *     i = σ(s)                          h' = o ⊙ c'
 *     f = σ(s + d_f)
 *     g = tanh(s + d_g)
 *     o = σ(s + d_o)
 *
 * The one block of weights is called "shared"; its bias is that of i, and the others' are b + d, in the vectors "offset_f", "offset_g" and "offset_o".
 * That is H C + H² + 4 H weights. With `bias: false` all gates are equal.
 */
export const sharedGateLstmCell = cell('sharedGateLstm', { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine, candidate, parameter, biased }) => {
  const s = affine('shared', x, h);
  const offset = (gate: string): Value => (biased ? add(s, parameter(`offset_${gate}`, ['units'])) : s);
  const i = sigmoid(s);
  const f = sigmoid(offset('f'));
  const g = candidate(tanh(offset('g')));
  const o = sigmoid(offset('o'));
  const memory = add(multiply(f, c), multiply(i, g));
  const next = multiply(o, memory);
  return { output: next, h: next, c: memory, gates: { i, f, g, o } };
});
