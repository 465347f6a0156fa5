import { activate, cellActivations } from './activations.ts';
import { cell } from './cell.ts';

/**
 * The simple recurrent network with full backpropagation through time: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990).
 *
 *     h' = f(W x + U h + b)          f: tanh, relu, sigmoid or linear
 *
 * With `activation: 'linear'` it has the closed form h_n = Uⁿ h_0 + Σ_t Uⁿ⁻ᵗ (W x_t + b). With `relu` and an identity recurrent weight it is the IRNN of
 * Le, Jaitly and Hinton, arXiv:1504.00941 (2015).
 */
export const rnnCell = cell('rnn', { state: { h: 'units' }, options: { activation: cellActivations } }, ({ x, h, affine, options }) => {
  const next = activate(options.activation, affine('h', x, h));
  return { output: next, h: next };
});
