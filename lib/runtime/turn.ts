import { setImmediate } from 'node:timers';

/** Milliseconds of work after which others get their turn. */
const longestStretch = 2;

let last = performance.now();

async function turn(): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve); });
  last = performance.now();
}

/**
 * Lets the event loop turn while many short runs follow each other. Node answers up to a thousand calls from other threads within one turn, and a run whose promise
 * was just settled may be followed by the next one, and that one have ended, before the turn is over; timers and sockets would wait all the while.
 * @returns what to wait for when the last turn was a while ago, undefined else.
 */
export function dueTurn(): Promise<void> | undefined {
  return performance.now() - last < longestStretch ? undefined : turn();
}
