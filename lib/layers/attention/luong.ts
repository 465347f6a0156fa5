import { requireBoolean, requireChoice, requireInteger } from '../../checks.ts';
import { BpttError, checkOptions } from '../../errors.ts';
import { concat, expand, matmul, tanh, type Value } from '../../graph/index.ts';
import { defineLayer, layerLabel, type LayerOptions } from '../define.ts';
import { glorotUniform } from '../initializers/index.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { describeLayer, registerLayer, type LayerDescription } from '../registry.ts';
import { attend, attendAfter, attentionTraits, readAttending, type Attending, type Look } from './attend.ts';
import { alignmentOf, contextOf, type Memory } from './memory.ts';
import { additiveScore, dotScore, generalScore } from './scores.ts';

const scores = { dot: dotScore, general: generalScore, concat: additiveScore } as const;

export interface LuongAttentionOptions extends LayerOptions {
  /** The decoder: a recurrent layer of direction "forward", of any cell, one or several on top of each other. */
  readonly layer: Layer | LayerDescription;
  /** "dot": hᵀ m. "general" (default): hᵀ W m. "concat": vᵀ tanh(W [h; m]). */
  readonly score?: keyof typeof scores | undefined;
  /** Size of the output; default that of the layer's. */
  readonly units?: number | undefined;
  /** Whether the output of a step enters the next one beside its input. Default false. */
  readonly inputFeeding?: boolean | undefined;
}

function requireDotSizes(label: string, memory: Memory, outputSize: number): void {
  if (memory.size === outputSize) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected what it looks at to have ${outputSize} features as the layer's output has, for score "dot" multiplies the two, received ${memory.size}; choose score "general"`,
    { expected: outputSize, received: memory.size });
}

/** tanh(W_c [c; h]), of values [..., M] and [..., H]. */
function readout(scope: Scope, inputs: number, units: number): (context: Value, output: Value) => Value {
  const weight = scope.parameter('attention_output', [inputs, units], { group: 'output', initializer: glorotUniform(), disk: { name: 'attention_output', transpose: true } });
  return (context, output) => tanh(matmul(concat([context, output]), weight));
}

/** The attention inside of the loop over time, where what it gives enters the next step. */
function feeding(units: number, prepare: (memory: Memory, outputSize: number) => Look, around: Omit<Attending, 'fed' | 'prepare'>): Signal {
  return attend({
    ...around,
    fed: () => units,
    prepare: ({ memory, outputSize }) => {
      const look = prepare(memory, outputSize);
      return {
        states: [{ path: 'feed', shape: [memory.values.shape[0]!, units], initial: undefined }],
        step: ({ x, run, states, scope }) => {
          const { output, alignment } = look(run(concat([x, states['feed']!], 1)));
          scope.carry('feed', { final: output, sequence: expand(output, [0]) });
          return { output, alignment };
        },
      };
    },
  });
}

/**
 * A recurrent layer that looks at another sequence after each of its steps: M.-T. Luong, H. Pham and C. Manning, "Effective approaches to attention-based neural
 * machine translation", arXiv:1508.04025 (EMNLP 2015), their global attention, with any cell.
 *
 *     h_t = cell(h_{t−1}, x_t), or with input feeding cell(h_{t−1}, [x_t; h̃_{t−1}])
 *     α_t = softmax(score(h_t, m)) over the row's own steps        c_t = Σ_j α_tj m_j        output h̃_t = tanh(W_c [c_t; h_t])
 *
 * Its inputs are the sequence x [N, S, C] that it runs over and the sequence m [N, T, M] that it looks at; the output is [N, S, units], or [N, units] around a layer with
 * `output: 'last'`. The shares α are the named output "alignment", [N, S, T]. With input feeding h̃ is a state of the model, "feed".
 * @throws ERR_BPTT_OPTION for a layer that is not recurrent or an unknown score, ERR_BPTT_RANGE for units; when built, ERR_BPTT_OPTION for a layer that reads backwards or ahead,
 * also inside of others, ERR_BPTT_GRAPH without a second input, ERR_BPTT_SHAPE and ERR_BPTT_TYPE for inputs that are no sequences of features or, with "dot", of another size than the layer's output.
 */
export function luongAttention(options: LuongAttentionOptions): Layer {
  checkOptions('luongAttention', options, ['name', 'layer', 'score', 'units', 'inputFeeding']);
  const layer = readAttending('luongAttention', options.layer);
  if (!layer.recurrence) {
    throw new BpttError('ERR_BPTT_OPTION', `luongAttention: expected a recurrent layer, or one around recurrent layers, received ${layer.kind}; put gru({ units }) or lstm({ units }) there, and other layers before or after the attention`,
      { expected: 'recurrent layer', received: layer.kind });
  }
  const kind = requireChoice('luongAttention', 'score', options.score ?? 'general', ['dot', 'general', 'concat'] as const);
  const inputFeeding = requireBoolean('luongAttention', 'inputFeeding', options.inputFeeding ?? false);
  const given = options.units === undefined ? undefined : requireInteger('luongAttention', 'units', options.units, 1);
  if (inputFeeding && given === undefined) {
    throw new BpttError('ERR_BPTT_OPTION', 'luongAttention: expected the option units beside inputFeeding, for the layer reads that many features beside its input', { expected: 'units' });
  }
  return defineLayer('luongAttention', { ...options, layer: describeLayer(layer) }, (scope, ...inputs) => {
    const label = layerLabel('luongAttention', scope);
    /** From what the layer gives to the output and the shares. */
    const prepare = (memory: Memory, outputSize: number): Look => {
      if (kind === 'dot') requireDotSizes(label, memory, outputSize);
      const score = scores[kind]({ scope, memory, querySize: outputSize, units: outputSize });
      const result = readout(scope, memory.size + outputSize, given ?? outputSize);
      return (output) => {
        const alignment = alignmentOf(score(output), memory);
        return { alignment, output: result(contextOf(alignment, memory), output) };
      };
    };
    const around = { label, scope, layer, inputs };
    return inputFeeding ? feeding(given!, prepare, around) : attendAfter({ ...around, prepare });
  }, attentionTraits);
}

registerLayer('luongAttention', luongAttention);
