// memory.ts stream | predict | train | garbage: how much the process grows over many calls.
import { adam, crossEntropy, rnn, sequential, Trainer } from '../../../lib/index.ts';
import { collect, growthOf } from '../../support/growth.ts';
import type { Growth } from '../../support/growth.ts';
import { tokenBatch, tokenModel, tokenText } from './work.ts';

async function streamGrowth(): Promise<Growth> {
  const stream = tokenModel(16).stream();
  const run = (count: number): void => { for (let i = 0; i < count; i++) stream.step([i % 16]); };
  return growthOf(() => run(100), { warm: 200, calls: 2000 });
}

/** Results of a third of a megabyte that are dropped at once. */
async function predictGrowth(): Promise<Growth> {
  const model = sequential([rnn({ units: 64 })], { input: { features: 16 } });
  const data = { data: new Float32Array(32 * 40 * 16).fill(0.1), shape: [32, 40, 16] };
  return growthOf(() => model.predict(data), { warm: 300, calls: 3000 });
}

async function trainGrowth(): Promise<Growth> {
  const trainer = new Trainer(tokenModel(8), { loss: crossEntropy(), optimizer: adam() });
  const text = tokenText(2 * 5);
  const batch = { input: { data: text, shape: [2, 5] }, target: { data: text, shape: [2, 5] } };
  return growthOf(() => trainer.step(batch), { warm: 8000, calls: 10_000 });
}

/** Models, streams and trainers made and dropped while the collector runs in the middle of their work. */
async function garbageGrowth(): Promise<Growth> {
  return growthOf(async (index) => {
    const model = tokenModel(32, index);
    const pending = model.predict(tokenBatch(4, 20));
    collect();
    const stream = model.stream({ rows: 2 });
    stream.step([1, 2]);
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam() });
    const step = trainer.step({ input: tokenBatch(2, 6), target: tokenBatch(2, 6) });
    collect();
    await Promise.all([pending, step]);
  }, { warm: 50, calls: 72 });
}

const kinds: Record<string, () => Promise<Growth>> = { stream: streamGrowth, predict: predictGrowth, train: trainGrowth, garbage: garbageGrowth };
console.log(JSON.stringify(await kinds[process.argv[2]!]!()));
