// memory.ts stream | predict | train | garbage: how much the process grows over many calls. Needs --expose-gc.
import { adam, crossEntropy, rnn, sequential, Trainer } from '../../../lib/index.ts';
import { tokenBatch, tokenModel, tokenText } from './work.ts';

const megabyte = 2 ** 20;
const collect = (globalThis as { gc?: () => void }).gc!;

/** What the process holds, in megabytes, apart from room that V8 keeps for objects to come: that grows with the machine's mood. */
function held(): number {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return (rss - heapTotal + heapUsed) / megabyte;
}

async function settle(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return held();
}

/** Calls `once` `warm` times, then `count` times, and gives the growth of the second part. */
async function growth(warm: number, count: number, once: (index: number) => unknown): Promise<number> {
  for (let i = 0; i < warm; i++) await once(i);
  const before = await settle();
  for (let i = 0; i < count; i++) await once(i);
  return (await settle()) - before;
}

async function streamGrowth(): Promise<number> {
  const stream = tokenModel(16).stream();
  const run = (count: number): void => { for (let i = 0; i < count; i++) stream.step([i % 16]); };
  return growth(20, 100, () => run(1000));
}

/** Results of a third of a megabyte that are dropped at once. */
async function predictGrowth(): Promise<number> {
  const model = sequential([rnn({ units: 64 })], { input: { features: 16 } });
  const data = { data: new Float32Array(32 * 40 * 16).fill(0.1), shape: [32, 40, 16] };
  return growth(300, 3000, () => model.predict(data));
}

async function trainGrowth(): Promise<number> {
  const trainer = new Trainer(tokenModel(8), { loss: crossEntropy(), optimizer: adam() });
  const text = tokenText(2 * 5);
  const batch = { input: { data: text, shape: [2, 5] }, target: { data: text, shape: [2, 5] } };
  return growth(8000, 10_000, () => trainer.step(batch));
}

/** Models, streams and trainers made and dropped while the collector runs in the middle of their work. */
async function garbageGrowth(): Promise<number> {
  return growth(50, 70, async (index) => {
    const model = tokenModel(32, index);
    const pending = model.predict(tokenBatch(4, 20));
    collect();
    const stream = model.stream({ rows: 2 });
    stream.step([1, 2]);
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam() });
    const step = trainer.step({ input: tokenBatch(2, 6), target: tokenBatch(2, 6) });
    collect();
    await Promise.all([pending, step]);
  });
}

const kinds: Record<string, () => Promise<number>> = { stream: streamGrowth, predict: predictGrowth, train: trainGrowth, garbage: garbageGrowth };
console.log(JSON.stringify({ megabytes: await kinds[process.argv[2]!]!() }));
