import { sample } from '../decoding/index.ts';
import type { Model } from '../model/index.ts';
import type { Vocabulary } from '../data/index.ts';
import { encodeFor, loadCharacterModel } from './characterModel.ts';
import { jsonLine, type Terminal } from './terminal.ts';
import { setThreads } from '../runtime/index.ts';

export interface GenerateOptions {
  readonly prefix?: string;
  readonly length: number;
  readonly temperature?: number;
  readonly greedy?: true;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly json?: true;
}

/** What a text begins with when nobody says: a line break where the vocabulary has one, so that the model begins a line. */
export function openingTokens(vocabulary: Vocabulary): Int32Array {
  const lineBreak = vocabulary.tokens.indexOf('\n');
  return Int32Array.of(Math.max(lineBreak, 0));
}

/** Text piece by piece, as a model continues `prefix` (the opening when it is empty); words with the spaces between them. */
export function* continueText(model: Model, vocabulary: Vocabulary, options: Omit<GenerateOptions, 'threads' | 'json'>): Generator<string, void, void> {
  const { prefix = '', length, greedy, temperature = 0.8, topK, topP, seed = 1 } = options;
  const draw = greedy ? { greedy } : { temperature, seed, ...(topK === undefined ? {} : { topK }), ...(topP === undefined ? {} : { topP }) };
  const tokens = prefix === '' ? openingTokens(vocabulary) : encodeFor({ model, vocabulary }, '--prefix', prefix);
  let last = prefix === '' || /\s$/.test(prefix) ? [] : [...tokens.subarray(-1)];
  for (const token of sample(model.stream(), { prefix: tokens, length, ...draw })) {
    yield vocabulary.decode([...last, token]).slice(vocabulary.decode(last).length);
    last = [token];
  }
}

/** `bptt generate`: text that goes on from a prefix, written as it comes. */
export async function generate(folder: string, options: GenerateOptions, terminal: Terminal): Promise<number> {
  if (options.threads !== undefined) setThreads(options.threads);
  const { model, vocabulary } = await loadCharacterModel(folder);
  const { prefix = '', json } = options;
  const pieces = continueText(model, vocabulary, options);
  let next = pieces.next(); // a stranger in the prefix, or a model that cannot go on, is told before anything is written
  let [text, tokens] = ['', 0];
  if (!json) terminal.out(prefix);
  for (; !next.done; next = pieces.next()) {
    text += next.value;
    tokens++;
    if (!json) terminal.out(next.value);
  }
  terminal.out(json ? jsonLine({ text, prefix, tokens }) : '\n');
  return 0;
}
