import { requireInteger } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Examples } from './batch.ts';
import { readTokens } from './tensor.ts';

export interface SkipGramOptions {
  /** How far to each side of a word its context reaches. Default 2. */
  readonly window?: number | undefined;
}

/**
 * Every token of a text with every one beside it: what a word foretells of its context (T. Mikolov, K. Chen, G. Corrado and J. Dean, "Efficient estimation of word representations in
 * vector space", arXiv:1301.3781, 2013). A model of an embedding and a dense layer that is trained on them, without any labels, puts words of like contexts near each
 * other; its table may then begin the embedding of another model:
 *
 * ```ts
 * const words = sequential([embedding({ size: 32 }), dense({ units: vocabulary.size })], { input: { vocabulary, time: false } });
 * await new Trainer(words, { loss: crossEntropy(), optimizer: adam() }).fit(batches(skipGrams(tokens), { batch: 256, shuffle: true }), { epochs: 5 });
 * tagger.setParameter('embedding/weight', words.parameter('embedding/weight').view);
 * ```
 *
 * @returns input [count] and target [count], both tokens; no table of negative samples, for the loss is the whole cross-entropy.
 * @throws ERR_BPTT_DATA for fewer than two tokens; ERR_BPTT_RANGE for a window below 1; ERR_BPTT_VOCABULARY for what is no token.
 */
export function skipGrams(tokens: ArrayLike<number>, options: SkipGramOptions = {}): Examples {
  checkOptions('skipGrams', options, ['window']);
  const window = requireInteger('skipGrams', 'window', options.window ?? 2, 1);
  const text = readTokens('skipGrams', tokens);
  if (text.length < 2) throw new BpttError('ERR_BPTT_DATA', `skipGrams: expected at least two tokens, received ${text.length}`, { expected: 2, received: text.length });
  const reach = Math.min(window, text.length - 1);
  const count = 2 * reach * text.length - reach * (reach + 1);
  const [input, target] = [new Int32Array(count), new Int32Array(count)];
  let place = 0;
  text.forEach((token, at) => {
    for (let other = Math.max(0, at - reach); other <= Math.min(text.length - 1, at + reach); other++) {
      if (other === at) continue;
      input[place] = token;
      target[place++] = text[other]!;
    }
  });
  return { count, input: { data: input, shape: [count] }, target: { data: target, shape: [count] } };
}
