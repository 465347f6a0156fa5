import type { Value } from '../../graph/index.ts';
import type { Scope, Signal } from '../layer.ts';
import { recentInputs } from '../recentInputs.ts';
import { filtered, noWindows, padAxis, paddingOf, readsAhead, spanOf, tapsAlong, windowCount, windowCounts, type Padding, type Windows } from './windows.ts';

/** What windows over time see. */
export interface TimeWindows {
  /** One [T', N, C] for each place of the kernel. */
  readonly taps: readonly Value[];
  /** Windows that each row has; absent when every row has all T'. */
  readonly lengths: Value | undefined;
}

function lengthsAfter(signal: Signal, count: number, windows: Windows, padding: Padding): Value | undefined {
  if (count < 1) return noWindows(signal.value.shape[1]!);
  const unchanged = windows.stride === 1 && (padding !== 'valid' || spanOf(windows) === 1);
  return signal.lengths && !unchanged ? windowCounts(signal.lengths, count, windows, padding) : signal.lengths;
}

/**
 * Windows over the steps of a signal [T, N, C] that holds `fill` beyond each row's end. Causal windows with stride 1 carry their recent inputs on as the state
 * "recent" of the scope; other windows say that they read ahead. A row that is too short for a window has none: T' is then 1 at least, and its lengths 0.
 */
export function windowsOverTime(scope: Scope, signal: Signal, windows: Windows, padding: Padding, fill = 0): TimeWindows {
  const steps = signal.value.shape[0]!;
  const count = windowCount(steps, windows, padding);
  const lengths = lengthsAfter(signal, count, windows, padding);
  if (padding === 'causal' && windows.stride === 1 && fill === 0) return { taps: tapsAlong(recentInputs(scope, signal, spanOf(windows) - 1), 0, windows, count), lengths };
  if (readsAhead(windows, padding)) scope.readsAhead(signal.value);
  const { before, after } = paddingOf(windows, padding);
  const missing = Math.max(0, spanOf(windows) - before - steps - after);
  return { taps: tapsAlong(padAxis(signal.value, 0, before, after + missing, fill), 0, windows, Math.max(1, count)), lengths };
}

/** A convolution over the steps of [T, N, C] with filters [kernel · C, F]: [T', N, F], whatever stands beyond the rows' ends. */
export function convolveSteps(scope: Scope, signal: Signal, filters: Value, windows: Windows, padding: Padding): Signal {
  const { taps, lengths } = windowsOverTime(scope, signal, windows, padding);
  return { value: filtered(taps, filters), time: true, lengths };
}
