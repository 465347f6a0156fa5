import assert from 'node:assert/strict';
import path from 'node:path';
import { lastLine, runChild } from '../support/child.ts';

const child = path.join(import.meta.dirname, 'children', 'memory.ts');
const kinds = [
  { kind: 'stream', title: '100,000 steps of a stream' },
  { kind: 'predict', title: '3,000 predictions of a third of a megabyte' },
  { kind: 'train', title: '10,000 training steps' },
  { kind: 'garbage', title: '70 models made, used and dropped while the collector is forced' },
];
/** Megabytes that a process may grow by for reasons of its own: V8's code, malloc's arenas. A leak of 100 bytes in each step of a stream, or of a kilobyte in each training step, is above it. */
const bound = 10;

describe('lifecycle: memory stays flat [slow]', function () {
  this.timeout(300_000);
  for (const { kind, title } of kinds) {
    it(title, async () => {
      const result = await runChild(child, { arguments: [kind], flags: ['--expose-gc'], timeout: 280_000 });
      const { megabytes } = lastLine<{ megabytes: number }>(result);
      console.log(`      ${title}: ${megabytes.toFixed(2)} MB more`);
      assert.ok(megabytes < bound, `grew by ${megabytes.toFixed(1)} MB, bound ${bound} MB`);
    });
  }
});
