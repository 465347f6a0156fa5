/** The generated page: bench/results/README.md and results.json. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatQuantity, judgeRuns } from './floors.ts';
import type { Machine } from './support/machine.ts';
import { projectRoot } from './support/nativeBench.ts';
import { writeQuote } from './quote.ts';
import { writeScaling } from './scaling/report.ts';
import { formatTime, isSkip, type BenchRecord, type Line } from './support/record.ts';

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(heading), row(heading.map(() => '---')), ...rows.map(row)].join('\n');
}

const percent = (share: number | undefined): string => (share === undefined ? '' : `${(share * 100).toFixed(0)} %`);
const speed = ({ ours: { gflops } }: BenchRecord): string => (gflops === undefined ? '' : gflops.toPrecision(3));
const time = ({ milliseconds, spread }: { readonly milliseconds: number; readonly spread?: number | undefined }): string => (
  `${formatTime(milliseconds)}${spread === undefined ? '' : ` ± ${(spread * 100).toFixed(0)} %`}`);
const name = (record: BenchRecord): string => `${record.name}${record.loaded ? ' *' : ''}`;

/** One row a floor, with what each run of the comparison found. */
function floorTable(records: readonly BenchRecord[], held: string | undefined): string {
  const judged = judgeRuns(records, held);
  const runs = [...new Set(judged.map(({ run }) => run))];
  const first = judged.filter(({ run }) => run === runs[0]);
  return table(['work', 'against', 'bound', ...runs.map((run) => (runs.length === 1 ? 'found' : `run ${run}`)), 'rows', 'verdict'], first.map(({ result: { floor, measured } }, i) => {
    const results = runs.map((run) => judged.filter((each) => each.run === run)[i]!.result);
    const verdicts = [...new Set(results.map(({ verdict }) => verdict))];
    return [
      floor.work, floor.against, `${floor.over === 'most' ? '<' : '≥'} ${formatQuantity(floor.quantity, floor.bound)} (${floor.over})`,
      ...results.map(({ value }) => (value === undefined ? '' : formatQuantity(floor.quantity, value))), `${measured}/${floor.rows}`, verdicts.join(', '),
    ];
  }));
}

function compareTable(records: readonly BenchRecord[]): string {
  return table(['work', 'threads', 'ours', 'peer', 'its time', 'ratio', 'share of peak', 'differs by', 'note'], records.map((record) => [
    name(record), String(record.threads), time(record.ours), record.peer ? `${record.peer.name} ${record.peer.version}` : '', record.peer ? time(record.peer) : '',
    record.ratio?.toPrecision(3) ?? '', percent(record.peakShare), record.difference?.toExponential(1) ?? '', record.note ?? '',
  ]));
}

function plainTable(records: readonly BenchRecord[]): string {
  return table(['work', 'threads', 'instructions', 'time', 'GFLOP/s', 'share of peak', 'note'], records.map((record) => [
    name(record), String(record.threads), record.isa, time(record.ours), speed(record),
    record.bound === 'memory' && record.peakShare !== undefined ? `${percent(record.peakShare)} of bandwidth` : percent(record.peakShare), record.note ?? '',
  ]));
}

const titles: Readonly<Record<string, string>> = {
  compare: 'Against others', layers: 'Layers, forward and backward', cells: 'Every cell beside the LSTM, by multiplications', train: 'Training steps', serve: 'Answers', kernels: 'Kernels, one thread',
};

function sections(lines: readonly Line[]): string[] {
  return Object.entries(titles).flatMap(([suite, title]) => {
    const all = lines.filter((line): line is BenchRecord => !isSkip(line) && line.suite === suite);
    const last = Math.max(1, ...all.map(({ run }) => run ?? 1));
    const records = all.filter(({ run }) => (run ?? 1) === last);
    const skips = lines.filter((line) => isSkip(line)).filter((line) => line.suite === suite);
    if (records.length + skips.length === 0) return [];
    const skipped = skips.length === 0 ? [] : ['Not measured:', skips.map((skip) => `* ${skip.name}: ${skip.skipped}`).join('\n')];
    return [`## ${title}`, ...(records.length === 0 ? [] : [suite === 'compare' ? compareTable(records) : plainTable(records)]), ...skipped];
  });
}

/** The page as text. */
export function formatReport(machine: Machine, lines: readonly Line[], scaling: readonly string[], held: string | undefined): string {
  const records = lines.filter((line): line is BenchRecord => !isSkip(line));
  const facts = `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.system}, Node.js ${machine.node}, ${machine.compiler}; `
    + `instruction set ${held === undefined ? machine.isa : `${held}, to which the engine and oneDNN were held`}; commit ${machine.commit}, ${machine.date}.`;
  return `${[
    '# Measurements', 'Written by `npm run bench -- SUITE --write`, after every suite that was measured; not to be edited.', facts,
    'Times are medians over rounds, ± half the distance of the quartiles. Both sides of a comparison run in turn within each round, on the same numbers, and their results are '
    + 'compared before anything is timed; the ratio is the median of the rounds\' own ratios, above 1 where bptt is faster. Rounds in which two threads did not get two cores are thrown '
    + 'away; an asterisk marks what was measured while the machine was busy throughout. Peaks are measured in the same run. Where the comparison was repeated, the table of floors shows every run and '
    + 'the rows below are those of the last.',
    ...(records.some(({ suite }) => suite === 'compare') ? ['## Floors', floorTable(records, held)] : []),
    ...sections(lines), ...scaling,
  ].join('\n\n')}\n`;
}

/**
 * @param held what BPTT_ISA holds the engine to: such measurements have a folder of their own, and the README does not quote them
 * @returns the folder written to
 */
export async function writeReport(machine: Machine, lines: readonly Line[], held: string | undefined): Promise<string> {
  const folder = path.join(projectRoot, 'bench', 'results', held ?? '');
  mkdirSync(folder, { recursive: true });
  const measured = lines.filter((line): line is BenchRecord => !isSkip(line));
  const results = { machine, floors: judgeRuns(measured, held).map(({ run, result: { floor: { work, against, bound, quantity }, value, verdict } }) => ({ run, work, against, bound, quantity, value, verdict })), lines };
  writeFileSync(path.join(folder, 'results.json'), `${JSON.stringify(results, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value), 1)}\n`);
  writeFileSync(path.join(folder, 'README.md'), formatReport(machine, lines, await writeScaling(folder, measured), held));
  if (held === undefined && results.floors.some(({ value }) => value !== undefined)) writeQuote(projectRoot, results);
  return path.relative(projectRoot, folder);
}
