import { requireBoolean, requireChoice, requireInteger } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { add, concat, matmul, sliceAxis, type Value } from '../graph/index.ts';
import { activationNames, applyActivation, type ActivationName } from './activation.ts';
import { defineLayer, featureCount, layerLabel, sequenceInput, type LayerOptions } from './define.ts';
import { asInitializer, glorotUniform, zeros, type InitializerLike } from './initializers/index.ts';
import type { Layer } from './layer.ts';
import { longestDelay } from './limits.ts';
import { zeroPadding } from './masking.ts';
import { recentInputs } from './recentInputs.ts';
import { registerLayer } from './registry.ts';

export interface TimeDelayOptions extends LayerOptions {
  readonly units: number;
  /** How many inputs each output sees: the current one and window − 1 before it. At most 65,536. */
  readonly window: number;
  /** Default "linear". */
  readonly activation?: ActivationName | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Defaults: weight glorotUniform, bias zeros. */
  readonly initializer?: { readonly weight?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined } | undefined;
}

/**
 * Inputs of earlier steps beside those of each step: [T, N, C] of every delay, side by side in the order given, [T, N, delays · C].
 * @param all what `recentInputs` gave for `count` inputs
 */
export function delayed(all: Value, count: number, delays: readonly number[]): Value {
  const steps = all.shape[0]! - count;
  return concat(delays.map((delay) => sliceAxis(all, 0, count - delay, steps)), 2);
}

/**
 * The layer of a time-delay neural network: A. Waibel, T. Hanazawa, G. Hinton, K. Shikano and K. Lang, "Phoneme recognition using time-delay neural networks", IEEE
 * Transactions on Acoustics, Speech and Signal Processing 37 (1989).
 *
 *     y_t = f(W_0 x_t + W_1 x_{t−1} + … + W_{n−1} x_{t−n+1} + b)          n = window
 *
 * [N, T, C] → [N, T, units]. The same weights look at every place, and the response is finite: an input is forgotten after `window` steps, after
 * 1 + Σ (window − 1) of them through several layers. Before the first step of a fresh row stand zeros. "weight" is [window · C, units], the oldest input first.
 * The last window − 1 inputs are carried as the state "recent", so that streams and truncated training see what whole sequences do.
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE without time and ERR_BPTT_TYPE for tokens.
 */
export function timeDelay(options: TimeDelayOptions): Layer {
  checkOptions('timeDelay', options, ['name', 'units', 'window', 'activation', 'bias', 'initializer']);
  const units = requireInteger('timeDelay', 'units', options.units, 1);
  const window = requireInteger('timeDelay', 'window', options.window, 1, longestDelay);
  const bias = requireBoolean('timeDelay', 'bias', options.bias ?? true);
  const activation = requireChoice('timeDelay', 'activation', options.activation ?? 'linear', activationNames);
  const initializers = options.initializer ?? {};
  checkOptions('timeDelay: initializer', initializers, ['weight', 'bias']);
  if (!bias && initializers.bias !== undefined) {
    throw new BpttError('ERR_BPTT_OPTION', 'timeDelay: initializer.bias says where the bias begins, and bias: false leaves none; leave one of them out', { received: 'initializer.bias' });
  }
  const weightInitializer = asInitializer('timeDelay: initializer.weight', initializers.weight ?? glorotUniform());
  const biasInitializer = asInitializer('timeDelay: initializer.bias', initializers.bias ?? zeros());
  const delays = Array.from({ length: window }, (_, i) => window - 1 - i);
  return defineLayer('timeDelay', options, (scope, ...inputs) => {
    const signal = sequenceInput(layerLabel('timeDelay', scope), inputs);
    const weight = scope.parameter('weight', [window * featureCount(signal), units], { group: 'input', initializer: weightInitializer, disk: { name: 'weight', transpose: true } });
    const product = matmul(delayed(recentInputs(scope, signal, window - 1), window - 1, delays), weight);
    const sum = bias ? add(product, scope.parameter('bias', [units], { group: 'bias', initializer: biasInitializer })) : product;
    return zeroPadding({ value: applyActivation(activation, sum), time: true, lengths: signal.lengths });
  });
}

registerLayer('timeDelay', timeDelay);
