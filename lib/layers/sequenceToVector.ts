import { checkOptions } from '../errors.ts';
import { buildChain, traitsOf, readChain } from './chain.ts';
import { defineLayer, layerLabel, signalError } from './define.ts';
import type { Layer } from './layer.ts';
import { boundaryStep } from './masking.ts';
import { describeLayer, registerLayer } from './registry.ts';
import type { StackOptions } from './stack.ts';

/**
 * A network that reads a sequence and gives one vector for it: its layers one after the other, and of what they give over time the last valid step.
 * [N, T, C] → [N, H], or tokens [N, T] → [N, H].
 * @throws ERR_BPTT_OPTION for an empty list or a name that two layers have; when built, ERR_BPTT_SHAPE for an input without time.
 */
export function sequenceToVector(options: StackOptions): Layer {
  checkOptions('sequenceToVector', options, ['name', 'layers']);
  const chain = readChain('sequenceToVector', options.layers);
  return defineLayer('sequenceToVector', { ...options, layers: chain.layers.map(describeLayer) }, (scope, ...inputs) => {
    const label = layerLabel('sequenceToVector', scope);
    if (inputs[0] && !inputs[0].time) throw signalError(label, ['N', 'T', '…'], inputs[0]);
    const result = buildChain(label, chain, scope, inputs);
    return result.time ? { value: boundaryStep(result), time: false } : result;
  }, { ...traitsOf(chain.layers), rowwise: false });
}

registerLayer('sequenceToVector', sequenceToVector);
