import { requireChoice, requireInteger } from '../../checks.ts';
import { checkOptions } from '../../errors.ts';
import { concat } from '../../graph/index.ts';
import { defineLayer, layerLabel, sequenceInput, type LayerOptions } from '../define.ts';
import { zeros } from '../initializers/index.ts';
import type { Layer } from '../layer.ts';
import { describeLayer, registerLayer, type LayerDescription } from '../registry.ts';
import { runSteps } from './steps.ts';
import { applyTransition, readTransition } from './transition.ts';

export interface StateSpaceOptions extends LayerOptions {
  /** Size of the state, which is the output. */
  readonly units: number;
  /** F, from its input, the features of x_t and h_{t−1} side by side, to its output of `units` features: layers without a memory of their own. */
  readonly transition: readonly (Layer | LayerDescription)[];
  /** The state at every step [N, T, units] (default) or where each row ends [N, units]. */
  readonly output?: 'sequence' | 'last' | undefined;
  /** What fresh rows begin with: zeros (default) or a learned vector. */
  readonly initialState?: 'zero' | 'learned' | undefined;
}

/**
 * A state-space model: one network of any depth, the same at every step, takes input and state to the next state.
 *
 *     h_t = F([x_t; h_{t−1}])
 *
 * [N, T, C] → [N, T, units], or [N, units] with `output: 'last'`. With one dense layer as F it is the simple recurrence `rnn`; what is read from the state is layers
 * after this one. Dropout inside of F draws one mask for all steps of a run.
 *
 * ```ts
 * stateSpace({ units: 8, transition: [dense({ units: 32, activation: 'tanh' }), dense({ units: 8, activation: 'tanh' })] })
 * ```
 *
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE without time, or when F gives other features than `units`,
 * and ERR_BPTT_GRAPH for recurrent layers in F.
 */
export function stateSpace(options: StateSpaceOptions): Layer {
  checkOptions('stateSpace', options, ['name', 'units', 'transition', 'output', 'initialState']);
  const units = requireInteger('stateSpace', 'units', options.units, 1);
  const transition = readTransition('stateSpace', options.transition);
  const output = requireChoice('stateSpace', 'output', options.output ?? 'sequence', ['sequence', 'last'] as const);
  const initialState = requireChoice('stateSpace', 'initialState', options.initialState ?? 'zero', ['zero', 'learned'] as const);
  return defineLayer('stateSpace', { ...options, transition: transition.map(describeLayer) }, (scope, ...inputs) => {
    const label = layerLabel('stateSpace', scope);
    const signal = sequenceInput(label, inputs);
    const initial = initialState === 'learned' ? scope.parameter('initial_h', [units], { group: 'state', initializer: zeros() }) : undefined;
    return runSteps(scope, signal, output, {
      states: { h: { shape: [signal.value.shape[1]!, units], initial } },
      step: (x, { h }) => {
        const next = applyTransition(label, scope, transition, concat([x, h!], 1), units);
        return { output: next, next: { h: next } };
      },
    });
  }, { recurrence: true });
}

registerLayer('stateSpace', stateSpace);
