/** Each recurrent layer, forward and backward, at six shapes. */
import type { Context } from '../support/context.ts';
import { measure, timed } from '../support/interleave.ts';
import { cellNames, compareWithReference, flopsOf, formatSize, LayerWork } from '../support/layerWork.ts';
import { layerSizes } from '../support/shapes.ts';

/** Runs the suite. */
export async function runLayers(context: Context): Promise<void> {
  const { runtime, isa, options } = context;
  for (const threads of options.threads) {
    context.setThreads(threads);
    for (const cell of cellNames) {
      for (const size of layerSizes) {
        const name = `${cell} ${formatSize(size)}`;
        await context.attempt('layers', name, async () => {
          const difference = compareWithReference(runtime, cell, size, 'train');
          const work = new LayerWork(runtime, cell, size, 'train');
          const { ours, rounds, discarded, loaded } = await measure([timed(() => work.run())], options.effort, context.watch);
          const { gflops, peakShare } = await context.speed(flopsOf(cell, size, 'train'), ours.milliseconds, threads);
          context.emit({ suite: 'layers', name, threads, isa, ours: { ...ours, gflops }, peakShare, bound: 'arithmetic', rounds, discarded, loaded, difference });
        });
      }
    }
  }
}
