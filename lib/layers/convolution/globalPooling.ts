import { checkOptions } from '../../errors.ts';
import { cast, divide, equal, expand, iota, less, max, maximum, mean, reshape, select, sum, type Value } from '../../graph/index.ts';
import { anyFeatures, defineLayer, layerLabel, signalError, type LayerOptions } from '../define.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { zeroPadding } from '../masking.ts';
import { registerLayer } from '../registry.ts';

function largestOverTime({ value, lengths }: Signal): Value {
  if (!lengths) return max(value, [0]);
  const valid = expand(less(expand(iota(value.shape[0]!), [1]), lengths), [2]);
  const empty = reshape(equal(lengths, 0), [-1, 1]);
  return select(empty, 0, max(select(valid, value, -Infinity), [0]));
}

function meanOverTime({ value, lengths }: Signal): Value {
  if (!lengths) return mean(value, [0]);
  return divide(sum(value, [0]), reshape(cast(maximum(lengths, 1), 'float32'), [-1, 1]));
}

type Reduce = { readonly overTime: (signal: Signal) => Value; readonly overSpace: (value: Value, axes: readonly number[]) => Value };

/** @throws ERR_BPTT_SHAPE unless there is something to pool: steps, or height and width. */
function pool(label: string, scope: Scope, signal: Signal, { overTime, overSpace }: Reduce): Signal {
  const rank = signal.value.shape.length;
  if (rank === (signal.time ? 5 : 4)) return zeroPadding({ ...signal, value: overSpace(signal.value, [rank - 3, rank - 2]) });
  if (signal.time && rank === 3) {
    scope.readsAhead(signal.value);
    return { value: overTime(signal), time: false };
  }
  throw signalError(label, signal.time ? ['N', 'T', 'features'] : ['N', 'height', 'width', 'channels'], signal);
}

function globalPooling(kind: string, options: LayerOptions, reduce: Reduce): Layer {
  checkOptions(kind, options, ['name']);
  return defineLayer(kind, options, (scope, ...inputs) => {
    const label = layerLabel(kind, scope);
    return pool(label, scope, anyFeatures(label, inputs), reduce);
  });
}

/**
 * The largest value of each feature over all valid steps of a row, [N, T, C] → [N, C], or of each channel over an image, [N, H, W, C] → [N, C] and
 * [N, T, H, W, C] → [N, T, C]. A row without steps gives zeros. Equal largest values share the gradient.
 * @throws, when built, ERR_BPTT_TYPE for tokens and ERR_BPTT_SHAPE where there is nothing to pool.
 */
export function globalMaxPooling(options: LayerOptions = {}): Layer {
  return globalPooling('globalMaxPooling', options, { overTime: largestOverTime, overSpace: (value, axes) => max(value, axes) });
}

/** The mean of each feature over all valid steps of a row, or of each channel over an image: shapes and errors as of `globalMaxPooling`. */
export function globalAveragePooling(options: LayerOptions = {}): Layer {
  return globalPooling('globalAveragePooling', options, { overTime: meanOverTime, overSpace: (value, axes) => mean(value, axes) });
}

registerLayer('globalMaxPooling', globalMaxPooling);
registerLayer('globalAveragePooling', globalAveragePooling);
