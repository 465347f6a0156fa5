// The lecture notes' MATLAB classifier: sequenceInput(1), wordEmbedding(50, V), bilstm(64, 'OutputMode', 'last'), fullyConnected, softmax, classification. "last" of the backward
// half is its own end, reached at the first word. The softmax is part of the loss, so that the last layer gives logits.
// npx tsx examples/lectures/bidirectionalTopics.ts
import { adam, crossEntropy, dense, embedding, lstm, sequential, Trainer, type Model } from '../../lib/index.ts';
import { sequences, words, type SequenceExample } from '../../lib/data/index.ts';
import { parameterCounts } from '../support/parameterCounts.ts';
import { Random } from '../support/random.ts';
import { start, type Telling } from '../support/start.ts';

export const defaults = { reports: 400, epochs: 4, units: 64, learningRate: 5e-3, seed: 1 };

export interface Figures {
  readonly parameters: Readonly<Record<string, number>>;
  readonly accuracy: number;
  /** Largest differences of the two halves of "last" to steps of the whole sequence of outputs: the forward one's last step; the backward one's first, and its last. */
  readonly ends: { readonly forwardAtLast: number; readonly backwardAtFirst: number; readonly backwardAtLast: number };
}

const topics = [['leak', 'oil', 'coolant'], ['noise', 'rattle', 'hum'], ['smoke', 'heat', 'spark'], ['jam', 'stuck', 'blocked']];
const fillers = ['the', 'old', 'mixer', 'near', 'line', 'two', 'was', 'seen', 'again', 'today', 'by', 'night', 'shift'];

/** A report of a machine's fault: one word in it tells the topic. */
function report(random: Random): { text: string; topic: number } {
  const topic = random.below(topics.length);
  const said = Array.from({ length: 4 + random.below(9) }, () => random.pick(fillers));
  said[random.below(said.length)] = random.pick(topics[topic]!);
  return { text: said.join(' '), topic };
}

/** The backward half stands behind the forward one. */
async function endsOf(trained: Model, build: (output: 'sequence' | 'last') => Model, rows: readonly Int32Array[]): Promise<Figures['ends']> {
  const [all, last] = [build('sequence'), build('last')];
  for (const model of [all, last]) for (const { name } of model.parameters) model.setParameter(name, trained.parameter(name).view);
  const { output: steps } = await all.predict(rows);
  const { output: ends } = await last.predict(rows);
  const [, longest, width] = steps.shape as [number, number, number];
  const differ = (half: 0 | 1, stepOf: (length: number) => number): number => Math.max(...rows.flatMap(({ length }, row) => Array.from({ length: width / 2 }, (_, i) => {
    const unit = half * (width / 2) + i;
    return Math.abs(ends.data[row * width + unit]! - steps.data[(row * longest + stepOf(length)) * width + unit]!);
  })));
  return { forwardAtLast: differ(0, (length) => length - 1), backwardAtFirst: differ(1, () => 0), backwardAtLast: differ(1, (length) => length - 1) };
}

/** @returns the parameters, the share of 200 other reports whose topic is found, and where the halves of "last" stand in the sequence. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<Figures> {
  const { reports: count, epochs, units, learningRate, seed, tell } = { ...defaults, ...options };
  const random = new Random(seed, 'reports');
  const reports = Array.from({ length: count + 200 }, () => report(random));
  const vocabulary = words([...topics.flat(), ...fillers].join(' '));
  const examples = reports.map(({ text, topic }): SequenceExample => ({ input: vocabulary.encode(text), target: topic }));
  const recurrence = (output: 'sequence' | 'last') => lstm({ units, direction: 'bidirectional', output });
  const model = sequential([embedding({ size: 50 }), recurrence('last'), dense({ units: topics.length })], { input: vocabulary, seed });
  tell?.(model.summary());
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), seed });
  await trainer.fit(sequences(examples.slice(0, count), { batch: 32, shuffle: true, seed }), { epochs });
  const { accuracy } = await trainer.evaluate(sequences(examples.slice(count), { batch: 100 }));
  const ends = await endsOf(model, (output) => sequential([embedding({ size: 50 }), recurrence(output)], { input: vocabulary }), examples.slice(0, 6).map(({ input }) => input as Int32Array));
  return { parameters: parameterCounts(model), accuracy: accuracy!, ends };
}

await start(import.meta.url, { ...defaults }, async (options) => ({ ...await run(options) }));
