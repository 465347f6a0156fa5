import { requireInteger } from '../../checks.ts';
import { BpttError, checkOptions } from '../../errors.ts';
import { concat } from '../../graph/index.ts';
import { defineLayer, layerLabel, type LayerOptions } from '../define.ts';
import type { Layer } from '../layer.ts';
import { describeLayer, registerLayer, type LayerDescription } from '../registry.ts';
import type { SteppedState } from '../stepping.ts';
import { attend, attentionTraits, readAttending } from './attend.ts';
import { alignmentOf, contextOf } from './memory.ts';
import { additiveScore } from './scores.ts';

export interface BahdanauAttentionOptions extends LayerOptions {
  /** The decoder: a recurrent layer of direction "forward" with a state h, of any cell. */
  readonly layer: Layer | LayerDescription;
  /** Units of the score; default those of the state. */
  readonly units?: number | undefined;
}

/** The state that asks: h of the last layer that has one. */
function asking(label: string, states: readonly SteppedState[]): SteppedState {
  const found = states.findLast(({ path }) => path === 'h' || path.endsWith('/h'));
  if (found) return found;
  throw new BpttError('ERR_BPTT_STATE', `${label}: expected a layer with a state called h, whose last value asks what to look at, received one with ${states.map(({ path }) => path).join(', ') || 'no state'}`,
    { expected: 'h', received: states.map(({ path }) => path) });
}

/**
 * A recurrent layer that looks back at another sequence at each step, by additive scores: D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly
 * learning to align and translate", arXiv:1409.0473 (ICLR 2015), with any cell in the place of theirs.
 *
 *     e_tj = vᵀ tanh(W s_{t−1} + U m_j)        α_t = softmax(e_t) over the row's own steps        c_t = Σ_j α_tj m_j
 *     s_t  = cell(s_{t−1}, [x_t; c_t])         output [s_t; c_t]
 *
 * Its inputs are the sequence x [N, S, C] that it runs over and the sequence m [N, T, M] that it looks at; the output is [N, S, H + M], or [N, H + M] around a layer with
 * `output: 'last'`. The shares α are the named output "alignment", [N, S, T].
 * @throws ERR_BPTT_OPTION for a layer of more than one input, ERR_BPTT_RANGE for units; when built, ERR_BPTT_OPTION for a layer that reads backwards or ahead, also inside of
 * others, ERR_BPTT_GRAPH without a second input, ERR_BPTT_SHAPE and
 * ERR_BPTT_TYPE for inputs that are no sequences of features, ERR_BPTT_STATE for a layer without a state h.
 */
export function bahdanauAttention(options: BahdanauAttentionOptions): Layer {
  checkOptions('bahdanauAttention', options, ['name', 'layer', 'units']);
  const layer = readAttending('bahdanauAttention', options.layer);
  const units = options.units === undefined ? undefined : requireInteger('bahdanauAttention', 'units', options.units, 1);
  return defineLayer('bahdanauAttention', { ...options, layer: describeLayer(layer) }, (scope, ...inputs) => {
    const label = layerLabel('bahdanauAttention', scope);
    return attend({
      label, scope, layer, inputs,
      fed: ({ size }) => size,
      prepare: ({ memory, states }) => {
        const { path, shape } = asking(label, states);
        const score = additiveScore({ scope, memory, querySize: shape[1]!, units: units ?? shape[1]! });
        return {
          step: ({ x, run, states: now }) => {
            const alignment = alignmentOf(score(now[path]!), memory);
            const context = contextOf(alignment, memory);
            return { output: concat([run(concat([x, context], 1)), context], 1), alignment };
          },
        };
      },
    });
  }, attentionTraits);
}

registerLayer('bahdanauAttention', bahdanauAttention);
