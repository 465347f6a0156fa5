import { requireBoolean, requireChoice, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { permutation, uniformSource } from '../random.ts';
import { isData, isTensor, readTokens, requireTensor } from './tensor.ts';
import type { Data, Nested, NumberArray, Tensor } from './tensor.ts';

/** What one training step learns from. Models of several inputs or outputs take records by name. */
export interface Batch {
  /** [N, T, C], [N, T] for tokens, or an array of sequences of different lengths. */
  readonly input: Data | Readonly<Record<string, Data>>;
  /** One per step, or one per row, which then stands for all of its steps: what the loss compares the output with. Where it is one number, the axis of features may be left out. */
  readonly target: Data | Readonly<Record<string, Data>>;
  /** Valid steps of each row when `input` is padded. */
  readonly lengths?: ArrayLike<number> | undefined;
  /**
   * How much each step counts, [N, T], or each row, [N], for all of its steps. Of several outputs with losses all alike, or by output in a record; those left out count fully. A mean divides by
   * the weights' sum, output by output.
   */
  readonly weights?: Data | Readonly<Record<string, Data>> | undefined;
  /**
   * Rows that begin anew; the others go on with the states of the same row of the batch before. Without it, and unless the trainer says otherwise, every
   * row begins anew.
   */
  readonly fresh?: ArrayLike<boolean | number> | undefined;
}

/** Batches, epoch by epoch. */
export interface Dataset {
  /** Batches in an epoch where that is known. */
  readonly count: number | undefined;
  /** The batches of one epoch (from 0): the same ones for the same number. */
  epoch(index: number): Iterable<Batch> | AsyncIterable<Batch>;
}

/** Rows of equal length with their targets. */
export interface Examples {
  /** [count, …] */
  readonly input: Tensor;
  /** [count, …] */
  readonly target: Tensor;
  readonly count: number;
}

/** One row of one input or target. */
export type SequencePart = Tensor | NumberArray | Nested | number;

/** One sequence with its target: one per step, or one for the whole. Models of several inputs or outputs take records by name, the same names in every example. */
export interface SequenceExample {
  readonly input: SequencePart | Readonly<Record<string, SequencePart>>;
  readonly target: SequencePart | Readonly<Record<string, SequencePart>>;
  /** How much each step counts in the loss, one number for each step (or one for the whole), or a record by output. In every example or in none. */
  readonly weights?: SequencePart | Readonly<Record<string, SequencePart>> | undefined;
}

export interface BatchOptions {
  /** Rows of a batch. */
  readonly batch: number;
  /** A new order every epoch. Default false. */
  readonly shuffle?: boolean;
  /** Of the order. Default 0. */
  readonly seed?: number;
  /** What becomes of the last rows when they do not fill a batch. Default 'keep': a smaller batch. */
  readonly remainder?: 'keep' | 'drop';
}

const batchOptionNames = ['batch', 'shuffle', 'seed', 'remainder'] as const;

interface CheckedOptions {
  readonly size: number;
  readonly shuffle: boolean;
  readonly seed: number;
  readonly count: number;
}

function checkBatchOptions(owner: string, options: BatchOptions, available: number): CheckedOptions {
  checkOptions(owner, options, batchOptionNames);
  const size = requireInteger(owner, 'batch', options.batch, 1);
  const remainder = requireChoice(owner, 'remainder', options.remainder ?? 'keep', ['keep', 'drop']);
  if (available === 0) throw new BpttError('ERR_BPTT_DATA', `${owner}: expected at least one row, received none`, { expected: 'rows', received: 0 });
  if (size > available) {
    throw new BpttError('ERR_BPTT_DATA', `${owner}: expected at least ${size} rows for a batch of ${size}, received ${available}; choose batch ≤ ${available}`,
      { expected: size, received: available });
  }
  return {
    size, shuffle: requireBoolean(owner, 'shuffle', options.shuffle ?? false), seed: requireInteger(owner, 'seed', options.seed ?? 0, 0),
    count: remainder === 'keep' ? Math.ceil(available / size) : Math.floor(available / size),
  };
}

/**
 * Batches of rows of equal length, such as `windows` gives.
 * @throws ERR_BPTT_DATA when there are no rows or fewer than a batch; ERR_BPTT_OPTION, ERR_BPTT_RANGE for wrong options.
 */
export function batches(examples: Examples, options: BatchOptions): Dataset {
  checkOptions('batches', examples, ['input', 'target', 'count']);
  const { size, shuffle, seed, count } = checkBatchOptions('batches', options, requireInteger('batches', 'count', examples.count, 0));
  for (const name of ['input', 'target'] as const) {
    if (!isTensor(examples[name])) throw wrongType('batches', name, '{ data, shape } with the rows on the first axis', examples[name]);
    const { shape } = requireTensor(`batches, ${name}`, examples[name]);
    if (shape[0] === examples.count) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `batches: expected ${examples.count} rows of ${name}, received ${shape[0] ?? 0}`, { expected: examples.count, received: shape[0] });
  }
  return Object.freeze({
    count,
    *epoch(index: number) {
      const order = shuffle ? permutation(examples.count, uniformSource(seed, `epoch ${index}`)) : Int32Array.from({ length: examples.count }, (_, i) => i);
      for (let start = 0, made = 0; made < count; start += size, made++) {
        const rows = order.subarray(start, start + size);
        yield { input: takeRows(examples.input, rows), target: takeRows(examples.target, rows) };
      }
    },
  });
}

/** Copies of some rows of a tensor. */
export function takeRows(tensor: Tensor, rows: ArrayLike<number>): Tensor {
  const stride = tensor.data.length / tensor.shape[0]!;
  const data = tensor.data.slice(0, rows.length * stride);
  for (let i = 0; i < rows.length; i++) data.set(tensor.data.subarray(rows[i]! * stride, (rows[i]! + 1) * stride), i * stride);
  return { data, shape: [rows.length, ...tensor.shape.slice(1)] };
}

