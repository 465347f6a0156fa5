import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Finding } from './finding.ts';

/** Runs a tool of node_modules; its words become the finding when it fails. */
function runTool(root: string, label: string, script: string, args: readonly string[]): Finding[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], { cwd: root, encoding: 'utf8' });
  return status === 0 ? [] : [{ file: label, message: `\n${stdout}${stderr}` }];
}

export function checkTypes(root: string): Finding[] {
  return [
    ...runTool(root, 'tsc lib', 'typescript/bin/tsc', ['-p', '.', '--noEmit']),
    ...runTool(root, 'tsc test', 'typescript/bin/tsc', ['-p', 'test']),
  ];
}

export function checkLint(root: string): Finding[] {
  return runTool(root, 'eslint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']);
}
