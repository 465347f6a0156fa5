import { requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { BatchOptions, Dataset } from './batch.ts';
import { sequences } from './batch.ts';
import { isTensor, readTokens } from './tensor.ts';
import type { Nested, NumberArray, Tensor } from './tensor.ts';

/** A sequence and the tokens that a decoder shall make of it, without start and end. */
export interface SequencePair {
  /** Tokens, or [T, C]; for a source without time, its features. */
  readonly source: Tensor | NumberArray | Nested;
  readonly target: ArrayLike<number>;
}

export interface PairOptions extends BatchOptions {
  /** The token that every target begins with when a decoder reads it. */
  readonly start: number;
  /** The token that every target ends with when a decoder gives it. */
  readonly end: number;
}

/**
 * What a decoder reads and gives for one target: the start token and the target, and the target and the end token; the one is the other one step late.
 * @throws ERR_BPTT_TYPE, ERR_BPTT_VOCABULARY for what are no tokens; ERR_BPTT_RANGE for a start or end below 0.
 */
export function teacherForcing(target: ArrayLike<number>, options: { readonly start: number; readonly end: number }): { input: Int32Array; target: Int32Array } {
  checkOptions('teacherForcing', options, ['start', 'end']);
  const [start, end] = [requireInteger('teacherForcing', 'start', options.start, 0), requireInteger('teacherForcing', 'end', options.end, 0)];
  const tokens = readTokens('teacherForcing', target);
  const forced = { input: new Int32Array(tokens.length + 1).fill(start, 0, 1), target: new Int32Array(tokens.length + 1).fill(end, tokens.length) };
  forced.input.set(tokens, 1);
  forced.target.set(tokens);
  return forced;
}

/**
 * Batches for an encoder–decoder: input { source, target } with the target behind the start token, and the target with the end token after it. Targets of about the same
 * length share a batch; sources keep lengths of their own.
 * @throws ERR_BPTT_DATA for an empty list or one smaller than a batch; ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for wrong options and pairs.
 */
export function pairs(list: readonly SequencePair[], options: PairOptions): Dataset {
  if (!Array.isArray(list)) throw wrongType('pairs', 'the list', 'an array of { source, target }', list);
  checkOptions('pairs', options, ['start', 'end', 'batch', 'shuffle', 'seed', 'remainder']);
  const { start, end, ...batching } = options;
  const examples = (list as readonly SequencePair[]).map((pair, index) => {
    checkOptions(`pairs, pair ${index}`, pair, ['source', 'target']);
    const { source } = pair;
    const length = isTensor(source) ? source.shape[0] : (source as { length?: number } | undefined)?.length;
    if (typeof source !== 'object' || !length) throw new BpttError('ERR_BPTT_DATA', `pairs: expected at least one step in every source, received none in pair ${index}`, { expected: '1 or more', received: source });
    const forced = teacherForcing(pair.target, { start, end });
    return { input: { target: forced.input, source }, target: forced.target };
  });
  return sequences(examples, batching);
}
