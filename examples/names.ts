// Makes up first names, letter by letter, after reading 32,033 of them. Every name begins and ends with the token "\n".
// npx tsx examples/names.ts
import { adam, crossEntropy, dense, embedding, gru, sample, sequential, Trainer, type Model } from '../lib/index.ts';
import { characters, nextToken, sequences, split, type SequenceExample, type Vocabulary } from '../lib/data/index.ts';
import { readLines } from './support/data.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 8, units: 96, learningRate: 4e-3, names: 32_033, made: 20, temperature: 0.8, seed: 1 };

/** Mean −log p of the test's letters when each is foretold from the one before alone, by counting pairs in `training` (every pair once more than it was seen). */
function pairsOnly(training: readonly SequenceExample[], test: readonly SequenceExample[], letters: number): number {
  const counts = new Float64Array(letters * letters).fill(1);
  const each = (list: readonly SequenceExample[], visit: (pair: number, first: number) => void): void => {
    for (const { input, target } of list as readonly { input: Int32Array; target: Int32Array }[]) input.forEach((first, i) => { visit(first * letters + target[i]!, first); });
  };
  each(training, (pair) => { counts[pair]!++; });
  const totals = Array.from({ length: letters }, (_, first) => counts.subarray(first * letters, (first + 1) * letters).reduce((sum, count) => sum + count, 0));
  let loss = 0;
  let steps = 0;
  each(test, (pair, first) => {
    loss -= Math.log(counts[pair]! / totals[first]!);
    steps++;
  });
  return loss / steps;
}

/** A name that the model makes up. */
export function makeName(model: Model, vocabulary: Vocabulary, temperature: number, seed: number): string {
  const end = vocabulary.numberOf('\n');
  return vocabulary.decode(sample(model.stream(), { prefix: [end], endToken: end, length: 20, temperature, seed }));
}

/** @returns nats per letter on the tenth of the names that was not read, beside those of a table of letter pairs; names made up, and the share of them that is new. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ loss: number; pairsOnly: number; made: string[]; shareOfNew: number }> {
  const { epochs, units, learningRate, names, made, temperature, seed, tell } = { ...defaults, ...options };
  const all = new Random(seed, 'names').shuffled(readLines('names/names.txt')).slice(0, names);
  const vocabulary = characters(`${all.join('\n')}\n`);
  const [training, test] = split(all.map((name): SequenceExample => nextToken(vocabulary.encode(`\n${name}\n`))), 0.9);
  const model = sequential([embedding({ size: 24 }), gru({ units, dropout: { output: 0.1 } }), dense({ units: vocabulary.size })], { input: vocabulary, seed });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(sequences(training, { batch: 64, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}, writes ${makeName(model, vocabulary, temperature, epoch)}`);
  }
  const known = new Set(all);
  const list = Array.from({ length: made }, (_, i) => makeName(model, vocabulary, temperature, seed + i));
  return {
    loss: (await trainer.evaluate(sequences(test, { batch: 128 }))).loss, pairsOnly: pairsOnly(training, test, vocabulary.size),
    made: list, shareOfNew: list.filter((name) => !known.has(name)).length / made,
  };
}

await start(import.meta.url, defaults, run);
