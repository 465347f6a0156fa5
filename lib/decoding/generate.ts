import { requireBoolean, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { uniformSource } from '../random.ts';
import { argMax, distribution, draw } from './distribution.ts';
import type { DistributionOptions } from './distribution.ts';

/** What generating needs of a stream: a token for each row in, logits of each row out. */
export interface TokenRows {
  readonly rows: number;
  step(input: ArrayLike<number>): ArrayLike<number>;
}

export interface GenerateOptions extends DistributionOptions {
  /** The token that every row begins with; it is read and not given. */
  readonly start: number;
  /** The token that ends a row; it is not given. Without it every row has `length` tokens. */
  readonly end?: number;
  /** Tokens of a row, at most. */
  readonly length: number;
  /** Always the likeliest token; excludes temperature, topK, topP and seed. Default false: tokens are drawn. */
  readonly greedy?: boolean;
  /** Of the draws, each row has its own. Default 0. */
  readonly seed?: number;
}

/**
 * What a decoder makes of each row by itself: it reads the start token, then every token that it gave, until the end token or `length`. The stream is one of an
 * encoder–decoder with the sources given (`model.stream({ given: { source } })`), or of any model of next tokens that begins anew.
 * @returns the tokens of each row, without start and end.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for wrong options; what the stream's `step` throws; ERR_BPTT_NON_FINITE for logits that are no numbers.
 */
export function generate(stream: TokenRows, options: GenerateOptions): number[][] {
  checkOptions('generate', options, ['start', 'end', 'length', 'greedy', 'seed', 'temperature', 'topK', 'topP']);
  if (typeof stream?.step !== 'function') throw wrongType('generate', 'the stream', 'what model.stream() gives', stream);
  const { start, end, seed = 0, temperature, topK, topP } = options;
  requireInteger('generate', 'start', start, 0);
  if (end !== undefined) requireInteger('generate', 'end', end, 0);
  requireInteger('generate', 'seed', seed, 0);
  const length = requireInteger('generate', 'length', options.length, 0);
  const greedy = requireBoolean('generate', 'greedy', options.greedy ?? false);
  const conflict = (['temperature', 'topK', 'topP', 'seed'] as const).find((name) => greedy && options[name] !== undefined);
  if (conflict) throw new BpttError('ERR_BPTT_OPTION', `generate: greedy takes the likeliest token, so ${conflict} would not be used; leave one of them out`, { received: conflict });
  const shape = Object.fromEntries(Object.entries({ temperature, topK, topP }).filter(([, value]) => value !== undefined));
  distribution([0], shape);
  const sources = Array.from({ length: stream.rows }, (_, row) => uniformSource(seed, `row ${row}`));
  return run(stream, { start, end, length }, (logits, row) => (greedy ? argMax(logits) : draw(distribution(logits, shape), sources[row]!)));
}

function run(stream: TokenRows, { start, end, length }: { start: number; end: number | undefined; length: number }, choose: (logits: ArrayLike<number>, row: number) => number): number[][] {
  const { rows } = stream;
  const given = Array.from({ length: rows }, (): number[] => []);
  const read = new Int32Array(rows).fill(start);
  const running = new Set(given.keys());
  for (let step = 0; step < length && running.size > 0; step++) {
    const all = Array.from(stream.step(read));
    const width = all.length / rows;
    if (step === 0 && end !== undefined) requireInteger('generate', 'end', end, 0, width - 1);
    for (const row of [...running]) {
      const token = choose(all.slice(row * width, (row + 1) * width), row);
      if (token === end) running.delete(row);
      else {
        given[row]!.push(token);
        read[row] = token;
      }
    }
  }
  return given;
}
