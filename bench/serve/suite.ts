/** Answers: a step of a stream and whole sequences, from JavaScript. */
import type { Context } from '../support/context.ts';
import { measure, timedAsync, timedInBatches } from '../support/interleave.ts';
import { flopsOf, formatSize, type LayerSize } from '../support/layerWork.ts';
import { ServeWork } from '../support/serveWork.ts';
import { middleSize } from '../support/shapes.ts';

const streamUnits = [1, 64, 128, 256, 512, 1024];
const streamBatch = 50;
export const predictSizes: readonly LayerSize[] = [middleSize, { steps: 25, rows: 64, features: 512, units: 512 }];

/** A stream of one row over as many features as it has units. */
export function streamSize(units: number): LayerSize {
  return { steps: 8, rows: 1, features: units, units };
}

async function measureStream(context: Context, units: number, threads: number): Promise<void> {
  await context.attempt('serve', `stream step, LSTM ${units}`, async () => {
    const size = streamSize(units);
    const work = new ServeWork(size);
    await work.outputs();
    const { ours, rounds, discarded, loaded } = await measure([timedInBatches(() => work.step(), streamBatch)], context.options.effort, context.watch);
    const gflops = flopsOf('lstm', { ...size, steps: 1 }, 'inference') / ours.milliseconds / 1e6;
    const note = units === 1 ? 'nothing but the way from JavaScript to the engine and back' : undefined;
    context.emit({ suite: 'serve', name: `stream step, LSTM ${units} over ${units} features, 1 row`, threads, isa: context.isa, ours: { ...ours, gflops }, rounds, discarded, loaded, note });
  });
}

/** Runs the suite. */
export async function runServe(context: Context): Promise<void> {
  for (const threads of context.options.threads) {
    context.setThreads(threads);
    for (const units of streamUnits) await measureStream(context, units, threads);
    for (const size of predictSizes) {
      await context.attempt('serve', `predict, LSTM ${formatSize(size)}`, async () => {
        const work = new ServeWork(size);
        await work.outputs();
        const { ours, rounds, discarded, loaded } = await measure([timedAsync(() => work.predict())], context.options.effort, context.watch);
        const { gflops, peakShare } = await context.speed(flopsOf('lstm', size, 'inference'), ours.milliseconds, threads);
        context.emit({ suite: 'serve', name: `predict, LSTM ${formatSize(size)}`, threads, isa: context.isa, ours: { ...ours, gflops }, peakShare, bound: 'arithmetic', rounds, discarded, loaded });
      });
    }
  }
}
