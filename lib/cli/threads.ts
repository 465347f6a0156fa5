import { loadNative } from '../runtime/index.ts';

/** Says how many threads the engine may use; nothing to say where the reference computes. */
export function useThreads(count: number | undefined): void {
  const native = loadNative();
  if (count !== undefined && 'module' in native) native.module.setThreads(count);
}
