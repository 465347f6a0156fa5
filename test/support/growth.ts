import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const megabyte = 2 ** 20;

/** What the process holds, in megabytes. */
interface Level {
  /** Objects, array buffers and native memory that V8 was told of: exact. */
  readonly accounted: number;
  /** Memory that the system gave, apart from room that V8 has touched and keeps for objects to come: all there is, but freed memory hides in it. */
  readonly resident: number;
}

/** Growth of a process over a number of windows of equal work. */
export interface Growth {
  /** Sustained over all windows, in megabytes: what a leak makes, and one rise of the high water does not. */
  readonly megabytes: number;
  /** Of each window. */
  readonly windows: readonly Level[];
}

export interface GrowthOptions {
  /** Calls before anything is measured. */
  readonly warm: number;
  /** Calls in all windows together. */
  readonly calls: number;
  /** Default 12. */
  readonly windows?: number;
}

let collector: (() => void) | undefined;

/** Runs the garbage collector. */
export function collect(): void {
  if (!collector) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}

function level(): Level {
  const { total_physical_size: touched, used_heap_size: used } = getHeapStatistics();
  const { rss, external } = process.memoryUsage();
  return { accounted: (used + external) / megabyte, resident: (rss - touched + used) / megabyte };
}

async function settle(): Promise<Level> {
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return level();
}

/**
 * The growth that goes on: the mean of the middle half of the windows, times their number. A leak is in every window; allocators, collectors and a loaded
 * machine move the level now and then, in either direction, and those windows are in the outer quarters.
 */
export function sustained(windows: readonly number[]): number {
  const outer = Math.floor(windows.length / 4);
  const middle = windows.toSorted((a, b) => a - b).slice(outer, windows.length - outer);
  return middle.reduce((sum, growth) => sum + growth, 0) / middle.length * windows.length;
}

/** Calls `once` over and over and tells by how much the process grows. */
export async function growthOf(once: (index: number) => unknown, { warm, calls, windows: count = 12 }: GrowthOptions): Promise<Growth> {
  for (let index = 0; index < warm; index++) await once(index);
  const windows: Level[] = [];
  let before = await settle();
  let index = 0;
  for (let window = 1; window <= count; window++) {
    for (; index < Math.round(calls * window / count); index++) await once(index);
    const after = await settle();
    windows.push({ accounted: after.accounted - before.accounted, resident: after.resident - before.resident });
    before = after;
  }
  return { megabytes: Math.max(sustained(windows.map(({ accounted }) => accounted)), sustained(windows.map(({ resident }) => resident))), windows };
}

/** A growth in words, with every window. */
export function describeGrowth({ megabytes, windows }: Growth): string {
  const list = (numbers: readonly number[]): string => `${sustained(numbers).toFixed(2)} of ${numbers.map((number) => number.toFixed(2)).join(', ')}`;
  return `${megabytes.toFixed(2)} MB (accounted ${list(windows.map(({ accounted }) => accounted))}; resident ${list(windows.map(({ resident }) => resident))})`;
}

/** For a child whose growth is measured: glibc gives freed blocks back at once, which else hide a leak of the same size for long. */
export const givingBack = { MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '1' };
