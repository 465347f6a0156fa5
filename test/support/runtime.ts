import { selectRuntime } from '../../lib/runtime/index.ts';
import type { Runtime } from '../../lib/runtime/runtime.ts';

/** The runtime that BPTT_RUNTIME selects: what users would get. */
export function testedRuntime(): Runtime {
  return selectRuntime();
}

/** How near to numbers computed in float64 this runtime must come. */
export function testedTolerance(): number {
  return testedRuntime().name === 'native' ? 1e-5 : 1e-10;
}
