import { BpttError, checkOptions } from '../errors.ts';
import { reshape } from '../graph/index.ts';
import { defineLayer, layerLabel, onlyInput, signalError, type LayerOptions } from './define.ts';
import type { Layer, Scope, Signal } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { asLayer, describeLayer, registerLayer, type LayerDescription } from './registry.ts';
import { childNames } from './chain.ts';

export interface TimeDistributedOptions extends LayerOptions {
  /** What is applied to each step alone: a layer from [N, …] to [N, …]. */
  readonly layer: Layer | LayerDescription;
}

/** A scope in which nothing can be carried, and no other step be read: steps know nothing of each other. */
function stepwiseScope(scope: Scope, label: string): Scope {
  return Object.assign(Object.create(scope) as Scope, {
    child: (name: string) => stepwiseScope(scope.child(name), label),
    state: () => {
      throw new BpttError('ERR_BPTT_GRAPH', `${label}: its layer carries a state from step to step, which steps that know nothing of each other cannot; use it without timeDistributed`);
    },
    readsAhead: () => undefined,
  });
}

/**
 * A layer for one row applied to each step of a sequence with the same weights: [N, T, …] → [N, T, …]. Layers such as `dense` do so by themselves; this is for those
 * that take rows without time, such as a network that reads one frame of a video.
 * @throws ERR_BPTT_TYPE for something that is no layer; when built, ERR_BPTT_SHAPE for a signal without time and for a layer that gives no rows, ERR_BPTT_GRAPH for
 * a layer that carries a state.
 */
export function timeDistributed(options: TimeDistributedOptions): Layer {
  checkOptions('timeDistributed', options, ['name', 'layer']);
  const layer = asLayer('timeDistributed: layer', options.layer);
  const [name] = childNames([layer]) as [string];
  return defineLayer('timeDistributed', { ...options, layer: describeLayer(layer) }, (scope, ...inputs) => {
    const label = layerLabel('timeDistributed', scope);
    const signal = onlyInput(label, inputs);
    if (!signal.time) throw signalError(label, ['N', 'T', '…'], signal);
    const { value, lengths, tokens } = zeroPadding(signal);
    const [steps, rows, ...sizes] = value.shape as [number, number, ...number[]];
    const each: Signal = { value: reshape(value, [steps * rows, ...sizes]), time: false, tokens };
    const result = layer.build(stepwiseScope(scope.child(name), label), each);
    if (result.time || result.value.shape[0] !== steps * rows) throw signalError(`${label}: its layer`, [steps * rows, '…'], result, 'it has to give one result for each row');
    return zeroPadding({ value: reshape(result.value, [steps, rows, ...result.value.shape.slice(1)]), time: true, lengths, tokens: result.tokens });
  }, { readsTokens: layer.readsTokens });
}

registerLayer('timeDistributed', timeDistributed);
