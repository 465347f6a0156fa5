import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const runtimeModule = new URL('../../lib/runtime/index.ts', import.meta.url).href;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a fresh process selects, and what it warns of. */
function select(environment: Readonly<Record<string, string>>): { readonly name: string; readonly warnings: string } {
  const script = `const { selectRuntime } = await import(${JSON.stringify(runtimeModule)}); selectRuntime(); console.log(selectRuntime().name);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: root, encoding: 'utf8', env: { ...process.env, ...environment },
  });
  assert.equal(status, 0, stderr);
  return { name: stdout.trim(), warnings: stderr };
}

describe('the choice of a runtime', () => {
  it('is the reference when the environment says so, without a warning', () => {
    assert.deepEqual(select({ BPTT_RUNTIME: 'reference' }), { name: 'reference', warnings: '' });
  });

  it('is the reference with one warning where no native build loads', () => {
    const { name, warnings } = select({ PREBUILDS_ONLY: '1', npm_config_arch: 'none', BPTT_RUNTIME: '' });
    assert.equal(name, 'reference');
    assert.equal(warnings.match(/BpttWarning/g)?.length, 1);
    assert.match(warnings, new RegExp(`${process.platform}-${process.arch}.*npx bptt build.*slower`, 's'));
  });
});
