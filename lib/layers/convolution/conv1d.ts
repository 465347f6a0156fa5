import { requireChoice, requireInteger } from '../../checks.ts';
import { checkOptions } from '../../errors.ts';
import { add } from '../../graph/index.ts';
import { applyActivation } from '../activation.ts';
import { defineLayer, featureCount, layerLabel, sequenceInput } from '../define.ts';
import type { Layer } from '../layer.ts';
import { longestStride, mostPlaces, requireReach } from '../limits.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';
import { filterOptionNames, readFilterOptions, type FilterLayerOptions } from './options.ts';
import { convolveSteps } from './overTime.ts';
import { filterMatrix } from './weights.ts';
import type { Padding } from './windows.ts';

export interface Conv1dOptions extends FilterLayerOptions {
  /** Steps that each filter sees, up to 4096. */
  readonly kernel: number;
  /** Steps from one output to the next, up to 65,536. Default 1. */
  readonly stride?: number | undefined;
  /** Steps from one place of the kernel to the next; (kernel − 1)·dilation is 65,536 at most. Default 1. */
  readonly dilation?: number | undefined;
  /** What lies beyond the ends of a sequence. Default "valid". */
  readonly padding?: Padding | undefined;
}

/**
 * A convolution over time (cross-correlation, as in PyTorch and Keras):
 *
 *     y_t = f(Σ_i x_{t·stride + i·dilation − before} W_i + b)          i = 0 … kernel − 1
 *
 * with zeros beyond a row's own ends. `before` is 0 for padding "valid" (only windows inside of the row), (kernel − 1)·dilation for "causal" (a window ends at its own
 * step; it sees nothing later) and half of that, rounded down, for "same". The weight is [kernel, C, filters].
 *
 * [N, T, C] → [N, T', filters]; T' = ⌈T / stride⌉, for "valid" ⌊(T − (kernel − 1)·dilation − 1) / stride⌋ + 1; rows of different lengths have as many as each alone would,
 * none where one is shorter than the window. Causal convolutions of stride 1 stream: their last (kernel − 1)·dilation inputs are the state "recent".
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_TYPE for tokens and ERR_BPTT_SHAPE for a signal without time.
 */
export function conv1d(options: Conv1dOptions): Layer {
  checkOptions('conv1d', options, [...filterOptionNames, 'kernel', 'stride', 'dilation', 'padding']);
  const filters = requireInteger('conv1d', 'filters', options.filters, 1);
  const windows = {
    kernel: requireInteger('conv1d', 'kernel', options.kernel, 1, mostPlaces),
    stride: requireInteger('conv1d', 'stride', options.stride ?? 1, 1, longestStride),
    dilation: requireInteger('conv1d', 'dilation', options.dilation ?? 1, 1),
  };
  requireReach('conv1d', windows.kernel, windows.dilation);
  const padding = requireChoice('conv1d', 'padding', options.padding ?? 'valid', ['causal', 'same', 'valid'] as const);
  const { activation, bias, weightNorm, initializer } = readFilterOptions('conv1d', options);
  return defineLayer('conv1d', options, (scope, ...inputs) => {
    const signal = sequenceInput(layerLabel('conv1d', scope), inputs);
    const weight = filterMatrix(scope, { shape: [windows.kernel, featureCount(signal), filters], initializer: initializer.weight, weightNorm });
    const { value, lengths } = convolveSteps(scope, signal, weight, windows, padding);
    const biased = bias ? add(value, scope.parameter('bias', [filters], { group: 'bias', initializer: initializer.bias })) : value;
    return zeroPadding({ value: applyActivation(activation, biased), time: true, lengths });
  });
}

registerLayer('conv1d', conv1d);
