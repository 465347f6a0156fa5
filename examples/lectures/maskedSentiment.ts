// The lecture notes' sentiment classifier: words, Embedding(V, 64, mask_zero), Bidirectional(LSTM(64)), Dense(64, relu), Dense(1). The last layer gives a logit, so the loss is
// the binary cross-entropy of logits. Padding is not masked by a token: rows of different lengths, or padded rows with their lengths, say where each one ends.
// npx tsx examples/lectures/maskedSentiment.ts
import { adam, binaryCrossEntropy, dense, embedding, gradients, lstm, sequential, Trainer, type Gradients, type Model } from '../../lib/index.ts';
import { sequences, words, type Output, type SequenceExample } from '../../lib/data/index.ts';
import { parameterCounts } from '../support/parameterCounts.ts';
import { Random } from '../support/random.ts';
import { start, type Telling } from '../support/start.ts';

export const defaults = { reviews: 600, epochs: 5, learningRate: 8e-3, seed: 1 };

export interface Figures {
  readonly parameters: Readonly<Record<string, number>>;
  readonly vocabulary: number;
  /** Share of 200 other reviews that are judged right. */
  readonly accuracy: number;
  /** Largest differences that padding makes: to the outputs of ragged rows, to those of each row alone, and to the gradients; and what it does where no lengths are given. */
  readonly padding: { readonly ragged: number; readonly alone: number; readonly gradient: number; readonly unmasked: number };
}

const things = ['film', 'plot', 'music', 'cast', 'ending'];
const moods = { kind: ['good', 'brilliant', 'charming'], unkind: ['bad', 'dull', 'clumsy'] };

/** One to four clauses of one mood; "not" turns the word behind it around. */
function review(random: Random): { text: string; praises: boolean } {
  const praises = random.below(2) === 1;
  const clauses = Array.from({ length: 1 + random.below(4) }, () => {
    const negated = random.below(3) === 0;
    return `the ${random.pick(things)} was ${negated ? 'not ' : ''}${random.pick(moods[praises === negated ? 'unkind' : 'kind'])}`;
  });
  return { text: clauses.join(' and '), praises };
}

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers beside ${b.length}`);
  return Array.from(a).reduce((most, number, i) => Math.max(most, Math.abs(number - b[i]!)), 0);
}

const joined = ({ parameters }: Gradients): number[] => Object.values(parameters).flatMap(({ data }) => [...data]);

/** What filling rows up with token 0 changes, where `lengths` says how long they are. */
async function paddingDifferences(model: Model, rows: readonly Int32Array[]): Promise<Figures['padding']> {
  const lengths = rows.map(({ length }) => length);
  const padded = rows.map((row) => [...row, ...new Array<number>(Math.max(...lengths) + 3 - row.length).fill(0)]);
  const masked = (await model.predict(padded, { lengths })).output.data;
  const ragged = (await model.predict(rows)).output.data;
  const unmasked = (await model.predict(padded)).output.data;
  const alone: Output[] = [];
  for (const row of rows) alone.push((await model.predict([row])).output);
  const target = rows.map((_, i) => [i % 2]);
  const [withPadding, without] = [await gradients(model, { input: padded, target, lengths }, { loss: binaryCrossEntropy() }), await gradients(model, { input: rows, target }, { loss: binaryCrossEntropy() })];
  return {
    ragged: largest(masked, ragged), alone: largest(masked, alone.flatMap(({ data }) => [...data])), gradient: largest(joined(withPadding), joined(without)), unmasked: largest(unmasked, ragged),
  };
}

/** @returns the parameters of each layer, how many reviews are judged right, and what padding changes. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<Figures> {
  const { reviews: count, epochs, learningRate, seed, tell } = { ...defaults, ...options };
  const random = new Random(seed, 'reviews');
  const reviews = Array.from({ length: count + 200 }, () => review(random));
  const vocabulary = words(reviews.slice(0, count).map(({ text }) => text).join(' '));
  const examples = reviews.map(({ text, praises }): SequenceExample => ({ input: vocabulary.encode(text), target: [praises ? 1 : 0] }));
  const model = sequential([
    embedding({ size: 64 }), lstm({ units: 64, direction: 'bidirectional', output: 'last' }), dense({ units: 64, activation: 'relu' }), dense({ units: 1 }),
  ], { input: vocabulary, seed });
  tell?.(model.summary());
  const trainer = new Trainer(model, { loss: binaryCrossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  await trainer.fit(sequences(examples.slice(0, count), { batch: 32, shuffle: true, seed }), { epochs });
  const { accuracy } = await trainer.evaluate(sequences(examples.slice(count), { batch: 100 }));
  const padding = await paddingDifferences(model, reviews.slice(0, 8).map(({ text }) => vocabulary.encode(text)));
  return { parameters: parameterCounts(model), vocabulary: vocabulary.size, accuracy: accuracy!, padding };
}

await start(import.meta.url, { ...defaults }, async (options) => ({ ...await run(options) }));
