import { requireChoice } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { logSoftmax, relu, sigmoid, softmax, softplus, tanh, type Value } from '../graph/index.ts';
import { anyFeatures, defineLayer, layerLabel, type LayerOptions } from './define.ts';
import type { Layer } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { registerLayer } from './registry.ts';

const functions = {
  linear: (x: Value) => x, tanh, relu, sigmoid, softplus, softmax, logSoftmax,
} satisfies Record<string, (x: Value) => Value>;

/** An elementwise function, or softmax or logSoftmax over the features. */
export type ActivationName = keyof typeof functions;
export const activationNames = Object.keys(functions) as readonly ActivationName[];

export function applyActivation(name: ActivationName, x: Value): Value {
  return functions[name](x);
}

export interface ActivationOptions extends LayerOptions {
  readonly function: ActivationName;
}

/** A function of each step's features: [N, T, C] → [N, T, C] or [N, C] → [N, C]; images too. @throws ERR_BPTT_OPTION for an unknown function. */
export function activation(options: ActivationOptions): Layer {
  checkOptions('activation', options, ['name', 'function']);
  const name = requireChoice('activation', 'function', options.function, activationNames);
  return defineLayer('activation', options, (scope, ...inputs) => {
    const signal = anyFeatures(layerLabel('activation', scope), inputs);
    return zeroPadding({ ...signal, value: applyActivation(name, signal.value) });
  }, { rowwise: true });
}

registerLayer('activation', activation);
