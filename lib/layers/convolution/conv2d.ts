import { requireChoice, requireInteger } from '../../checks.ts';
import { checkOptions } from '../../errors.ts';
import { add } from '../../graph/index.ts';
import { applyActivation } from '../activation.ts';
import { defineLayer, featureCount, layerLabel } from '../define.ts';
import type { Layer } from '../layer.ts';
import { longestStride, requireReach } from '../limits.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';
import { imageInput, windowsOverImages, type ImageWindows } from './images.ts';
import { filterOptionNames, readFilterOptions, type FilterLayerOptions } from './options.ts';
import { filterMatrix } from './weights.ts';
import { filtered, readKernel, readPair } from './windows.ts';

/** One size for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

export interface Conv2dOptions extends FilterLayerOptions {
  /** Height and width that each filter sees, up to 4096 places. */
  readonly kernel: Pair;
  /** Up to 65,536. Default 1. */
  readonly stride?: Pair | undefined;
  /** (kernel − 1)·dilation is 65,536 at most along each axis. Default 1. */
  readonly dilation?: Pair | undefined;
  /** Default "valid". With "same" and stride 1 images keep their size. */
  readonly padding?: 'same' | 'valid' | undefined;
}

/** Windows along both axes of images. @throws ERR_BPTT_RANGE or ERR_BPTT_TYPE. */
export function readImageWindows(owner: string, { kernel, stride = 1, dilation = 1 }: Pick<Conv2dOptions, 'kernel' | 'stride' | 'dilation'>, kernelName = 'kernel'): ImageWindows {
  const [kernels, strides, dilations] = [readKernel(owner, kernelName, kernel), readPair(owner, 'stride', stride, longestStride), readPair(owner, 'dilation', dilation)];
  for (const axis of [0, 1] as const) requireReach(owner, kernels[axis], dilations[axis]);
  const along = (axis: 0 | 1): ImageWindows[0] => ({ kernel: kernels[axis], stride: strides[axis], dilation: dilations[axis] });
  return [along(0), along(1)];
}

/**
 * A convolution over images, the same for each image of a sequence (cross-correlation, as in PyTorch and Keras), with zeros beyond the borders:
 *
 *     y_{p,q} = f(Σ_{i,j} x_{p·stride + i·dilation − before, q·stride + j·dilation − before} W_{i,j} + b)
 *
 * `before` is 0 for padding "valid" and half of (kernel − 1)·dilation, rounded down, for "same". The weight is [height, width, C, filters].
 *
 * [N, H, W, C] → [N, H', W', filters] or [N, T, H, W, C] → [N, T, H', W', filters]; H' = ⌈H / stride⌉, for "valid" ⌊(H − (kernel − 1)·dilation − 1) / stride⌋ + 1.
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_TYPE for tokens and ERR_BPTT_SHAPE for what are no
 * images, or images that no window fits into.
 */
export function conv2d(options: Conv2dOptions): Layer {
  checkOptions('conv2d', options, [...filterOptionNames, 'kernel', 'stride', 'dilation', 'padding']);
  const filters = requireInteger('conv2d', 'filters', options.filters, 1);
  const windows = readImageWindows('conv2d', options);
  const padding = requireChoice('conv2d', 'padding', options.padding ?? 'valid', ['same', 'valid'] as const);
  const { activation, bias, weightNorm, initializer } = readFilterOptions('conv2d', options);
  return defineLayer('conv2d', options, (scope, ...inputs) => {
    const label = layerLabel('conv2d', scope);
    const signal = imageInput(label, inputs);
    const shape = [windows[0].kernel, windows[1].kernel, featureCount(signal), filters];
    const product = filtered(windowsOverImages(label, signal, windows, padding), filterMatrix(scope, { shape, initializer: initializer.weight, weightNorm }));
    const biased = bias ? add(product, scope.parameter('bias', [filters], { group: 'bias', initializer: initializer.bias })) : product;
    return zeroPadding({ ...signal, value: applyActivation(activation, biased) });
  });
}

registerLayer('conv2d', conv2d);
