import { requireNumber } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { traitsOf, readChain } from './chain.ts';
import { defineLayer, layerLabel, type LayerOptions } from './define.ts';
import { gatedSum } from './gatedSum.ts';
import type { Layer } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { asLayer, describeLayer, registerLayer, type LayerDescription } from './registry.ts';
import { requireSameShape, shortcut, shortcutInput } from './shortcut.ts';

export interface HighwayOptions extends LayerOptions {
  readonly layer: Layer | LayerDescription;
  /** Where the bias of the transform gate begins: below 0 the layer at first lets most of its input pass. Default −1. */
  readonly gateBias?: number | undefined;
}

/**
 * y = g ⊙ f(x) + (1 − g) ⊙ x with the transform gate g = σ(x W + b): R. Srivastava, K. Greff and J. Schmidhuber, "Highway networks", arXiv:1505.00387 (2015). Where
 * the gate is closed the input passes unchanged, and so does its gradient.
 *
 * [N, T, C] → [N, T, C], [N, C] → [N, C]; of a layer that gives only what it ended with, the step of x where it ended goes past.
 * @throws ERR_BPTT_TYPE for something that is no layer or number; when built, ERR_BPTT_TYPE for tokens and ERR_BPTT_SHAPE when the layer does not keep the shape.
 */
export function highway(options: HighwayOptions): Layer {
  checkOptions('highway', options, ['name', 'layer', 'gateBias']);
  const gateBias = requireNumber('highway', 'gateBias', options.gateBias ?? -1, -Number.MAX_VALUE, Number.MAX_VALUE);
  const layer = asLayer('highway: layer', options.layer);
  const chain = readChain('highway', [layer]);
  return defineLayer('highway', { ...options, layer: describeLayer(layer) }, (scope, first, ...further) => {
    const label = layerLabel('highway', scope);
    const signal = shortcutInput(label, first);
    const result = layer.build(scope.child(chain.names[0]!), signal, ...further);
    const past = shortcut(label, signal, result);
    requireSameShape(label, past, result, 'give it as many units as the input has features');
    return zeroPadding({ ...result, value: gatedSum(scope, past, result.value, { gateBias }) });
  }, traitsOf([layer]));
}

registerLayer('highway', highway);
