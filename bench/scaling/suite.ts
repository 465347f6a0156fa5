/** How the time of an LSTM's forward and backward pass grows with steps, rows, units and threads. */
import { availableParallelism } from 'node:os';
import type { Context } from '../support/context.ts';
import { measure, timed } from '../support/interleave.ts';
import { compareWithReference, flopsOf, LayerWork, type LayerSize } from '../support/layerWork.ts';

export const dimensions = ['steps', 'rows', 'units'] as const;
export type Dimension = typeof dimensions[number];

/** What is held while one of them grows. */
const middle: LayerSize = { steps: 25, rows: 32, features: 128, units: 128 };

const sizes: Readonly<Record<Dimension, readonly number[]>> = {
  steps: [5, 10, 25, 50, 100, 200, 400],
  rows: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  units: [16, 32, 64, 128, 256, 512, 1024],
};

function sizeOf(dimension: Dimension, value: number): LayerSize {
  return dimension === 'units' ? { ...middle, features: value, units: value } : { ...middle, [dimension]: value };
}

/** "rows=64": records are found by it again. */
export function scalingName(dimension: Dimension, value: number): string {
  return `${dimension}=${value}`;
}

/** Runs the suite: for one thread and for all cores, whatever `--threads` says. */
export async function runScaling(context: Context): Promise<void> {
  const { runtime, isa, options } = context;
  const threadCounts = [...new Set([1, availableParallelism()])];
  for (const dimension of dimensions) {
    for (const value of sizes[dimension]) {
      const size = sizeOf(dimension, value);
      const name = scalingName(dimension, value);
      await context.attempt('scaling', name, async () => {
        const difference = compareWithReference(runtime, 'lstm', size, 'train');
        const work = new LayerWork(runtime, 'lstm', size, 'train');
        for (const threads of threadCounts) {
          context.setThreads(threads);
          const { ours, rounds, discarded, loaded } = await measure([timed(() => work.run())], options.effort, context.watch);
          const { gflops, peakShare } = await context.speed(flopsOf('lstm', size, 'train'), ours.milliseconds, threads);
          context.emit({ suite: 'scaling', name, threads, isa, ours: { ...ours, gflops }, peakShare, bound: 'arithmetic', rounds, discarded, loaded, difference });
        }
      });
    }
  }
}
