import { requireInteger, requireNumber } from '../../checks.ts';
import { BpttError, checkOptions } from '../../errors.ts';
import { add, constant, matmul, multiply, power, square, type Value } from '../../graph/index.ts';
import { anyFeatures, defineLayer, layerLabel, type LayerOptions } from '../define.ts';
import type { Layer } from '../layer.ts';
import { mostChannels } from '../limits.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';

/** How channels are normalised by their neighbours. */
export interface ResponseNormalization {
  /** Neighbouring channels that count, itself included; default ⌊C / 8⌋ + 1. */
  readonly size?: number | undefined;
  /** Default 0.001. */
  readonly alpha?: number | undefined;
  /** Default 0.75. */
  readonly beta?: number | undefined;
}

export interface LocalResponseNormalizationOptions extends LayerOptions, ResponseNormalization {}

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE naming the owner. */
export function checkResponseNormalization(owner: string, options: ResponseNormalization): void {
  if (options.size !== undefined) requireInteger(owner, 'size', options.size, 1);
  requireNumber(owner, 'alpha', options.alpha ?? 0.001, 0, Number.MAX_VALUE);
  requireNumber(owner, 'beta', options.beta ?? 0.75, 0, Number.MAX_VALUE);
}

/** [C, C]: 1 where channel i counts for channel k: k − ⌊size / 2⌋ ≤ i ≤ k + ⌊(size − 1) / 2⌋. */
function neighbours(channels: number, size: number): Value {
  const band = new Float64Array(channels * channels);
  for (let k = 0; k < channels; k++) {
    const last = Math.min(channels - 1, k + Math.floor((size - 1) / 2));
    for (let i = Math.max(0, k - Math.floor(size / 2)); i <= last; i++) band[i * channels + k] = 1;
  }
  return constant(band, [channels, channels]);
}

/** x_k / (1 + α / size · Σ x_i²)^β over the neighbours i of each channel k, the last axis. @throws ERR_BPTT_RANGE for more than 4096 channels. */
export function normalizeResponses(x: Value, { size, alpha = 0.001, beta = 0.75 }: ResponseNormalization): Value {
  const channels = x.shape.at(-1)!;
  if (channels > mostChannels) {
    throw new BpttError('ERR_BPTT_RANGE', `local response normalisation: expected ${mostChannels} channels at most, received ${channels}; choose fewer filters or units before it`, { expected: mostChannels, received: channels });
  }
  const width = size ?? Math.floor(channels / 8) + 1;
  const energy = matmul(square(x), neighbours(channels, width));
  return multiply(x, power(add(1, multiply(energy, alpha / width)), -beta));
}

/**
 * Local response normalisation across channels, A. Krizhevsky, I. Sutskever and G. Hinton (2012), with the constants of M. Liang and X. Hu, "Recurrent convolutional
 * neural network for object recognition" (CVPR 2015):
 *
 *     y_k = x_k / (1 + α / N · Σ_i x_i²)^β        i = k − N/2 … k + N/2, inside of the C channels; N = C / 8 + 1, α = 0.001, β = 0.75
 *
 * Shapes are kept: [N, T, C], [N, C], [N, H, W, C] or [N, T, H, W, C].
 * @throws ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_TYPE for tokens and ERR_BPTT_RANGE for more than 4096 channels.
 */
export function localResponseNormalization(options: LocalResponseNormalizationOptions = {}): Layer {
  checkOptions('localResponseNormalization', options, ['name', 'size', 'alpha', 'beta']);
  checkResponseNormalization('localResponseNormalization', options);
  return defineLayer('localResponseNormalization', options, (scope, ...inputs) => {
    const signal = anyFeatures(layerLabel('localResponseNormalization', scope), inputs);
    return zeroPadding({ ...signal, value: normalizeResponses(signal.value, options) });
  });
}

registerLayer('localResponseNormalization', localResponseNormalization);
