// Is a review kind? Made-up reviews in which the order of words decides ("not good, but brilliant" – "not brilliant, but good"), so that counting words does not do.
// npx tsx examples/sentiment.ts
import { adam, binaryCrossEntropy, dense, embedding, globalAveragePooling, lstm, sequential, Trainer, type Layer } from '../lib/index.ts';
import { sequences, words, type SequenceExample, type Vocabulary } from '../lib/data/index.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 6, units: 24, learningRate: 8e-3, reviews: 4000, seed: 1 };

const things = ['film', 'plot', 'music', 'cast', 'ending', 'camera'];
const kind = ['good', 'brilliant', 'charming', 'clever'];
const unkind = ['bad', 'dull', 'clumsy', 'silly'];
const fillers = ['honestly', 'after all', 'I think', 'to be fair', 'in my view'];

/** A clause and whether it praises: negation turns the word that follows around. */
function clause(random: Random, praises: boolean): string {
  const negated = random.below(2) === 1;
  const word = random.pick(praises === negated ? unkind : kind);
  const filler = random.below(2) === 1 ? ` ${random.pick(fillers)} ,` : '';
  return `the ${random.pick(things)} was${filler} ${negated ? 'not ' : ''}${word}`;
}

/** A review of two clauses. What follows "but" counts; of two clauses joined by "although", the first one does. */
export function review(random: Random): { text: string; praises: boolean } {
  const praises = random.below(2) === 1;
  const [said, against] = [clause(random, praises), clause(random, !praises)];
  return { text: random.below(2) === 1 ? `${against} , but ${said} .` : `${said} , although ${against} .`, praises };
}

/** Trains a model of these layers on the first set. @returns the share of the second set that it judges right. */
async function learn(layers: readonly Layer[], vocabulary: Vocabulary, sets: readonly (readonly SequenceExample[])[], settings: typeof defaults): Promise<number> {
  const { epochs, learningRate, seed } = settings;
  const trainer = new Trainer(sequential(layers, { input: vocabulary, seed }), { loss: binaryCrossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  await trainer.fit(sequences(sets[0]!, { batch: 32, shuffle: true, seed }), { epochs });
  return (await trainer.evaluate(sequences(sets[1]!, { batch: 100 }))).accuracy!;
}

/** @returns the share of 1,000 other reviews judged right: by an LSTM, and by a mean of word vectors, which cannot tell the order. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number; withoutOrder: number; example: string }> {
  const { tell, ...chosen } = options;
  const settings = { ...defaults, ...chosen };
  const random = new Random(settings.seed, 'reviews');
  const reviews = Array.from({ length: settings.reviews + 1000 }, () => review(random));
  const vocabulary = words(reviews.slice(0, settings.reviews).map(({ text }) => text).join(' '));
  const examples = reviews.map(({ text, praises }): SequenceExample => ({ input: vocabulary.encode(text), target: [praises ? 1 : 0] }));
  const sets = [examples.slice(0, settings.reviews), examples.slice(settings.reviews)];
  const accuracy = await learn([embedding({ size: 16 }), lstm({ units: settings.units, output: 'last' }), dense({ units: 1 })], vocabulary, sets, settings);
  tell?.(`LSTM: ${accuracy}`);
  const withoutOrder = await learn([embedding({ size: 16 }), globalAveragePooling(), dense({ units: 1 })], vocabulary, sets, settings);
  return { accuracy, withoutOrder, example: reviews[0]!.text };
}

await start(import.meta.url, defaults, run);
