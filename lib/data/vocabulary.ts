import { requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe, nearest } from '../errors.ts';

/** JSON of a vocabulary: what model.json holds. */
export interface VocabularyDefinition {
  readonly kind: 'characters' | 'words';
  readonly tokens: readonly string[];
  readonly unknown: string | null;
}

const wordPattern = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|\n|[^\s\p{L}\p{N}]/gu;
const noSpaceBefore = /^[\n.,;:!?)\]}’'”%]/u;
const noSpaceAfter = /[\n([{“‘]$/u;

/** The tokens of a language and their numbers. Immutable; made by `characters`, `words` or from its JSON. */
export class Vocabulary {
  readonly kind: 'characters' | 'words';
  /** Token i is called tokens[i]. */
  readonly tokens: readonly string[];
  /** The token that stands for every other one, or null when there is none. */
  readonly unknown: string | null;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(definition: VocabularyDefinition) {
    checkOptions('vocabulary', definition, ['kind', 'tokens', 'unknown']);
    const { kind, tokens, unknown } = definition;
    if (kind !== 'characters' && kind !== 'words') throw wrongType('vocabulary', 'kind', '"characters" or "words"', kind);
    if (!Array.isArray(tokens)) throw wrongType('vocabulary', 'tokens', 'a list of texts', tokens);
    const wrong = [...tokens as readonly unknown[], unknown ?? ''].find((token) => typeof token !== 'string');
    if (wrong !== undefined) throw wrongType('vocabulary', 'every token', 'a text', wrong);
    this.kind = kind;
    this.tokens = Object.freeze([...definition.tokens]);
    this.unknown = unknown;
    this.#numbers = new Map(this.tokens.map((token, number) => [token, number]));
    if (this.tokens.length === 0) throw new BpttError('ERR_BPTT_DATA', 'vocabulary: expected at least one token, received none', { expected: 'tokens', received: 0 });
    if (this.#numbers.size !== this.tokens.length) throw new BpttError('ERR_BPTT_DATA', 'vocabulary: expected different tokens, received one twice');
    if (this.unknown !== null && !this.#numbers.has(this.unknown)) {
      throw new BpttError('ERR_BPTT_VOCABULARY', `vocabulary: the unknown token ${describe(this.unknown)} is not among the tokens; add it to them, or leave unknown out`, { received: this.unknown });
    }
  }

  /** How many tokens there are. */
  get size(): number {
    return this.tokens.length;
  }

  /** The number of one token. @throws ERR_BPTT_VOCABULARY when it is not in the vocabulary (whatever `unknown` is). */
  numberOf(token: string): number {
    const number = this.#numbers.get(token);
    if (number !== undefined) return number;
    const hint = this.kind === 'words' && typeof token === 'string' ? nearest(token, this.tokens.slice(0, 2000)) : undefined;
    throw new BpttError('ERR_BPTT_VOCABULARY', `vocabulary: ${describe(token)} is not one of its ${this.size} tokens${hint ? `; did you mean ${describe(hint)}?` : ''}`,
      { expected: this.kind, received: token });
  }

  /**
   * Text to token numbers; also a list of tokens, for texts that are already taken apart. Strangers become the unknown token.
   * @throws ERR_BPTT_VOCABULARY for a stranger when there is no unknown token, naming it and its place.
   */
  encode(text: string | readonly string[]): Int32Array {
    const parts = split(this.kind, text);
    const fallback = this.unknown === null ? undefined : this.#numbers.get(this.unknown);
    return Int32Array.from(parts, (part, index) => {
      const number = this.#numbers.get(part) ?? fallback;
      if (number !== undefined) return number;
      throw new BpttError('ERR_BPTT_VOCABULARY',
        `vocabulary: ${describe(part)} (${this.kind === 'words' ? 'word' : 'character'} ${index} of the text) is not one of its ${this.size} tokens; `
        + `build the vocabulary with an unknown token, or on text that has it`, { expected: 'a known token', received: part });
    });
  }

  /**
   * Token numbers to text: characters are joined as they are; words with spaces, none before punctuation.
   * @throws ERR_BPTT_VOCABULARY for a number outside of the vocabulary.
   */
  decode(numbers: Iterable<number>): string {
    if (typeof (numbers as Iterable<number> | null | undefined)?.[Symbol.iterator] !== 'function') throw wrongType('vocabulary', 'the numbers', 'an array of tokens', numbers);
    let text = '';
    for (const number of numbers) {
      const token = this.tokens[number];
      if (token === undefined) {
        throw new BpttError('ERR_BPTT_VOCABULARY', `vocabulary: expected tokens from 0 to ${this.size - 1}, received ${describe(number)}`,
          { expected: this.size, received: number });
      }
      const spaced = this.kind === 'words' && text !== '' && !noSpaceBefore.test(token) && !noSpaceAfter.test(text);
      text += spaced ? ` ${token}` : token;
    }
    return text;
  }

  toJSON(): VocabularyDefinition {
    return { kind: this.kind, tokens: this.tokens, unknown: this.unknown };
  }
}

function split(kind: 'characters' | 'words', text: string | readonly string[]): readonly string[] {
  if (Array.isArray(text) && text.every((part) => typeof part === 'string')) return text;
  if (typeof text !== 'string') throw wrongType('vocabulary', 'the text', 'a string, or a list of its tokens', text);
  return kind === 'characters' ? [...text] : (text.match(wordPattern) ?? []);
}

/**
 * One token per character (Unicode code point) of the text, in code point order.
 * @param options.unknown a token of its own for every character that is not in `text`; without it such a character is an error.
 * @throws ERR_BPTT_DATA for an empty text.
 */
export function characters(text: string, options: { readonly unknown?: string } = {}): Vocabulary {
  checkOptions('characters', options, ['unknown']);
  const found = new Set(split('characters', text));
  if (found.size === 0) throw new BpttError('ERR_BPTT_DATA', 'characters: expected a text, received an empty one', { expected: 'text', received: text });
  const unknown = options.unknown ?? null;
  if (unknown !== null) found.delete(unknown);
  const tokens = [...found].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  return new Vocabulary({ kind: 'characters', tokens: unknown === null ? tokens : [unknown, ...tokens], unknown });
}

/**
 * One token per word, punctuation mark and line break; the commonest first. Words keep their case, hyphens and apostrophes.
 * @param text a text, or a list of words where it is already taken apart: these are tokens as they stand.
 * @param options.limit most tokens to keep, the unknown one included (2 or more); default all.
 * @param options.unknown the token, number 0, that stands for the others; default "<unknown>".
 * @throws ERR_BPTT_DATA for a text without words.
 */
export function words(text: string | readonly string[], options: { readonly limit?: number; readonly unknown?: string } = {}): Vocabulary {
  checkOptions('words', options, ['limit', 'unknown']);
  const limit = options.limit === undefined ? Infinity : requireInteger('words', 'limit', options.limit, 2);
  const unknown = options.unknown ?? '<unknown>';
  const counts = new Map<string, number>();
  for (const word of split('words', text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  counts.delete(unknown);
  if (counts.size === 0) throw new BpttError('ERR_BPTT_DATA', 'words: expected a text with words, received none', { expected: 'text', received: text });
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([word]) => word);
  return new Vocabulary({ kind: 'words', tokens: [unknown, ...ranked.slice(0, limit - 1)], unknown });
}
