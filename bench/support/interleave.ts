import type { LoadWatch } from './load.ts';
import { median, spread } from './statistics.ts';

/** One side of a measurement: runs its prepared work and says how long each time took, in milliseconds. */
export interface Subject {
  run(count: number): Promise<number[]> | number[];
}

export interface Effort {
  /** Rounds that shall count. */
  readonly rounds: number;
  /** How long each side works in a round. */
  readonly roundMilliseconds: number;
}

export interface SideResult {
  readonly milliseconds: number;
  readonly spread: number;
}

export interface Measurement {
  readonly ours: SideResult;
  readonly others: readonly (SideResult & { readonly ratio: number })[];
  readonly rounds: number;
  readonly discarded: number;
  readonly loaded: boolean;
}

/** Rounds are given up on after so many times the wanted number. */
const patience = 3;
/** Lets the threads of the side before fall asleep. */
const pauseMilliseconds = 5;

/** What takes longer needs no second run to be awake. */
const slowMilliseconds = 1000;
const mostRuns = 2000;

type Watch = Pick<LoadWatch, 'isQuiet'>;

/**
 * Before each side's turn: the threads of the side before (those of OpenMP and of onnxruntime wait awake for a while) fall asleep, and both cores have been
 * at work when the turn comes, for a virtual machine's idle ones may be put together on one.
 */
async function settle(watch: Watch): Promise<boolean> {
  await new Promise((resolve) => { setTimeout(resolve, pauseMilliseconds); });
  return watch.isQuiet();
}

/** Warm-up, and how often each side fits into a round; 0 for what takes seconds. */
async function countsFor(subjects: readonly Subject[], { roundMilliseconds }: Effort, watch: Watch): Promise<number[]> {
  const counts: number[] = [];
  for (const subject of subjects) {
    await settle(watch);
    const [first] = await subject.run(1);
    const warm = first! < roundMilliseconds ? median(await subject.run(Math.min(20, Math.max(1, Math.floor(roundMilliseconds / Math.max(first!, 1e-3)))))) : first!;
    counts.push(warm > slowMilliseconds ? 0 : Math.max(1, Math.min(mostRuns, Math.round(roundMilliseconds / Math.max(warm, 1e-4)))));
  }
  return counts;
}

/** One sample of each side, one after the other: the median of its runs, after one more that wakes its threads (where one run takes seconds, without). */
async function takeRound(subjects: readonly Subject[], counts: readonly number[], watch: Watch): Promise<{ samples: number[]; quiet: boolean }> {
  const samples: number[] = [];
  let quiet = true;
  for (const [i, subject] of subjects.entries()) {
    quiet = await settle(watch) && quiet;
    const times = await subject.run(counts[i] === 0 ? 1 : counts[i]! + 1);
    samples.push(median(times.length > 1 ? times.slice(1) : times));
  }
  return { samples, quiet };
}

/**
 * Measures all sides in turn (A B A B …), throwing rounds away before or after which two threads did not get two cores. When too few rounds are left, all
 * count and the result says that the machine was loaded.
 * @param subjects ours first.
 */
export async function measure(subjects: readonly Subject[], effort: Effort, watch: Watch): Promise<Measurement> {
  const counts = await countsFor(subjects, effort, watch);
  const good: number[][] = [];
  const all: number[][] = [];
  while (good.length < effort.rounds && all.length < effort.rounds * patience) {
    const { samples, quiet } = await takeRound(subjects, counts, watch);
    const after = await settle(watch);
    all.push(samples);
    if (quiet && after) good.push(samples);
  }
  const loaded = good.length < Math.max(1, Math.ceil(effort.rounds / 2));
  const kept = loaded ? all : good;
  const side = (i: number): SideResult => {
    const times = kept.map((samples) => samples[i]!);
    return { milliseconds: median(times), spread: spread(times) };
  };
  return {
    ours: side(0),
    others: subjects.slice(1).map((_, i) => ({ ...side(i + 1), ratio: median(kept.map((samples) => samples[i + 1]! / samples[0]!)) })),
    rounds: kept.length, discarded: all.length - kept.length, loaded,
  };
}

/** A subject of a synchronous function. */
export function timed(work: () => void): Subject {
  return {
    run: (count) => Array.from({ length: count }, () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    }),
  };
}

/** A subject of an asynchronous function. */
export function timedAsync(work: () => Promise<unknown>): Subject {
  return {
    run: async (count) => {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await work();
        times.push(performance.now() - start);
      }
      return times;
    },
  };
}

/** A subject of something that takes microseconds: `batch` calls between two looks at the clock. */
export function timedInBatches(work: () => void, batch: number): Subject {
  return {
    run: (count) => Array.from({ length: Math.max(2, Math.ceil(count / batch)) }, () => {
      const start = performance.now();
      for (let i = 0; i < batch; i++) work();
      return (performance.now() - start) / batch;
    }),
  };
}
