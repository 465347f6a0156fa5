import { requireInteger } from '../checks.ts';
import { add, broadcast, concat, constant, expand, gather, iota, maskSteps, multiply, reshape, transpose, type Value } from '../graph/index.ts';
import type { Scope, Signal } from './layer.ts';
import { longestDelay } from './limits.ts';
import { zeroPadding } from './masking.ts';

/** int32 [T, N, count], or [N, count] for one time per row: where row n's `count` steps from `from` on lie in [count + T, N, C] seen as a table of its rows. */
function placesOf(from: Value, rows: number, count: number): Value {
  const places = multiply(add(expand(from, [-1]), iota(count)), rows);
  return add(places, reshape(iota(rows), [rows, 1]));
}

/**
 * What a layer with a finite memory sees: the last `count` inputs before this run, then those of this run, [count + T, N, …] for a signal [T, N, …].
 * Step t has its own input at count + t and the one k steps earlier at count + t − k; a fresh row has zeros before its first step.
 *
 * The last `count` inputs are carried as the state `name`, [N, count, …], the oldest first, so that parts of a sequence, and single steps of a stream, see what the whole
 * sequence would have shown them. Rows that end early carry on their last valid inputs; beyond their ends the result holds zeros.
 * @throws ERR_BPTT_RANGE unless `count` is a whole number from 0 to 65,536; without any (0) there is nothing to carry, and the input comes back as it is.
 */
export function recentInputs(scope: Scope, signal: Signal, count: number, name = 'recent'): Value {
  requireInteger(scope.path, 'the number of recent inputs', count, 0, longestDelay);
  const { value, lengths } = zeroPadding(signal);
  if (count === 0) return value;
  const [steps, rows, ...sizes] = value.shape as [number, number, ...number[]];
  const swapped = [1, 0, ...sizes.map((_, axis) => axis + 2)];
  const all = concat([transpose(scope.state(name, [rows, count, ...sizes]), swapped), value], 0);
  const table = reshape(all, [(count + steps) * rows, -1]);
  const taken = (from: Value, leading: readonly number[]): Value => reshape(gather(table, placesOf(from, rows, count)), [...leading, count, ...sizes]);
  const sequence = taken(broadcast(expand(add(iota(steps), 1), [1]), [steps, rows]), [steps, rows]);
  scope.carry(name, {
    final: taken(lengths ?? constant(steps, [rows], 'int32'), [rows]),
    sequence: lengths ? maskSteps(sequence, lengths) : sequence,
  });
  return all;
}
