import type { Packed } from '../data/pack.ts';
import type { FloatArray } from '../data/tensor.ts';
import type { Model } from '../model/index.ts';
import type { RunArray } from '../runtime/runtime.ts';
import type { PreparedBatch } from './prepare.ts';
import type { StepOptions } from './stepProgram.ts';

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

/** What one update learns from. */
export interface BatchPart {
  readonly options: StepOptions;
  readonly feeds: Record<string, RunArray>;
  /** How many steps of all rows have a loss. */
  readonly steps: number;
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

/** One chunk of a batch, of a model with one input over time and outputs over time alone. */
export function cutPart(model: Model, { rows, inputs, targets, weights, steps: total }: PreparedBatch, chunk: Chunk, { carried, weighted, truncation }: Pick<StepOptions, 'carried' | 'weighted'> & {
  readonly truncation: { readonly update: number; readonly gradient: number };
}): BatchPart {
  const feeds: Record<string, RunArray> = {};
  const sizes: Record<string, { steps: number; ragged: boolean }> = {};
  let steps = rows;
  for (const { name, time } of model.inputs) {
    const part = time ? takeSteps(inputs[name]!, chunk.start, chunk.steps) : inputs[name]!;
    feeds[`input/${name}`] = part.data;
    if (part.lengths) feeds[`lengths/${name}`] = part.lengths;
    sizes[name] = { steps: part.steps, ragged: part.lengths !== null };
    if (time) steps = countSteps(part, chunk.lossSteps);
  }
  const lossStart = chunk.start + chunk.steps - chunk.lossSteps;
  for (const [name, data] of Object.entries(targets)) feeds[`target/${name}`] = takeSteps(data, lossStart, chunk.lossSteps).data;
  for (const [name, data] of Object.entries(weights)) feeds[`weights/${name}`] = takeSteps(data, lossStart, chunk.lossSteps).data;
  const options: StepOptions = {
    signature: { rows, inputs: sizes }, carried, weighted,
    lossSteps: chunk.lossSteps,
    advance: chunk.advance < chunk.steps ? chunk.advance : null,
    span: truncation.gradient < Math.min(truncation.update, total) ? truncation.gradient : null,
  };
  return { feeds, options, steps };
}
