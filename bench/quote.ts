/** The measurements that the README quotes: a block between two marks, written from bench/results/results.json. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const begin = '<!-- measurements: written by npm run bench -- all --repeat 3 --write -->';
const end = '<!-- end of measurements -->';

interface Judged {
  readonly run: number;
  readonly work: string;
  readonly against: string;
  readonly bound: number;
  readonly quantity: 'ratio' | 'peakShare' | 'milliseconds';
  readonly value?: number;
}

/** What results.json holds of it. */
export interface Results {
  readonly machine: { readonly processor: string; readonly cores: number; readonly isa: string };
  readonly floors: readonly Judged[];
}

function shown({ quantity }: Judged, values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const format = (value: number): string => (quantity === 'ratio' ? value.toPrecision(value < 10 ? 2 : 3) : quantity === 'peakShare' ? (value * 100).toFixed(0) : value.toPrecision(2));
  const unit = { ratio: '×', peakShare: ' %', milliseconds: ' ms' }[quantity];
  return format(least) === format(most) ? `${format(least)}${unit}` : `${format(least)}–${format(most)}${unit}`;
}

/** The block, marks included. */
export function formatQuote({ machine, floors }: Results): string {
  const names = [...new Set(floors.map(({ work, against }) => `${work}|${against}`))];
  const rows = names.flatMap((name) => {
    const judged = floors.filter(({ work, against, value }) => `${work}|${against}` === name && value !== undefined);
    if (judged.length === 0) return [];
    return [`| ${judged[0]!.work} | ${judged[0]!.against} | ${shown(judged[0]!, judged.map(({ value }) => value!))} |`];
  });
  const runs = new Set(floors.map(({ run }) => run)).size;
  return [
    begin, `${machine.processor}, ${machine.cores} cores, ${machine.isa}; the range of ${runs} ${runs === 1 ? 'run' : 'runs'}, both sides on the same threads; above 1× bptt is faster. `
    + 'All rows, what else differs and how to repeat it: [bench/results](bench/results/README.md).', '', '| work | against | found |', '|---|---|---|', ...rows, end,
  ].join('\n');
}

/** A README with its block made anew. @throws Error when it has no marks */
export function replaceQuote(readme: string, results: Results): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error('README.md: expected the marks of the measurements, found none');
  return readme.slice(0, from) + formatQuote(results) + readme.slice(to + end.length);
}

/** Brings the README of `root` up to date. */
export function writeQuote(root: string, results: Results): void {
  const file = path.join(root, 'README.md');
  writeFileSync(file, replaceQuote(readFileSync(file, 'utf8'), results));
}
