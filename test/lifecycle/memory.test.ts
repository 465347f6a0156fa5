import assert from 'node:assert/strict';
import path from 'node:path';
import { lastLine, runChild } from '../support/child.ts';
import { describeGrowth, givingBack, sustained } from '../support/growth.ts';
import type { Growth } from '../support/growth.ts';

const child = path.join(import.meta.dirname, 'children', 'memory.ts');
const kinds = [
  { kind: 'stream', title: '200,000 steps of a stream' },
  { kind: 'predict', title: '3,000 predictions of a third of a megabyte' },
  { kind: 'train', title: '10,000 training steps' },
  { kind: 'garbage', title: '72 models made, used and dropped while the collector is forced' },
];
/**
 * Megabytes that a process may grow by for reasons of its own: V8's code, malloc's arenas. A leak of 100 bytes in each step of a stream, of a kilobyte in each
 * training step, or of one result in a hundred predictions makes more.
 */
const bound = 5;

describe('lifecycle: memory stays flat [slow]', function () {
  this.timeout(300_000);
  for (const { kind, title } of kinds) {
    it(title, async () => {
      const growth = lastLine<Growth>(await runChild(child, { arguments: [kind], environment: givingBack, timeout: 280_000 }));
      console.log(`      ${title}: ${growth.megabytes.toFixed(2)} MB more`);
      assert.ok(growth.megabytes < bound, `grew by ${describeGrowth(growth)}, bound ${bound} MB`);
    });
  }
});

describe('lifecycle: what counts as growth', () => {
  const uneasy = [0.9, -0.8, 0.1, -0.9, 0.8, 0, 0.7, -0.7, 0.2, -0.2, 0.9, -0.9];
  /** In each window: 10,000 times a kilobyte in all. */
  const leak = 9.5 / uneasy.length;

  it('is a leak, and not what comes and goes', () => {
    assert.ok(sustained(uneasy) < bound);
    assert.ok(sustained(uneasy.map((growth) => growth + leak)) > bound);
  });

  it('is not one rise of the high water, nor hidden by one fall', () => {
    for (const rise of [32, -32]) {
      const once = uneasy.map((growth, window) => (window === 7 ? rise : growth));
      assert.ok(sustained(once) < bound, `${sustained(once)}`);
      assert.ok(sustained(once.map((growth) => growth + leak)) > bound, `${sustained(once)}`);
    }
  });
});
