// delay.ts SECONDS: trains for so long and prints how late the event loop was meanwhile, in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { adam, crossEntropy, dense, embedding, lstm, sequential, Trainer } from '../../../lib/index.ts';
import { textStream } from '../../../lib/data/index.ts';
import { tokenText } from './work.ts';

/** Between two looks at the clock, in milliseconds; every recorded delay has it on top. */
const resolution = 1;

const model = sequential([embedding({ size: 64 }), lstm({ units: 128, layers: 2 }), dense({ units: 16 })], { input: { tokens: 16 } });
const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam(), clip: { globalNorm: 5 } });
const data = textStream(tokenText(50 * 50 * 4 + 1), { batch: 50, steps: 50 });
await trainer.fit(data, { epochs: 1 });
const delays = monitorEventLoopDelay({ resolution });
delays.enable();
const started = performance.now();
let longestStep = 0;
let last = started;
const { updates } = await trainer.fit(data, { seconds: Number(process.argv[2]), callbacks: [{ onBatch: () => {
  longestStep = Math.max(longestStep, performance.now() - last);
  last = performance.now();
} }] });
delays.disable();
const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution);
console.log(JSON.stringify({
  median: late(delays.percentile(50)), p99: late(delays.percentile(99)), worst: late(delays.max), longestStep, updates, seconds: (performance.now() - started) / 1000, looks: delays.count,
}));
