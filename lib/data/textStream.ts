import { requireChoice, requireInteger } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import type { Batch, Dataset } from './batch.ts';
import { readTokens } from './tensor.ts';

export interface TextStreamOptions {
  /** Rows: the text is cut into so many parts of equal length that are read side by side. */
  readonly batch: number;
  /** Steps of each batch: how far gradients reach back. */
  readonly steps: number;
  /** What becomes of the steps at the end of the parts that do not fill a batch. Default 'keep': a shorter batch. */
  readonly remainder?: 'keep' | 'drop';
}

/**
 * A long text for a language model: row r of every batch goes on where row r of the batch before stopped, so states are carried, and the target is the
 * next token. Each part has floor((tokens − 1) / batch) steps; the few tokens after the last part are not used. Every epoch begins with fresh states.
 * @param tokens Int32Array or array of L token numbers.
 * @throws ERR_BPTT_DATA when the text is too short for one step in every row.
 */
export function textStream(tokens: Int32Array | readonly number[], options: TextStreamOptions): Dataset {
  const whole = checkText('textStream', tokens, options);
  return pieces(whole.all, { ...whole, first: 0, end: whole.count });
}

export interface TextStreamSplit {
  readonly training: Dataset;
  /** The last batches of every row; begins with fresh states. */
  readonly validation: Dataset;
}

/**
 * A text stream of which the last batches are kept for validation: every row is trained on its beginning and validated on its own end, so that both see all
 * parts of the text (the split of Karpathy's char-rnn, 2015). `validation` is the fraction of the batches, more than 0 and less than 1; at least one batch falls to each side.
 * @throws ERR_BPTT_DATA when the text is too short for a batch on each side.
 */
export function splitTextStream(tokens: Int32Array | readonly number[], options: TextStreamOptions & { readonly validation: number }): TextStreamSplit {
  const whole = checkText('splitTextStream', tokens, options, ['validation']);
  const { validation } = options;
  if (typeof validation !== 'number' || !(validation > 0 && validation < 1)) {
    throw new BpttError('ERR_BPTT_RANGE', `splitTextStream: expected a validation fraction between 0 and 1, received ${describe(validation)}`, { expected: '0 < validation < 1', received: validation });
  }
  if (whole.count < 2) {
    throw new BpttError('ERR_BPTT_DATA', `splitTextStream: expected a text of at least 2 batches, received ${whole.count}; choose a smaller batch or fewer steps`,
      { expected: 2, received: whole.count });
  }
  const cut = Math.min(whole.count - 1, Math.max(1, Math.floor(whole.count * (1 - validation))));
  return { training: pieces(whole.all, { ...whole, first: 0, end: cut }), validation: pieces(whole.all, { ...whole, first: cut, end: whole.count }) };
}

interface Cut {
  readonly rows: number;
  /** Steps of each row. */
  readonly part: number;
  /** Steps of each batch. */
  readonly steps: number;
}

function pieces(all: Int32Array, { first, end, ...cut }: Cut & { readonly first: number; readonly end: number }): Dataset {
  return Object.freeze({
    count: end - first,
    *epoch(): Iterable<Batch> {
      for (let index = first; index < end; index++) yield piece(all, cut, index * cut.steps, index === first);
    },
  });
}

function piece(all: Int32Array, { rows, part, steps }: Cut, start: number, fresh: boolean): Batch {
  const taken = Math.min(steps, part - start);
  const input = new Int32Array(rows * taken);
  const target = new Int32Array(rows * taken);
  for (let row = 0; row < rows; row++) {
    const from = row * part + start;
    input.set(all.subarray(from, from + taken), row * taken);
    target.set(all.subarray(from + 1, from + 1 + taken), row * taken);
  }
  const shape = [rows, taken];
  return { input: { data: input, shape }, target: { data: target, shape }, fresh: new Array<boolean>(rows).fill(fresh) };
}

function checkText(owner: string, tokens: Int32Array | readonly number[], options: TextStreamOptions, further: readonly string[] = []): Cut & { all: Int32Array; count: number } {
  checkOptions(owner, options, ['batch', 'steps', 'remainder', ...further]);
  const rows = requireInteger(owner, 'batch', options.batch, 1);
  const steps = requireInteger(owner, 'steps', options.steps, 1);
  const remainder = requireChoice(owner, 'remainder', options.remainder ?? 'keep', ['keep', 'drop']);
  const all = readTokens(owner, tokens);
  const part = Math.floor((all.length - 1) / rows);
  const count = remainder === 'keep' ? Math.ceil(part / steps) : Math.floor(part / steps);
  if (part < 1 || count < 1) {
    const needed = remainder === 'keep' ? rows + 1 : rows * steps + 1;
    throw new BpttError('ERR_BPTT_DATA',
      `${owner}: expected at least ${needed} tokens for ${rows} rows${remainder === 'drop' ? ` of ${steps} steps` : ''}, received ${all.length}; choose a smaller batch`,
      { expected: needed, received: all.length });
  }
  return { all, rows, part, steps, count };
}
