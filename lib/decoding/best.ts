/** The items of the highest scores among all that are offered, best first; among equals the one offered first. */
export class Best<Item> {
  readonly #count: number;
  readonly #scores: number[] = [];
  readonly items: Item[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  /** What a score must exceed to get in: −∞ while there is room. */
  get least(): number {
    return this.items.length < this.#count ? -Infinity : this.#scores[this.#count - 1]!;
  }

  offer(score: number, item: Item): void {
    if (!(score > this.least)) return;
    let place = this.items.length;
    while (place > 0 && this.#scores[place - 1]! < score) place--;
    this.#scores.splice(place, 0, score);
    this.items.splice(place, 0, item);
    if (this.items.length <= this.#count) return;
    this.#scores.pop();
    this.items.pop();
  }
}
