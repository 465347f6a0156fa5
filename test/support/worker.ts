import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';

/** Starts a TypeScript file in a worker thread: the loader of the main thread does not reach into it. */
export function startWorker(file: string | URL, options: WorkerOptions = {}): Worker {
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(String(file))}); })`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}
