import assert from 'node:assert/strict';
import path from 'node:path';
import { lastLine, runChild } from '../support/child.ts';
import type { Stage } from './children/work.ts';

const stages: readonly Stage[] = ['compile', 'fit', 'predict', 'stream'];
const child = path.join(import.meta.dirname, 'children', 'exit.ts');
const ends = [
  { how: 'exit', title: 'process.exit()', code: 7 },
  { how: 'throw', title: 'an uncaught error', code: 1 },
  { how: 'terminate', title: 'worker.terminate()', code: 0 },
];
/** What a process may take to end, in the middle of a job that takes longer on its own. */
const patience = 3000;

describe('lifecycle: the end of a process in the middle of work [slow]', function () {
  this.timeout(60_000);
  for (const { how, title, code } of ends) {
    for (const stage of stages) {
      it(`${title} during ${stage}`, async () => {
        const result = await runChild(child, { arguments: [stage, how], timeout: 45_000 });
        assert.equal(result.signal, null, `killed by ${result.signal}: ${result.stderr}`);
        assert.equal(result.code, code, result.stderr);
        const { milliseconds } = lastLine<{ milliseconds: number }>(result);
        assert.ok(milliseconds < patience, `took ${milliseconds.toFixed(0)} ms`);
        assert.doesNotMatch(result.stderr, /terminate called|FATAL|Segmentation|AddressSanitizer/);
      });
    }
  }
});
