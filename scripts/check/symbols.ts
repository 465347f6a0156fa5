import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { addonPath } from '../../lib/cli/nativeBuild.ts';
import { filesBelow, type Finding } from './finding.ts';

/** The two functions by which Node.js finds an addon. */
const exported = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
/** The oldest glibc that the oldest supported Node.js runs on. */
const glibcFloor = [2, 28] as const;
const knownLibraries = /^(?:libc|libm|libpthread|libdl|librt|libgcc_s|ld-linux[\w-]*)\.so(?:\.\d+)?$/;
const weakOrUnique = /\s[WwVvu]\s/;

function tool(name: string, ...args: string[]): string {
  return execFileSync(name, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

function checkExports(addon: string, file: string): Finding[] {
  const names = tool('nm', '-D', '--defined-only', addon).split('\n').filter(Boolean).map((line) => line.split(/\s+/).at(-1)!.replace(/@.*$/, ''));
  return [
    ...names.filter((name) => !exported.includes(name)).map((name) => ({ file, message: `exports ${name}` })),
    ...exported.filter((name) => !names.includes(name)).map((name) => ({ file, message: `does not export ${name}` })),
  ];
}

function checkFloor(addon: string, file: string): Finding[] {
  const versions = new Set([...tool('objdump', '-T', addon).matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => `${major!}.${minor!}`));
  const tooNew = [...versions].filter((version) => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major > glibcFloor[0] || (major === glibcFloor[0] && minor > glibcFloor[1]);
  });
  return tooNew.map((version) => ({ file, message: `needs glibc ${version}; Node.js itself runs on ${glibcFloor.join('.')}` }));
}

function checkLibraries(addon: string, file: string): Finding[] {
  const needed = [...tool('objdump', '-p', addon).matchAll(/NEEDED\s+(\S+)/g)].map((match) => match[1]!);
  return needed.filter((name) => !knownLibraries.test(name)).map((name) => ({ file, message: `needs the library ${name}, which a user may not have` }));
}

/** What a built Linux addon shows to and asks of the system. */
export function checkAddon(root: string, addon: string): Finding[] {
  const file = path.relative(root, addon);
  return [...checkExports(addon, file), ...checkFloor(addon, file), ...checkLibraries(addon, file)];
}

/** Objects compiled for one instruction set: a weak symbol in one could be the copy that the linker keeps for all. */
export function checkIsaObjects(root: string, objects: readonly string[]): Finding[] {
  return objects.flatMap((file) => tool('nm', path.join(root, file)).split('\n').filter((line) => weakOrUnique.test(line))
    .map((line) => ({ file, message: `weak symbol ${line.trim().split(/\s+/).at(-1)!}: keep standard library templates and inline functions out` })));
}

/** The objects of the per-instruction-set targets under build/Release. */
export function isaObjects(root: string): string[] {
  return filesBelow(root, 'build/Release/obj.target', ['.o']).filter((file) => /\/bptt_(?:scalar|sse2|avx2|avx512|neon)\//.test(file));
}

export function checkSymbols(root: string): Finding[] {
  if (process.platform !== 'linux') return [];
  const addon = addonPath(root);
  if (!existsSync(addon)) return [{ file: path.relative(root, addon), message: 'is not built; run "npm run build:native" first' }];
  const objects = isaObjects(root);
  const none = objects.length === 0 ? [{ file: 'build/Release/obj.target', message: 'holds no object of an instruction set: the check of their symbols saw nothing' }] : [];
  return [...none, ...checkAddon(root, addon), ...checkIsaObjects(root, objects)];
}
