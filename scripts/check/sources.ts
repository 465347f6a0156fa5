import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, type Finding } from './finding.ts';

const list = 'native/sources.gypi';

interface SourceList {
  readonly variables: Readonly<Record<string, readonly string[]>>;
}

function read(root: string, file: string): string {
  const full = path.join(root, file);
  return existsSync(full) ? readFileSync(full, 'utf8') : '';
}

function checkFiles(root: string, variables: SourceList['variables']): Finding[] {
  const listed = Object.entries(variables).filter(([key]) => key.endsWith('_files')).flatMap(([, files]) => files.map((file) => `native/${file}`));
  const present = filesBelow(root, 'native', ['.cpp', '.cc', '.c', '.S']).filter((file) => !file.startsWith('native/tests/'));
  return [
    ...present.filter((file) => !listed.includes(file)).map((file) => ({ file, message: `stands in no list of ${list}: it would not be compiled` })),
    ...listed.filter((file) => !existsSync(path.join(root, file))).map((file) => ({ file: list, message: `lists ${file}, which does not exist` })),
    ...listed.filter((file, i) => listed.indexOf(file) !== i).map((file) => ({ file: list, message: `lists ${file} twice` })),
  ];
}

/** Whether a build description reads every list, spelt out or by its instruction set's name (bptt_${isa}_files). Flags of MSVC are the shipped build's alone. */
function checkReader(root: string, file: string, keys: readonly string[]): Finding[] {
  const text = read(root, file);
  const findings: Finding[] = [];
  if (!text.includes('sources.gypi')) findings.push({ file, message: `does not read ${list}` });
  for (const key of keys.filter((each) => file === 'binding.gyp' || !each.includes('_msvc_'))) {
    const isa = /^bptt_(\w+)_(?:files|flags)$/.exec(key)?.[1];
    const constructed = isa !== undefined && new RegExp(`\\b${isa}\\b`).test(text) && /bptt_\$\{\w+\}_/.test(text);
    if (!text.includes(key) && !constructed) findings.push({ file, message: `does not use ${key} of ${list}` });
  }
  for (const [, source] of text.matchAll(/["'\s(]((?:native\/)?[\w./-]+\.(?:cpp|cc|c))["'\s)]/g)) {
    if (!/(?:^|\/)tests\//.test(source!)) findings.push({ file, message: `names ${source!} itself; sources stand in ${list} only` });
  }
  return findings;
}

/** binding.gyp and CMakeLists.txt compile the same files with the same flags: both read one list, and the list names every source once. */
export function checkSources(root: string): Finding[] {
  const text = read(root, list);
  if (!text) return [{ file: list, message: 'is missing' }];
  let parsed: SourceList;
  try {
    parsed = JSON.parse(text) as SourceList;
  } catch (error) {
    return [{ file: list, message: `is not strict JSON, which CMake needs: ${(error as Error).message}` }];
  }
  const keys = Object.keys(parsed.variables);
  return [...checkFiles(root, parsed.variables), ...checkReader(root, 'binding.gyp', keys), ...checkReader(root, 'CMakeLists.txt', keys)];
}
