import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { UniformSource } from '../random.ts';

/** How a distribution is shaped before a token is drawn from it. */
export interface DistributionOptions {
  /** Divides the logits: under 1 sharper, over 1 flatter. Above 0; default 1. */
  readonly temperature?: number;
  /** Keeps the k likeliest tokens. Default all. */
  readonly topK?: number;
  /** Keeps the smallest set of likeliest tokens whose probabilities sum to at least p (0 < p ≤ 1). Default 1. */
  readonly topP?: number;
}

/**
 * Probabilities of the tokens, in float64, from logits: divided by the temperature, cut to the top k, then to the top p of what is left, summing to 1.
 * Among equally likely tokens the lower number goes first.
 * @param logits [V], finite or −∞.
 * @throws ERR_BPTT_NON_FINITE for NaN or +∞, or when all are −∞; ERR_BPTT_RANGE, ERR_BPTT_OPTION for wrong options.
 */
export function distribution(logits: ArrayLike<number>, options: DistributionOptions = {}): Float64Array {
  checkOptions('distribution', options, ['temperature', 'topK', 'topP']);
  const temperature = options.temperature === undefined ? 1 : requireNumber('distribution', 'temperature', options.temperature, 0, Infinity, true);
  const probabilities = softmax(logits, temperature);
  const topK = options.topK === undefined ? probabilities.length : requireInteger('distribution', 'topK', options.topK, 1);
  const topP = options.topP === undefined ? 1 : requireNumber('distribution', 'topP', options.topP, Number.MIN_VALUE, 1);
  if (topK >= probabilities.length && topP >= 1) return probabilities;
  const kept = ranking(probabilities).slice(0, topK);
  const mass = kept.reduce((sum, token) => sum + probabilities[token]!, 0);
  const result = new Float64Array(probabilities.length);
  let sum = 0;
  for (const token of kept) {
    result[token] = probabilities[token]!;
    sum += probabilities[token]!;
    if (topP < 1 && sum >= topP * mass) break;
  }
  return result.map((probability) => probability / sum);
}

/**
 * Natural logarithms of the tokens' probabilities, in float64: the log-softmax of logits, which leaves log-probabilities as they are.
 * @param logits [V], finite or −∞.
 * @throws ERR_BPTT_NON_FINITE for NaN or +∞, or when all are −∞; ERR_BPTT_TYPE for no numbers.
 */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  const most = largest('logProbabilities', logits);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - most);
  const total = most + Math.log(sum);
  const result = new Float64Array(logits.length);
  for (let i = 0; i < result.length; i++) result[i] = logits[i]! - total;
  return result;
}

function largest(owner: string, logits: ArrayLike<number>): number {
  if (typeof logits !== 'object' || logits === null || !(logits.length > 0)) throw wrongType(owner, 'the logits', 'an array that is not empty', logits);
  const most = logits[argMax(logits)]!;
  if (most === -Infinity) throw new BpttError('ERR_BPTT_NON_FINITE', 'expected a finite logit for at least one token, received −Infinity for all', { expected: 'finite', received: most });
  return most;
}

function softmax(logits: ArrayLike<number>, temperature: number): Float64Array {
  const most = largest('distribution', logits);
  const result = new Float64Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const weight = Math.exp((logits[i]! - most) / temperature);
    result[i] = weight;
    sum += weight;
  }
  for (let i = 0; i < result.length; i++) result[i]! /= sum;
  return result;
}

/** Tokens from the likeliest to the least likely. */
export function ranking(probabilities: ArrayLike<number>): number[] {
  return Array.from({ length: probabilities.length }, (_, i) => i).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

/** The number of the largest entry, the first of equals. @throws ERR_BPTT_NON_FINITE for NaN or +∞. */
export function argMax(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (typeof logit !== 'number') throw wrongType('distribution', 'every logit', 'a number', logit);
    if (Number.isNaN(logit) || logit === Infinity) {
      throw new BpttError('ERR_BPTT_NON_FINITE', `expected finite logits, received ${logit} for token ${i}; the model's weights or its state have blown up`,
        { expected: 'finite', received: logit });
    }
    if (logit > logits[best]!) best = i;
  }
  return best;
}

/** Draws a token: the first one whose cumulative probability exceeds a uniform number. */
export function draw(probabilities: Float64Array, random: UniformSource): number {
  const threshold = random();
  let sum = 0;
  let last = 0;
  for (let token = 0; token < probabilities.length; token++) {
    if (probabilities[token] === 0) continue;
    sum += probabilities[token]!;
    last = token;
    if (threshold < sum) return token;
  }
  return last;
}
