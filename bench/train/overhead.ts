/** What a training step costs the event loop's own thread. */
import { performance } from 'node:perf_hooks';
import { adam, dense, lstm, sequential, squaredError } from '../../lib/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import type { Context } from '../support/context.ts';
import { quantile } from '../support/statistics.ts';

const warmSteps = 3000;
const roundSteps = 250;

/** Milliseconds for which the event loop is busy with one step whose arithmetic is next to nothing; of many rounds the lower quartile. */
export async function eventLoopWork(rounds: number): Promise<number> {
  const model = sequential([lstm({ units: 1 }), dense({ units: 1 })], { input: { features: 1 }, seed: 1 });
  const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam() });
  const batch = { input: { data: new Float32Array(2), shape: [1, 2, 1] }, target: { data: new Float32Array(2), shape: [1, 2, 1] } };
  for (let i = 0; i < warmSteps; i++) await trainer.step(batch);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.eventLoopUtilization();
    for (let i = 0; i < roundSteps; i++) await trainer.step(batch);
    times.push(performance.eventLoopUtilization(before).active / roundSteps);
  }
  return quantile(times, 0.25);
}

/** Emits it. */
export async function measureOverhead(context: Context, threads: number): Promise<void> {
  await context.attempt('train', 'JavaScript of a step', async () => {
    const milliseconds = await eventLoopWork(2 * context.options.effort.rounds);
    const loaded = !await context.watch.isQuiet();
    context.emit({ suite: 'train', name: 'JavaScript of a step: what the event loop is busy with', threads, isa: context.isa, ours: { milliseconds }, loaded, note: 'LSTM 1, T2 N1: next to no arithmetic' });
  });
}
