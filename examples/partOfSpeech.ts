// Noun, verb or adjective? Tags every word of a sentence, which needs what comes before and after it: a bidirectional network (UD English EWT treebank).
// npx tsx examples/partOfSpeech.ts
import { adam, concatenate, connect, crossEntropy, dense, dropout, embedding, input, lstm, model, Trainer } from '../lib/index.ts';
import { sequences, Vocabulary, words, type SequenceExample } from '../lib/data/index.ts';
import { readData } from './support/data.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 5, units: 64, learningRate: 5e-3, sentences: 12_544, seed: 1 };

interface Sentence {
  readonly words: readonly string[];
  readonly tags: readonly string[];
}

function readSentences(part: 'train' | 'test'): Sentence[] {
  return readData(`ud_english_ewt_pos/${part}.tsv.gz`).toString('utf8').trim().split('\n\n').map((block) => {
    const rows = block.split('\n').map((line) => line.split('\t'));
    return { words: rows.map(([word]) => word!), tags: rows.map(([, tag]) => tag!) };
  });
}

/** The last three letters tell much about words that were never seen. */
function endings(sentence: readonly string[]): string[] {
  return sentence.map((word) => (/^\p{Lu}/u.test(word) ? '^' : '') + word.toLowerCase().replace(/\d/g, '0').slice(-3));
}

/** Tokens that come twice or more; the others are read as the unknown one, so that this is learned too. */
function frequent(tokens: readonly string[]): Vocabulary {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return words(tokens.filter((token) => counts.get(token)! > 1));
}

/** Share right when every word gets the tag that it most often has in `training`, and strangers are nouns. */
function commonestTag(training: readonly Sentence[], test: readonly Sentence[]): number {
  const seen = new Map<string, Map<string, number>>();
  for (const { words: list, tags } of training) {
    list.forEach((word, i) => {
      const counts = seen.get(word) ?? new Map<string, number>();
      seen.set(word, counts.set(tags[i]!, (counts.get(tags[i]!) ?? 0) + 1));
    });
  }
  const best = new Map([...seen].map(([word, counts]) => [word, [...counts].sort(([, m], [, n]) => n - m)[0]![0]]));
  const right = test.flatMap(({ words: list, tags }) => list.map((word, i) => (best.get(word) ?? 'NOUN') === tags[i]));
  return right.filter(Boolean).length / right.length;
}

/** @returns the share of words of the test sentences that are tagged right, beside that of giving every word its commonest tag. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number; commonestTag: number }> {
  const { epochs, units, learningRate, sentences, seed, tell } = { ...defaults, ...options };
  const training = readSentences('train').slice(0, sentences);
  const test = readSentences('test');
  const vocabulary = frequent(training.flatMap((sentence) => sentence.words));
  const suffixes = frequent(training.flatMap((sentence) => endings(sentence.words)));
  const tags = new Vocabulary({ kind: 'words', tokens: [...new Set(training.flatMap((sentence) => sentence.tags))].sort(), unknown: null });
  const examples = (list: readonly Sentence[]): SequenceExample[] => list.map((sentence) => ({
    input: { words: vocabulary.encode(sentence.words), endings: suffixes.encode(endings(sentence.words)) }, target: tags.encode(sentence.tags),
  }));

  const word = input({ name: 'words', vocabulary });
  const ending = input({ name: 'endings', vocabulary: suffixes });
  const both = connect(dropout({ rate: 0.3 }), connect(concatenate(), connect(embedding({ size: 48 }), word), connect(embedding({ size: 24 }), ending)));
  const read = connect(lstm({ units, direction: 'bidirectional', dropout: { output: 0.3 } }), both);
  const tagger = model({ inputs: [word, ending], outputs: connect(dense({ units: tags.size }), read), seed });
  const trainer = new Trainer(tagger, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(sequences(examples(training), { batch: 32, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { accuracy } = await trainer.evaluate(sequences(examples(test), { batch: 67 }));
  return { accuracy: accuracy!, commonestTag: commonestTag(training, test) };
}

await start(import.meta.url, defaults, run);
