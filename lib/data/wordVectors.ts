import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { uniformSource } from '../random.ts';
import type { Tensor } from './tensor.ts';
import { Vocabulary } from './vocabulary.ts';

export interface WordVectorOptions {
  /** At most so many words, the first ones: files list the commonest first. Default all. */
  readonly limit?: number | undefined;
  /** Only the words of a vocabulary are kept. Default all. */
  readonly vocabulary?: Vocabulary | undefined;
}

export interface VectorTableOptions {
  /** Vectors of words that the file does not have are uniform within ± this; default 0.05, as of `embedding`. */
  readonly missing?: number | undefined;
  /** Of those. Default 0. */
  readonly seed?: number | undefined;
}

/** A table for an embedding, and what it is made of. */
export interface VectorTable extends Tensor<Float32Array> {
  /** [tokens, size]: the weight of `embedding({ size })` over that vocabulary. */
  readonly shape: readonly [number, number];
  /** Tokens that have a vector of the file; a token written with capitals takes that of the word in small letters where it has none of its own. */
  readonly found: number;
  /** Tokens that have none. */
  readonly missing: readonly string[];
}

/** Vectors by word, as word2vec, fastText or GloVe learned them. Immutable; made by `readWordVectors`. */
export class WordVectors {
  readonly words: readonly string[];
  /** Numbers of a vector. */
  readonly size: number;
  readonly #places: ReadonlyMap<string, number>;
  readonly #data: Float32Array;

  constructor(words: readonly string[], size: number, data: Float32Array) {
    this.words = Object.freeze([...words]);
    this.size = size;
    this.#data = data;
    this.#places = new Map(words.map((word, place) => [word, place]));
  }

  /** A copy of a word's vector, or null. */
  vector(word: string): Float32Array | null {
    const place = this.#places.get(word);
    return place === undefined ? null : this.#data.slice(place * this.size, (place + 1) * this.size);
  }

  /**
   * The weight of an embedding over a vocabulary: `model.setParameter('embedding/weight', vectors.table(vocabulary))`.
   * @throws ERR_BPTT_TYPE for something that is no vocabulary; ERR_BPTT_RANGE or ERR_BPTT_OPTION for wrong options.
   */
  table(vocabulary: Vocabulary, options: VectorTableOptions = {}): VectorTable {
    if (!(vocabulary instanceof Vocabulary)) throw wrongType('table', 'the vocabulary', 'what characters() or words() gives', vocabulary);
    checkOptions('table', options, ['missing', 'seed']);
    const reach = requireNumber('table', 'missing', options.missing ?? 0.05, 0, Number.MAX_VALUE);
    const random = uniformSource(requireInteger('table', 'seed', options.seed ?? 0, 0), 'word vectors');
    const data = new Float32Array(vocabulary.size * this.size);
    const missing: string[] = [];
    for (const [token, word] of vocabulary.tokens.entries()) {
      const known = this.vector(word) ?? this.vector(word.toLowerCase());
      if (!known) missing.push(word);
      data.set(known ?? Float32Array.from({ length: this.size }, () => reach * (2 * random() - 1)), token * this.size);
    }
    return { data, shape: [vocabulary.size, this.size], found: vocabulary.size - missing.length, missing };
  }
}

/** Collects vectors of one size. */
class Collector {
  readonly words: string[] = [];
  readonly #seen = new Set<string>();
  readonly #vectors: Float32Array[] = [];
  readonly #limit: number;
  readonly #wanted: ReadonlySet<string> | null;
  size: number;

  constructor({ limit, vocabulary }: WordVectorOptions, size: number) {
    if (vocabulary !== undefined && !(vocabulary instanceof Vocabulary)) throw wrongType('readWordVectors', 'vocabulary', 'what words() gives', vocabulary);
    this.#limit = limit === undefined ? Infinity : requireInteger('readWordVectors', 'limit', limit, 1);
    this.#wanted = vocabulary ? new Set(vocabulary.tokens.flatMap((token) => [token, token.toLowerCase()])) : null;
    this.size = size;
  }

  get full(): boolean {
    return this.#seen.size >= this.#limit;
  }

