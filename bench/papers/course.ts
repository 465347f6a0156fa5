import { BpttError, type Model, type Trainer } from '../../lib/index.ts';
import type { Batch } from '../../lib/data/index.ts';
import type { Findings } from './experiment.ts';
import type { Point } from './results.ts';

/** How a model is taught and looked at. */
export interface Course {
  readonly model: Model;
  readonly trainer: Trainer;
  /** The next batch to learn from. */
  readonly next: () => Batch;
  /** What one batch adds to the count of sequences. */
  readonly sequences: number;
  /** Updates at most. */
  readonly updates: number;
  /** Updates between two looks. */
  readonly every: number;
  /** What is measured at each look, and whether that is enough. `loss` is the mean of the batches since the last look. */
  readonly look: (loss: number) => Promise<Look>;
  /** Called after every batch; true ends the course. For criteria over the last sequences. */
  readonly observe?: ((batch: Batch) => Promise<boolean>) | undefined;
}

/** Measurements, and whether the criterion is met. */
export interface Look {
  readonly measures: Readonly<Record<string, number>>;
  readonly done?: boolean | undefined;
}

interface Progress {
  updates: number;
  loss: number;
  counted: number;
}

const notFinite = (error: unknown): boolean => error instanceof BpttError && error.code === 'ERR_BPTT_NON_FINITE';

async function lookAt(course: Course, progress: Progress, curve: Point[]): Promise<Look> {
  const loss = progress.counted > 0 ? progress.loss / progress.counted : NaN;
  const look = await course.look(loss);
  curve.push({ updates: progress.updates, ...(progress.counted > 0 ? { loss } : {}), ...look.measures });
  progress.loss = 0;
  progress.counted = 0;
  return look;
}

/** Learns from the next batch. @returns whether the course has reached its aim */
async function advance(course: Course, progress: Progress): Promise<boolean> {
  const batch = course.next();
  if (course.observe && await course.observe(batch)) return true;
  const { loss } = await course.trainer.step(batch);
  progress.updates++;
  progress.loss += loss;
  progress.counted++;
  return false;
}

/** Teaches until the criterion is met or the updates are used up. */
export async function teach(course: Course): Promise<Findings> {
  const began = process.cpuUsage();
  const progress: Progress = { updates: 0, loss: 0, counted: 0 };
  const curve: Point[] = [];
  let ended: Findings['ended'] = 'budget';
  let measures: Readonly<Record<string, number>> = {};
  try {
    while (progress.updates < course.updates && ended === 'budget') {
      if (await advance(course, progress)) ended = 'criterion';
      if (ended === 'budget' && progress.updates % course.every !== 0 && progress.updates < course.updates) continue;
      const look = await lookAt(course, progress, curve);
      measures = look.measures;
      if (look.done === true) ended = 'criterion';
    }
  } catch (error) {
    if (!notFinite(error)) throw error;
    ended = 'notFinite';
  }
  const { parameterCount } = course.model;
  const { user, system } = process.cpuUsage(began);
  return { parameters: parameterCount, updates: progress.updates, sequences: progress.updates * course.sequences, seconds: (user + system) / 1e6, ended, curve, measures };
}
