/** Lengths whose arrays are kept. */
const mostLengths = 4;

/**
 * Float arrays that are used for a short while, again and again: allocating the data of every call anew would keep the garbage collector busy. Arrays of
 * the lengths that were asked for last are kept, two of each.
 */
export class ScratchMemory {
  readonly #free = new Map<number, Float32Array[]>();

  /** @param filled whether the caller writes every number; otherwise they are zeros. */
  take(length: number, filled = false): Float32Array {
    const list = this.#free.get(length) ?? [];
    this.#free.delete(length);
    this.#free.set(length, list);
    if (this.#free.size > mostLengths) this.#free.delete(this.#free.keys().next().value!);
    const known = list.pop();
    if (!known) return new Float32Array(length);
    return filled ? known : known.fill(0);
  }

  /** Takes an array back; the caller must not look at it again. */
  give(array: Float32Array): void {
    const list = this.#free.get(array.length);
    if (list && list.length < 2) list.push(array);
  }
}
