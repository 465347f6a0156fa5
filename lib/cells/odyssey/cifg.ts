import { add, multiply, subtract, tanh } from '../../graph/index.ts';
import { cell } from '../cell.ts';
import { peepholeGates } from '../peepholes.ts';

/**
 * Coupled input and forget gate, f = 1 − i: the variant CIFG of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015).
 *
 *     i = σ(W_i x + R_i h + p_i ⊙ c + b_i)         c' = (1 − i) ⊙ c + i ⊙ g
 *     g = tanh(W_g x + R_g h + b_g)                h' = o ⊙ tanh(c')
 *     o = σ(W_o x + R_o h + p_o ⊙ c' + b_o)
 *
 * Gate order i, g, o. It forgets as much as it takes in, as a GRU does, but keeps cell, output gate and peepholes; ONNX calls it input_forget = 1.
 */
export const cifgCell = cell('cifg', { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine, candidate, parameter }) => {
  const gate = peepholeGates({ x, h, affine, parameter });
  const i = gate('i', c);
  const g = candidate(tanh(affine('g', x, h)));
  const memory = add(multiply(subtract(1, i), c), multiply(i, g));
  const o = gate('o', memory);
  const next = multiply(o, tanh(memory));
  return { output: next, h: next, c: memory, gates: { i, g, o } };
});
