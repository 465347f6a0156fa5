import { requireBoolean, requireChoice, requireInteger } from '../../checks.ts';
import { BpttError, checkOptions } from '../../errors.ts';
import { add, type Value } from '../../graph/index.ts';
import { activationNames, applyActivation, type ActivationName } from '../activation.ts';
import { defineLayer, featureCount, layerLabel, sequenceInput, type LayerOptions } from '../define.ts';
import { asInitializer, glorotUniform, zeros, type InitializerLike } from '../initializers/index.ts';
import type { Initializer, Layer, Scope, Signal } from '../layer.ts';
import { mostIterations, mostPlaces, requirePlaces } from '../limits.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';
import type { Pair } from './conv2d.ts';
import { imageInput, windowsOverImages, type ImageWindows } from './images.ts';
import { checkResponseNormalization, normalizeResponses, type ResponseNormalization } from './localResponseNormalization.ts';
import { convolveSteps } from './overTime.ts';
import { filterMatrix } from './weights.ts';
import { filtered, readKernel } from './windows.ts';

/** What recurrent convolutions of one and of two axes accept. */
export interface RecurrentConvolutionOptions extends LayerOptions {
  /** Features of the output. */
  readonly filters: number;
  /**
   * T: how often the layer reads its own output. With 0 it is a plain convolution; at most 100, and the places of `kernel` and T times those of `recurrentKernel` are
   * 4096 at most. Default 3, as in the paper.
   */
  readonly iterations?: number | undefined;
  /** Default "relu". */
  readonly activation?: ActivationName | undefined;
  /** Local response normalisation after the activation, or false for none. Default that of the paper. */
  readonly normalization?: false | ResponseNormalization | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Defaults: input and recurrent glorotUniform, bias zeros. */
  readonly initializer?: {
    readonly input?: InitializerLike | undefined; readonly recurrent?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined;
  } | undefined;
}

export interface RecurrentConvolution1dOptions extends RecurrentConvolutionOptions {
  /** Steps that the filters see. */
  readonly kernel: number;
  /** Of what the layer reads of its own output; default `kernel`. */
  readonly recurrentKernel?: number | undefined;
  /** Default "same". With "causal" no output sees later steps, and the layer streams. */
  readonly padding?: 'causal' | 'same' | undefined;
}

export interface RecurrentConvolution2dOptions extends RecurrentConvolutionOptions {
  /** Height and width that the filters see. */
  readonly kernel: Pair;
  /** Of what the layer reads of its own output; default `kernel`. */
  readonly recurrentKernel?: Pair | undefined;
}

interface Settings {
  readonly filters: number;
  readonly iterations: number;
  readonly activation: ActivationName;
  readonly normalization: false | ResponseNormalization;
  readonly bias: boolean;
  readonly initializer: { readonly input: Initializer; readonly recurrent: Initializer; readonly bias: Initializer };
}

/** A convolution that keeps the sizes of its input but for the features; `scope` is where it may carry its recent inputs. */
type Convolve = (scope: Scope, signal: Signal, filters: Value, kernel: readonly number[]) => Value;

const optionNames = ['name', 'filters', 'kernel', 'recurrentKernel', 'iterations', 'activation', 'normalization', 'bias', 'initializer'] as const;

function readSettings(kind: string, options: RecurrentConvolutionOptions): Settings {
  const { normalization = {}, initializer = {} } = options;
  if (normalization !== false) {
    checkOptions(`${kind}: normalization`, normalization, ['size', 'alpha', 'beta']);
    checkResponseNormalization(`${kind}: normalization`, normalization);
  }
  checkOptions(`${kind}: initializer`, initializer, ['input', 'recurrent', 'bias']);
  const bias = requireBoolean(kind, 'bias', options.bias ?? true);
  if (!bias && initializer.bias !== undefined) {
    throw new BpttError('ERR_BPTT_OPTION', `${kind}: initializer.bias says where the bias begins, and bias: false leaves none; leave one of them out`, { received: 'initializer.bias' });
  }
  return {
    bias, normalization,
    filters: requireInteger(kind, 'filters', options.filters, 1),
    iterations: requireInteger(kind, 'iterations', options.iterations ?? 3, 0, mostIterations),
    activation: requireChoice(kind, 'activation', options.activation ?? 'relu', activationNames),
    initializer: {
      input: asInitializer(`${kind}: initializer.input`, initializer.input ?? glorotUniform()),
      recurrent: asInitializer(`${kind}: initializer.recurrent`, initializer.recurrent ?? glorotUniform()),
      bias: asInitializer(`${kind}: initializer.bias`, initializer.bias ?? zeros()),
    },
  };
}

