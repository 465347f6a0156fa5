import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../lib/packageRoot.ts';

describe('npm test', function () {
  this.timeout(300_000);
  let place = '';
  beforeEach(() => { place = mkdtempSync(path.join(tmpdir(), 'bptt-runner-')); });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  /** Exit code and last line of a run over one file. */
  function runner(body: string): { status: number | null; last: string } {
    const file = path.join(place, 'sample.test.ts');
    writeFileSync(file, body);
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/test.ts', file], {
      cwd: packageRoot, encoding: 'utf8', env: { ...process.env, BPTT_RUNTIME: 'reference' },
    });
    return { status, last: stdout.trimEnd().split('\n').at(-1)! };
  }

  it('ends with the counts and exit code 0 when all is well', () => {
    assert.deepEqual(runner("it('a', () => {}); it('b', () => {});"), { status: 0, last: '2 passed, 0 failed' });
    assert.deepEqual(runner("it('a', () => {}); it.skip('b', () => {});"), { status: 0, last: '1 passed, 0 failed, 1 skipped' });
  });

  it('fails when a test or a hook fails, a file throws, the process dies or nothing ran', () => {
    assert.deepEqual(runner("it('a', () => {}); it('b', () => { throw new Error('no'); });"), { status: 1, last: '1 passed, 1 failed' });
    assert.deepEqual(runner("after(() => { throw new Error('no'); }); it('a', () => {});"), { status: 1, last: '1 passed, 1 failed' });
    assert.deepEqual(runner("throw new Error('no');"), { status: 1, last: '0 passed, 1 failed' });
    assert.deepEqual(runner("it('a', () => { process.kill(process.pid, 'SIGKILL'); });"), { status: 1, last: '0 passed, 1 failed' });
    assert.deepEqual(runner('export {};'), { status: 1, last: '0 passed, 1 failed' });
    assert.equal(runner("it.only('a', () => {});").status, 1);
  });
});
