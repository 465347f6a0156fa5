/** A search over settings: each architecture is tried with all of them, and its own runs have those that did best. */
import type { Settings } from './experiment.ts';
import { isSameRun, type RunRecord } from './results.ts';

/** Of all trials; the runs with what they find have others. */
export const searchSeed = 0;

/** What a search tries. */
export interface Choice {
  /** Of learning, at the beginning. */
  readonly rate: number;
  /** Of the characters' vectors, at the beginning. */
  readonly deviation: number;
}

/** A choice in words: `rate 0.01, deviation 1`. */
export const showChoice = ({ rate, deviation }: Choice): string => `rate ${rate}, deviation ${deviation}`;

/** Subject of the trial of an architecture with a choice. */
export const trialName = (architecture: string, choice: Choice): string => `${architecture}, ${showChoice(choice)}`;

/** The architecture of a run's subject, be it a trial or not. */
export const architectureOf = (subject: string): string => subject.split(', rate ')[0]!;

/** What a trial reached on the validation stream; nothing where it diverged. */
const reachedBy = ({ ended, measures }: RunRecord): number => (ended === 'notFinite' ? 0 : measures['validation'] ?? 0);

/**
 * The choice with which an architecture did best on a stream that is neither learned from nor tested with; of equal ones the first.
 * @param settings of the trials, without what is chosen: trials of other settings say nothing
 * @returns undefined while trials are missing
 */
export function bestChoice(architecture: string, grid: readonly Choice[], settings: Settings, stored: readonly RunRecord[]): Choice | undefined {
  const trials = grid.flatMap((choice) => stored.filter((record) => isSameRun(record, { subject: trialName(architecture, choice), seed: searchSeed, settings: { ...settings, ...choice } })).map((record) => ({ choice, reached: reachedBy(record) })));
  if (trials.length < grid.length) return undefined;
  return trials.reduce((leader, trial) => (trial.reached > leader.reached ? trial : leader)).choice;
}
