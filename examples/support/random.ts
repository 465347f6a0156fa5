import { uniformSource } from '../../lib/random.ts';

/** Random numbers for made-up data: the same seed gives the same ones. */
export class Random {
  readonly #uniform: () => number;

  constructor(seed: number, label = '') {
    this.#uniform = uniformSource(seed, label);
  }

  /** From `least` up to but not including `most`. */
  uniform(least = 0, most = 1): number {
    return least + (most - least) * this.#uniform();
  }

  /** A whole number from 0 to count − 1. */
  below(count: number): number {
    return Math.floor(count * this.#uniform());
  }

  /** One of a list. */
  pick<Item>(items: ArrayLike<Item>): Item {
    return items[this.below(items.length)]!;
  }

  /** From the standard normal distribution (Box and Muller, 1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#uniform())) * Math.cos(2 * Math.PI * this.#uniform());
  }

  /** A copy in another order. */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }
}
