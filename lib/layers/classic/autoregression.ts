import { requireInteger } from '../../checks.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import { at, concat, expand, reshape, sliceAxis, type Value } from '../../graph/index.ts';
import { defineLayer, featureCount, layerLabel, sequenceInput, signalError, type LayerOptions } from '../define.ts';
import { dense } from '../dense.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { zeroPadding } from '../masking.ts';
import { recentInputs } from '../recentInputs.ts';
import { describeLayer, registerLayer, type LayerDescription } from '../registry.ts';
import { longestDelay } from '../limits.ts';
import { delayed } from '../timeDelay.ts';
import { runSteps } from './steps.ts';
import { applyTransition, readTransition } from './transition.ts';

export interface NonlinearAutoregressionOptions extends LayerOptions {
  /** Features of the output y. */
  readonly units: number;
  /** Which inputs F sees, in steps back, 65,536 at most; 0 is the current one. Default [1, 2]. */
  readonly inputDelays?: readonly number[] | undefined;
  /** Which outputs F sees, in steps back, from 1 on. Default [1, 2]. */
  readonly outputDelays?: readonly number[] | undefined;
  /** F, from the delayed inputs and outputs side by side to `units` features. Default [dense({ units: 10, activation: 'tanh' }), dense({ units })]. */
  readonly transition?: readonly (Layer | LayerDescription)[] | undefined;
}

interface Settings {
  readonly units: number;
  readonly inputDelays: readonly number[];
  readonly outputDelays: readonly number[];
  readonly transition: readonly Layer[];
  /** How far back inputs and outputs reach. */
  readonly reach: { readonly input: number; readonly output: number };
}

function readDelays(owner: string, name: string, given: unknown, least: number): readonly number[] {
  const sound = Array.isArray(given) && given.length > 0 && new Set(given).size === given.length;
  if (sound) return given.map((delay) => requireInteger(owner, `every number of ${name}`, delay, least, longestDelay));
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected ${name} to be a list of different numbers of steps, such as [1, 2], received ${describe(given)}`, { expected: [1, 2], received: given });
}

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE naming the option. */
export function readAutoregression(owner: string, options: Omit<NonlinearAutoregressionOptions, 'name'>): Settings {
  const units = requireInteger(owner, 'units', options.units, 1);
  const inputDelays = readDelays(owner, 'inputDelays', options.inputDelays ?? [1, 2], 0);
  const outputDelays = readDelays(owner, 'outputDelays', options.outputDelays ?? [1, 2], 1);
  const transition = readTransition(owner, options.transition ?? [dense({ units: 10, activation: 'tanh' }), dense({ units })]);
  return { units, inputDelays, outputDelays, transition, reach: { input: Math.max(...inputDelays), output: Math.max(...outputDelays) } };
}

/** All steps at once: the measured outputs stand where the network's own would. */
function openLoop(label: string, scope: Scope, settings: Settings, inputs: Value, measured: Signal): Signal {
  const { units, outputDelays, transition, reach } = settings;
  if (featureCount(measured) !== units) throw signalError(label, ['N', 'T', units], measured, 'the second input is the measured output');
  const outputs = delayed(recentInputs(scope, measured, reach.output, 'outputs'), reach.output, outputDelays);
  const [steps, rows] = inputs.shape as [number, number];
  if (outputs.shape[0] !== steps) {
    throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected as many steps of the measured output as of the input, received ${outputs.shape[0]!} and ${steps}`, { expected: steps, received: outputs.shape[0] });
  }
  const all = concat([inputs, outputs], 2);
  const value = applyTransition(label, scope, transition, reshape(all, [steps * rows, -1]), units);
  return zeroPadding({ value: reshape(value, [steps, rows, units]), time: true, lengths: measured.lengths });
}

/** Step by step: the network reads its own outputs. */
function closedLoop(label: string, scope: Scope, settings: Settings, inputs: Signal): Signal {
  const { units, outputDelays, transition, reach } = settings;
  const rows = inputs.value.shape[1]!;
  return runSteps(scope, inputs, 'sequence', {
    states: { outputs: { shape: [rows, reach.output, units] } },
    step: (x, { outputs }) => {
      const seen = outputDelays.map((delay) => at(outputs!, 1, reach.output - delay));
      const y = applyTransition(label, scope, transition, concat([x, ...seen], 1), units);
      const newest = expand(y, [1]);
      return { output: y, next: { outputs: reach.output === 1 ? newest : concat([sliceAxis(outputs!, 1, 1, reach.output - 1), newest], 1) } };
    },
  });
}

/**
 * A nonlinear autoregressive model with exogenous input (NARX): I. J. Leontaritis and S. A. Billings, "Input-output parametric models for non-linear systems",
 * International Journal of Control 41 (1985).
 *
 *     y_t = F(x_{t−a}, …, y_{t−b}, …)          a in inputDelays, b in outputDelays
 *
 * With one input x, [N, T, C] → [N, T, units], the loop is closed: F reads the outputs that it gave (the parallel form). Connected to two, x and the measured output
 * [N, T, units], it is open: F reads what was measured (the series-parallel form, or teacher forcing) and gives the forecast of each step from those before it;
 * no output depends on the measurement of its own step. Both have the same weights and the same states, "inputs" [N, a, C] and "outputs" [N, b, units], the
 * last ones, so that one takes up where the other has ended. `narx` makes a model of both. Dropout inside of F draws one mask for all steps of a run where the loop is
 * closed, and another one at each step where it is open.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE for inputs without time or of other features,
 * ERR_BPTT_GRAPH for recurrent layers in F.
 */
export function nonlinearAutoregression(options: NonlinearAutoregressionOptions): Layer {
  const owner = 'nonlinearAutoregression';
  checkOptions(owner, options, ['name', 'units', 'inputDelays', 'outputDelays', 'transition']);
  const settings = readAutoregression(owner, options);
  const described = { ...options, ...(options.transition ? { transition: settings.transition.map(describeLayer) } : {}) };
  return defineLayer(owner, described, (scope, ...inputs) => {
    const label = layerLabel(owner, scope);
    if (inputs.length > 2) throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected the input, or the input and the measured output, received ${inputs.length} inputs`, { expected: 2, received: inputs.length });
    const exogenous = sequenceInput(label, inputs.slice(0, 1));
    const seen = delayed(recentInputs(scope, exogenous, settings.reach.input, 'inputs'), settings.reach.input, settings.inputDelays);
    if (inputs.length === 1) return closedLoop(label, scope, settings, { ...exogenous, value: seen });
    return openLoop(label, scope, settings, seen, sequenceInput(label, inputs.slice(1)));
  }, { stepwise: true });
}

registerLayer('nonlinearAutoregression', nonlinearAutoregression);
