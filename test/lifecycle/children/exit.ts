// exit.ts STAGE exit | terminate | throw: ends in the middle of the stage.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { startWorker } from '../../support/worker.ts';
import { workOn } from './work.ts';
import type { Stage } from './work.ts';

/** Long enough after the start that native work is under way. */
const delay = 60;

if (!isMainThread) {
  void workOn(workerData as Stage, () => parentPort!.postMessage('started'));
} else {
  const [stage, how] = process.argv.slice(2) as [Stage, string];
  if (how === 'terminate') {
    const worker = startWorker(import.meta.url, { workerData: stage });
    worker.on('error', (error) => { throw error; });
    await new Promise((resolve) => { worker.once('message', resolve); });
    await new Promise((resolve) => { setTimeout(resolve, delay); });
    const asked = performance.now();
    await worker.terminate();
    console.log(JSON.stringify({ milliseconds: performance.now() - asked }));
  } else {
    const asked = { at: 0 };
    process.on('exit', () => { console.log(JSON.stringify({ milliseconds: performance.now() - asked.at })); });
    void workOn(stage, () => setTimeout(() => {
      asked.at = performance.now();
      if (how === 'throw') throw new Error('thrown on purpose');
      process.exit(7);
    }, delay));
  }
}
