// Who is speaking? Nine men say two Japanese vowels; each utterance is 7 to 29 frames of 12 LPC cepstrum coefficients (M. Kudo et al., 1999).
// npx tsx examples/japaneseVowels.ts
import { adam, crossEntropy, dense, gru, sequential, Trainer } from '../lib/index.ts';
import { sequences, type SequenceExample } from '../lib/data/index.ts';
import { readLines } from './support/data.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 40, units: 32, learningRate: 5e-3, seed: 1 };

/** Utterances [T, 12] with their speakers, 0 to 8. */
function readUtterances(part: 'TRAIN' | 'TEST'): SequenceExample[] {
  return readLines(`japanese_vowels/JapaneseVowels_${part}.ts.gz`).filter((line) => /^[-\d]/.test(line)).map((line) => {
    const fields = line.split(':');
    const channels = fields.slice(0, -1).map((channel) => channel.split(',').map(Number));
    return { input: channels[0]!.map((_, step) => channels.map((channel) => channel[step]!)), target: Number(fields.at(-1)) - 1 };
  });
}

/** @returns the share of test utterances whose speaker is recognised. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number }> {
  const { epochs, units, learningRate, seed, tell } = { ...defaults, ...options };
  const model = sequential([gru({ units, direction: 'bidirectional', output: 'last', dropout: { output: 0.3 } }), dense({ units: 9 })], { input: { features: 12 }, seed });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  const training = sequences(readUtterances('TRAIN'), { batch: 15, shuffle: true, seed });
  const test = sequences(readUtterances('TEST'), { batch: 74 });
  for await (const { kind, epoch, loss } of trainer.fit(training, { epochs })) {
    if (kind === 'epoch' && epoch % 10 === 0) tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { accuracy } = await trainer.evaluate(test);
  return { accuracy: accuracy! };
}

await start(import.meta.url, defaults, run);
