// delay.ts SECONDS: trains for so long and prints how late the event loop was meanwhile, in milliseconds, and how late it is while other threads are busy.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { adam, crossEntropy, dense, embedding, lstm, sequential, Trainer } from '../../../lib/index.ts';
import { textStream } from '../../../lib/data/index.ts';
import { loadNative } from '../../../lib/runtime/index.ts';
import { tokenText } from './work.ts';

/** Between two looks at the clock, in milliseconds; every recorded delay has it on top. */
const resolution = 1;

interface Lateness {
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
  readonly looks: number;
}

async function latenessDuring(work: () => Promise<unknown>): Promise<Lateness> {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  await work();
  delays.disable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution);
  return { median: late(delays.percentile(50)), p99: late(delays.percentile(99)), worst: late(delays.max), looks: delays.count };
}

/** What the machine makes of it alone: as many busy threads as the engine has, which have nothing to do with the event loop. */
async function machineLateness(milliseconds: number): Promise<Lateness> {
  const native = loadNative();
  const count = 'module' in native ? native.module.info().threads : 1;
  const workers = Array.from({ length: count }, () => new Worker("require('node:worker_threads').parentPort.postMessage(0); for (;;);", { eval: true }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => { worker.once('message', resolve); })));
  const lateness = await latenessDuring(() => new Promise((resolve) => { setTimeout(resolve, milliseconds); }));
  await Promise.all(workers.map((worker) => worker.terminate()));
  return lateness;
}

const seconds = Number(process.argv[2]);
const model = sequential([embedding({ size: 64 }), lstm({ units: 128, layers: 2 }), dense({ units: 16 })], { input: { tokens: 16 } });
const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam(), clip: { globalNorm: 5 } });
const data = textStream(tokenText(50 * 50 * 4 + 1), { batch: 50, steps: 50 });
await trainer.fit(data, { epochs: 1 });
const before = await machineLateness(seconds * 250);
let longestStep = 0;
let updates = 0;
let last = performance.now();
const training = await latenessDuring(async () => {
  ({ updates } = await trainer.fit(data, { seconds, callbacks: [{ onBatch: () => {
    longestStep = Math.max(longestStep, performance.now() - last);
    last = performance.now();
  } }] }));
});
const after = await machineLateness(seconds * 250);
console.log(JSON.stringify({ ...training, longestStep, updates, machine: Math.max(before.p99, after.p99) }));
