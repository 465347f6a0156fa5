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
  /** Those who wait, the first one first: each call gives the turn. */
  readonly #waiting: (() => void)[] = [];
  #taken = false;
  #writing = false;

  /** Whether weights are being written right now. */
  get writing(): boolean {
    return this.#writing;
  }

  /** Whether nobody runs or waits. */
  get idle(): boolean {
    return !this.#taken;
  }

  /**
   * Waits for its turn, then runs `work`: at once where nobody else runs and no parameters are written.
   * @throws ERR_BPTT_TYPE for a signal of another kind; ERR_BPTT_ABORTED when it fires before the turn comes; what `work` throws.
   */
  async take<Result>({ owner, writes, signal }: TurnOptions, work: () => Promise<Result>): Promise<Result> {
    if (requireSignal(owner, signal)?.aborted) throw abortError(owner, signal!);
    if (this.#taken) await this.#wait(owner, signal);
    else {
      this.#taken = true;
      if (writes) await Promise.resolve();
    }
    this.#writing = writes;
    try {
      return await work();
    } finally {
      this.#writing = false;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken = false;
    }
  }

  #wait(owner: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(abortError(owner, signal!));
      };
      const go = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#waiting.push(go);
    });
  }
}
