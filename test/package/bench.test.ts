import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { packageRoot } from '../../lib/packageRoot.ts';

describe('the command of the benchmarks', function () {
  this.timeout(120_000);

  function bench(...words: string[]): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...words], { cwd: packageRoot, encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  it('explains itself when asked, and measures nothing', () => {
    const { status, stdout, stderr } = bench('--help');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^npm run bench -- SUITE/);
  });

  it('refuses what quick rounds would ignore, and to keep what they measure', () => {
    for (const words of [['--rounds', '3'], ['--milliseconds', '5'], ['--write']]) {
      const { status, stderr } = bench('kernels', '--quick', ...words);
      assert.equal(status, 2);
      assert.match(stderr, new RegExp(`^--quick: expected without ${words[0]!}, `));
    }
  });

  it('says so when a filter leaves nothing to measure [slow]', () => {
    const { status, stdout, stderr } = bench('serve', '--quick', '--filter', 'no such name', '--threads', '1');
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /nothing was measured: no name of serve has "no such name" in it; leave out --filter/);
  });
});
