import { stopGradient } from '../graph/index.ts';
import { activate, cellActivations } from './activations.ts';
import { cell } from './cell.ts';

/**
 * The simple recurrent network as J. L. Elman trained it, "Finding structure in time", Cognitive Science 14 (1990): the state before a step is a copy, given like
 * an input, and no gradient goes back through it.
 *
 *     h' = f(W x + U h + b)          ∂h'/∂h is taken as 0
 *
 * Forward it is `rnnCell`; its gradient is that of truncation after one step, not the derivative of its sequence.
 */
export const elmanCell = cell('elman', { state: { h: 'units' }, options: { activation: cellActivations } }, ({ x, h, affine, options }) => {
  const next = activate(options.activation, affine('h', x, stopGradient(h)));
  return { output: next, h: next };
});
