import { BpttError, describe } from './errors.ts';

/** @throws ERR_BPTT_RANGE unless `value` is an integer from `least` to `most`. */
export function requireInteger(owner: string, name: string, value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw wrongType(owner, name, 'a number', value);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected ${name} to be an integer ${range}, received ${describe(value)}`,
    { expected: `integer ${range}`, received: value });
}

/** A range in words: the smallest and largest numbers there are, and the largest below 1, stand for open ends. */
function rangeOf(least: number, most: number, open: boolean): string {
  if (open && most < Infinity) return `between ${least} and ${most} (ends excluded)`;
  const lower = open || least === Number.MIN_VALUE ? `above ${open ? least : 0}` : `of ${least} or more`;
  if (most >= Number.MAX_VALUE) return `${lower}, and finite`;
  return `${lower} ${most === 1 - Number.EPSILON ? 'and below 1' : `and at most ${most}`}`;
}

/** @throws ERR_BPTT_RANGE unless `value` is a finite number from `least` to `most` (ends included unless `open`). */
export function requireNumber(owner: string, name: string, value: unknown, least: number, most: number, open = false): number {
  if (typeof value !== 'number') throw wrongType(owner, name, 'a number', value);
  const inside = open ? value > least && value < most : value >= least && value <= most;
  if (inside && !Number.isNaN(value)) return value;
  const range = rangeOf(least, most, open);
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected ${name} to be a number ${range}, received ${describe(value)}`,
    { expected: range, received: value });
}

/** @throws ERR_BPTT_OPTION unless `value` is one of `choices`. */
export function requireChoice<Choice extends string>(owner: string, name: string, value: unknown, choices: readonly Choice[]): Choice {
  if (choices.includes(value as Choice)) return value as Choice;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected ${name} to be one of ${choices.map((choice) => `"${choice}"`).join(', ')}, received ${describe(value)}`,
    { expected: choices, received: value });
}

/** @throws ERR_BPTT_TYPE unless `value` is true or false. */
export function requireBoolean(owner: string, name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType(owner, name, 'true or false', value);
}

/** An ERR_BPTT_TYPE in the one wording. */
export function wrongType(owner: string, name: string, expected: string, received: unknown): BpttError {
  return new BpttError('ERR_BPTT_TYPE', `${owner}: expected ${name} to be ${expected}, received ${describe(received)}`, { expected, received });
}

/** @throws ERR_BPTT_TYPE unless `signal` is left out or an AbortSignal. */
export function requireSignal(owner: string, signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw wrongType(owner, 'signal', 'an AbortSignal', signal);
}
