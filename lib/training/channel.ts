/** Hands values to one `for await` loop; the sender waits while the loop's body runs. */
export class Channel<Item> implements AsyncIterableIterator<Item> {
  #attached = false;
  #ended = false;
  #failure: { error: unknown } | null = null;
  #ready: { item: Item } | null = null;
  #take: { resolve: (result: IteratorResult<Item>) => void; reject: (error: unknown) => void } | null = null;
  #resume: (() => void) | null = null;
  readonly #left: () => void;

  /** @param left called when the loop is left before the end. */
  constructor(left: () => void) {
    this.#left = left;
  }

  [Symbol.asyncIterator](): this {
    this.#attached = true;
    return this;
  }

  /** Whether somebody iterates. */
  get attached(): boolean {
    return this.#attached;
  }

  /** Gives the loop one value and waits until its body is done with it; returns at once when nobody iterates. */
  async send(item: Item): Promise<void> {
    if (!this.#attached || this.#ended) return;
    const done = new Promise<void>((resolve) => { this.#resume = resolve; });
    if (this.#take) {
      this.#take.resolve({ done: false, value: item });
      this.#take = null;
    } else this.#ready = { item };
    await done;
  }

  /** Ends the loop, with an error if there is one. */
  end(failure: { error: unknown } | null): void {
    this.#ended = true;
    if (!this.#take) this.#failure = failure;
    else if (failure) this.#take.reject(failure.error);
    else this.#take.resolve({ done: true, value: undefined });
    this.#take = null;
  }

  async next(): Promise<IteratorResult<Item>> {
    if (this.#ready) {
      const { item } = this.#ready;
      this.#ready = null;
      return { done: false, value: item };
    }
    this.#resume?.();
    this.#resume = null;
    if (!this.#ended) return new Promise((resolve, reject) => { this.#take = { resolve, reject }; });
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Item>> {
    if (!this.#ended) this.#left();
    this.#attached = false;
    this.#resume?.();
    this.#resume = null;
    return Promise.resolve({ done: true, value: undefined });
  }
}
