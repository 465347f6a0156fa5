import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { blankComments } from './cpp.ts';
import { filesBelow, lineAt, type Finding } from './finding.ts';

/** Native folders from the bottom up: an include may not point upwards. */
const layers = ['base', 'simd', 'kernels', 'isa', 'engine', 'binding'];

const intrinsicHeader = /#\s*include\s*[<"](?:\w*intrin|arm_neon|arm_sve|x86gprintrin)\.h[>"]/g;
const nodeHeader = /#\s*include\s*[<"](?:napi|node_api|js_native_api|node|v8|uv)\.h[>"]/g;
const intrinsic = /\b(?:_mm(?:256|512)?_\w+|__m(?:64|128|256|512)[id]?|__mmask\d+|float(?:32|64)x\d_t|u?int\d+x\d+_t|v(?:ld|st)\dq?_\w+|v(?:add|sub|mul|fma|mla|dup|max|min|div)q_\w+)\b/g;
const layerNames = /\b\w*(?:lstm|gru|rnn|peephole|bidirectional|embedding|dropout|encoder|attention)\w*\b/gi;
const standardLibrary = /#\s*include\s*<(?:vector|string|map|unordered_map|functional|memory|algorithm|array|utility|iostream|numeric|mutex|thread|cmath|limits|type_traits)>/g;

interface Rule {
  readonly applies: (file: string) => boolean;
  readonly pattern: RegExp;
  readonly message: (match: string) => string;
}

const below = (...folders: string[]) => (file: string): boolean => folders.some((folder) => file.startsWith(`native/${folder}/`));

const rules: readonly Rule[] = [
  { applies: below('engine', 'kernels', 'simd', 'isa', 'base'), pattern: nodeHeader, message: (match) => `${match}: only native/binding talks to Node.js` },
  { applies: below('engine', 'kernels', 'binding'), pattern: intrinsicHeader, message: (match) => `${match}: intrinsics stand in native/simd` },
  { applies: below('engine', 'kernels', 'binding'), pattern: intrinsic, message: (match) => `raw intrinsic ${match}: use the vector header of native/simd` },
  { applies: below('engine', 'kernels'), pattern: layerNames, message: (match) => `"${match}": the engine and its kernels know operations, not layers or cells` },
  {
    applies: below('kernels', 'simd'), pattern: standardLibrary,
    message: (match) => `${match}: code compiled per instruction set must hold no standard library template (the linker may keep the wrong copy)`,
  },
];

function checkRules(file: string, text: string): Finding[] {
  return rules.filter((rule) => rule.applies(file)).flatMap((rule) =>
    [...text.matchAll(rule.pattern)].map((match) => ({ file, line: lineAt(text, match.index), message: rule.message(match[0]) })));
}

function checkDirection(root: string, file: string, text: string): Finding[] {
  const from = layers.indexOf(file.split('/')[1]!);
  if (from < 0) return [];
  return [...text.matchAll(/#\s*include\s*"([^"]+)"/g)].flatMap((match) => {
    const beside = path.posix.normalize(path.posix.join(path.posix.dirname(file), match[1]!));
    const included = existsSync(path.join(root, beside)) ? beside : `native/${match[1]!}`;
    const to = layers.indexOf(included.split('/')[1] ?? '');
    if (to <= from || included === 'native/isa/table.h') return [];
    return [{ file, line: lineAt(text, match.index), message: `native/${layers[from]!} includes ${included}: arrows point down (${[...layers].reverse().join(' → ')})` }];
  });
}

/** What each native folder may see. */
export function checkIncludes(root: string): Finding[] {
  return filesBelow(root, 'native', ['.h', '.hpp', '.inc', '.inl', '.cpp', '.cc', '.c'])
    .filter((file) => !file.startsWith('native/tests/'))
    .flatMap((file) => {
      const text = blankComments(readFileSync(path.join(root, file), 'utf8'));
      return [...checkRules(file, text), ...checkDirection(root, file, text)];
    });
}
