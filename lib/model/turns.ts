import { requireSignal } from '../checks.ts';
import { BpttError } from '../errors.ts';

/** An ERR_BPTT_ABORTED with the signal's reason as its cause. */
export function abortError(owner: string, signal: AbortSignal): BpttError {
  return new BpttError('ERR_BPTT_ABORTED', `${owner}: aborted; the model is as it was before`, { cause: signal.reason });
}

export interface TurnOptions {
  /** Names the caller in messages. */
  readonly owner: string;
  /** Whether parameters are written. */
  readonly writes: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Runs of one model, one after the other in the order of asking, so that nobody reads weights while they are written. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #writing = false;
  #outstanding = 0;

  /** Whether weights are being written right now. */
  get writing(): boolean {
    return this.#writing;
  }

  /** Whether nobody runs or waits. */
  get idle(): boolean {
    return this.#outstanding === 0;
  }

  /**
   * Waits for its turn, then runs `work`: at once where nobody else runs and no parameters are written.
   * @throws ERR_BPTT_TYPE for a signal of another kind; ERR_BPTT_ABORTED when it fires before the turn comes; what `work` throws.
   */
  async take<Result>({ owner, writes, signal }: TurnOptions, work: () => Promise<Result>): Promise<Result> {
    if (requireSignal(owner, signal)?.aborted) throw abortError(owner, signal!);
    const atOnce = this.idle && !writes;
    const before = this.#last;
    let finish = (): void => undefined;
    this.#last = new Promise((resolve) => { finish = resolve; });
    this.#outstanding++;
    try {
      if (!atOnce) await unlessAborted(owner, before, signal);
      this.#writing = writes;
      try {
        return await work();
      } finally {
        this.#writing = false;
      }
    } finally {
      this.#outstanding--;
      void before.then(finish);
    }
  }
}

async function unlessAborted(owner: string, before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return before;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(owner, signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([before, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
