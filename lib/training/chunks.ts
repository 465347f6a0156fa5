import type { Packed } from '../data/pack.ts';
import type { FloatArray } from '../data/tensor.ts';

/** One update's part of a batch. */
export interface Chunk {
  /** First step that is computed. */
  readonly start: number;
  /** Steps that are computed. */
  readonly steps: number;
  /** How many of them, at the end, have a loss. */
  readonly lossSteps: number;
  /** After how many of its steps the state is that the next part begins with; `steps` is the end. */
  readonly advance: number;
}

/**
 * Cuts T steps into one part for each update. With gradients over more steps than an update has, parts reach back over steps that have had their
 * loss; the first ones only as far as the beginning.
 */
export function planChunks(total: number, truncation: { readonly update: number; readonly gradient: number } | null): Chunk[] {
  if (!truncation) return [{ start: 0, steps: total, lossSteps: total, advance: total }];
  const { update, gradient } = truncation;
  const parts: { start: number; end: number; lossSteps: number }[] = [];
  for (let from = 0; from < total; from += update) {
    const end = Math.min(total, from + update);
    parts.push({ start: Math.max(0, Math.min(from, end - gradient)), end, lossSteps: end - from });
  }
  return parts.map(({ start, end, lossSteps }, i) => {
    const next = parts[i + 1];
    return { start, steps: end - start, lossSteps, advance: next ? next.start - start : end - start };
  });
}

/** Steps `start` … `start + steps − 1` of packed data; rows that have ended before are left with no step. */
export function takeSteps(packed: Packed, start: number, steps: number): Packed {
  if (start === 0 && steps === packed.steps) return packed;
  const width = packed.data.length / (packed.rows * packed.steps);
  const data = packed.data.slice(0, packed.rows * steps * width) as FloatArray | Int32Array;
  for (let row = 0; row < packed.rows; row++) {
    const from = (row * packed.steps + start) * width;
    data.set(packed.data.subarray(from, from + steps * width), row * steps * width);
  }
  const lengths = packed.lengths?.map((length) => Math.max(0, Math.min(steps, length - start))) ?? null;
  return { data, rows: packed.rows, steps, longest: steps, lengths };
}

/** How many steps of all rows are valid among the last `lossSteps` of `steps`. */
export function countSteps({ rows, steps, lengths }: Packed, lossSteps: number): number {
  if (!lengths) return rows * lossSteps;
  return lengths.reduce((sum, length) => sum + Math.max(0, length - (steps - lossSteps)), 0);
}
