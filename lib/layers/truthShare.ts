import { requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { add, constant, divide, exp, maximum, minimum, multiply, power, subtract, type Value } from '../graph/index.ts';

/**
 * How often a decoder in training reads the target's token instead of its own, by the number i of updates made: a number for always the same share, or a schedule of
 * S. Bengio et al. (2015), section 2.4:
 *
 * * linear: max(least, start − slope · i)
 * * exponential: base^i, 0 < base < 1
 * * inverseSigmoid: k / (k + e^(i/k)), k ≥ 1
 */
export type TruthShare =
  | number
  | { readonly kind: 'linear'; readonly slope: number; readonly start?: number | undefined; readonly least?: number | undefined }
  | { readonly kind: 'exponential'; readonly base: number }
  | { readonly kind: 'inverseSigmoid'; readonly k: number };

const kinds = ['linear', 'exponential', 'inverseSigmoid'] as const;

/** The share as a function of the updates made, float32 [] → float32 []. @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE naming the option. */
export function readTruthShare(owner: string, given: TruthShare): (updates: Value) => Value {
  if (typeof given === 'number') {
    const share = requireNumber(owner, 'truthShare', given, 0, 1);
    return () => constant(share);
  }
  if (typeof given !== 'object' || given === null) throw wrongType(owner, 'truthShare', 'a number from 0 to 1 or a schedule such as { kind: "inverseSigmoid", k: 500 }', given);
  const of = `${owner}: truthShare`;
  switch (given.kind) {
    case 'linear': {
      checkOptions(of, given, ['kind', 'slope', 'start', 'least']);
      const [slope, start, least] = [requireNumber(of, 'slope', given.slope, 0, 1), requireNumber(of, 'start', given.start ?? 1, 0, 1), requireNumber(of, 'least', given.least ?? 0, 0, 1)];
      return (updates) => maximum(subtract(start, multiply(slope, updates)), least);
    }
    case 'exponential': {
      checkOptions(of, given, ['kind', 'base']);
      const base = requireNumber(of, 'base', given.base, 0, 1, true);
      return (updates) => power(base, updates);
    }
    case 'inverseSigmoid': {
      checkOptions(of, given, ['kind', 'k']);
      const k = requireNumber(of, 'k', given.k, 1, Number.MAX_VALUE);
      return (updates) => divide(k, add(k, exp(minimum(divide(updates, k), 80))));
    }
    default: {
      const { kind } = given as { kind?: unknown };
      throw new BpttError('ERR_BPTT_OPTION', `${of}: expected kind to be one of ${kinds.map((name) => `"${name}"`).join(', ')}, received ${describe(kind)}`, { expected: kinds, received: kind });
    }
  }
}
