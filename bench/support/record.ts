/** One line of a suite's output. */
export interface BenchRecord {
  readonly suite: string;
  /** Which run of the suite it comes from, where that was repeated; from 1. */
  readonly run?: number | undefined;
  readonly name: string;
  readonly threads: number;
  readonly isa: string;
  readonly ours: { readonly milliseconds: number; readonly gflops?: number | undefined; readonly spread?: number | undefined };
  readonly peer?: { readonly name: string; readonly version: string; readonly milliseconds: number; readonly spread?: number | undefined } | undefined;
  /** The peer's time by ours: above 1 we are faster. Median over rounds of each round's own ratio. */
  readonly ratio?: number | undefined;
  /** Of the multiply-add peak measured in the same run, or of the copy bandwidth where `bound` says so. */
  readonly peakShare?: number | undefined;
  readonly bound?: 'arithmetic' | 'memory' | undefined;
  /** Rounds that count, and those thrown away because the machine was busy. */
  readonly rounds?: number | undefined;
  readonly discarded?: number | undefined;
  /** The machine was busy throughout: the numbers mean little. */
  readonly loaded?: boolean | undefined;
  /** Largest difference from what it was compared with before timing, relative to the largest number. */
  readonly difference?: number | undefined;
  /** What differs between both sides, or what else must be known. */
  readonly note?: string | undefined;
}

/** Something that was not measured, and why. */
export interface Skip {
  readonly suite: string;
  readonly name: string;
  readonly skipped: string;
}

export type Line = BenchRecord | Skip;

export function isSkip(line: Line): line is Skip {
  return 'skipped' in line;
}

const digits = (number: number, count = 3): string => (number >= 1000 ? number.toFixed(0) : number.toPrecision(count));

/** 1.23 ms, 4.5 µs */
export function formatTime(milliseconds: number): string {
  return milliseconds < 0.1 ? `${digits(milliseconds * 1000)} µs` : milliseconds < 10000 ? `${digits(milliseconds)} ms` : `${digits(milliseconds / 1000)} s`;
}

/** One record for people. */
export function formatLine(line: Line): string {
  if (isSkip(line)) return `${line.suite.padEnd(8)} ${line.name}: skipped, ${line.skipped}`;
  const { ours, peer, ratio, peakShare } = line;
  const parts = [`${line.suite.padEnd(8)} ${line.name.padEnd(44)} ${line.threads} thr ${line.isa.padEnd(7)} ${formatTime(ours.milliseconds).padStart(9)}`];
  if (ours.spread !== undefined) parts.push(`±${(ours.spread * 100).toFixed(0)}%`);
  if (ours.gflops !== undefined) parts.push(`${digits(ours.gflops)} GF/s`);
  if (peakShare !== undefined) parts.push(`${(peakShare * 100).toFixed(0)}% of ${line.bound === 'memory' ? 'bandwidth' : 'peak'}`);
  if (peer && ratio !== undefined) parts.push(`${peer.name} ${peer.version}: ${formatTime(peer.milliseconds)}, ratio ${ratio.toFixed(2)}`);
  if (line.loaded) parts.push('LOADED');
  if (line.note !== undefined) parts.push(`(${line.note})`);
  return parts.join('  ');
}
