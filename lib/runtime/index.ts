import { BpttError } from '../errors.ts';
import { checkEnvironment, runtimeProblem } from './environment.ts';
import { createNativeRuntime } from './native.ts';
import { loadNative } from './native-module.ts';
import { referenceRuntime } from './reference/runtime.ts';
import type { Runtime } from './runtime.ts';

export type { Compiled, CompileOptions, Executable, RunArray, Runtime, VariableStore } from './runtime.ts';
export { referenceRuntime } from './reference/runtime.ts';
export { instructionSetProblem, runtimeProblem, threadsProblem } from './environment.ts';
export { createNativeRuntime } from './native.ts';
export { loadNative } from './native-module.ts';
export { setThreads } from './threads.ts';

let selected: Runtime | undefined;

/**
 * The runtime that models use: the engine, or the reference interpreter when the environment says BPTT_RUNTIME=reference or when no native build
 * loads, which is told once as a warning. The choice is made at the first call and stays.
 * @throws ERR_BPTT_RANGE when BPTT_THREADS is no number of threads, ERR_BPTT_OPTION when BPTT_RUNTIME names no runtime.
 */
export function selectRuntime(): Runtime {
  selected ??= choose();
  return selected;
}

function choose(): Runtime {
  const asked = process.env['BPTT_RUNTIME'];
  const wrong = runtimeProblem(asked);
  if (wrong) throw new BpttError('ERR_BPTT_OPTION', `${wrong.problem}; ${wrong.cure}`, { expected: ['reference', 'native'], received: asked });
  if (asked === 'reference') return referenceRuntime;
  const native = loadNative();
  if ('module' in native) {
    checkEnvironment(native.module);
    return createNativeRuntime(native.module);
  }
  process.emitWarning(`${native.error.message}; until then the reference interpreter answers, which is much slower`, { type: 'BpttWarning', code: 'BPTT_REFERENCE' });
  return referenceRuntime;
}
