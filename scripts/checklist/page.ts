import { outOfScope, remarks, sections, type Row } from './rows.ts';
import type { TestResult } from './results.ts';
import { numbersOf, withoutNumbers } from './titles.ts';

/** A test, or a block of tests, that shows a row. */
interface Shown {
  readonly file: string;
  readonly title: string;
  readonly states: TestResult['state'][];
}

/** What each number's tests are and how they ended: a block that has the number counts as one, with all tests in it. */
function shownBy(results: readonly TestResult[]): Map<string, Shown[]> {
  const all = new Map<string, Map<string, Shown>>();
  for (const { file, titles, state } of results) {
    for (const title of titles) {
      for (const number of numbersOf(title)) {
        const shown = all.get(number) ?? new Map<string, Shown>();
        all.set(number, shown);
        const key = `${file}: ${title}`;
        if (!shown.has(key)) shown.set(key, { file, title, states: [] });
        shown.get(key)!.states.push(state);
      }
    }
  }
  return new Map([...all].map(([number, shown]) => [number, [...shown.values()].sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)))]));
}

/** The end of several tests: one that failed is enough; skipped only where none ran. */
function endOf(states: readonly TestResult['state'][]): TestResult['state'] {
  if (states.includes('failed')) return 'failed';
  return states.includes('passed') ? 'passed' : 'skipped';
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function line({ number, says }: Row, shown: readonly Shown[]): string {
  const scope = outOfScope[number];
  const end = shown.length > 0 ? endOf(shown.flatMap(({ states }) => states)) : undefined;
  const tests = shown.map(({ file, title, states }) => {
    const mark = endOf(states) === end ? '' : ` (${endOf(states)})`;
    return `[${file.replace(/^test\//, '')}](../${file}): ${cell(withoutNumbers(title))}${states.length > 1 ? ` (${states.length} tests)` : ''}${mark}`;
  });
  const words = [says, ...(scope === undefined ? [] : [scope]), ...(remarks[number] === undefined ? [] : [remarks[number]])].join('. ').replace(/\.\. /g, '. ');
  const result = end === undefined ? (scope === undefined ? '**MISSING**' : 'out of scope') : end === 'passed' ? end : `**${end}**`;
  return `| ${number} | ${cell(words)} | ${tests.join('<br>') || '–'} | ${result} |`;
}

export interface ChecklistPage {
  readonly text: string;
  /** Rows that need a test and have none. */
  readonly missing: readonly string[];
  /** Rows of which a test failed. */
  readonly failed: readonly string[];
  /** Rows of which no test ran. */
  readonly skipped: readonly string[];
}

/** docs/checklist.md: what each row says, the tests that show it, and how they ended. */
export function checklistPage(results: readonly TestResult[]): ChecklistPage {
  const shown = shownBy(results);
  const ofRow = ({ number }: Row): readonly Shown[] => shown.get(number) ?? [];
  const rows = sections.flatMap((section) => section.rows);
  const ending = (end: TestResult['state']): string[] => rows.filter((row) => ofRow(row).length > 0 && endOf(ofRow(row).flatMap(({ states }) => states)) === end).map(({ number }) => number);
  const missing = rows.filter((row) => ofRow(row).length === 0 && outOfScope[row.number] === undefined).map(({ number }) => number);
  const [passed, failed, skipped] = [ending('passed'), ending('failed'), ending('skipped')];
  const count = (title: string, numbers: readonly string[]): string => `${numbers.length} ${title}${numbers.length > 0 ? ` (${numbers.join(', ')})` : ''}`;
  const text = [
    '# The lecture notes\' checklist', '',
    'Made by `npm run checklist` from a run of the tests: do not edit. Each row is something that five sets of lecture notes name, in our words; a test shows it whose title begins with the row\'s number.',
    'Rows 114 to 133, on large vocabularies, beam search and connectionist temporal classification, are not part of this list. The notes\' slips are explained on the page of [errata](errata.md).', '',
    `${rows.length} rows: ${passed.length} passed, ${count('failed', failed)}, ${count('skipped', skipped)}, ${count('missing', missing)}.`, '',
    ...sections.flatMap((section) => [`## ${section.title}`, '', '| | what it says | tests | result |', '|---|---|---|---|', ...section.rows.map((row) => line(row, ofRow(row))), '']),
  ].join('\n');
  return { text, missing, failed, skipped };
}
