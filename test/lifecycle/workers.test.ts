import assert from 'node:assert/strict';
import path from 'node:path';
import { lastLine, runChild } from '../support/child.ts';

describe('lifecycle: several worker threads at once [slow]', function () {
  this.timeout(90_000);
  it('main thread and four workers train the same model to the same bits', async () => {
    const result = await runChild(path.join(import.meta.dirname, 'children', 'workers.ts'), { arguments: ['4'], timeout: 80_000 });
    assert.equal(result.code, 0, result.stderr);
    const digests = lastLine<string[]>(result);
    assert.equal(digests.length, 5);
    assert.equal(new Set(digests).size, 1, digests.join('\n'));
  });
});
