// npm run build:ts: lib/ → dist/. TypeScript writes the declarations; esbuild the code, as a few files, since what takes time on import is their number.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../lib/packageRoot.ts';

/** What package.json names: `exports` and `bin`. */
const entries = ['index', 'analysis/index', 'data/index', 'graph/index', 'cli/main'];

rmSync(path.join(packageRoot, 'dist'), { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', '.', '--emitDeclarationOnly'], { cwd: packageRoot, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
await build({
  absWorkingDir: packageRoot,
  entryPoints: Object.fromEntries(entries.map((entry) => [entry, `lib/${entry}.ts`])),
  outdir: 'dist', outbase: 'lib', chunkNames: 'chunks/[name]-[hash]',
  bundle: true, splitting: true, packages: 'external', format: 'esm', platform: 'node', target: 'node20.19',
  sourcemap: 'linked', sourcesContent: false, logLevel: 'warning',
});
