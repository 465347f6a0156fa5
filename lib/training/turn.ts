/** Milliseconds of work after which others get their turn. */
const longestStretch = 2;

/**
 * Lets the event loop turn while many short runs follow each other: their ends may all come within one turn, in which timers and sockets would wait.
 */
export class TurnKeeper {
  #last = performance.now();

  /** Whether the last turn was a while ago. */
  get due(): boolean {
    return performance.now() - this.#last >= longestStretch;
  }

  /** Gives the event loop a turn. */
  async rest(): Promise<void> {
    await new Promise((resolve) => { setImmediate(resolve); });
    this.#last = performance.now();
  }
}