/**
 * Batches of sequences of different lengths. Rows of about the same length share a batch, so that little is computed in vain: shuffling mixes neighbours
 * in length and the order of the batches. Where there are several inputs, the length is that of the first. Padding reaches no state, loss or gradient.
 * @throws ERR_BPTT_DATA for an empty list, an empty sequence, or a list smaller than a batch; ERR_BPTT_OPTION for examples of different names.
 */
export function sequences(list: readonly SequenceExample[], options: BatchOptions): Dataset {
  if (!Array.isArray(list)) throw wrongType('sequences', 'the list', 'an array of { input, target }', list);
  const { size, shuffle, seed, count } = checkBatchOptions('sequences', options, list.length);
  const examples = list as readonly SequenceExample[];
  const lengths = examples.map((example, index) => lengthOf(example, index));
  examples.forEach((example, index) => requireSameParts(examples[0]!, example, index));
  return Object.freeze({
    count,
    *epoch(index: number) {
      const random = uniformSource(seed, `epoch ${index}`);
      const order = byLength(lengths, shuffle ? random : undefined);
      const starts = Array.from({ length: count }, (_, i) => i * size);
      const sequence = shuffle ? [...permutation(count, random)].map((i) => starts[i]!) : starts;
      for (const start of sequence) {
        const rows = Array.from(order.subarray(start, start + size), (row) => examples[row]!);
        const weights = rows[0]!.weights === undefined ? {} : { weights: gather(rows.map((row) => row.weights!)) };
        yield { input: gather(rows.map(({ input }) => input)), target: gather(rows.map(({ target }) => target)), ...weights };
      }
    },
  });
}

type SequenceParts = SequenceExample['input'];

function isRecord(parts: unknown): parts is Readonly<Record<string, SequencePart>> {
  return typeof parts === 'object' && parts !== null && !isData(parts);
}

/** Rows side by side, name by name where they have names. */
function gather(rows: readonly SequenceParts[]): Data | Record<string, Data> {
  const [first] = rows;
  if (!isRecord(first)) return rows as Nested;
  return Object.fromEntries(Object.keys(first).map((name) => [name, rows.map((row) => (row as Readonly<Record<string, SequencePart>>)[name]!)]));
}

/** The length of the example's first input that has steps. */
function lengthOf(example: SequenceExample, index: number): number {
  checkOptions(`sequences, example ${index}`, example, ['input', 'target', 'weights']);
  requireParts(example.input, 'input', index);
  requireParts(example.target, 'target', index);
  if (example.weights !== undefined) requireParts(example.weights, 'weights', index);
  const parts = isRecord(example.input) ? Object.values(example.input) : [example.input];
  const first = parts.find((part) => typeof part !== 'number');
  if (first === undefined) throw wrongType(`sequences, example ${index}`, 'input', 'a sequence', example.input);
  const length = isTensor(first) ? first.shape[0] ?? 0 : (first as NumberArray).length;
  if (length > 0) return length;
  throw new BpttError('ERR_BPTT_DATA', `sequences: expected at least one step in every sequence, received none in example ${index}`, { expected: '1 or more', received: 0 });
}

function isPart(part: unknown): boolean {
  return isData(part) || typeof part === 'number';
}

function requireParts(parts: unknown, name: string, index: number): void {
  if (!isRecord(parts)) {
    if (!isPart(parts)) throw wrongType(`sequences, example ${index}`, name, name === 'input' ? 'a sequence' : 'a number or a sequence', parts);
    return;
  }
  const wrong = Object.entries(parts).find(([, part]) => !isPart(part));
  if (wrong) throw wrongType(`sequences, example ${index}`, `${name}.${wrong[0]}`, 'a number or a sequence', wrong[1]);
}

/** @throws ERR_BPTT_OPTION when an example has other names than the first one, or weights where that has none. */
function requireSameParts(first: SequenceExample, example: SequenceExample, index: number): void {
  for (const name of ['input', 'target', 'weights'] as const) {
    const [expected, received] = [first[name], example[name]].map((parts) => (isRecord(parts) ? Object.keys(parts).sort().join(', ') : ''));
    if (expected === received) continue;
    throw new BpttError('ERR_BPTT_OPTION', `sequences: expected ${name} of example ${index} to have the names of example 0 (${expected || 'none'}), received ${received || 'none'}`, { expected, received });
  }
  if ((first.weights === undefined) === (example.weights === undefined)) return;
  throw new BpttError('ERR_BPTT_OPTION', `sequences: expected weights in every example or in none, received example ${index} ${example.weights === undefined ? 'without' : 'with'}`, { received: index });
}

/** Row numbers, shortest first. With a random source, lengths are blurred by up to a tenth so that batches differ between epochs. */
function byLength(lengths: readonly number[], random: (() => number) | undefined): Int32Array {
  const keys = lengths.map((length) => (random ? length * (0.95 + 0.1 * random()) : length));
  return Int32Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]! || a - b);
}

/**
 * A sequence of tokens that learns to foretell its next one: input without the last, target without the first.
 * @throws ERR_BPTT_DATA for fewer than two tokens.
 */
export function nextToken(tokens: ArrayLike<number>): { input: Int32Array; target: Int32Array } {
  const all = readTokens('nextToken', tokens);
  if (all.length < 2) {
    throw new BpttError('ERR_BPTT_DATA', `nextToken: expected at least two tokens, received ${describe(tokens)}`, { expected: 2, received: all.length });
  }
  return { input: all.slice(0, -1), target: all.slice(1) };
}
