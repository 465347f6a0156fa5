import { createNativeRuntime } from './native.ts';
import { loadNative } from './native-module.ts';
import { referenceRuntime } from './reference/runtime.ts';
import type { Compiled, Runtime } from './runtime.ts';

export type { Compiled, CompileOptions, Executable, RunArray, Runtime, VariableStore } from './runtime.ts';
export { referenceRuntime } from './reference/runtime.ts';
export { createNativeRuntime } from './native.ts';
export { loadNative } from './native-module.ts';

let selected: Runtime | undefined;

/**
 * The runtime that models use: the engine, or the reference interpreter when the environment says BPTT_RUNTIME=reference or when no native build
 * loads, which is told once as a warning. The choice is made at the first call and stays.
 */
export function selectRuntime(): Runtime {
  selected ??= choose();
  return selected;
}

function choose(): Runtime {
  if (process.env['BPTT_RUNTIME'] === 'reference') return referenceRuntime;
  const native = loadNative();
  if ('module' in native) return createNativeRuntime(native.module);
  process.emitWarning(`${native.error.message}; until then the reference interpreter answers, which is much slower`, { type: 'BpttWarning', code: 'BPTT_REFERENCE' });
  return referenceRuntime;
}

/** Compiled graphs by input signature: shapes and types that came before need no compiling. The least recently used one leaves first. */
export class ProgramCache {
  readonly #entries = new Map<string, Compiled>();
  readonly #limit: number;

  constructor(limit = 32) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a signature, made by `build` where there is none. */
  get(signature: string, build: () => Compiled): Compiled {
    const known = this.#entries.get(signature);
    const entry = known ?? build();
    this.#entries.delete(signature);
    this.#entries.set(signature, entry);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!);
    return entry;
  }
}
