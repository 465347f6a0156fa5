import { at, equal, expand, iota, maskSteps, reshape, select, subtract, sum, type Value } from '../graph/index.ts';
import type { Signal } from './layer.ts';

/**
 * The signal with zeros beyond each row's length, whatever stood there (NaN too), in the value and in the gradient. Every layer that would put
 * something else there (a bias, an embedding) ends with it.
 */
export function zeroPadding(signal: Signal): Signal {
  const { value, time, lengths } = signal;
  return time && lengths ? { ...signal, value: maskSteps(value, lengths) } : signal;
}

/** The last valid step of every row, [N, …]; with `first`, the first one, where a backward direction ends. */
export function boundaryStep({ value, lengths }: Signal, first = false): Value {
  const steps = value.shape[0]!;
  if (first || !lengths) return at(value, 0, first ? 0 : steps - 1);
  const isLast = equal(expand(iota(steps), [1]), subtract(lengths, 1));
  return sum(select(reshape(isLast, [...isLast.shape, ...value.shape.slice(2).map(() => 1)]), value, 0), [0]);
}
