import { checkOptions } from '../errors.ts';
import { buildChain, readChain, traitsOf } from './chain.ts';
import { defineLayer, layerLabel, type LayerOptions } from './define.ts';
import type { Layer } from './layer.ts';
import { describeLayer, registerLayer, type LayerDescription } from './registry.ts';

export interface StackOptions extends LayerOptions {
  /** From the input to the output. */
  readonly layers: readonly (Layer | LayerDescription)[];
}

/**
 * Layers one after the other as one layer. Those that read more than one input take theirs from its inputs after the first one, in order.
 * @throws ERR_BPTT_OPTION for an empty list or a name that two of them have; ERR_BPTT_TYPE for something that is no layer; when built, ERR_BPTT_GRAPH for a wrong number of inputs.
 */
export function stack(options: StackOptions): Layer {
  checkOptions('stack', options, ['name', 'layers']);
  const chain = readChain('stack', options.layers);
  return defineLayer('stack', { ...options, layers: chain.layers.map(describeLayer) }, (scope, ...inputs) => buildChain(layerLabel('stack', scope), chain, scope, inputs), traitsOf(chain.layers));
}

registerLayer('stack', stack);
