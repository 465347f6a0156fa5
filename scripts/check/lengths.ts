import { readFileSync } from 'node:fs';
import path from 'node:path';
import { cppFunctions } from './cpp.ts';
import { filesBelow, type Finding } from './finding.ts';

const folders = ['lib', 'native', 'test', 'scripts', 'bench', 'examples'];
const endings = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.py', '.h', '.hpp', '.inc', '.inl', '.cpp', '.cc', '.c'];
const cppEndings = ['.h', '.hpp', '.inc', '.inl', '.cpp', '.cc', '.c'];

export const longestFile = 500;
export const longestFunction = 60;

/** No file over 500 lines; no C++ function over 60 (eslint sees to TypeScript's). */
export function checkLengths(root: string): Finding[] {
  return folders.flatMap((folder) => filesBelow(root, folder, endings)).flatMap((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const findings: Finding[] = [];
    const lines = text.replace(/\n$/, '').split('\n').length;
    if (lines > longestFile) findings.push({ file, message: `${lines} lines; at most ${longestFile}: split it by job` });
    const isTest = file.startsWith('native/tests/');
    if (!isTest && cppEndings.some((ending) => file.endsWith(ending))) {
      for (const { name, firstLine, lines: length } of cppFunctions(text)) {
        if (length > longestFunction) findings.push({ file, line: firstLine, message: `${name} has ${length} lines; at most ${longestFunction}` });
      }
    }
    return findings;
  });
}
