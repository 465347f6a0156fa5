import { availableParallelism } from 'node:os';
import type { NativeBench } from './nativeBench.ts';
import { quantile } from './statistics.ts';

/** Below this, two threads do not get two cores. */
const leastScaling = 1.8;
/** Below this share of the best moment of the run, one thread does not get its core. */
const leastShare = 0.85;

/** Watches the machine while others measure: the multiply-add peak of one and two threads between samples. */
export class LoadWatch {
  readonly #bench: NativeBench | null;
  readonly isa: string;
  /** By number of threads, those of quiet moments. */
  readonly #peaks = new Map<number, number[]>();
  #best = 0;

  /** Without a native bench nothing is watched and there are no peaks. */
  constructor(bench: NativeBench | null, isa: string) {
    this.#bench = bench;
    this.isa = isa;
  }

  /** Whether two threads had two cores just now. */
  async isQuiet(): Promise<boolean> {
    if (!this.#bench || availableParallelism() < 2) return true;
    const single = await this.#bench.peak(this.isa, 1, 2);
    const double = await this.#bench.peak(this.isa, 2, 2);
    this.#best = Math.max(this.#best, single, double / 2);
    const quiet = double >= leastScaling * single && single >= leastShare * this.#best;
    if (!quiet) return false;
    this.#remember(1, single);
    this.#remember(2, double);
    return true;
  }

  #remember(threads: number, peak: number): void {
    const known = this.#peaks.get(threads) ?? [];
    known.push(peak);
    this.#peaks.set(threads, known);
  }

  /**
   * The multiply-add peak of so many threads in 10⁹ a second: the upper quartile of this run's quiet moments. Where there were none, that of the best
   * moment of one thread, times the threads; undefined when it cannot be measured.
   */
  async peak(threads: number): Promise<number | undefined> {
    if (!this.#bench) return undefined;
    const known = this.#peaks.get(threads) ?? [];
    if (known.length === 0) {
      for (let i = 0; i < 3; i++) this.#best = Math.max(this.#best, await this.#bench.peak(this.isa, threads, 5) / threads);
    }
    return known.length > 0 ? quantile(known, 0.75) : this.#best * threads;
  }
}
