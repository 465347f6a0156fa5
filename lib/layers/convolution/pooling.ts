import { requireChoice, requireInteger } from '../../checks.ts';
import { checkOptions } from '../../errors.ts';
import { add, cast, constant, divide, expand, iota, less, maximum, select, type Value } from '../../graph/index.ts';
import { defineLayer, layerLabel, sequenceInput, type LayerOptions } from '../define.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { longestStride, mostPlaces } from '../limits.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';
import { readImageWindows, type Pair } from './conv2d.ts';
import { imageInput, windowsOverImages, type ImageWindows } from './images.ts';
import { windowsOverTime } from './overTime.ts';
import type { Windows } from './windows.ts';

export interface Pooling1dOptions extends LayerOptions {
  /** Steps of a window, up to 4096. */
  readonly size: number;
  /** Steps from one window to the next, up to 65,536; default `size`. */
  readonly stride?: number | undefined;
  /** Default "valid": only windows that lie inside of the row. With "same" windows reach beyond the ends, where there is nothing to pool. */
  readonly padding?: 'same' | 'valid' | undefined;
}

export interface Pooling2dOptions extends LayerOptions {
  /** Height and width of a window, up to 4096 places. */
  readonly size: Pair;
  /** From one window to the next, up to 65,536; default `size`. */
  readonly stride?: Pair | undefined;
  /** Default "valid": only windows that lie inside of the image. With "same" windows reach beyond the borders, where there is nothing to pool. */
  readonly padding?: 'same' | 'valid' | undefined;
}

type PoolingPadding = 'same' | 'valid';
type Combine = (values: readonly Value[]) => Value;

const largest: Combine = (values) => values.reduce((a, b) => maximum(a, b));
const total: Combine = (values) => values.reduce((a, b) => add(a, b));

const optionNames = ['name', 'size', 'stride', 'padding'] as const;

/** Which steps are valid, bool [T, N, 1] or [T, 1, 1]. */
function validSteps({ value, lengths }: Signal): Value {
  const steps = value.shape[0]!;
  return lengths ? expand(less(expand(iota(steps), [1]), lengths), [2]) : constant(1, [steps, 1, 1], 'bool');
}

function maxOverTime(scope: Scope, signal: Signal, windows: Windows, padding: PoolingPadding): Signal {
  const value = signal.lengths ? select(validSteps(signal), signal.value, -Infinity) : signal.value;
  const { taps, lengths } = windowsOverTime(scope, { ...signal, value }, windows, padding, -Infinity);
  return { value: largest(taps), time: true, lengths };
}

function averageOverTime(scope: Scope, signal: Signal, windows: Windows, padding: PoolingPadding): Signal {
  const { taps, lengths } = windowsOverTime(scope, signal, windows, padding);
  if (padding === 'valid') return { value: divide(total(taps), windows.kernel), time: true, lengths };
  const present = windowsOverTime(scope, { ...signal, value: cast(validSteps(signal), 'float32') }, windows, padding).taps;
  return { value: divide(total(taps), maximum(total(present), 1)), time: true, lengths };
}

function maxOverImages(label: string, signal: Signal, windows: ImageWindows, padding: PoolingPadding): Value {
  return largest(windowsOverImages(label, signal, windows, padding, -Infinity));
}

function averageOverImages(label: string, signal: Signal, windows: ImageWindows, padding: PoolingPadding): Value {
  const sums = total(windowsOverImages(label, signal, windows, padding));
  const ones = constant(1, [...signal.value.shape.slice(-3, -1), 1]);
  return divide(sums, padding === 'valid' ? windows[0].kernel * windows[1].kernel : total(windowsOverImages(label, { value: ones, time: false }, windows, padding)));
}

function pooling1d(kind: string, options: Pooling1dOptions, pool: typeof maxOverTime): Layer {
  checkOptions(kind, options, optionNames);
  const kernel = requireInteger(kind, 'size', options.size, 1, mostPlaces);
  const windows = { kernel, stride: requireInteger(kind, 'stride', options.stride ?? kernel, 1, longestStride), dilation: 1 };
  const padding = requireChoice(kind, 'padding', options.padding ?? 'valid', ['same', 'valid'] as const);
  return defineLayer(kind, options, (scope, ...inputs) => zeroPadding(pool(scope, sequenceInput(layerLabel(kind, scope), inputs), windows, padding)));
}

function pooling2d(kind: string, options: Pooling2dOptions, pool: typeof maxOverImages): Layer {
  checkOptions(kind, options, optionNames);
  const windows = readImageWindows(kind, { kernel: options.size, stride: options.stride ?? options.size }, 'size');
  const padding = requireChoice(kind, 'padding', options.padding ?? 'valid', ['same', 'valid'] as const);
  return defineLayer(kind, options, (scope, ...inputs) => {
    const label = layerLabel(kind, scope);
    const signal = imageInput(label, inputs);
    return zeroPadding({ ...signal, value: pool(label, signal, windows, padding) });
  });
}

/**
 * The largest value of each feature in windows over time: [N, T, C] → [N, T', C], T' as of `conv1d`. Of equal values the first has the gradient.
 * @throws ERR_BPTT_RANGE or ERR_BPTT_OPTION for options that do not fit; when built, ERR_BPTT_SHAPE for a signal without time.
 */
export function maxPooling1d(options: Pooling1dOptions): Layer {
  return pooling1d('maxPooling1d', options, maxOverTime);
}

/** The mean of each feature in windows over time, of what lies inside of the row: [N, T, C] → [N, T', C], T' as of `conv1d`. Errors as of `maxPooling1d`. */
export function averagePooling1d(options: Pooling1dOptions): Layer {
  return pooling1d('averagePooling1d', options, averageOverTime);
}

/**
 * The largest value of each channel in windows over images: [N, H, W, C] → [N, H', W', C], or of each image of a sequence; H' and W' as of `conv2d`.
 * @throws ERR_BPTT_RANGE, ERR_BPTT_TYPE or ERR_BPTT_OPTION for options that do not fit; when built, ERR_BPTT_SHAPE for what are no images.
 */
export function maxPooling2d(options: Pooling2dOptions): Layer {
  return pooling2d('maxPooling2d', options, maxOverImages);
}

/** The mean of each channel in windows over images, of what lies inside of the image: shapes and errors as of `maxPooling2d`. */
export function averagePooling2d(options: Pooling2dOptions): Layer {
  return pooling2d('averagePooling2d', options, averageOverImages);
}

registerLayer('maxPooling1d', maxPooling1d);
registerLayer('averagePooling1d', averagePooling1d);
registerLayer('maxPooling2d', maxPooling2d);
registerLayer('averagePooling2d', averagePooling2d);
