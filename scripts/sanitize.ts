// tsx scripts/sanitize.ts [address | thread]… [-- mocha arguments]: builds with sanitizers, then runs the native tests and the mocha suite with them.
import { execFileSync, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';

interface Sanitizer {
  readonly name: string;
  /** What -fsanitize is given. */
  readonly flags: string;
  /** Libraries that a process which was not built with them has to load first. */
  readonly libraries: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const root = path.resolve(import.meta.dirname, '..');
const suppressions = (name: string): string => path.join(root, 'native', 'tests', name);

const sanitizers: readonly Sanitizer[] = [
  {
    name: 'address', flags: 'address,undefined', libraries: ['libasan.so', 'libubsan.so'],
    environment: {
      // Leaks are looked for in the native tests, which end in order; a Node process leaves to the system what it holds at exit.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1', UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1', LSAN_OPTIONS: `suppressions=${suppressions('lsan.supp')}`,
    },
  },
  {
    name: 'thread', flags: 'thread', libraries: ['libtsan.so'],
    environment: { TSAN_OPTIONS: `suppressions=${suppressions('tsan.supp')}:halt_on_error=0:exitcode=66:report_signal_unsafe=0` },
  },
];

/** Tests whose numbers (memory, delays, times) mean nothing under a sanitizer, and those that compile or pack. */
const leftOut = '\\[slow\\]|stays flat|package';

async function run(command: string, given: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<number> {
  console.log(`> ${path.basename(command)} ${given.join(' ')}`);
  const child = spawn(command, given, { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } });
  return new Promise((resolve) => {
    child.once('error', (error) => { console.error(error.message); resolve(1); });
    child.once('close', (code, signal) => resolve(signal ? 1 : code ?? 1));
  });
}

function library(name: string): string {
  return realpathSync(execFileSync(process.env.CXX ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim());
}

/** Stops at the first step that fails. @returns what failed, or undefined */
async function check({ name, flags, libraries, environment }: Sanitizer, mochaArguments: readonly string[]): Promise<string | undefined> {
  const folder = path.join(root, 'out', `sanitize-${name}`);
  const build = ['-S', root, '-B', folder, '-DCMAKE_BUILD_TYPE=RelWithDebInfo', `-DBPTT_SANITIZE=${flags}`, '-DBPTT_TESTS=ON'];
  if (await run('cmake', build) !== 0) return 'configuring';
  if (await run('cmake', ['--build', folder, '--parallel', '2']) !== 0) return 'the build';
  const native = { ...environment, ASAN_OPTIONS: 'detect_leaks=1' };
  if (await run('ctest', ['--test-dir', folder, '--output-on-failure'], native) !== 0) return 'the native tests';
  const mocha = path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const preload = { ...environment, LD_PRELOAD: libraries.map(library).join(' '), BPTT_PREBUILD: folder };
  const selection = mochaArguments.length > 0 ? mochaArguments : ['test/**/*.test.ts', '--grep', leftOut, '--invert'];
  if (await run(process.execPath, [mocha, '--timeout', '120000', ...selection], preload) !== 0) return 'the mocha suite';
  return undefined;
}

const separator = process.argv.indexOf('--');
const chosen = process.argv.slice(2, separator < 0 ? undefined : separator);
const mochaArguments = separator < 0 ? [] : process.argv.slice(separator + 1);
const wanted = sanitizers.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
if (wanted.length === 0) {
  console.error(`expected sanitizers among ${sanitizers.map(({ name }) => name).join(', ')}, received ${chosen.join(', ')}`);
  process.exitCode = 2;
}
for (const sanitizer of wanted) {
  const failed = await check(sanitizer, mochaArguments);
  console.log(failed ? `${sanitizer.name}: ${failed} failed` : `${sanitizer.name}: clean`);
  if (failed) process.exitCode = 1;
}
