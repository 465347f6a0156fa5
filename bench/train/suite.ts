/** Whole training steps through `Trainer`, and what they leave of the event loop. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Context } from '../support/context.ts';
import { measure, timedAsync } from '../support/interleave.ts';
import { measureOverhead } from './overhead.ts';
import { TrainWork, trainWorkNames, trainWorks } from '../support/trainWork.ts';

/** Steps after which the loss of one batch, learned again and again, must have fallen. */
const learningSteps = 5;

async function requireLearning(work: TrainWork): Promise<void> {
  const losses: number[] = [];
  for (let i = 0; i < learningSteps; i++) losses.push(await work.step());
  if (!(losses.at(-1)! < losses[0]!)) throw new Error(`the loss of one batch does not fall: ${losses.join(', ')}`);
}

/** Delay of the event loop, 99th percentile in milliseconds, while `fit` learns characters. */
export async function eventLoopDelay(seconds: number): Promise<number> {
  const { trainer, batch } = new TrainWork('characters');
  await trainer.step(batch);
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), seconds * 1000);
  const batches = { count: undefined, *epoch() { for (;;) yield batch; } };
  monitor.enable();
  try {
    await trainer.fit(batches, { epochs: 1, signal: controller.signal });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  }
  monitor.disable();
  return monitor.percentile(99) / 1e6;
}

/** Emits the event loop's delay under the name that the floors look for. */
export async function measureEventLoop(context: Context, suite: string, threads: number): Promise<void> {
  await context.attempt(suite, 'event-loop delay', async () => {
    const seconds = Math.max(0.3, context.options.effort.rounds * context.options.effort.roundMilliseconds / 200);
    const milliseconds = await eventLoopDelay(seconds);
    const loaded = !await context.watch.isQuiet();
    context.emit({ suite, name: 'event-loop delay p99 while fit runs', threads, isa: context.isa, ours: { milliseconds }, loaded, note: 'timer of 1 ms included' });
  });
}

/** Runs the suite. */
export async function runTrain(context: Context): Promise<void> {
  for (const threads of context.options.threads) {
    context.setThreads(threads);
    for (const name of trainWorkNames) {
      await context.attempt('train', `${name}: ${trainWorks[name].title}`, async () => {
        const work = new TrainWork(name);
        await requireLearning(work);
        const { ours, rounds, discarded, loaded } = await measure([timedAsync(() => work.step())], context.options.effort, context.watch);
        const { gflops, peakShare } = await context.speed(trainWorks[name].flops, ours.milliseconds, threads);
        const { title, rows, steps } = trainWorks[name];
        const perSecond = rows * steps / ours.milliseconds * 1000;
        context.emit({
          suite: 'train', name: title, threads, isa: context.isa, ours: { ...ours, gflops }, peakShare, bound: 'arithmetic', rounds, discarded, loaded, note: `${perSecond.toFixed(0)} time steps a second`,
        });
      });
    }
    await measureOverhead(context, threads);
    await measureEventLoop(context, 'train', threads);
  }
}
