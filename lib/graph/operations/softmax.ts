import { requireRank, requireType, requireValue, shapeError } from '../checks.ts';
import { applyOne, defineOperation } from '../operation.ts';
import { allocate } from '../tensor.ts';
import type { Value } from '../value.ts';
import { multiply, subtract } from './arithmetic.ts';
import { exp } from './functions.ts';
import { sum } from './reductions.ts';
import { reshape } from './views.ts';

/** The largest of `count` elements from `from`, and Σ e^(x − largest) over them. */
export function normalization(data: Float64Array | Int32Array, from: number, count: number): { readonly largest: number; readonly total: number } {
  let largest = -Infinity;
  for (let i = from; i < from + count; i++) largest = Math.max(largest, data[i]!);
  let total = 0;
  for (let i = from; i < from + count; i++) total += Math.exp(data[i]! - largest);
  return { largest, total };
}

function defineNormalised(name: string, finish: (belowLargest: number, total: number) => number, gradient: (upstream: Value, y: Value) => Value): void {
  defineOperation({
    name,
    infer([x]) {
      requireType(name, 'the input', x!, ['float32']);
      requireRank(name, 'the input', x!, 2);
      return [{ shape: x!.shape, type: 'float32' }];
    },
    gradient: (node, [upstream]) => [upstream && gradient(upstream, node.outputs[0]!)],
    reference(_node, [x]) {
      const [rows, count] = x!.shape as [number, number];
      const y = allocate(x!.shape, 'float32');
      for (let row = 0; row < rows; row++) {
        const { largest, total } = normalization(x!.data, row * count, count);
        for (let i = row * count; i < (row + 1) * count; i++) y.data[i] = finish(x!.data[i]! - largest, total);
      }
      return [y];
    },
  });
}

defineNormalised('softmax', (x, total) => Math.exp(x) / total, (d, y) => multiply(y, subtract(d, sum(multiply(d, y), [1], true))));
defineNormalised('logSoftmax', (x, total) => x - Math.log(total), (d, y) => subtract(d, multiply(exp(y), sum(d, [1], true))));

function overLastAxis(name: string, x: Value): Value {
  requireValue(name, 'the input', x);
  const size = x.shape[x.shape.length - 1];
  if (size === undefined) throw shapeError(name, 'an input of rank 1 or more', x.shape);
  return reshape(applyOne(name, [reshape(x, [-1, size])]), x.shape);
}

/** e^x / Σ e^x over the last axis. */
export function softmax(x: Value): Value {
  return overLastAxis('softmax', x);
}

/** x − log Σ e^x over the last axis. */
export function logSoftmax(x: Value): Value {
  return overLastAxis('logSoftmax', x);
}