  add(word: string, numbers: ArrayLike<number>, line: number): void {
    if (this.size === 0) this.size = numbers.length;
    let wrong = numbers.length !== this.size || this.size === 0;
    for (let i = 0; i < numbers.length; i++) wrong ||= !Number.isFinite(numbers[i]);
    if (wrong) throw malformed(`a word and ${this.size || 'some'} finite numbers in line ${line}`, `${word} and ${numbers.length} fields`);
    if (this.#seen.has(word)) return;
    this.#seen.add(word);
    if (this.#wanted && !this.#wanted.has(word)) return;
    this.words.push(word);
    this.#vectors.push(Float32Array.from(numbers));
  }

  finish(): WordVectors {
    if (this.#seen.size === 0) throw malformed('at least one word with its vector', 'none');
    const data = new Float32Array(this.#vectors.length * this.size);
    this.#vectors.forEach((vector, place) => { data.set(vector, place * this.size); });
    return new WordVectors(this.words, this.size, data);
  }
}

function malformed(expected: string, received: unknown): BpttError {
  return new BpttError('ERR_BPTT_FORMAT', `readWordVectors: expected ${expected}, received ${describe(received)}`, { expected, received });
}

/** "words size", the first line of word2vec's files; GloVe's have none. */
function headerOf(line: string): { words: number; size: number } | null {
  const found = /^(\d+) (\d+)\s*$/.exec(line);
  return found ? { words: Number(found[1]), size: Number(found[2]) } : null;
}

function readText(text: string, options: WordVectorOptions): WordVectors {
  const lines = text.split('\n');
  const header = headerOf(lines[0]!);
  const collector = new Collector(options, header?.size ?? 0);
  let read = 0;
  for (let i = header ? 1 : 0; i < lines.length && !collector.full; i++) {
    const fields = lines[i]!.trimEnd().split(' ');
    if (fields.length === 1 && fields[0] === '') continue;
    // Where the size is known a word may hold spaces itself, as some of GloVe's do.
    const count = collector.size > 0 ? Math.min(collector.size, fields.length - 1) : fields.length - 1;
    collector.add(fields.slice(0, fields.length - count).join(' '), fields.slice(fields.length - count).map((field) => (field === '' ? NaN : Number(field))), i + 1);
    read++;
  }
  if (header && !collector.full && read !== header.words) throw malformed(`${header.words} words, as the first line says`, read);
  return collector.finish();
}

/** word2vec's binary form: the first line, then each word, a space and its floats in little-endian order. */
function readBinary(bytes: Uint8Array, options: WordVectorOptions): WordVectors {
  const decoder = new TextDecoder();
  const end = bytes.indexOf(10);
  const header = end < 0 ? null : headerOf(decoder.decode(bytes.subarray(0, end)));
  if (!header || header.size === 0) throw malformed('a first line of two numbers, words and size', end < 0 ? 'no line' : decoder.decode(bytes.subarray(0, Math.min(end, 40))));
  const collector = new Collector(options, header.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = end + 1;
  for (let word = 0; word < header.words && !collector.full; word++) {
    while (bytes[at] === 10) at++;
    const space = bytes.indexOf(32, at);
    if (space < 0 || space + 1 + 4 * header.size > bytes.length) throw malformed(`${header.words} words, as the first line says`, word);
    const numbers = Float32Array.from({ length: header.size }, (_, i) => view.getFloat32(space + 1 + 4 * i, true));
    collector.add(decoder.decode(bytes.subarray(at, space)), numbers, word + 2);
    at = space + 1 + 4 * header.size;
  }
  return collector.finish();
}

/**
 * Pretrained word vectors: the text form of word2vec, fastText and GloVe (a word and its numbers in each line, with or without a first line of two numbers) as
 * text, or word2vec's binary form as bytes.
 *
 * ```ts
 * const vectors = readWordVectors(readFileSync('glove.6B.100d.txt', 'utf8'), { vocabulary });
 * model.setParameter('embedding/weight', vectors.table(vocabulary));
 * ```
 * @throws ERR_BPTT_FORMAT for a line that does not fit, naming it; ERR_BPTT_TYPE, ERR_BPTT_RANGE or ERR_BPTT_OPTION for wrong options.
 */
export function readWordVectors(source: string | Uint8Array, options: WordVectorOptions = {}): WordVectors {
  checkOptions('readWordVectors', options, ['limit', 'vocabulary']);
  if (typeof source === 'string') return readText(source, options);
  if (source instanceof Uint8Array) return readBinary(source, options);
  throw wrongType('readWordVectors', 'the source', 'a text, or the bytes of a binary file', source);
}
