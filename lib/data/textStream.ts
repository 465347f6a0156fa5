import { requireChoice, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Batch, Dataset } from './batch.ts';

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
  checkOptions('textStream', options, ['batch', 'steps', 'remainder']);
  const rows = requireInteger('textStream', 'batch', options.batch, 1);
  const steps = requireInteger('textStream', 'steps', options.steps, 1);
  const remainder = requireChoice('textStream', 'remainder', options.remainder ?? 'keep', ['keep', 'drop']);
  if (!Array.isArray(tokens) && !(tokens instanceof Int32Array)) throw wrongType('textStream', 'the tokens', 'an Int32Array or an array of numbers', tokens);
  const all = Int32Array.from(tokens as ArrayLike<number>);
  const part = Math.floor((all.length - 1) / rows);
  const count = remainder === 'keep' ? Math.ceil(part / steps) : Math.floor(part / steps);
  if (part < 1 || count < 1) {
    const needed = remainder === 'keep' ? rows + 1 : rows * steps + 1;
    throw new BpttError('ERR_BPTT_DATA',
      `textStream: expected at least ${needed} tokens for ${rows} rows${remainder === 'drop' ? ` of ${steps} steps` : ''}, received ${all.length}; choose a smaller batch`,
      { expected: needed, received: all.length });
  }
  return Object.freeze({
    count,
    *epoch(): Iterable<Batch> {
      for (let index = 0; index < count; index++) yield piece(all, { rows, part, start: index * steps, steps: Math.min(steps, part - index * steps) });
    },
  });
}

function piece(all: Int32Array, { rows, part, start, steps }: { rows: number; part: number; start: number; steps: number }): Batch {
  const input = new Int32Array(rows * steps);
  const target = new Int32Array(rows * steps);
  for (let row = 0; row < rows; row++) {
    const from = row * part + start;
    input.set(all.subarray(from, from + steps), row * steps);
    target.set(all.subarray(from + 1, from + 1 + steps), row * steps);
  }
  const shape = [rows, steps];
  return { input: { data: input, shape }, target: { data: target, shape }, fresh: new Array<boolean>(rows).fill(start === 0) };
}
