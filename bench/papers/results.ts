import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Budget, Run, Settings } from './experiment.ts';

/** What was measured after some updates. */
export type Point = Readonly<Record<string, number>> & { readonly updates: number };

/** A run as it is stored. */
export interface RunRecord {
  readonly subject: string;
  readonly seed: number;
  readonly settings: Settings;
  readonly parameters: number;
  readonly updates: number;
  /** Sequences learned from (characters where the text is endless). */
  readonly sequences: number;
  /** Of processor time. */
  readonly seconds: number;
  /** 'budget': all updates were made; 'criterion': it was met before; 'notFinite': loss or gradients were no numbers. */
  readonly ended: 'budget' | 'criterion' | 'notFinite';
  readonly curve: readonly Point[];
  readonly measures: Readonly<Record<string, number>>;
  /** Numbers over the steps of one sequence, such as a cell's. */
  readonly traces?: Readonly<Record<string, readonly number[]>> | undefined;
}

export const papersFolder = import.meta.dirname;

const round = (_: string, value: unknown): unknown => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value);

/** The runs of one experiment that have ended, kept in a file that is replaced whole after each of them. */
export class ResultFile {
  readonly file: string;

  constructor(budget: Budget, experiment: string, folder: string = path.join(papersFolder, 'results')) {
    this.file = path.join(folder, budget, `${experiment}.json`);
  }

  read(): RunRecord[] {
    return existsSync(this.file) ? JSON.parse(readFileSync(this.file, 'utf8')) as RunRecord[] : [];
  }

  /** The stored run of the same subject, seed and settings. */
  find(run: Pick<Run, 'subject' | 'seed' | 'settings'>): RunRecord | undefined {
    return this.read().find((record) => isSameRun(record, run));
  }

  /** Adds a run, in place of one of the same subject and seed. */
  add(record: RunRecord): void {
    const others = this.read().filter(({ subject, seed }) => subject !== record.subject || seed !== record.seed);
    const lines = [...others, record].sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.seed - b.seed)).map((entry) => JSON.stringify(entry, round));
    mkdirSync(path.dirname(this.file), { recursive: true });
    writeFileSync(`${this.file}.new`, `[\n${lines.join(',\n')}\n]\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}

/** Whether two runs would find the same. */
export function isSameRun(a: Pick<Run, 'subject' | 'seed' | 'settings'>, b: Pick<Run, 'subject' | 'seed' | 'settings'>): boolean {
  const names = new Set([...Object.keys(a.settings), ...Object.keys(b.settings)]);
  return a.subject === b.subject && a.seed === b.seed && [...names].every((name) => a.settings[name] === b.settings[name]);
}
