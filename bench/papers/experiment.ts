import type { RunRecord } from './results.ts';
import type { Figure } from './report/page.ts';

/** How much computing is spent: 'small' fits into three hours of one core, 'full' has the papers' own sizes where that is possible. */
export const budgets = ['small', 'full'] as const;
export type Budget = (typeof budgets)[number];

/** What decides a run: a stored run of other settings is made anew. */
export type Settings = Readonly<Record<string, string | number>>;

/** What a run finds out. */
export type Findings = Pick<RunRecord, 'parameters' | 'updates' | 'sequences' | 'seconds' | 'ended' | 'curve' | 'measures'> & Partial<Pick<RunRecord, 'traces'>>;

/** One model taught once. */
export interface Run {
  /** Of the table's row: the architecture, with the task where there are several. */
  readonly subject: string;
  readonly seed: number;
  readonly settings: Settings;
  readonly perform: () => Promise<Findings>;
}

/** Something that the paper concludes, and whether the runs bear it out. */
export interface Claim {
  readonly claim: string;
  /** Undefined while runs are missing. */
  readonly held: boolean | undefined;
  /** The numbers that say so. */
  readonly found: string;
}

/** What an experiment has to say, as parts of the page. */
export interface Section {
  readonly claims: readonly Claim[];
  /** Paragraphs and tables in Markdown. */
  readonly text: readonly string[];
  readonly figures: readonly Figure[];
}

/** A published result and how it is looked for here. */
export interface Experiment {
  /** Of its file of results and of `--only`. */
  readonly name: string;
  readonly title: string;
  /**
   * What is to be run.
   * @param stored runs of the experiment that have been made. Where a search comes first, the runs with what it finds are planned once its own are among them.
   */
  readonly plan: (budget: Budget, stored?: readonly RunRecord[]) => readonly Run[];
  readonly report: (records: readonly RunRecord[]) => Section;
}

/** Name of a run among those of its experiment. */
export const runName = ({ subject, seed }: Pick<Run, 'subject' | 'seed'>): string => `${subject}, seed ${seed}`;
