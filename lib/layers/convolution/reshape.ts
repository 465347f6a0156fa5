import { requireInteger } from '../../checks.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import { elementCount, reshape as reshapeValue } from '../../graph/index.ts';
import { anyFeatures, defineLayer, layerLabel, outerShape, type LayerOptions } from '../define.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { registerLayer } from '../registry.ts';

export interface ReshapeOptions extends LayerOptions {
  /** Of each row, or of each step: [height, width, channels] for images. */
  readonly sizes: readonly number[];
}

function inputOf(kind: string, scope: Scope, inputs: readonly Signal[]): { signal: Signal; outer: readonly number[]; own: readonly number[] } {
  const signal = anyFeatures(layerLabel(kind, scope), inputs);
  const axes = signal.time ? 2 : 1;
  return { signal, outer: signal.value.shape.slice(0, axes), own: signal.value.shape.slice(axes) };
}

/** Everything of a row, or of a step, as features: [N, H, W, C] → [N, H·W·C], [N, T, H, W, C] → [N, T, H·W·C]. @throws, when built, ERR_BPTT_TYPE for tokens. */
export function flatten(options: LayerOptions = {}): Layer {
  checkOptions('flatten', options, ['name']);
  return defineLayer('flatten', options, (scope, ...inputs) => {
    const { signal, outer, own } = inputOf('flatten', scope, inputs);
    return { ...signal, value: reshapeValue(signal.value, [...outer, elementCount(own)]) };
  });
}

function readSizes(sizes: unknown): readonly number[] {
  if (Array.isArray(sizes) && sizes.length > 0) return sizes.map((size, i) => requireInteger('reshape', `sizes[${i}]`, size, 1));
  throw new BpttError('ERR_BPTT_TYPE', `reshape: expected sizes to be a list such as [28, 28, 1], received ${describe(sizes)}`, { expected: 'sizes', received: sizes });
}

/**
 * The numbers of each row, or of each step, row-major under other sizes: [N, …] → [N, ...sizes], [N, T, …] → [N, T, ...sizes].
 * @throws ERR_BPTT_TYPE or ERR_BPTT_RANGE for sizes that are none; when built, ERR_BPTT_SHAPE when the counts differ.
 */
export function reshape(options: ReshapeOptions): Layer {
  checkOptions('reshape', options, ['name', 'sizes']);
  const sizes = readSizes(options.sizes);
  return defineLayer('reshape', options, (scope, ...inputs) => {
    const { signal, outer, own } = inputOf('reshape', scope, inputs);
    if (elementCount(own) === elementCount(sizes)) return { ...signal, value: reshapeValue(signal.value, [...outer, ...sizes]) };
    throw new BpttError('ERR_BPTT_SHAPE', `${layerLabel('reshape', scope)}: expected ${elementCount(sizes)} numbers in each ${signal.time ? 'step' : 'row'}, for sizes [${sizes.join(', ')}], `
      + `received input of shape [${outerShape(signal).join(', ')}]`, { expected: sizes, received: own });
  });
}

registerLayer('flatten', flatten);
registerLayer('reshape', reshape);
