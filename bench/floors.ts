/** What the engine must reach, and whether a run did. */
import type { BenchRecord } from './support/record.ts';
import { geometricMean } from './support/statistics.ts';

export interface Floor {
  readonly work: string;
  readonly against: string;
  readonly select: { readonly name: RegExp; readonly peer?: RegExp };
  readonly quantity: 'ratio' | 'peakShare' | 'milliseconds';
  /** How rows become one number. */
  readonly over: 'geometric mean' | 'least' | 'most';
  readonly bound: number;
  /** Rows of a whole run. */
  readonly rows: number;
  /** Which number of threads is judged; the largest of the run where nothing is said. */
  readonly threads?: number;
}

const layers = /^layer train (?:lstm|gru-after|gru-before|rnn) /;

function ratio(work: string, against: string, name: RegExp, peer: RegExp, bound: number, rows = 1, over: Floor['over'] = 'geometric mean'): Floor {
  return { work, against, select: { name, peer }, quantity: 'ratio', over, bound, rows };
}

function share(work: string, name: RegExp, bound: number, rows: number, threads?: number): Floor {
  return {
    work, against: 'the machine\'s multiply-add peak', select: { name, peer: /^(?:onednn|pytorch)$/ }, quantity: 'peakShare', over: 'geometric mean', bound, rows,
    ...(threads !== undefined && { threads }),
  };
}

export const floors: readonly Floor[] = [
  ratio('one recurrent layer, forward + backward, all cells and shapes', 'oneDNN', layers, /^onednn$/, 1.15, 24),
  ratio('the same, the slowest of all', 'oneDNN', layers, /^onednn$/, 0.93, 24, 'least'),
  ratio('the same, LSTM', 'PyTorch', /^layer train lstm /, /^pytorch$/, 1.5, 6),
  ratio('the same, GRU', 'PyTorch', /^layer train gru-after /, /^pytorch$/, 2, 6),
  ratio('the same, RNN', 'PyTorch', /^layer train rnn /, /^pytorch$/, 2, 6),
  share('the same, share of the peak, H ≥ 128', /^layer train (?:lstm|gru-after|gru-before|rnn) \(\d+,\d+,\d+,(?:128|256|512|1024)\)/, 0.77, 20),
  share('the same, share of the peak, H = 64', /^layer train (?:lstm|gru-after|gru-before|rnn) \(24,32,32,64\)/, 0.65, 4),
  ratio('inference over whole sequences, LSTM', 'onnxruntime-node', /^predict lstm /, /^onnxruntime-node$/, 1.2, 2, 'least'),
  ratio('one streaming step, LSTM 128, batch 1', 'onnxruntime-node', /^stream step lstm 128$/, /^onnxruntime-node$/, 4),
  ratio('a user-written cell with the equations of LSTM', 'our own lstm', /^user-written lstm /, /^bptt lstm$/, 0.95),
  ratio('peephole LSTM (50,50,128,128), forward + backward', 'PyTorch, Python loop', /^layer train peephole /, /^pytorch loop$/, 5),
  ratio('train step, char LM', 'PyTorch', /^train step characters$/, /^pytorch$/, 1.4),
  ratio('train step, word LM', 'PyTorch', /^train step words$/, /^pytorch$/, 1.5),
  ratio('train step, small regression', 'PyTorch', /^train step regression$/, /^pytorch$/, 4),
  ratio('train step, char LM', 'tfjs, plain JavaScript', /^train step characters$/, /^tfjs cpu$/, 300),
  ratio('train step, char LM', 'tfjs, WebAssembly', /^train step characters$/, /^tfjs wasm$/, 80),
  ratio('train step, char LM, as many characters', 'brain.js', /^train step characters$/, /^brain\.js$/, 200),
  { work: 'event-loop delay p99 while fit runs', against: '', select: { name: /^event-loop delay/ }, quantity: 'milliseconds', over: 'most', bound: 5, rows: 1 },
];

