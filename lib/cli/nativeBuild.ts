import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { BpttError } from '../errors.ts';

/** Where node-gyp puts the addon. */
export function addonPath(root: string): string {
  return path.join(root, 'build', 'Release', 'bptt.node');
}

/** node-gyp's entry: a development dependency here, npm's own copy on a user's machine. */
export function findNodeGyp(root: string): string | undefined {
  const entry = path.join('node-gyp', 'bin', 'node-gyp.js');
  const candidates: (string | undefined)[] = [process.env['npm_config_node_gyp']];
  try {
    candidates.unshift(createRequire(path.join(root, 'package.json')).resolve('node-gyp/bin/node-gyp.js'));
  } catch {
    // Not a development checkout: npm brings one.
  }
  const npm = process.env['npm_execpath'];
  if (npm) candidates.push(path.join(path.dirname(npm), '..', 'node_modules', entry));
  const beside = path.dirname(process.execPath);
  candidates.push(path.join(beside, '..', 'lib', 'node_modules', 'npm', 'node_modules', entry), path.join(beside, 'node_modules', 'npm', 'node_modules', entry));
  return candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
}

/** The installation prefix of the running Node.js when it carries its own headers: then nothing is downloaded. */
export function headersPrefix(): string | undefined {
  const prefix = path.resolve(process.execPath, '..', '..');
  return existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}

/** Arguments and environment that make node-gyp use the headers at hand. */
export function nodeGypEnvironment(): NodeJS.ProcessEnv {
  const prefix = headersPrefix();
  return prefix ? { ...process.env, npm_config_nodedir: prefix } : process.env;
}

/** "absent" without an addon, "stale" when a source is newer than it, "fresh" otherwise, "no sources" where there is nothing to compile. */
export function buildState(root: string): 'fresh' | 'stale' | 'absent' | 'no sources' {
  const gyp = path.join(root, 'binding.gyp');
  if (!existsSync(gyp)) return 'no sources';
  const addon = addonPath(root);
  if (!existsSync(addon)) return 'absent';
  const built = statSync(addon).mtimeMs;
  const native = path.join(root, 'native');
  const sources = readdirSync(native, { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.startsWith(`tests${path.sep}`))
    .map((file) => path.join(native, file));
  return [gyp, ...sources].some((file) => statSync(file).mtimeMs > built) ? 'stale' : 'fresh';
}

export interface CompileResult {
  readonly ok: boolean;
  /** What the compiler said, when it was not shown. */
  readonly output: string;
}

/**
 * Compiles the addon with node-gyp into build/Release.
 * @param options.clean starts from nothing; otherwise only what changed is compiled.
 * @throws ERR_BPTT_RUNTIME when there is no node-gyp or no source.
 */
export async function compileAddon(root: string, options: { clean: boolean; show: boolean }): Promise<CompileResult> {
  if (!existsSync(path.join(root, 'binding.gyp'))) {
    throw new BpttError('ERR_BPTT_RUNTIME', `expected binding.gyp in ${root} to compile from, found none; install the package again`);
  }
  const nodeGyp = findNodeGyp(root);
  if (!nodeGyp) {
    throw new BpttError('ERR_BPTT_RUNTIME', 'expected node-gyp, which npm brings, and found none; run "npm install --global node-gyp" or call this through npx');
  }
  const commands = options.clean ? ['rebuild'] : ['configure', 'build'];
  const child = spawn(process.execPath, [nodeGyp, ...commands, '-j', 'max'], {
    cwd: root, env: nodeGypEnvironment(), stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (text: Buffer) => { output += text.toString(); });
  child.stderr?.on('data', (text: Buffer) => { output += text.toString(); });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { ok: code === 0, output };
}

/** name@version of the package that `root` holds. */
export function packageVersion(root: string): string {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
