/**
 * Ends a process or a worker thread while native work is at a given stage. Arguments: the stage (loaded, bound, queued, running, finished), and the way to go
 * (exit, throw, terminate, return). Prints how long the end took.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { startWorker } from '../../support/worker.ts';
import { native, bindLong } from '../native.ts';

const [stage, way] = (isMainThread ? process.argv.slice(2) : workerData as string[]) as [string, string];
const hours = 2_000_000_000;

async function reach(): Promise<void> {
  const module = native();
  module.setThreads(2);
  if (stage === 'loaded') return;
  const first = bindLong(module, stage === 'finished' ? 10 : hours);
  if (stage === 'bound') return;
  const promise = first.executable.runAsync();
  promise.catch(() => undefined);
  if (stage === 'finished') await promise;
  if (stage === 'queued') bindLong(module, hours).executable.runAsync().catch(() => undefined);
  if (stage === 'running') await new Promise((resolve) => { setTimeout(resolve, 20); });
}

async function main(): Promise<void> {
  if (way !== 'terminate') {
    await reach();
    console.log('reached');
    if (way === 'exit') process.exit(7);
    if (way === 'throw') throw new Error('on purpose');
    return;
  }
  if (!isMainThread) {
    await reach();
    parentPort!.postMessage('reached');
    setInterval(() => undefined, 1000);
    return;
  }
  const worker = startWorker(import.meta.url, { workerData: [stage, way] });
  await new Promise((resolve, reject) => { worker.once('message', resolve).once('error', reject); });
  const begun = performance.now();
  await worker.terminate();
  console.log(`terminated in ${performance.now() - begun}`);
}

void main();
