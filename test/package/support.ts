import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot } from '../../lib/packageRoot.ts';

/** What `npm pack --json` says of the tarball. */
export interface Packed {
  readonly file: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** The environment without what the surrounding npm left in it, and with nothing on the PATH but `folder`. */
function bareEnvironment(folder: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !/^(?:npm_|BPTT_|NODE_|INIT_CWD)/i.test(key));
  return { ...Object.fromEntries(kept), PATH: folder, NODE_NO_WARNINGS: '' };
}

function which(name: string): string | undefined {
  return (process.env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** A folder with Node.js, npm and a few tools of every system, and no compiler, make or python. */
function toolsWithoutCompiler(place: string): string {
  const folder = path.join(place, 'bin');
  mkdirSync(folder);
  symlinkSync(process.execPath, path.join(folder, 'node'));
  for (const name of ['npm', 'npx', 'sh', 'env', 'cat', 'ls', 'uname', 'dirname', 'sed']) {
    const found = which(name);
    if (found) symlinkSync(realpathSync(found), path.join(folder, name));
  }
  return folder;
}

function newest(folder: string): number {
  return Math.max(0, ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => statSync(path.join(folder, name)).mtimeMs));
}

/** Brings prebuilds/ up to date with the sources, as a release does. */
function buildPrebuilds(): void {
  const prebuilt = path.join(packageRoot, 'prebuilds', `${process.platform}-${process.arch}`);
  if (existsSync(prebuilt) && newest(prebuilt) > newest(path.join(packageRoot, 'native'))) return;
  execFileSync('npm', ['run', 'build:prebuilds'], { cwd: packageRoot, stdio: 'pipe' });
}

function pack(place: string): Packed {
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', place], { cwd: packageRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const parsed = JSON.parse(printed.slice(printed.search(/^[[{]/m))) as unknown;
  const [first] = (Array.isArray(parsed) ? parsed : Object.values(parsed as object)) as { filename: string; unpackedSize: number; files: { path: string }[] }[];
  return { file: path.join(place, first!.filename), unpackedSize: first!.unpackedSize, files: first!.files };
}

/** A user's project in a temporary folder, with the packed package installed and no compiler in reach. */
export class InstalledPackage {
  readonly place: string;
  readonly packed: Packed;
  readonly environment: NodeJS.ProcessEnv;

  constructor() {
    this.place = mkdtempSync(path.join(tmpdir(), 'bptt-install-'));
    buildPrebuilds();
    this.packed = pack(this.place);
    this.environment = bareEnvironment(toolsWithoutCompiler(this.place));
    writeFileSync(path.join(this.place, 'package.json'), '{ "name": "user", "private": true }');
    const { status, stdout, stderr } = this.command('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', this.packed.file);
    if (status !== 0) throw new Error(`npm install failed:\n${stdout}${stderr}`);
  }

  get folder(): string {
    return path.join(this.place, 'node_modules', 'bptt');
  }

  command(name: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(name, args, { cwd: this.place, env: this.environment, encoding: 'utf8' });
  }

  /** Runs a script of the user's; `type` decides between import and require. */
  run(type: 'mjs' | 'cjs', script: string): { status: number | null; stdout: string; stderr: string } {
    const file = path.join(this.place, `script.${type}`);
    writeFileSync(file, script);
    return this.command('node', file);
  }
}
