// workers.ts COUNT: trains the same model in COUNT workers and in the main thread, all at once.
import { createHash } from 'node:crypto';
import { isMainThread, parentPort } from 'node:worker_threads';
import { adam, crossEntropy, Trainer } from '../../../lib/index.ts';
import { textStream } from '../../../lib/data/index.ts';
import { startWorker } from '../../support/worker.ts';
import { tokenModel, tokenText } from './work.ts';

async function digest(): Promise<string> {
  const model = tokenModel(24);
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam(), carryState: true });
  await trainer.fit(textStream(tokenText(3000), { batch: 8, steps: 12 }), { epochs: 2 });
  const hash = createHash('sha256');
  for (const { view } of model.parameters) hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return hash.digest('hex');
}

if (!isMainThread) {
  parentPort!.postMessage(await digest());
} else {
  const count = Number(process.argv[2]);
  const workers = Array.from({ length: count }, () => new Promise<string>((resolve, reject) => {
    startWorker(import.meta.url).once('message', resolve).once('error', reject);
  }));
  console.log(JSON.stringify(await Promise.all([digest(), ...workers])));
}
