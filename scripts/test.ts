// npm test: brings the addon up to date, runs mocha and ends with "N passed, N failed". Arguments are mocha's (files, --grep …); without files all tests
// run. --fast leaves out the tests tagged [slow].
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureNative } from './buildNative.ts';
import { summaryLine, type Counts } from './test/summary.ts';

const require = createRequire(import.meta.url);

/** Runs mocha and returns its exit code and counts; no counts when it died before the end. */
async function runMocha(extra: readonly string[]): Promise<{ code: number; counts: Counts | undefined }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bptt-test-'));
  const summary = path.join(folder, 'summary.json');
  const mocha = path.join(path.dirname(require.resolve('mocha/package.json')), 'bin', 'mocha.js');
  const reporter = path.join(import.meta.dirname, 'test', 'reporter.ts');
  const child = spawn(process.execPath, [mocha, '--reporter', reporter, ...extra], {
    stdio: 'inherit', env: { ...process.env, BPTT_TEST_SUMMARY: summary },
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const counts = existsSync(summary) ? (JSON.parse(readFileSync(summary, 'utf8')) as Counts) : undefined;
  rmSync(folder, { recursive: true, force: true });
  return { code: code ?? 1, counts };
}

const fast = process.argv.includes('--fast');
const extra = process.argv.slice(2).filter((argument) => argument !== '--fast');
if (!extra.some((argument) => argument.endsWith('.test.ts') || existsSync(argument))) extra.push('test/**/*.test.ts');
if (fast) extra.push('--grep', '\\[slow\\]', '--invert');

const built = process.env['BPTT_RUNTIME'] === 'reference' || (await ensureNative());
if (!built) {
  console.log(summaryLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
} else {
  const { code, counts } = await runMocha(extra);
  if (!counts) console.log('mocha ended before it could count its tests');
  const result = counts ?? { passed: 0, failed: 1, skipped: 0 };
  const failed = code !== 0 && result.failed === 0 ? { ...result, failed: 1 } : result;
  console.log(summaryLine(failed));
  process.exitCode = failed.failed > 0 ? 1 : 0;
}
