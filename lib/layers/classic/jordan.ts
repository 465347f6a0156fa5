import { requireChoice, requireInteger, requireNumber } from '../../checks.ts';
import { activate, cellActivations } from '../../cells/activations.ts';
import { checkOptions } from '../../errors.ts';
import { add, matmul, multiply, type Value } from '../../graph/index.ts';
import { activationNames, applyActivation, type ActivationName } from '../activation.ts';
import { defineLayer, featureCount, layerLabel, sequenceInput, type LayerOptions } from '../define.ts';
import { asInitializer, glorotUniform, zeros, type InitializerLike } from '../initializers/index.ts';
import type { Initializer, Layer, ParameterGroup, Scope } from '../layer.ts';
import { registerLayer } from '../registry.ts';
import { runSteps } from './steps.ts';

export interface JordanOptions extends LayerOptions {
  /** Hidden units. */
  readonly units: number;
  /** Features of the output, which is what the context remembers. */
  readonly outputs: number;
  /** How much of the context stays from step to step, from 0 (the last output alone) up to but not including 1. Default 0.5. */
  readonly decay?: number | undefined;
  /** 'sum' (default): outputs are added to what stays, μ' = α μ + y. 'average': μ' = α μ + (1 − α) y. */
  readonly context?: 'sum' | 'average' | undefined;
  /** Of the hidden units. Default "tanh". */
  readonly activation?: (typeof cellActivations)[number] | undefined;
  /** Default "linear". */
  readonly outputActivation?: ActivationName | undefined;
  /** The output at every step [N, T, outputs] (default) or where each row ends [N, outputs]. */
  readonly output?: 'sequence' | 'last' | undefined;
  /** Defaults: input, context and output glorotUniform, bias zeros. */
  readonly initializer?: {
    readonly input?: InitializerLike | undefined; readonly context?: InitializerLike | undefined; readonly output?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined;
  } | undefined;
}

interface Settings {
  readonly units: number;
  readonly outputs: number;
  readonly decay: number;
  readonly share: number;
  readonly activation: (typeof cellActivations)[number];
  readonly outputActivation: ActivationName;
  readonly output: 'sequence' | 'last';
  readonly initializer: Readonly<Record<'input' | 'context' | 'output' | 'bias', Initializer>>;
}

function readSettings(options: JordanOptions): Settings {
  checkOptions('jordan', options, ['name', 'units', 'outputs', 'decay', 'context', 'activation', 'outputActivation', 'output', 'initializer']);
  const decay = requireNumber('jordan', 'decay', options.decay ?? 0.5, 0, 1 - Number.EPSILON);
  const context = requireChoice('jordan', 'context', options.context ?? 'sum', ['sum', 'average'] as const);
  const given = options.initializer ?? {};
  checkOptions('jordan: initializer', given, ['input', 'context', 'output', 'bias']);
  return {
    decay,
    share: context === 'sum' ? 1 : 1 - decay,
    units: requireInteger('jordan', 'units', options.units, 1),
    outputs: requireInteger('jordan', 'outputs', options.outputs, 1),
    activation: requireChoice('jordan', 'activation', options.activation ?? 'tanh', cellActivations),
    outputActivation: requireChoice('jordan', 'outputActivation', options.outputActivation ?? 'linear', activationNames),
    output: requireChoice('jordan', 'output', options.output ?? 'sequence', ['sequence', 'last'] as const),
    initializer: {
      input: asInitializer('jordan: initializer.input', given.input ?? glorotUniform()),
      context: asInitializer('jordan: initializer.context', given.context ?? glorotUniform()),
      output: asInitializer('jordan: initializer.output', given.output ?? glorotUniform()),
      bias: asInitializer('jordan: initializer.bias', given.bias ?? zeros()),
    },
  };
}

function weightsOf(scope: Scope, { units, outputs, initializer }: Settings, features: number): Record<'input' | 'context' | 'hidden' | 'output' | 'shown', Value> {
  const matrix = (name: string, rows: number, columns: number, group: ParameterGroup, filled: Initializer): Value => (
    scope.parameter(name, [rows, columns], { group, initializer: filled, disk: { name, transpose: true } }));
  const bias = (name: string, size: number): Value => scope.parameter(name, [size], { group: 'bias', initializer: initializer.bias });
  return {
    input: matrix('weight_ih', features, units, 'input', initializer.input),
    context: matrix('weight_ch', outputs, units, 'recurrent', initializer.context),
    hidden: bias('bias_h', units),
    output: matrix('weight_ho', units, outputs, 'output', initializer.output),
    shown: bias('bias_o', outputs),
  };
}

/**
 * A network whose memory is a running average of its own outputs: M. I. Jordan, "Serial order: a parallel distributed processing approach", ICS Report 8604 (1986).
 *
 *     h_t = f(W x_t + U μ_t + b)          y_t = g(V h_t + c)          μ_{t+1} = α μ_t + y_t
 *
 * so that μ_t = Σ_{k<t} α^{t−1−k} y_k. What the context keeps is fixed: the weights 1 from the outputs and α to itself are numbers, not parameters, and no training
 * changes them; learned is what is read from it, U. Gradients run through μ to earlier outputs. With `context: 'average'` outputs are weighed 1 − α.
 *
 * [N, T, C] → [N, T, outputs], or [N, outputs] with `output: 'last'`. State: "context", [N, outputs].
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE without time and ERR_BPTT_TYPE for tokens.
 */
export function jordan(options: JordanOptions): Layer {
  const settings = readSettings(options);
  const { decay, share, outputs } = settings;
  return defineLayer('jordan', options, (scope, ...inputs) => {
    const signal = sequenceInput(layerLabel('jordan', scope), inputs);
    const weights = weightsOf(scope, settings, featureCount(signal));
    return runSteps(scope, signal, settings.output, {
      states: { context: { shape: [signal.value.shape[1]!, outputs] } },
      step: (x, { context }) => {
        const sum = add(add(matmul(x, weights.input), weights.hidden), matmul(context!, weights.context));
        const y = applyActivation(settings.outputActivation, add(matmul(activate(settings.activation, sum), weights.output), weights.shown));
        return { output: y, next: { context: add(multiply(context!, decay), multiply(y, share)) } };
      },
    });
  }, { recurrence: true });
}

registerLayer('jordan', jordan);
