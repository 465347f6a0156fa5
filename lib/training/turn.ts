/** Milliseconds of work after which others get their turn. */
const longestStretch = 2;

/**
 * Lets the event loop turn while many short runs follow each other: their ends may all come within one turn, in which timers and sockets would wait.
 */
export class TurnKeeper {
  #last = performance.now();

  /** Gives the event loop a turn when the last one was a while ago. */
  async rest(): Promise<void> {
    if (performance.now() - this.#last < longestStretch) return;
    await new Promise((resolve) => { setImmediate(resolve); });
    this.#last = performance.now();
  }
}
