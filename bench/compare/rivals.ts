/** Measures one piece of work of ours against others, correctness first. */
import type { Context } from '../support/context.ts';
import { measure, type Effort, type Subject } from '../support/interleave.ts';
import { Unavailable } from '../support/peer.ts';

/** Another side that is ready to run. */
export interface Ready {
  readonly subject: Subject;
  readonly version: string;
  /** What comparing the results gave; absent where there is nothing to compare. */
  readonly difference?: number | undefined;
  readonly note?: string | undefined;
}

/** Another side: `open` starts it and compares its results with ours. @throws Unavailable where it cannot be had, Error where results differ */
export interface Rival {
  readonly label: string;
  readonly open: () => Promise<Ready>;
}

export interface Duel {
  readonly name: string;
  readonly threads: number;
  readonly ours: Subject;
  readonly rivals: readonly Rival[];
  /** Of one run. */
  readonly flops?: number | undefined;
  readonly effort?: Effort | undefined;
}

async function openAll(context: Context, { name, rivals }: Duel): Promise<(Ready & { readonly label: string })[]> {
  const ready: (Ready & { readonly label: string })[] = [];
  for (const { label, open } of rivals) {
    try {
      ready.push({ label, ...await open() });
    } catch (error) {
      const { message } = error as Error;
      const wrong = !(error instanceof Unavailable);
      context.emit({ suite: 'compare', name: `${name} against ${label}`, skipped: wrong ? `WRONG: ${message}` : message });
      if (wrong) process.exitCode = 1;
    }
  }
  return ready;
}

/** One record for each rival that can be had. */
export async function fight(context: Context, duel: Duel): Promise<void> {
  const { name, threads, ours, flops } = duel;
  const ready = await openAll(context, duel);
  if (ready.length === 0) return;
  const result = await measure([ours, ...ready.map(({ subject }) => subject)], duel.effort ?? context.options.effort, context.watch);
  const { gflops, peakShare } = flops === undefined ? {} : await context.speed(flops, result.ours.milliseconds, threads);
  ready.forEach(({ label, version, difference, note }, i) => {
    const { milliseconds, spread, ratio } = result.others[i]!;
    context.emit({
      suite: 'compare', name, threads, isa: context.isa, ours: { ...result.ours, gflops }, peer: { name: label, version, milliseconds, spread }, ratio, peakShare,
      ...(peakShare !== undefined && { bound: 'arithmetic' }), rounds: result.rounds, discarded: result.discarded, loaded: result.loaded, difference, note,
    });
  });
}
