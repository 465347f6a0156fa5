import { requireInteger } from '../checks.ts';
import { loadNative } from './native-module.ts';

/** Most threads that the engine takes. */
export const mostThreads = 256;

/**
 * How many threads the engine uses from the next run on, the calling one included: 1 to 256. The start is BPTT_THREADS, or one for each core. Results do not
 * depend on it. The reference interpreter has one thread whatever is asked for.
 * @throws ERR_BPTT_RANGE outside of that range, ERR_BPTT_TYPE for what is no number.
 */
export function setThreads(count: number): void {
  requireInteger('setThreads', 'the number of threads', count, 1, mostThreads);
  const native = loadNative();
  if ('module' in native) native.module.setThreads(count);
}
