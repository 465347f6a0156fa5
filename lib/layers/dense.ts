import { requireBoolean, requireChoice, requireInteger } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { add, matmul } from '../graph/index.ts';
import { activationNames, applyActivation, type ActivationName } from './activation.ts';
import { defineLayer, featureCount, featureInput, layerLabel, type LayerOptions } from './define.ts';
import { asInitializer, glorotUniform, zeros, type InitializerLike } from './initializers/index.ts';
import type { Layer } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { registerLayer } from './registry.ts';

export interface DenseOptions extends LayerOptions {
  readonly units: number;
  /** Default "linear". */
  readonly activation?: ActivationName | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Defaults: weight glorotUniform, bias zeros. */
  readonly initializer?: { readonly weight?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined } | undefined;
}

/**
 * y = f(x W + b), the same at every step: [N, T, C] → [N, T, units] or [N, C] → [N, units].
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_TYPE for tokens.
 */
export function dense(options: DenseOptions): Layer {
  checkOptions('dense', options, ['name', 'units', 'activation', 'bias', 'initializer']);
  const units = requireInteger('dense', 'units', options.units, 1);
  const bias = requireBoolean('dense', 'bias', options.bias ?? true);
  const activation = requireChoice('dense', 'activation', options.activation ?? 'linear', activationNames);
  const initializers = options.initializer ?? {};
  checkOptions('dense: initializer', initializers, ['weight', 'bias']);
  if (!bias && initializers.bias !== undefined) {
    throw new BpttError('ERR_BPTT_OPTION', 'dense: initializer.bias says where the bias begins, and bias: false leaves none; leave one of them out', { received: 'initializer.bias' });
  }
  const weightInitializer = asInitializer('dense: initializer.weight', initializers.weight ?? glorotUniform());
  const biasInitializer = asInitializer('dense: initializer.bias', initializers.bias ?? zeros());
  return defineLayer('dense', options, (scope, ...inputs) => {
    const signal = featureInput(layerLabel('dense', scope), inputs);
    const weight = scope.parameter('weight', [featureCount(signal), units], {
      group: 'output', initializer: weightInitializer, disk: { name: 'weight', transpose: true },
    });
    const product = matmul(signal.value, weight);
    const sum = bias ? add(product, scope.parameter('bias', [units], { group: 'bias', initializer: biasInitializer })) : product;
    const result = { ...signal, value: applyActivation(activation, sum) };
    return zeroPadding(result);
  }, { rowwise: true });
}

registerLayer('dense', dense);
