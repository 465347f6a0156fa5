// npm run checklist: runs every test whose title begins with a number of the lecture notes' checklist and writes docs/checklist.md. --save FILE keeps the results, --from FILE
// takes kept ones instead of running. Ends with 1 where a row has no test or a failed one.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../lib/packageRoot.ts';
import { checklistPage } from './checklist/page.ts';
import { readResults, type TestResult } from './checklist/results.ts';
import { numberedTitles } from './checklist/titles.ts';

const require = createRequire(import.meta.url);

/** Runs the numbered tests. @throws where mocha ended before it could tell how. */
async function runTests(save: string | undefined): Promise<TestResult[]> {
  const files = [...new Set(numberedTitles(packageRoot).map(({ file }) => file))];
  const folder = mkdtempSync(path.join(tmpdir(), 'bptt-checklist-'));
  const target = path.join(folder, 'results.json');
  const mocha = path.join(path.dirname(require.resolve('mocha/package.json')), 'bin', 'mocha.js');
  const reporter = path.join(packageRoot, 'scripts', 'checklist', 'reporter.ts');
  const options = ['--reporter', reporter, '--grep', '\\[(A19\\.)?\\d+\\]'];
  const child = spawn(process.execPath, [mocha, ...options, ...files], { cwd: packageRoot, stdio: 'inherit', env: { ...process.env, BPTT_CHECKLIST_RESULTS: target } });
  await new Promise((resolve) => { child.once('close', resolve); });
  try {
    if (!existsSync(target)) throw new Error('checklist: mocha ended before it could say how the tests did');
    if (save !== undefined) copyFileSync(target, save);
    return readResults(target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values: { from, save } } = parseArgs({ options: { from: { type: 'string' }, save: { type: 'string' } } });
const { text, missing, failed, skipped } = checklistPage(from === undefined ? await runTests(save) : readResults(from));
const page = path.join(packageRoot, 'docs', 'checklist.md');
writeFileSync(page, text);
for (const [what, numbers] of Object.entries({ MISSING: missing, FAILED: failed, skipped })) if (numbers.length > 0) console.log(`${what}: ${numbers.join(', ')}`);
console.log(`${path.relative(packageRoot, page)} written`);
process.exitCode = missing.length + failed.length > 0 ? 1 : 0;
