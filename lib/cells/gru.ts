import { add, multiply, sigmoid, subtract, tanh } from '../graph/index.ts';
import { cell } from './cell.ts';

/**
 * Gated recurrent unit: K. Cho et al., "Learning phrase representations using RNN encoder–decoder", arXiv:1406.1078 (2014).
 *
 *     r = σ(W_r x + U_r h + b_r)
 *     z = σ(W_z x + U_z h + b_z)
 *     n = tanh(W_n x + b_n + r ⊙ (U_n h + b'_n))        reset: 'after'  (cuDNN, PyTorch, Keras' default)
 *     n = tanh(W_n x + U_n (r ⊙ h) + b_n)               reset: 'before' (the paper; ONNX linear_before_reset = 0)
 *     h' = (1 − z) ⊙ n + z ⊙ h                          update: 'keep'    (PyTorch, Keras, ONNX)
 *     h' = (1 − z) ⊙ h + z ⊙ n                          update: 'replace' (J. Chung et al., arXiv:1412.3555)
 *
 * Gate order r, z, n. z keeps the old state or takes the new one; weights and bias of z negated turn one convention into the other. After the reset the
 * recurrent product has a bias of its own even with `bias: 'single'`, since the reset gate acts on it.
 */
export const gruCell = cell('gru', {
  state: { h: 'units' },
  options: { reset: ['after', 'before'], update: ['keep', 'replace'] },
}, ({ x, h, affine, candidate, options }) => {
  const r = sigmoid(affine('r', x, h));
  const z = sigmoid(affine('z', x, h));
  const n = candidate(tanh(options.reset === 'after' ? add(affine('n', x), multiply(r, affine('n', h))) : affine('n', x, multiply(r, h))));
  const next = options.update === 'keep' ? add(multiply(subtract(1, z), n), multiply(z, h)) : add(multiply(subtract(1, z), h), multiply(z, n));
  return { output: next, h: next, gates: { r, z, n } };
});
