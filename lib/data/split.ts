import { requireNumber, wrongType } from '../checks.ts';
import { BpttError } from '../errors.ts';
import type { Examples } from './batch.ts';
import { isNumberArray, isTensor, requireTensor } from './tensor.ts';
import type { NumberArray, Tensor } from './tensor.ts';

type Divisible = NumberArray | readonly unknown[] | string | Tensor | Examples;

/**
 * Divides data in two, in order, along the first axis: `fraction` of it and the rest. Views where the data is in typed arrays.
 * @param fraction between 0 and 1, ends excluded.
 * @throws ERR_BPTT_DATA when either part would be empty.
 */
export function split<Whole extends Divisible>(data: Whole, fraction: number): [Whole, Whole] {
  requireNumber('split', 'fraction', fraction, 0, 1, true);
  const length = lengthOf(data);
  const at = Math.round(length * fraction);
  if (at === 0 || at === length) {
    throw new BpttError('ERR_BPTT_DATA', `split: ${fraction} of ${length} leaves one part empty`, { expected: 'two parts that are not empty', received: length });
  }
  return [part(data, 0, at), part(data, at, length)] as [Whole, Whole];
}

function lengthOf(data: Divisible): number {
  if (typeof data === 'string' || Array.isArray(data) || isNumberArray(data)) return data.length;
  if (isTensor(data)) return requireTensor('split', data).shape[0] ?? 0;
  if (isExamples(data)) return data.count;
  throw wrongType('split', 'the data', 'an array, a string, { data, shape } or examples', data);
}

function isExamples(data: unknown): data is Examples {
  return typeof data === 'object' && data !== null && 'input' in data && 'target' in data && 'count' in data;
}

function part(data: Divisible, start: number, end: number): Divisible {
  if (typeof data === 'string' || Array.isArray(data)) return data.slice(start, end);
  if (isNumberArray(data)) return data.subarray(start, end);
  if (isTensor(data)) return tensorPart(data, start, end);
  const { input, target } = data as Examples;
  return { count: end - start, input: tensorPart(input, start, end), target: tensorPart(target, start, end) };
}

function tensorPart({ data, shape }: Tensor, start: number, end: number): Tensor {
  const stride = data.length / shape[0]!;
  return { data: data.subarray(start * stride, end * stride), shape: [end - start, ...shape.slice(1)] };
}
