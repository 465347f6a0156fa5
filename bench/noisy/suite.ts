/** Training steps beside a process that wants a core for itself: a team of threads against one thread. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Context } from '../support/context.ts';
import { measure, timedAsync } from '../support/interleave.ts';
import type { Subject } from '../support/interleave.ts';
import { TrainWork, trainWorkNames, trainWorks } from '../support/trainWork.ts';

/** What a step of the team may take, in steps of one thread. */
export const mostSlowdown = 1.2;

/** A process that computes without end, pinned to no core. */
function startBurner(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
}

/** One side, with its number of threads set while it works. */
function withThreads(context: Context, threads: number, subject: Subject): Subject {
  return {
    run: async (count) => {
      context.setThreads(threads);
      return subject.run(count);
    },
  };
}

/** Every round counts: the machine is meant to be crowded. */
const crowded = { isQuiet: () => Promise.resolve(true) };

/** Runs the suite. */
export async function runNoisy(context: Context): Promise<void> {
  const threads = Math.max(...context.options.threads);
  if (threads === 1) {
    console.error('noisy: skipped, for one thread is all that there is');
    return;
  }
  const burner = startBurner();
  try {
    for (const name of trainWorkNames) {
      await context.attempt('noisy', `${name}: ${trainWorks[name].title}`, async () => {
        const sides = [threads, 1].map((count) => withThreads(context, count, timedAsync(((work) => () => work.step())(new TrainWork(name)))));
        const { ours, others: [alone], rounds, discarded } = await measure(sides, context.options.effort, crowded);
        const slowdown = ours.milliseconds / alone!.milliseconds;
        context.emit({
          suite: 'noisy', name: trainWorks[name].title, threads, isa: context.isa, ours, rounds, discarded, loaded: true,
          note: `beside a process that takes a core: ${slowdown.toFixed(2)} times a step of one thread (${alone!.milliseconds.toFixed(3)} ms)${slowdown > mostSlowdown ? `, MORE THAN ${mostSlowdown}` : ''}`,
        });
      });
    }
  } finally {
    burner.kill('SIGKILL');
  }
}
