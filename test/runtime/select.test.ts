import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setThreads } from '../../lib/runtime/index.ts';
import { assertThrows } from '../support/errors.ts';

const runtimeModule = new URL('../../lib/runtime/index.ts', import.meta.url).href;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fresh process that selects a runtime. */
function start(environment: Readonly<Record<string, string>>): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  const script = `const { selectRuntime } = await import(${JSON.stringify(runtimeModule)}); selectRuntime(); console.log(selectRuntime().name);`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: root, encoding: 'utf8', env: { ...process.env, ...environment },
  });
}

/** What a fresh process selects, and what it warns of. */
function select(environment: Readonly<Record<string, string>>): { readonly name: string; readonly warnings: string } {
  const { stdout, stderr, status } = start(environment);
  assert.equal(status, 0, stderr);
  return { name: stdout.trim(), warnings: stderr };
}

describe('the choice of a runtime', () => {
  it('is the reference when the environment says so, without a warning', () => {
    assert.deepEqual(select({ BPTT_RUNTIME: 'reference' }), { name: 'reference', warnings: '' });
  });

  it('is refused when the environment asks for another, in loading a model too, which is not to blame', () => {
    assert.match(start({ BPTT_RUNTIME: 'refrence' }).stderr, /BPTT_RUNTIME: expected "reference" or "native", received "refrence"/);
    const script = `const { loadModel } = await import(${JSON.stringify(new URL('../../lib/index.ts', import.meta.url).href)}); await loadModel('nowhere');`;
    const { stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root, encoding: 'utf8', env: { ...process.env, BPTT_RUNTIME: 'refrence' } });
    assert.match(stderr, /BpttError: BPTT_RUNTIME: expected/);
  });

  it('is the reference with one warning where no native build loads', () => {
    const { name, warnings } = select({ PREBUILDS_ONLY: '1', npm_config_arch: 'none', BPTT_RUNTIME: '' });
    assert.equal(name, 'reference');
    assert.equal(warnings.match(/BpttWarning/g)?.length, 1);
    assert.match(warnings, new RegExp(`${process.platform}-${process.arch}.*npx bptt build.*slower`, 's'));
  });

  it('warns of a BPTT_ISA that names nothing', () => {
    const { warnings } = select({ BPTT_ISA: 'avx9' });
    assert.match(warnings, /BpttWarning: BPTT_ISA=avx9 names no instruction set; unset it, or use one of .*scalar/);
  });

  for (const threads of ['0', '1000000', 'two', '1.5']) {
    it(`refuses BPTT_THREADS=${threads}`, () => {
      const { status, stderr } = start({ BPTT_THREADS: threads });
      assert.notEqual(status, 0);
      assert.match(stderr, new RegExp(`expected a whole number from 1 to 256, received "${threads}"[^]*ERR_BPTT_RANGE`));
    });
  }
});

describe('the number of threads', () => {
  it('is a whole number from 1 to 256', () => {
    for (const count of [0, -1, 1.5, 257, 1e6, NaN]) assertThrows(() => setThreads(count), 'ERR_BPTT_RANGE', /integer from 1 to 256/);
    assertThrows(() => setThreads('2' as never), 'ERR_BPTT_TYPE');
  });
});
