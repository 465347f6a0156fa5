import { BpttError } from '../../errors.ts';
import type { Layer } from '../layer.ts';
import { asLayer } from '../registry.ts';

/** Steps of the input that one output sees, and how many steps lie between outputs. */
interface Reach {
  readonly span: number;
  readonly stride: number;
}

const pointwise = ['activation', 'dense', 'dropout', 'embedding', 'flatten', 'localResponseNormalization', 'oneHot', 'reshape', 'conv2d', 'maxPooling2d', 'averagePooling2d', 'recurrentConvolution2d'];

function windowReach({ kernel = 1, stride = 1, dilation = 1 }: { kernel?: number; stride?: number; dilation?: number }): Reach {
  return { span: (kernel - 1) * dilation + 1, stride };
}

/** One after the other: the second sees its steps `stride` apart. */
function chain(first: Reach, second: Reach): Reach {
  return { span: first.span + (second.span - 1) * first.stride, stride: first.stride * second.stride };
}

function reachOf({ kind, options }: Layer): Reach {
  const sizes = options as Readonly<Record<string, number | undefined>>;
  if (pointwise.includes(kind)) return { span: 1, stride: 1 };
  if (kind === 'conv1d') return windowReach(sizes);
  if (kind === 'timeDelay') return windowReach({ kernel: sizes['window']! });
  if (kind === 'maxPooling1d' || kind === 'averagePooling1d') return windowReach({ kernel: sizes['size']!, stride: sizes['stride'] ?? sizes['size']! });
  if (kind === 'tcn') return { span: 1 + 2 * ((sizes['kernel'] ?? 2) - 1) * (2 ** (options['channels'] as readonly number[]).length - 1), stride: 1 };
  if (kind === 'recurrentConvolution1d') {
    const { kernel, recurrentKernel = kernel, iterations = 3 } = sizes;
    return { span: kernel! + iterations * (recurrentKernel! - 1), stride: 1 };
  }
  if (kind === 'stack') return (options['layers'] as readonly unknown[]).map((layer) => reachOf(asLayer('receptiveField', layer))).reduce(chain);
  throw new BpttError('ERR_BPTT_OPTION', `receptiveField: expected layers with a finite one (convolutions and pooling over time, and layers that act on each step), received ${kind}`, { received: kind });
}

/**
 * How many steps of the input one step of the output sees: 1 + (kernel − 1)·dilation for a convolution, 1 + 2 (kernel − 1)(2ᴸ − 1) for a `tcn` of L blocks, and what
 * follows for layers one after the other. Causal layers see just so many of the last steps.
 * @param layers one layer, or several from the input to the output.
 * @throws ERR_BPTT_OPTION for layers that see all steps (recurrent ones, global pooling); ERR_BPTT_TYPE for what is no layer.
 */
export function receptiveField(layers: Layer | readonly Layer[]): number {
  const list: readonly unknown[] = Array.isArray(layers) ? layers : [layers];
  return list.map((layer) => reachOf(asLayer('receptiveField', layer))).reduce(chain, { span: 1, stride: 1 }).span;
}
