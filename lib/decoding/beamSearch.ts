import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Data, NumberArray } from '../data/tensor.ts';
import { Best } from './best.ts';
import { logProbabilities } from './distribution.ts';
import type { TokenRows } from './generate.ts';
import { externalScore } from './languageModel.ts';
import type { ExternalScore, ExternalScoreOptions } from './languageModel.ts';

/** What a state of a stream holds: [rows, …]. */
export interface RowsOfState {
  readonly data: NumberArray;
  readonly shape: readonly number[];
}

/** What a beam search needs of a stream beside its steps: to go on from a state that it had before. */
export interface BranchingRows extends TokenRows {
  get state(): Readonly<Record<string, RowsOfState>>;
  set state(state: Readonly<Record<string, Data>>);
}

export interface BeamSearchOptions extends ExternalScoreOptions {
  /** The token that every row begins with; it is read and not given. */
  readonly start: number;
  /** The token that ends a row; it is not given. Without it every row has `length` tokens. */
  readonly end?: number;
  /** Tokens of a row, at most. */
  readonly length: number;
  /** How many hypotheses a row has at a time, 1 or more. 1 gives what `generate` with `greedy` gives. */
  readonly width: number;
  /**
   * How many neighbouring rows of the stream work on one search, from 1 (default) to `width`, a divisor of the stream's rows: so many hypotheses go on in one step. These rows are given the
   * same and have read the same; the first of them says where the search begins.
   */
  readonly rowsEach?: number;
  /** How many results a row gets, at most `width`. Default 1. */
  readonly count?: number;
  /**
   * Exponent α, 0 or more: results are ordered by their score divided by |tokens|^α, the end token counted; without it, 0, long results lose by their length alone. 1 takes the mean over
   * the tokens. Default 0.
   */
  readonly lengthNormalization?: number;
}

/** A sequence of tokens that a search found. */
export interface Hypothesis {
  /** Without start and end. */
  readonly tokens: readonly number[];
  /** Whether the end token came; otherwise `length` cut the row off. */
  readonly ended: boolean;
  /** Natural logarithm of the tokens' probability, with that of the end token where it came. */
  readonly logProbability: number;
  /** What results are ordered by: `logProbability` with what the language model and the bonus add, divided by |tokens|^α. */
  readonly score: number;
}

const optionNames = ['start', 'end', 'length', 'width', 'rowsEach', 'count', 'lengthNormalization', 'languageModel', 'languageWeight', 'lengthBonus'] as const;

/**
 * The likeliest sequences that a decoder makes of each row, by beam search. At each step every hypothesis is extended by every token, and of all extensions the best go on;
 * one that ends leaves the beam to the results, and its place stays empty (I. Sutskever, O. Vinyals and Q. Le, arXiv:1409.3215, section 3.2). The search stops where nothing
 * that goes on can become one of the `count` best. A beam as wide as there are sequences finds the best of all.
 *
 * The stream is as for `generate`: that of an encoder–decoder with the sources given (`model.stream({ given: { source } })`), or of any model of next tokens, which may have read what
 * goes before `start`. Each row has a beam of its own, for which the stream takes up to `width` steps where `generate` takes one, or, with `rowsEach` rows for
 * each beam, up to `width` / `rowsEach`; its state is afterwards what it was.
 * @returns for each row, or each `rowsEach` rows, its results, best first: `count`, or fewer where fewer are possible.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for wrong options; what the stream's `step` throws; ERR_BPTT_NON_FINITE for logits that are no numbers; ERR_BPTT_SHAPE or
 * ERR_BPTT_RANGE where the language model does not give a log-probability for every token.
 */
export function beamSearch(stream: BranchingRows, options: BeamSearchOptions): Hypothesis[][] {
  const owner = 'beamSearch';
  checkOptions(owner, options, optionNames);
  if (typeof stream?.step !== 'function') throw wrongType(owner, 'the stream', 'what model.stream() gives', stream);
  requireInteger(owner, 'start', options.start, 0);
  if (options.end !== undefined) requireInteger(owner, 'end', options.end, 0);
  const width = requireInteger(owner, 'width', options.width, 1);
  const settings: Settings = {
    start: options.start, end: options.end, width,
    length: requireInteger(owner, 'length', options.length, 0),
    rowsEach: readRowsEach(owner, stream, options.rowsEach ?? 1, width),
    count: requireInteger(owner, 'count', options.count ?? 1, 1, width),
    exponent: requireNumber(owner, 'lengthNormalization', options.lengthNormalization ?? 0, 0, Number.MAX_VALUE),
    external: externalScore(owner, options), bonus: Math.max(0, options.lengthBonus ?? 0),
  };
  const before = stream.state;
  try {
    return run(stream, before, settings);
  } finally {
    stream.state = before;
  }
}

