import type { Packed } from '../data/pack.ts';
import type { FloatArray } from '../data/tensor.ts';
import type { Reduction } from '../losses/index.ts';
import type { PreparedBatch } from './prepare.ts';

/** Consecutive steps whose intermediate values are in memory at one time. */
export interface Segment {
  readonly start: number;
  readonly steps: number;
}

/** Cuts T steps into segments of at most `length` steps; null: about √T of them, of equal length but for the last. */
export function planSegments(total: number, length: number | null): Segment[] {
  const steps = length ?? Math.ceil(total / Math.max(1, Math.round(Math.sqrt(total))));
  const segments: Segment[] = [];
  for (let start = 0; start < total; start += steps) segments.push({ start, steps: Math.min(steps, total - start) });
  return segments;
}

export interface StepShareOptions {
  /** By output, whether it has a time axis. */
  readonly outputs: readonly { readonly name: string; readonly time: boolean }[];
  readonly lossOn: 'all' | 'last';
  readonly reduction: Reduction;
  /** The input over time. */
  readonly timed: Packed;
  readonly double: boolean;
}

/** What each step counts before any mean is taken: 1 or its weight where it has a loss, else 0. [N, T]; [N] without time, in the last valid step's place. */
function countedSteps(weights: Packed | undefined, time: boolean, { timed, lossOn, double }: StepShareOptions): FloatArray {
  const { rows, steps, lengths } = timed;
  const counted = double ? new Float64Array(rows * steps) : new Float32Array(rows * steps);
  for (let row = 0; row < rows; row++) {
    const length = lengths?.[row] ?? steps;
    const only = !time ? Math.max(0, length - 1) : lossOn === 'last' ? length - 1 : null;
    for (let step = only ?? 0; step < (only === null ? length : only + 1); step++) {
      counted[row * steps + step] = weights ? weights.data[time ? row * steps + step : row]! : 1;
    }
  }
  return counted;
}

/** Divides by the counts that the reduction's mean divides by; a count of 0 leaves zeros. */
function dividedByCounts(counted: FloatArray, rows: number, perSequence: boolean): FloatArray {
  const steps = counted.length / rows;
  const divide = (part: FloatArray, count: number): void => { if (count > 0) for (let i = 0; i < part.length; i++) part[i] = part[i]! / count; };
  const sumOf = (part: FloatArray): number => {
    let sum = 0;
    for (const number of part) sum += number;
    return sum;
  };
  if (!perSequence) {
    divide(counted, sumOf(counted));
    return counted;
  }
  const parts = Array.from({ length: rows }, (_, row) => counted.subarray(row * steps, (row + 1) * steps));
  const counts = parts.map(sumOf);
  const some = counts.filter((count) => count > 0).length;
  parts.forEach((part, row) => divide(part, counts[row]! * some));
  return counted;
}

/**
 * The share that each step's loss has in the loss of a whole batch, by output: [N, T] as the reduction weighs them, so that sums over any parts of the time
 * axis add up to the whole. An output without time has its share where its row ends.
 */
export function stepShares({ weights }: PreparedBatch, options: StepShareOptions): Record<string, Packed> {
  const { rows, steps } = options.timed;
  return Object.fromEntries(options.outputs.map(({ name, time }) => {
    const counted = countedSteps(weights[name], time, options);
    const data = options.reduction === 'sum' ? counted : dividedByCounts(counted, rows, time && options.reduction === 'meanPerSequence');
    return [name, { data, rows, steps, longest: steps, lengths: null }];
  }));
}
