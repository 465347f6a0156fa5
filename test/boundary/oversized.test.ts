import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { lastLine, runChild } from '../support/child.ts';

interface Outcome {
  readonly most: number;
  readonly refusals: readonly { readonly code: string; readonly message: string; readonly expected?: number; readonly received?: number }[];
  readonly megabytes: number;
}

const file = fileURLToPath(new URL('./children/oversized.ts', import.meta.url));

async function ask(who: string): Promise<Outcome> {
  const result = await runChild(file, { arguments: [who], flags: ['--expose-gc'] });
  assert.deepEqual([result.code, result.signal], [0, null], result.stderr);
  return lastLine<Outcome>(result);
}

describe('blocks that are larger than Node can show', function () {
  this.timeout(120_000);

  for (const who of ['model', 'recurrent']) {
    it(`are refused before any memory is taken when they are weights of a ${who === 'model' ? 'dense' : 'recurrent'} layer`, async () => {
      const { most, refusals, megabytes } = await ask(who);
      assert.equal(refusals.length, 3);
      for (const { code, message, expected, received } of refusals) {
        assert.equal(code, 'ERR_BPTT_MEMORY');
        assert.equal(expected, most);
        assert.ok(received! > most, message);
        assert.match(message, /expected at most \d+ numbers \(\d+ GiB\) of variables in one block.*received \d+ .*; choose fewer units/);
      }
      assert.ok(megabytes < 1024, `the process had ${megabytes} MB`);
    });
  }

  it('are refused by the native module too', async () => {
    const { refusals, megabytes } = await ask('storage');
    assert.equal(refusals.length, 3);
    for (const { code, message } of refusals) {
      assert.ok(code === 'ERR_BPTT_MEMORY' || code === 'ERR_BPTT_RANGE', code);
      assert.match(message, /Storage: expected (at most \d+ elements|a whole number of elements from 0 to \d+)/);
    }
    assert.ok(megabytes < 1024, `the process had ${megabytes} MB`);
  });

  it('are nobody\'s twice when Node itself refuses them', async () => {
    const { refusals, megabytes } = await ask('unlimited');
    const shown = constants.MAX_LENGTH >= 4 * (2 ** 30 + 1);
    if (!shown) assert.equal(refusals.length, 3);
    for (const { code, message } of refusals) assert.equal(code, 'ERR_BPTT_MEMORY', message);
    assert.ok(megabytes < 1024, `the process had ${megabytes} MB`);
  });
});
