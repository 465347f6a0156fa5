import { requireBoolean, requireInteger } from '../../checks.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import { add, relu } from '../../graph/index.ts';
import { defineLayer, featureCount, layerLabel, sequenceInput, type LayerOptions } from '../define.ts';
import { applyDropout, requireRate } from '../dropout.ts';
import { asInitializer, normal, zeros, type InitializerLike } from '../initializers/index.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { mostBlocks, mostPlaces, requirePlaces, requireReach } from '../limits.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';
import { conv1d } from './conv1d.ts';
import type { FilterLayerOptions } from './options.ts';

export interface TcnOptions extends LayerOptions {
  /** Features of each block, from the input to the output: as many blocks as numbers, up to 17. */
  readonly channels: readonly number[];
  /** Steps that each convolution sees. With L blocks (kernel − 1)·2ᴸ⁻¹ is 65,536 at most, and 2 L·kernel 4096. Default 2. */
  readonly kernel?: number | undefined;
  /** Rate of dropout after each convolution. Default 0. */
  readonly dropout?: number | undefined;
  /** Whether dropout takes a feature away from all steps of a row (spatial dropout, as in the paper) instead of from each step on its own; refused without a rate. Default true. */
  readonly variational?: boolean | undefined;
  /** Default true. */
  readonly weightNorm?: boolean | undefined;
  /** Defaults: weight normal with deviation 0.01, bias zeros. */
  readonly initializer?: { readonly weight?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined } | undefined;
}

interface TcnSettings {
  readonly kernel: number;
  readonly dropout: number;
  readonly variational: boolean;
  readonly weightNorm: boolean;
  readonly initializer: FilterLayerOptions['initializer'];
}

function buildBlock(scope: Scope, input: Signal, filters: number, dilation: number, settings: TcnSettings): Signal {
  const { kernel, dropout, variational, weightNorm, initializer } = settings;
  const convolution = conv1d({ filters, kernel, dilation, padding: 'causal', activation: 'relu', weightNorm, initializer });
  let signal = input;
  for (const name of ['convolution_1', 'convolution_2']) {
    signal = applyDropout(scope, convolution.build(scope.child(name), signal), dropout, variational);
  }
  const shortcut = featureCount(input) === filters ? input : conv1d({ filters, kernel: 1, initializer }).build(scope.child('shortcut'), input);
  return zeroPadding({ ...signal, value: relu(add(signal.value, shortcut.value)) });
}

/**
 * A temporal convolutional network: S. Bai, J. Kolter and V. Koltun, "An empirical evaluation of generic convolutional and recurrent networks for sequence modeling",
 * arXiv:1803.01271 (2018). Block i = 0, 1, … with dilation 2ⁱ is
 *
 *     y = relu(F(x) + x)        F: twice causal convolution (weight-normalised) → relu → dropout
 *
 * where a convolution of kernel 1 takes x's place in the sum when the numbers of features differ. An output sees 1 + 2 (kernel − 1)(2ᴸ − 1) steps with L blocks
 * (`receptiveField`), none of them later than its own.
 *
 * [N, T, C] → [N, T, last of channels]. It streams: each convolution carries its last (kernel − 1)·dilation inputs.
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE for a signal without time, ERR_BPTT_TYPE for tokens.
 */
export function tcn(options: TcnOptions): Layer {
  checkOptions('tcn', options, ['name', 'channels', 'kernel', 'dropout', 'variational', 'weightNorm', 'initializer']);
  const { channels } = options;
  if (!Array.isArray(channels) || channels.length === 0) {
    throw new BpttError('ERR_BPTT_TYPE', `tcn: expected channels to be a list of at least one number, one for each block, received ${describe(channels)}`, { received: channels });
  }
  requireInteger('tcn', 'the number of blocks', channels.length, 1, mostBlocks);
  channels.forEach((filters, i) => requireInteger('tcn', `channels[${i}]`, filters, 1));
  const initializer = options.initializer ?? {};
  checkOptions('tcn: initializer', initializer, ['weight', 'bias']);
  const settings: TcnSettings = {
    kernel: requireInteger('tcn', 'kernel', options.kernel ?? 2, 1, mostPlaces),
    dropout: requireRate('tcn', 'dropout', options.dropout ?? 0),
    variational: requireBoolean('tcn', 'variational', options.variational ?? true),
    weightNorm: requireBoolean('tcn', 'weightNorm', options.weightNorm ?? true),
    initializer: {
      weight: asInitializer('tcn: initializer.weight', initializer.weight ?? normal({ deviation: 0.01 })), bias: asInitializer('tcn: initializer.bias', initializer.bias ?? zeros()),
    },
  };
  if (options.variational !== undefined && settings.dropout === 0) {
    throw new BpttError('ERR_BPTT_OPTION', 'tcn: variational says how the masks of dropout are drawn, and dropout is 0; give a rate, or leave variational out', { received: options.variational });
  }
  requireReach('tcn', settings.kernel, 2 ** (channels.length - 1));
  requirePlaces('tcn', 2 * channels.length * settings.kernel, 'a smaller kernel or fewer blocks');
  return defineLayer('tcn', options, (scope, ...inputs) => channels.reduce<Signal>(
    (signal, filters: number, i) => buildBlock(scope.child(`block_${i}`), signal, filters, 2 ** i, settings), sequenceInput(layerLabel('tcn', scope), inputs)));
}

registerLayer('tcn', tcn);