const large = /^layer train (?:lstm|gru-after|gru-before|rnn) \(\d+,\d+,\d+,(?:512|1024)\)/;

/** What the engine must reach where BPTT_ISA holds it, and oneDNN, to AVX2. */
export const avx2Floors: readonly Floor[] = [
  ratio('one recurrent layer, forward + backward, all cells and shapes', 'oneDNN, held too', layers, /^onednn$/, 1, 24),
  share('the same, share of the peak, H ≥ 512', large, 0.85, 12),
  share('the same on one thread', large, 0.85, 12, 1),
];

/** @param held what BPTT_ISA holds the engine to, if it is set */
export function floorsFor(held: string | undefined): readonly Floor[] {
  return held === undefined ? floors : held === 'avx2' ? avx2Floors : [];
}

export interface FloorResult {
  readonly floor: Floor;
  /** Undefined when nothing was measured. */
  readonly value: number | undefined;
  readonly verdict: 'met' | 'missed' | 'partly measured' | 'not measured';
  readonly measured: number;
}

/** One value for each name: of the peer that comes first where several stand beside the same work. */
function valuesOf(floor: Floor, records: readonly BenchRecord[]): number[] {
  const found = new Map<string, number>();
  for (const record of records) {
    const { name, peer } = floor.select;
    if (!name.test(record.name) || (peer && !peer.test(record.peer?.name ?? ''))) continue;
    const value = floor.quantity === 'ratio' ? record.ratio : floor.quantity === 'peakShare' ? record.peakShare : record.ours.milliseconds;
    if (value !== undefined && !found.has(record.name)) found.set(record.name, value);
  }
  return [...found.values()];
}

/** Judges the comparison's records. */
export function judge(records: readonly BenchRecord[], held?: string): FloorResult[] {
  const compared = records.filter(({ suite }) => suite === 'compare');
  const threads = Math.max(0, ...compared.map((record) => record.threads));
  return floorsFor(held).map((floor) => {
    const values = valuesOf(floor, compared.filter((record) => record.threads === (floor.threads ?? threads)));
    if (values.length === 0) return { floor, value: undefined, verdict: 'not measured', measured: 0 };
    const value = floor.over === 'geometric mean' ? geometricMean(values) : floor.over === 'least' ? Math.min(...values) : Math.max(...values);
    const good = floor.over === 'most' ? value < floor.bound : value >= floor.bound;
    const verdict = values.length < floor.rows ? 'partly measured' : good ? 'met' : 'missed';
    return { floor, value, verdict, measured: values.length };
  });
}

/** Judges each run of the comparison by itself. */
export function judgeRuns(records: readonly BenchRecord[], held?: string): { readonly run: number; readonly result: FloorResult }[] {
  const runs = [...new Set(records.filter(({ suite }) => suite === 'compare').map(({ run }) => run ?? 1))];
  return runs.flatMap((run) => judge(records.filter((record) => (record.run ?? 1) === run), held).map((result) => ({ run, result })));
}

/** 1.15×, 0.77, 5 ms */
export function formatQuantity(quantity: Floor['quantity'], value: number): string {
  return quantity === 'ratio' ? `${value.toPrecision(3)}×` : quantity === 'peakShare' ? value.toFixed(2) : `${value.toPrecision(3)} ms`;
}

export function formatFloor({ floor, value, verdict, measured }: FloorResult): string {
  const bound = `${floor.over === 'most' ? 'under' : 'at least'} ${formatQuantity(floor.quantity, floor.bound)}`;
  const found = value === undefined ? '' : `${formatQuantity(floor.quantity, value)} (${floor.over} of ${measured}/${floor.rows})`;
  return `${verdict.toUpperCase().padEnd(16)} ${floor.work}${floor.against ? ` against ${floor.against}` : ''}: ${bound}${found ? `, found ${found}` : ''}`;
}
