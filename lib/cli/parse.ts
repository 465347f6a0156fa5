import { InvalidArgumentError } from 'commander';

function finite(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** A parser of whole numbers from `least` on. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = finite(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number ${most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`}.`);
  };
}

/** A parser of numbers greater than zero. */
export function positive(text: string): number {
  const value = finite(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a number greater than 0.');
}

/** A parser of numbers from 0 up to, but not including, 1. */
export function fraction(text: string): number {
  const value = finite(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 up to 1 (not 1 itself).');
}

/** A parser of numbers greater than 0 and at most 1. */
export function share(text: string): number {
  const value = finite(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number greater than 0 and at most 1.');
}
