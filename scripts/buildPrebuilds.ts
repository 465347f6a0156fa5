// npm run build:prebuilds: compiles the shipped addon into prebuilds/, in a copy of the sources so that build/ stays as it is. Arguments are prebuildify's (--arch arm64 …).
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { nodeGypEnvironment } from '../lib/cli/nativeBuild.ts';
import { packageRoot } from '../lib/packageRoot.ts';

const stage = path.join(packageRoot, 'out', 'prebuild');
const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin.js');

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
for (const name of ['package.json', 'binding.gyp', 'native']) cpSync(path.join(packageRoot, name), path.join(stage, name), { recursive: true });
symlinkSync(path.join(packageRoot, 'node_modules'), path.join(stage, 'node_modules'), 'junction');

const options = ['--napi', '--strip', '--tag-libc', '--target', process.versions.node, '--cwd', stage, '--out', packageRoot];
const { status } = spawnSync(process.execPath, [prebuildify, ...options, ...process.argv.slice(2)], {
  stdio: 'inherit', env: { ...nodeGypEnvironment(), MAKEFLAGS: `-j${availableParallelism()}` },
});
rmSync(stage, { recursive: true, force: true });
process.exitCode = status ?? 1;
