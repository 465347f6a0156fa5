import { BpttError } from '../errors.ts';
import { checkEnvironment } from './environment.ts';
import { createNativeRuntime } from './native.ts';
import { loadNative } from './native-module.ts';
import { referenceRuntime } from './reference/runtime.ts';
import type { Runtime } from './runtime.ts';

export type { Compiled, CompileOptions, Executable, RunArray, Runtime, VariableStore } from './runtime.ts';
export { referenceRuntime } from './reference/runtime.ts';
export { instructionSetProblem, threadsProblem } from './environment.ts';
export { createNativeRuntime } from './native.ts';
export { loadNative } from './native-module.ts';
export { setThreads } from './threads.ts';

let selected: Runtime | undefined;

/**
 * The runtime that models use: the engine, or the reference interpreter when the environment says BPTT_RUNTIME=reference or when no native build
 * loads, which is told once as a warning. The choice is made at the first call and stays.
 * @throws ERR_BPTT_RANGE when BPTT_THREADS is no number of threads.
 */
export function selectRuntime(): Runtime {
  selected ??= choose();
  return selected;
}

function choose(): Runtime {
  const asked = process.env['BPTT_RUNTIME'] ?? '';
  if (asked === 'reference') return referenceRuntime;
  if (!['', 'native'].includes(asked)) {
    throw new BpttError('ERR_BPTT_OPTION', `BPTT_RUNTIME: expected "reference" or "native", received "${asked}"; unset it to take the best there is`, { expected: ['reference', 'native'], received: asked });
  }
  const native = loadNative();
  if ('module' in native) {
    checkEnvironment(native.module);
    return createNativeRuntime(native.module);
  }
  process.emitWarning(`${native.error.message}; until then the reference interpreter answers, which is much slower`, { type: 'BpttWarning', code: 'BPTT_REFERENCE' });
  return referenceRuntime;
}
