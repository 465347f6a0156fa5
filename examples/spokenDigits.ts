// Which digit was said? 3,000 recordings of six speakers (Free Spoken Digit Dataset) as 13 mel-frequency cepstral coefficients every 10 ms.
// npx tsx examples/spokenDigits.ts
import { adam, crossEntropy, dense, lstm, sequential, Trainer } from '../lib/index.ts';
import { sequences, type SequenceExample } from '../lib/data/index.ts';
import { readData } from './support/data.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 8, units: 48, learningRate: 4e-3, recordings: 2700, seed: 1 };

interface Index {
  readonly dim: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly items: readonly { readonly digit: number; readonly split: 'train' | 'test'; readonly offset: number; readonly frames: number }[];
}

/** The number that 16 bits of IEEE 754 stand for. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const magnitude = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** Recordings [T, 13], each feature with mean 0 and deviation 1. Two 10 ms frames make one step where `stride` is 2. */
function readRecordings(split: 'train' | 'test', stride: number): SequenceExample[] {
  const { dim, mean, std, items } = JSON.parse(readData('fsdd/index.json').toString('utf8')) as Index;
  const bytes = readData('fsdd/mfcc13_f16le.bin.gz');
  return items.filter((item) => item.split === split).map(({ digit, offset, frames }) => {
    const steps = Math.ceil(frames / stride);
    const data = new Float32Array(steps * dim);
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < dim; i++) data[step * dim + i] = (half(bytes.readUInt16LE(2 * ((offset + step * stride) * dim + i))) - mean[i]!) / std[i]!;
    }
    return { input: { data, shape: [steps, dim] }, target: digit };
  });
}

/** @returns the share of the 300 recordings of the official test split that are understood. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number; recordings: number }> {
  const { epochs, units, learningRate, recordings, seed, tell } = { ...defaults, ...options };
  const all = readRecordings('train', 2);
  const chosen = all.filter((_, i) => Math.floor((i * recordings) / all.length) < Math.floor(((i + 1) * recordings) / all.length));
  const model = sequential([lstm({ units, direction: 'bidirectional', output: 'last', dropout: { output: 0.2 } }), dense({ units: 10 })], { input: { features: 13 }, seed });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(sequences(chosen, { batch: 32, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { accuracy, steps } = await trainer.evaluate(sequences(readRecordings('test', 2), { batch: 60 }));
  return { accuracy: accuracy!, recordings: steps };
}

await start(import.meta.url, defaults, run);
