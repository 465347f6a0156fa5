import { requireInteger } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { buildChain, traitsOf, readChain } from './chain.ts';
import { defineLayer, layerLabel, onlyInput } from './define.ts';
import type { Layer } from './layer.ts';
import { mostSteps } from './limits.ts';
import { describeLayer, registerLayer } from './registry.ts';
import { repeatVector, type RepeatVectorOptions } from './repeatVector.ts';
import type { StackOptions } from './stack.ts';

export interface VectorToSequenceOptions extends StackOptions {
  /** How many steps to give, up to 65,536. */
  readonly steps: number;
  /** The vector enters at every step (default), or at the first one with zeros after it. */
  readonly at?: RepeatVectorOptions['at'];
}

/**
 * A network that makes a sequence of one vector: the vector as a sequence of `steps` steps, read by its layers one after the other. [N, C] → [N, steps, H].
 * @throws ERR_BPTT_RANGE for steps that are no whole number from 1 to 65,536; ERR_BPTT_OPTION for an empty list or a name that two layers have; when built,
 * ERR_BPTT_SHAPE for an input over time.
 */
export function vectorToSequence(options: VectorToSequenceOptions): Layer {
  checkOptions('vectorToSequence', options, ['name', 'layers', 'steps', 'at']);
  const repeat = repeatVector({ steps: requireInteger('vectorToSequence', 'steps', options.steps, 1, mostSteps), at: options.at });
  const chain = readChain('vectorToSequence', options.layers);
  return defineLayer('vectorToSequence', { ...options, layers: chain.layers.map(describeLayer) }, (scope, ...inputs) => {
    const label = layerLabel('vectorToSequence', scope);
    const [vector, ...further] = inputs;
    return buildChain(label, chain, scope, [repeat.build(scope, onlyInput(label, vector ? [vector] : [])), ...further]);
  }, { ...traitsOf(chain.layers), rowwise: false, readsTokens: false });
}

registerLayer('vectorToSequence', vectorToSequence);
