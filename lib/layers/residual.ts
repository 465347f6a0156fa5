import { requireBoolean } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { add, matmul } from '../graph/index.ts';
import { traitsOf, readChain } from './chain.ts';
import { defineLayer, featureCount, layerLabel, type LayerOptions } from './define.ts';
import { glorotUniform } from './initializers/index.ts';
import type { Layer, Scope, Signal } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { asLayer, describeLayer, registerLayer, type LayerDescription } from './registry.ts';
import { requireSameShape, shortcut, shortcutInput } from './shortcut.ts';

export interface ResidualOptions extends LayerOptions {
  readonly layer: Layer | LayerDescription;
  /** Brings the input to the result's size by a learned matrix where the two differ. Default false: then they have to be equal. */
  readonly projection?: boolean | undefined;
}

function projected(scope: Scope, signal: Signal, size: number): Signal {
  if (featureCount(signal) === size) return signal;
  const weight = scope.parameter('projection', [featureCount(signal), size], { group: 'input', initializer: glorotUniform(), disk: { name: 'projection', transpose: true } });
  return { ...signal, value: matmul(signal.value, weight) };
}

/**
 * y = x + f(x): what a layer makes of its input is added to the input, so that values forwards and gradients backwards have a path on which nothing is multiplied
 * (K. He et al., "Deep residual learning for image recognition", arXiv:1512.03385, 2015). With `projection`, y = x P + f(x) where sizes differ.
 *
 * [N, T, C] → [N, T, C], [N, C] → [N, C]; of a layer that gives only what it ended with, the step of x where it ended is added.
 * @throws ERR_BPTT_TYPE for something that is no layer; when built, ERR_BPTT_TYPE for tokens and ERR_BPTT_SHAPE when sizes differ and there is no projection.
 */
export function residual(options: ResidualOptions): Layer {
  checkOptions('residual', options, ['name', 'layer', 'projection']);
  const projection = requireBoolean('residual', 'projection', options.projection ?? false);
  const layer = asLayer('residual: layer', options.layer);
  const chain = readChain('residual', [layer]);
  return defineLayer('residual', { ...options, layer: describeLayer(layer) }, (scope, first, ...further) => {
    const label = layerLabel('residual', scope);
    const signal = shortcutInput(label, first);
    const result = layer.build(scope.child(chain.names[0]!), signal, ...further);
    const past = shortcut(label, signal, result);
    const fitting = projection ? projected(scope, past, featureCount(result)) : past;
    requireSameShape(label, fitting, result, projection ? 'only the features may differ' : 'give it as many units as the input has features, or set projection: true');
    return zeroPadding({ ...result, value: add(fitting.value, result.value) });
  }, traitsOf([layer]));
}

registerLayer('residual', residual);
