// Learns to write TypeScript from this repository's own source, character by character; or C++, or LaTeX, from files of another ending.
// npx tsx examples/characterModel.ts [--folder native --ending .cpp --prefix "void "]
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { adam, bitsPerToken, crossEntropy, decayAfter, dense, embedding, lstm, sample, sequential, Trainer, type Model } from '../lib/index.ts';
import { characters, splitTextStream, type Vocabulary } from '../lib/data/index.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { folder: 'lib', ending: '.ts', epochs: 5, units: 128, layers: 2, batch: 40, learningRate: 5e-3, characters: 1_000_000, prefix: 'export function ', length: 400, temperature: 0.5, seed: 1 };

/** The text of all files of this ending, as far as it is plain ASCII, which keeps the vocabulary small. */
function readSources(folder: string, ending: string): string {
  const whole = path.resolve(import.meta.dirname, '..', folder);
  return readdirSync(whole, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending)).sort()
    .map((file) => readFileSync(path.join(whole, file), 'utf8')).join('\n').replace(/[^\n -~]/g, '');
}

function write(model: Model, vocabulary: Vocabulary, prefix: string, length: number, temperature: number): string {
  return prefix + vocabulary.decode(sample(model.stream(), { prefix: vocabulary.encode(prefix), length, temperature, seed: 1 }));
}

/** @returns bits per character of the twentieth of the text that was not read, those of single characters' frequencies, and what the model writes. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ bits: number; frequenciesOnly: number; text: string }> {
  const { folder, ending, epochs, units, layers, batch, learningRate, characters: most, prefix, length, temperature, seed, tell } = { ...defaults, ...options };
  const source = readSources(folder, ending).slice(0, most);
  const vocabulary = characters(source);
  const { training, validation } = splitTextStream(vocabulary.encode(source), { batch, steps: 60, validation: 0.05 });
  const model = sequential([embedding({ size: 32 }), lstm({ units, layers }), dense({ units: vocabulary.size })], { input: vocabulary, seed });
  const optimizer = adam({ learningRate: decayAfter({ learningRate, factor: 0.6, afterEpoch: Math.ceil(epochs / 2) }) });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer, clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(training, { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: ${bitsPerToken(loss).toFixed(3)} bits per character\n${write(model, vocabulary, prefix, 100, temperature)}\n`);
  }
  const counts = new Map<string, number>();
  for (const character of source) counts.set(character, (counts.get(character) ?? 0) + 1);
  const frequenciesOnly = [...counts.values()].reduce((sum, count) => sum - (count / source.length) * Math.log2(count / source.length), 0);
  const { loss } = await trainer.evaluate(validation);
  return { bits: bitsPerToken(loss), frequenciesOnly, text: write(model, vocabulary, prefix, length, temperature) };
}

await start(import.meta.url, defaults, run);
