// Compiles the addon where it is absent or older than its sources; --force starts from nothing.
import { buildState, compileAddon } from '../lib/cli/nativeBuild.ts';
import { packageRoot } from '../lib/packageRoot.ts';

/** Brings build/Release up to date. Shows the compiler's words only when it fails. */
export async function ensureNative(force = false): Promise<boolean> {
  const state = buildState(packageRoot);
  if (state === 'no sources') {
    console.log('no binding.gyp: nothing to compile');
    return true;
  }
  if (state === 'fresh' && !force) return true;
  const began = Date.now();
  process.stdout.write(`compiling the engine (${state}) … `);
  const { ok, output } = await compileAddon(packageRoot, { clean: force, show: false });
  console.log(ok ? `done in ${((Date.now() - began) / 1000).toFixed(1)} s` : `failed\n${output}`);
  return ok;
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = (await ensureNative(process.argv.includes('--force'))) ? 0 : 1;
}
