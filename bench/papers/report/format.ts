import type { RunRecord } from '../results.ts';

/** Runs of one subject, in the order of their seeds. */
export interface Group {
  readonly subject: string;
  readonly records: readonly RunRecord[];
}

/** Runs by subject, in the order that is given; subjects without a run are left out. */
export function groupBySubject(records: readonly RunRecord[], order: readonly string[]): Group[] {
  return order.map((subject) => ({ subject, records: records.filter((record) => record.subject === subject) })).filter((group) => group.records.length > 0);
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The middle value; of two middle ones the mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A number with a few digits, as people write it. */
export function show(value: number | undefined, digits = 3): string {
  if (value === undefined || Number.isNaN(value)) return '';
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e7)) return value.toExponential(Math.max(1, digits - 2));
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(digits)));
}

/** Several numbers side by side. */
export const showAll = (values: readonly number[], digits = 2): string => values.map((value) => show(value, digits)).join(', ');

/** The measures of one name over the runs of a group. */
export const measuresOf = ({ records }: Group, name: string): number[] => records.map(({ measures }) => measures[name] ?? NaN);

/** A table in Markdown. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(heading), row(heading.map(() => '---')), ...rows.map(row)].join('\n');
}

/** Updates after which a measure was first at or below (above) a bound; undefined when it never was. */
export function updatesUntil({ curve }: RunRecord, name: string, bound: number, direction: 'below' | 'above'): number | undefined {
  return curve.find((point) => (direction === 'below' ? point[name]! <= bound : point[name]! >= bound))?.updates;
}

/** Means of a measure over the runs of a group, by updates, as far as all runs go. */
export function meanCurve({ records }: Group, name: string): { x: number[]; y: number[] } {
  const shortest = Math.min(...records.map(({ curve }) => curve.length));
  const points = Array.from({ length: shortest }, (_, i) => i);
  return { x: points.map((i) => records[0]!.curve[i]!.updates), y: points.map((i) => mean(records.map(({ curve }) => curve[i]![name]!))) };
}

/** Settings of the first run as a sentence's end: "steps 200, updates 5,000". */
export function describeSettings(records: readonly RunRecord[], names: readonly string[]): string {
  const settings = records[0]?.settings ?? {};
  return names.filter((name) => name in settings).map((name) => `${name} ${typeof settings[name] === 'number' ? show(settings[name]) : settings[name]}`).join(', ');
}
