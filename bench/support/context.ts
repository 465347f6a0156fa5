import { availableParallelism } from 'node:os';
import { loadNative, selectRuntime, type Runtime } from '../../lib/runtime/index.ts';
import type { Effort } from './interleave.ts';
import { LoadWatch } from './load.ts';
import { NativeBench } from './nativeBench.ts';
import { Unavailable } from './peer.ts';
import { formatLine, isSkip, type BenchRecord, type Line } from './record.ts';

export interface BenchOptions {
  /** Only what has this word in its name. */
  readonly filter: string;
  readonly threads: readonly number[];
  readonly json: boolean;
  readonly effort: Effort;
}

/** What every suite works with. */
export class Context {
  readonly options: BenchOptions;
  readonly runtime: Runtime;
  readonly isa: string;
  /** The instruction set that BPTT_ISA holds the engine to; undefined where it is not set. */
  readonly held: string | undefined = process.env['BPTT_ISA'];
  readonly bench: NativeBench | null;
  readonly watch: LoadWatch;
  readonly lines: Line[] = [];
  /** Which run of the suite this is. */
  run = 1;

  constructor(options: BenchOptions) {
    this.options = options;
    this.runtime = selectRuntime();
    const native = loadNative();
    this.isa = 'module' in native && this.runtime.name === 'native' ? native.module.info().isa : 'reference';
    this.bench = openBench();
    this.watch = new LoadWatch(this.bench, this.isa === 'reference' ? 'scalar' : this.isa);
  }

  wants(name: string): boolean {
    return name.toLowerCase().includes(this.options.filter.toLowerCase());
  }

  setThreads(count: number): void {
    const native = loadNative();
    if ('module' in native) native.module.setThreads(count);
  }

  emit(measured: Line): void {
    const line: Line = isSkip(measured) ? measured : { ...measured, run: this.run };
    this.lines.push(line);
    console.log(this.options.json ? JSON.stringify(line, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)) : formatLine(line));
  }

  /** Measures one thing; what cannot be had, or is wrong, becomes a line that says so. */
  async attempt(suite: string, name: string, work: () => Promise<void>): Promise<void> {
    if (!this.wants(name)) return;
    try {
      await work();
    } catch (error) {
      const { message } = error as Error;
      this.emit({ suite, name, skipped: error instanceof Unavailable ? message : `WRONG: ${message}` });
      if (!(error instanceof Unavailable)) process.exitCode = 1;
    }
  }

  /** Speed and its share of the peak measured in this run. */
  async speed(flops: number, milliseconds: number, threads: number): Promise<{ gflops: number; peakShare: number | undefined }> {
    const gflops = flops / milliseconds / 1e6;
    const peak = await this.watch.peak(threads);
    return { gflops, peakShare: peak === undefined ? undefined : gflops / peak };
  }

  records(): BenchRecord[] {
    return this.lines.filter((line): line is BenchRecord => !('skipped' in line));
  }

  close(): void {
    this.bench?.close();
  }
}

function openBench(): NativeBench | null {
  try {
    return new NativeBench();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.error(`no peaks and no watch over the machine's load: ${error.message}`);
    return null;
  }
}

/** The numbers of threads to measure: all cores unless told. */
export function defaultThreads(): number[] {
  return [availableParallelism()];
}
