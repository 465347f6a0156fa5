import { requireBoolean, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { uniformSource } from '../random.ts';
import { argMax, distribution, draw, ranking } from './distribution.ts';
import type { DistributionOptions } from './distribution.ts';

/** What a decoder needs of a stream: one row, tokens in, logits out. */
export interface TokenStream {
  readonly rows: number;
  /** What the last step gave, or null before the first. */
  readonly output: ArrayLike<number> | null;
  step(input: number): ArrayLike<number>;
}

export interface SampleOptions extends DistributionOptions {
  /** Tokens the stream reads first. Default: go on from what the stream has read already. */
  readonly prefix?: ArrayLike<number>;
  /** Always the likeliest token; excludes temperature, topK, topP and seed. Default false. */
  readonly greedy?: boolean;
  /** Tokens to give, at most. */
  readonly length: number;
  /** Of the draws. Default 0. */
  readonly seed?: number;
  /** Stops before giving this token. */
  readonly endToken?: number;
}

const optionNames = ['prefix', 'greedy', 'temperature', 'topK', 'topP', 'length', 'seed', 'endToken'] as const;

/**
 * Tokens that a model of next tokens gives, one after another, each fed back as the next input. The stream has afterwards read the prefix and every
 * token given but the last, so a later call with `prefix: [last]` goes on.
 * @throws ERR_BPTT_DATA without a prefix on a stream that has read nothing; ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for wrong options.
 */
export function sample(stream: TokenStream, options: SampleOptions): Generator<number, void, void> {
  checkOptions('sample', options, optionNames);
  const length = requireInteger('sample', 'length', options.length, 0);
  const greedy = requireBoolean('sample', 'greedy', options.greedy ?? false);
  const seed = requireInteger('sample', 'seed', options.seed ?? 0, 0);
  if (options.endToken !== undefined) requireInteger('sample', 'endToken', options.endToken, 0);
  const conflict = (['temperature', 'topK', 'topP', 'seed'] as const).find((name) => greedy && options[name] !== undefined);
  if (conflict) throw new BpttError('ERR_BPTT_OPTION', `sample: greedy takes the likeliest token, so ${conflict} would not be used; leave one of them out`, { received: conflict });
  requireSingleRow('sample', stream);
  const { prefix, temperature, topK, topP } = options;
  if (prefix !== undefined && !Array.isArray(prefix) && !ArrayBuffer.isView(prefix)) throw wrongType('sample', 'prefix', 'an array of tokens, such as vocabulary.encode(text) gives', prefix);
  const shape = Object.fromEntries(Object.entries({ temperature, topK, topP }).filter(([, value]) => value !== undefined));
  distribution([0], shape);
  return generate(stream, { ...options, length, greedy, seed }, shape);
}

function* generate(stream: TokenStream, options: SampleOptions & { greedy: boolean; seed: number }, shape: DistributionOptions): Generator<number, void, void> {
  const random = uniformSource(options.seed, 'sample');
  let logits = read(stream, options.prefix);
  if (options.endToken !== undefined) requireInteger('sample', 'endToken', options.endToken, 0, logits.length - 1);
  for (let given = 0; given < options.length; given++) {
    const token = options.greedy ? argMax(logits) : draw(distribution(logits, shape), random);
    if (token === options.endToken) return;
    yield token;
    if (given + 1 < options.length) logits = stream.step(token);
  }
}

function read(stream: TokenStream, prefix: ArrayLike<number> | undefined): ArrayLike<number> {
  let logits = stream.output;
  for (let i = 0; i < (prefix?.length ?? 0); i++) logits = stream.step(prefix![i]!);
  if (logits) return logits;
  throw new BpttError('ERR_BPTT_DATA', 'sample: expected a prefix of at least one token, or a stream that has taken a step; received neither', { expected: 'prefix', received: prefix });
}

function requireSingleRow(owner: string, stream: TokenStream): void {
  if (typeof stream?.step !== 'function') throw wrongType(owner, 'the stream', 'what model.stream() gives', stream);
  if (stream.rows === 1) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected a stream of one row, received ${stream.rows} rows`, { expected: 1, received: stream.rows });
}

/** A next token and how likely it is. */
export interface Suggestion {
  readonly token: number;
  readonly probability: number;
}

/**
 * The likeliest next tokens, best first, for a person to choose from. The stream does not move on.
 * @param options.count how many, 1 or more; default 10 (fewer when the vocabulary is smaller).
 * @throws ERR_BPTT_DATA when the stream has read nothing yet.
 */
export function suggest(stream: TokenStream, options: { readonly count?: number; readonly temperature?: number } = {}): Suggestion[] {
  checkOptions('suggest', options, ['count', 'temperature']);
  requireSingleRow('suggest', stream);
  const count = requireInteger('suggest', 'count', options.count ?? 10, 1);
  const logits = read(stream, undefined);
  const probabilities = distribution(logits, options.temperature === undefined ? {} : { temperature: options.temperature });
  return ranking(probabilities).slice(0, count).map((token) => ({ token, probability: probabilities[token]! }));
}
