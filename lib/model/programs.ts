import type { Compiled, Executable } from '../runtime/runtime.ts';

/** What a cache keeps: anything that says how much memory it holds. */
export interface Kept {
  readonly bytes: number;
}

/** Most programs and most bytes of their arenas that one cache keeps. */
const mostPrograms = 64;
const mostBytes = 2 ** 30;

/** Compiled programs by signature; the ones not used for longest go first when there are too many. */
export class ProgramCache<Entry extends Kept> {
  readonly #entries = new Map<string, Entry>();

  /** The entry for `key`, made when it is not there. */
  get(key: string, make: () => Entry): Entry {
    const entry = this.#entries.get(key) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#trim();
    return entry;
  }

  get size(): number {
    return this.#entries.size;
  }

  #trim(): void {
    let bytes = 0;
    let kept = 0;
    for (const [key, entry] of [...this.#entries].reverse()) {
      bytes += entry.bytes;
      kept++;
      if (kept > 1 && (kept > mostPrograms || bytes > mostBytes)) this.#entries.delete(key);
    }
  }
}

/** A program with what it was built from. */
export interface Program<Built> extends Kept {
  readonly built: Built;
  readonly compiled: Compiled;
  readonly executable: Executable;
}