/** How many places all the convolutions have together. @throws ERR_BPTT_RANGE */
function checkPlaces(kind: string, own: readonly number[], recurrent: readonly number[], iterations: number): void {
  const [once, again] = [own, recurrent].map((kernel) => kernel.reduce((product, size) => product * size, 1)) as [number, number];
  requirePlaces(kind, once + iterations * again, 'a smaller kernel or recurrentKernel, or fewer iterations');
}

/** The iterations, all with the same weights; each carries its recent inputs on under a scope of its own. */
function iterate(scope: Scope, input: Signal, settings: Settings, kernels: { readonly own: readonly number[]; readonly recurrent: readonly number[] }, convolve: Convolve): Signal {
  const { filters, iterations, activation, normalization, bias, initializer } = settings;
  const weight = filterMatrix(scope, { shape: [...kernels.own, featureCount(input), filters], initializer: initializer.input, weightNorm: false });
  const product = convolve(scope.child('input'), input, weight, kernels.own);
  const fed = bias ? add(product, scope.parameter('bias', [filters], { group: 'bias', initializer: initializer.bias })) : product;
  const respond = (sum: Value): Signal => {
    const active = applyActivation(activation, sum);
    return zeroPadding({ ...input, value: normalization === false ? active : normalizeResponses(active, normalization) });
  };
  let signal = respond(fed);
  const recurrent = filterMatrix(scope, { name: 'recurrent_weight', group: 'recurrent', shape: [...kernels.recurrent, filters, filters], initializer: initializer.recurrent, weightNorm: false });
  for (let t = 1; t <= iterations; t++) signal = respond(add(fed, convolve(scope.child(`iteration_${t}`), signal, recurrent, kernels.recurrent)));
  return signal;
}

/**
 * A recurrent convolutional layer over time, M. Liang and X. Hu, "Recurrent convolutional neural network for object recognition" (CVPR 2015), in one dimension:
 *
 *     x(0) = g(f(w_f ∗ u + b))        x(t) = g(f(w_f ∗ u + w_r ∗ x(t − 1) + b))        t = 1 … iterations
 *
 * f is relu and g local response normalisation, ∗ a convolution that keeps the number of steps. The weights are the same at every iteration, so their number does not
 * depend on it (with iterations: 0 w_r is there too, and reaches nothing); the longest path from u to the output has iterations + 1 convolutions, the shortest one.
 *
 * [N, T, C] → [N, T, filters].
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE for a signal without time, ERR_BPTT_TYPE for tokens.
 */
export function recurrentConvolution1d(options: RecurrentConvolution1dOptions): Layer {
  const kind = 'recurrentConvolution1d';
  checkOptions(kind, options, [...optionNames, 'padding']);
  const own = [requireInteger(kind, 'kernel', options.kernel, 1, mostPlaces)];
  const recurrent = options.recurrentKernel === undefined ? own : [requireInteger(kind, 'recurrentKernel', options.recurrentKernel, 1, mostPlaces)];
  const padding = requireChoice(kind, 'padding', options.padding ?? 'same', ['causal', 'same'] as const);
  const settings = readSettings(kind, options);
  checkPlaces(kind, own, recurrent, settings.iterations);
  return defineLayer(kind, options, (scope, ...inputs) => iterate(scope, sequenceInput(layerLabel(kind, scope), inputs), settings, { own, recurrent }, (place, signal, filters, [kernel]) => (
    convolveSteps(place, signal, filters, { kernel: kernel!, stride: 1, dilation: 1 }, padding).value)));
}

/**
 * A recurrent convolutional layer over images, the same for each image of a sequence: the equations of `recurrentConvolution1d` with ∗ over height and width.
 *
 * [N, H, W, C] → [N, H, W, filters] or [N, T, H, W, C] → [N, T, H, W, filters].
 * @throws ERR_BPTT_RANGE, ERR_BPTT_OPTION or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE for what are no images, ERR_BPTT_TYPE for tokens.
 */
export function recurrentConvolution2d(options: RecurrentConvolution2dOptions): Layer {
  const kind = 'recurrentConvolution2d';
  checkOptions(kind, options, optionNames);
  const own = readKernel(kind, 'kernel', options.kernel);
  const recurrent = options.recurrentKernel === undefined ? own : readKernel(kind, 'recurrentKernel', options.recurrentKernel);
  const settings = readSettings(kind, options);
  checkPlaces(kind, own, recurrent, settings.iterations);
  return defineLayer(kind, options, (scope, ...inputs) => {
    const label = layerLabel(kind, scope);
    const images = imageInput(label, inputs);
    return iterate(scope, images, settings, { own, recurrent }, (_place, signal, filters, kernel) => {
      const windows = kernel.map((size) => ({ kernel: size, stride: 1, dilation: 1 })) as unknown as ImageWindows;
      return filtered(windowsOverImages(label, signal, windows, 'same'), filters);
    });
  });
}

registerLayer('recurrentConvolution1d', recurrentConvolution1d);
registerLayer('recurrentConvolution2d', recurrentConvolution2d);