function readRowsEach(owner: string, { rows }: BranchingRows, given: number, width: number): number {
  const rowsEach = requireInteger(owner, 'rowsEach', given, 1, width);
  if (rows % rowsEach === 0) return rowsEach;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected a stream of ${rowsEach} rows for each search, received ${rows} rows; make it with a multiple of rowsEach`, { expected: rowsEach, received: rows });
}

type States = Readonly<Record<string, RowsOfState>>;

interface Settings {
  readonly start: number;
  readonly end: number | undefined;
  readonly length: number;
  readonly width: number;
  readonly rowsEach: number;
  readonly count: number;
  readonly exponent: number;
  readonly external: ExternalScore;
  /** The most that a token can add to a score. */
  readonly bonus: number;
}

/** The tokens of a hypothesis, from the last one back. */
interface Trail {
  readonly parent: Trail | null;
  readonly token: number;
}

/** Where the stream had a state. */
interface Place {
  readonly states: States;
  readonly row: number;
}

/** A hypothesis that goes on. */
interface Branch {
  readonly trail: Trail | null;
  /** How many tokens it has given. */
  readonly steps: number;
  readonly logProbability: number;
  /** With what language model and bonus add. */
  readonly total: number;
  /** Where the stream's state is before it reads the last token. */
  readonly from: Place;
}

function run(stream: BranchingRows, before: States, settings: Settings): Hypothesis[][] {
  const { rowsEach } = settings;
  const searches = Array.from({ length: stream.rows / rowsEach }, (_, i) => new RowSearch(settings, { states: before, row: i * rowsEach }));
  const ofRow = Array.from({ length: stream.rows }, (_, row) => ({ search: searches[Math.floor(row / rowsEach)]!, place: row % rowsEach }));
  for (let step = 0; step < settings.length; step++) {
    const most = Math.max(...searches.map(({ branches }) => branches.length));
    for (let first = 0; first < most; first += rowsEach) {
      const branches = ofRow.map(({ search, place }) => search.branches[first + place]);
      stream.state = gather(before, branches);
      const all = new Float64Array(stream.step(branches.map((branch) => branch?.trail?.token ?? settings.start)));
      const tokens = all.length / stream.rows;
      if (settings.end !== undefined) requireInteger('beamSearch', 'end', settings.end, 0, tokens - 1);
      const states = stream.state;
      branches.forEach((branch, row) => {
        if (branch) ofRow[row]!.search.extend(branch, { states, row }, logProbabilities(all.subarray(row * tokens, (row + 1) * tokens)));
      });
    }
    for (const search of searches) search.goOn();
  }
  return searches.map((search) => search.results());
}

/** For each row the state of its branch; rows without one take what they began with. */
function gather(before: States, branches: readonly (Branch | undefined)[]): Record<string, Data> {
  return Object.fromEntries(Object.entries(before).map(([name, { data: first, shape }]) => {
    const data = first.slice();
    const width = data.length / branches.length;
    branches.forEach((branch, row) => {
      if (branch) data.set(branch.from.states[name]!.data.subarray(branch.from.row * width, (branch.from.row + 1) * width), row * width);
    });
    return [name, { data, shape }];
  }));
}

/** A branch with one more token. */
interface Extension {
  readonly branch: Branch;
  /** Where the stream's state is after it has read the branch. */
  readonly after: Place;
  readonly token: number;
  readonly logProbability: number;
  readonly total: number;
}

/** The beam of one row. */
class RowSearch {
  branches: readonly Branch[];
  readonly #settings: Settings;
  readonly #results: Best<Hypothesis>;
  #extensions: Best<Extension>;
  #ended = 0;

  constructor(settings: Settings, from: Place) {
    this.#settings = settings;
    this.#results = new Best(settings.count);
    this.#extensions = new Best(settings.width);
    this.branches = [{ trail: null, steps: 0, logProbability: 0, total: 0, from }];
  }

  extend(branch: Branch, after: Place, logs: Float64Array): void {
    const added = this.#settings.external(() => tokensOf(branch.trail), logs.length);
    logs.forEach((log, token) => {
      const total = branch.total + log + added(token);
      if (total > this.#extensions.least) this.#extensions.offer(total, { branch, after, token, logProbability: branch.logProbability + log, total });
    });
  }

  goOn(): void {
    const { end, width, count } = this.#settings;
    const going: Branch[] = [];
    for (const { branch, after, token, logProbability, total } of this.#extensions.items) {
      const extended = { trail: { parent: branch.trail, token }, steps: branch.steps + 1, logProbability, total, from: after };
      if (token === end) this.#end(extended, true);
      else going.push(extended);
    }
    this.#extensions = new Best(width - this.#ended);
    const decided = this.#results.items.length === count && going.every((branch) => this.#bound(branch) <= this.#results.least);
    this.branches = decided ? [] : going;
  }

  results(): Hypothesis[] {
    for (const branch of this.branches) this.#end(branch, false);
    return this.#results.items;
  }

  #end(branch: Branch, ended: boolean): void {
    const { trail, logProbability, total, steps } = branch;
    if (ended) this.#ended++;
    const score = total / Math.max(1, steps) ** this.#settings.exponent;
    this.#results.offer(score, { tokens: tokensOf(ended ? trail!.parent : trail), ended, logProbability, score });
  }

  /** The best score that a branch can come to. */
  #bound({ total, steps }: Branch): number {
    const { length, bonus, exponent } = this.#settings;
    const most = total + bonus * (length - steps);
    return most / (most > 0 ? Math.min(steps + 1, length) : length) ** exponent;
  }
}

function tokensOf(trail: Trail | null): number[] {
  const tokens: number[] = [];
  for (let place = trail; place; place = place.parent) tokens.push(place.token);
  return tokens.reverse();
}
