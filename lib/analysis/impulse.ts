import { requireInteger, requireNumber } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Model } from '../model/index.ts';
import { requireModel, requireStepwise, zeros } from './inside.ts';

export interface ImpulseOptions {
  /** Steps of the answer, from the impulse on. */
  readonly steps: number;
  /** Steps before the impulse, in which the model comes to rest. Default 0. */
  readonly at?: number | undefined;
  /** Which feature is struck. Default 0. */
  readonly feature?: number | undefined;
  /** Default 1. */
  readonly amplitude?: number | undefined;
}

/** What one input at one step changes from then on. */
export interface ImpulseResponse {
  readonly kind: 'impulseResponse';
  /** ‖y(t) − y₀(t)‖ for t = 0 (the impulse) … steps − 1; y₀ is the answer to zeros. */
  readonly norms: Float64Array;
  /** y(t) − y₀(t), step by step. */
  readonly response: readonly Float64Array[];
  /** The last step at which anything differs; −1 when nothing does. A finite response ends before `steps`, exactly. */
  readonly last: number;
  /** Slope of ln of the norm over t behind its peak: ln |w| of a linear unit. null where there are fewer than three steps to fit. */
  readonly rate: number | null;
}

function fit(norms: Float64Array): number | null {
  const peak = norms.indexOf(norms.reduce((a, b) => Math.max(a, b), 0));
  const points = Array.from(norms, (norm, t) => ({ t, norm })).filter(({ t, norm }) => t >= peak && norm > 1e-12 * norms[peak]!);
  if (points.length < 3) return null;
  const time = points.reduce((sum, { t }) => sum + t, 0) / points.length;
  const height = points.reduce((sum, { norm }) => sum + Math.log(norm), 0) / points.length;
  const spread = points.reduce((sum, { t }) => sum + (t - time) ** 2, 0);
  return points.reduce((sum, { t, norm }) => sum + (t - time) * (Math.log(norm) - height), 0) / spread;
}

/**
 * The answer of a model to one impulse among zeros. A window (time delays, causal convolution) forgets it completely once it has passed; a recurrence never
 * does, "with weaker and weaker influence".
 * @param model of one input of features over time, and an output over time with as many steps; of several outputs the first is looked at.
 * @throws (as a rejection) ERR_BPTT_OPTION for a model of other inputs or outputs, and for one that reads steps ahead, whose answer begins before the impulse; ERR_BPTT_RANGE for numbers out of range;
 * ERR_BPTT_MEMORY for more steps than memory holds.
 */
export async function impulseResponse(model: Model, options: ImpulseOptions): Promise<ImpulseResponse> {
  checkOptions('impulseResponse', options, ['steps', 'at', 'feature', 'amplitude']);
  const { inputs, outputs } = requireModel('impulseResponse', model);
  const [only, ...others] = inputs;
  if (!only || others.length > 0 || !only.time || typeof only.features !== 'number' || !outputs[0]!.time) {
    const has = [
      ...inputs.map(({ name, time, features }) => `input "${name}" of ${features === null ? 'tokens' : typeof features === 'number' ? 'features' : 'images'}${time ? '' : ' without time'}`),
      ...(outputs[0]!.time ? [] : [`output "${outputs[0]!.name}" without time`]),
    ];
    throw new BpttError('ERR_BPTT_OPTION', `impulseResponse: expected a model of one input { features: a number } over time and an output over time, received one with ${has.join(', ')}; look at the part of it that has them`,
      { expected: '[N, T, features]', received: inputs });
  }
  requireStepwise('impulseResponse', model);
  const steps = requireInteger('impulseResponse', 'steps', options.steps, 1);
  const at = requireInteger('impulseResponse', 'at', options.at ?? 0, 0);
  const feature = requireInteger('impulseResponse', 'feature', options.feature ?? 0, 0, only.features - 1);
  const amplitude = requireNumber('impulseResponse', 'amplitude', options.amplitude ?? 1, -Number.MAX_VALUE, Number.MAX_VALUE);
  const shape = [2, at + steps, only.features];
  const data = zeros('the input of impulseResponse', shape[0]! * shape[1]! * shape[2]!);
  data[((at + steps) + at) * only.features + feature] = amplitude;
  const { output } = await model.predict({ data, shape });
  if (output.shape[1] !== at + steps) {
    throw new BpttError('ERR_BPTT_OPTION', `impulseResponse: expected an output of as many steps as the input, ${at + steps}, received ${output.shape[1]}; leave out the layers that change their number`,
      { expected: at + steps, received: output.shape[1] });
  }
  const width = output.data.length / (2 * (at + steps));
  const response = Array.from({ length: steps }, (_, t) => Float64Array.from({ length: width }, (__, i) => (
    output.data[(at + steps + at + t) * width + i]! - output.data[(at + t) * width + i]!)));
  const norms = Float64Array.from(response, (values) => Math.hypot(...values));
  return { kind: 'impulseResponse', norms, response, last: norms.findLastIndex((norm) => norm > 0), rate: fit(norms) };
}
