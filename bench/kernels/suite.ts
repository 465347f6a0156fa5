/** Matrix products and elementwise programs, one thread, on every instruction set of the machine. */
import type { Context } from '../support/context.ts';
import { measure } from '../support/interleave.ts';
import { LoadWatch } from '../support/load.ts';
import type { NativeBench } from '../support/nativeBench.ts';
import { Unavailable } from '../support/peer.ts';

interface ProductCase {
  readonly title: string;
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /** The left side is read down its columns. */
  readonly transposed: boolean;
}

/** Products of recurrent layers: all steps' inputs, one step's recurrence, one step of a single row, the gradient of a weight. */
const products: readonly ProductCase[] = [
  { title: 'inputs of 2500 rows', rows: 2500, depth: 128, columns: 512, transposed: false },
  { title: 'a step of 50 rows', rows: 50, depth: 128, columns: 512, transposed: false },
  { title: 'a step of 64 rows', rows: 64, depth: 512, columns: 2048, transposed: false },
  { title: 'a step of 1 row', rows: 1, depth: 128, columns: 512, transposed: false },
  { title: 'uneven', rows: 33, depth: 100, columns: 300, transposed: false },
  { title: 'gradient of a weight', rows: 128, depth: 2500, columns: 512, transposed: true },
];

const maps = ['copy', 'add', 'multiply', 'divide', 'fusedMultiplyAdd', 'exp', 'log', 'sqrt', 'tanh', 'sigmoid', 'lstmStep'];
/** Floats read and written for each element. */
const traffic: Readonly<Record<string, number>> = { add: 3, multiply: 3, divide: 3, fusedMultiplyAdd: 4, lstmStep: 7 };
const elementCounts = [4096, 4_194_304];
const productTolerance = 1e-4;
const mapTolerance = 1e-5;

function requireNear(difference: number, tolerance: number): void {
  if (!(difference <= tolerance)) throw new Error(`differs by ${difference.toExponential(2)}; at most ${tolerance} may be`);
}

async function measureKernel(context: Context, watch: LoadWatch, words: readonly (string | number)[]): Promise<Awaited<ReturnType<typeof measure>>> {
  const bench = context.bench!;
  return measure([{ run: async (count) => (await bench.kernel(...words, count)).milliseconds }], context.options.effort, watch);
}

async function measureProduct(context: Context, watch: LoadWatch, the: ProductCase, packed: boolean): Promise<void> {
  const { title, rows, depth, columns, transposed } = the;
  const name = `${packed ? 'gemm, packed before' : 'gemm, packing included'}: ${title} ${rows}×${depth}×${columns}`;
  await context.attempt('kernels', `${name} ${watch.isa}`, async () => {
    const words = ['gemm', watch.isa, rows, depth, columns, Number(transposed), Number(packed)];
    const { difference } = await context.bench!.kernel(...words, 0);
    requireNear(difference, productTolerance);
    const { ours, rounds, discarded, loaded } = await measureKernel(context, watch, words);
    const gflops = 2 * rows * depth * columns / ours.milliseconds / 1e6;
    const peak = await watch.peak(1);
    context.emit({ suite: 'kernels', name, threads: 1, isa: watch.isa, ours: { ...ours, gflops }, peakShare: gflops / peak!, bound: 'arithmetic', rounds, discarded, loaded, difference });
  });
}

async function measureMap(context: Context, watch: LoadWatch, map: string, elements: number): Promise<void> {
  const name = `map ${map} of ${elements}`;
  await context.attempt('kernels', `${name} ${watch.isa}`, async () => {
    const words = ['map', watch.isa, map, elements];
    const { difference } = await context.bench!.kernel(...words, 0);
    requireNear(difference, mapTolerance);
    const { ours, rounds, discarded, loaded } = await measureKernel(context, watch, words);
    const bytes = 4 * elements * (traffic[map] ?? 2);
    const bandwidth = await context.bench!.copy(watch.isa, 1, bytes);
    const gigabytes = bytes / ours.milliseconds / 1e6;
    context.emit({
      suite: 'kernels', name, threads: 1, isa: watch.isa, ours, peakShare: gigabytes / bandwidth, bound: 'memory', rounds, discarded, loaded, difference,
      note: `${(elements / ours.milliseconds / 1e6).toPrecision(3)} elements a nanosecond`,
    });
  });
}

async function measurePeaks(context: Context, bench: NativeBench, isa: string): Promise<void> {
  for (const threads of context.options.threads) {
    await context.attempt('kernels', `multiply-add peak ${isa}`, async () => {
      const gflops = await bench.peak(isa, threads, 20);
      context.emit({ suite: 'kernels', name: 'multiply-add peak', threads, isa, ours: { milliseconds: 20, gflops } });
    });
    await context.attempt('kernels', `copy bandwidth ${isa}`, async () => {
      const [near, far] = [await bench.copy(isa, threads, 2 ** 14, 20), await bench.copy(isa, threads, 2 ** 28, 100)];
      context.emit({ suite: 'kernels', name: 'copy bandwidth', threads, isa, ours: { milliseconds: 20 }, note: `${near.toPrecision(3)} GB/s in 16 KiB, ${far.toPrecision(3)} GB/s in 256 MiB` });
    });
  }
}

/** Runs the suite. */
export async function runKernels(context: Context): Promise<void> {
  const { bench } = context;
  if (!bench) {
    context.emit({ suite: 'kernels', name: 'all', skipped: new Unavailable('the native bench could not be built').message });
    return;
  }
  for (const isa of await bench.isas()) {
    const watch = new LoadWatch(bench, isa);
    await measurePeaks(context, bench, isa);
    for (const product of products) for (const packed of [true, false]) await measureProduct(context, watch, product, packed);
    for (const map of maps) for (const elements of elementCounts) await measureMap(context, watch, map, elements);
  }
}
