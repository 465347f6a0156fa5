// From which of 18 languages does a surname come? Reads it letter by letter and says one word at the end: many to one, as in sentiment or topics.
// npx tsx examples/languages.ts
import { adam, crossEntropy, dense, embedding, gru, sequential, Trainer } from '../lib/index.ts';
import { characters, sequences, split, type SequenceExample } from '../lib/data/index.ts';
import { readLines } from './support/data.ts';
import { likeliest } from './support/likeliest.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 8, units: 64, learningRate: 4e-3, names: 20_050, seed: 1 };

/** @returns the share of the tenth of names that were not read whose language is found, beside always naming the commonest one; and what some names are taken for. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number; commonest: number; guesses: Record<string, string> }> {
  const { epochs, units, learningRate, names, seed, tell } = { ...defaults, ...options };
  const rows = new Random(seed, 'languages').shuffled(readLines('names/names_by_language.tsv').map((line) => line.split('\t') as [string, string])).slice(0, names);
  const languages = [...new Set(rows.map(([language]) => language))].sort();
  const vocabulary = characters(rows.map(([, name]) => name).join(''), { unknown: '?' });
  const list = rows.map(([language, name]): SequenceExample => ({ input: vocabulary.encode(name), target: languages.indexOf(language) }));
  const [training, test] = split(list, 0.9);
  const model = sequential(
    [embedding({ size: 24 }), gru({ units, direction: 'bidirectional', output: 'last', dropout: { output: 0.3 } }), dense({ units: languages.length })], { input: vocabulary, seed },
  );
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(sequences(training, { batch: 64, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { accuracy } = await trainer.evaluate(sequences(test, { batch: 100 }));
  const counts = languages.map((_, language) => test.filter(({ target }) => target === language).length);
  const some = ['Nakamura', 'Schröder', 'Papadopoulos', 'Kowalczyk', 'O\'Brien'];
  const { output } = await model.predict(some.map((name) => vocabulary.encode(name)));
  const guesses = some.map((name, i) => [name, languages[likeliest(output.row(i).data)]!] as const);
  return { accuracy: accuracy!, commonest: Math.max(...counts) / test.length, guesses: Object.fromEntries(guesses) };
}

await start(import.meta.url, defaults, run);
