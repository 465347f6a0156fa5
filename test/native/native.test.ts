import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { packageRoot } from '../../lib/packageRoot.ts';

const families = ['engine', 'kernel'] as const;
const skipped = 77; // what a native test leaves with where the machine lacks the instruction set

interface Target {
  readonly title: string;
  /** What has to be on the PATH. */
  readonly tools: readonly string[];
  readonly instructionSets: readonly string[];
  readonly options: readonly string[];
  readonly folder: string;
  /** What a program of the target is started with. */
  readonly launcher: readonly string[];
}

const host: Target = {
  title: 'this machine', tools: ['cmake'], folder: 'native-tests', launcher: [], options: [],
  instructionSets: process.arch === 'arm64' ? ['neon', 'scalar'] : ['avx512', 'avx2', 'sse2', 'scalar'],
};
const emulated: Target = {
  title: 'arm64 under emulation', tools: ['cmake', 'aarch64-linux-gnu-g++', 'qemu-aarch64'], folder: 'native-tests-arm64', instructionSets: ['neon'],
  launcher: ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'], options: ['-DCMAKE_TOOLCHAIN_FILE=native/aarch64-linux.cmake'],
};

function run(command: string, given: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, given, { cwd: packageRoot, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}`.slice(-4000) };
}

function mustRun(command: string, given: readonly string[]): void {
  const { status, output } = run(command, given);
  assert.equal(status, 0, `${command} ${given.join(' ')}:\n${output}`);
}

for (const target of [host, emulated]) {
  describe(`the native tests on ${target.title} [slow]`, function () {
    this.timeout(1_200_000);
    const folder = path.join(packageRoot, 'out', target.folder);

    before(function () {
      const missing = target.tools.find((tool) => run('which', [tool]).status !== 0);
      if (missing !== undefined) {
        console.log(`    skipped: ${missing} is not installed`);
        this.skip();
      }
      mustRun('cmake', ['-S', '.', '-B', folder, '-DBPTT_TESTS=ON', '-DBPTT_ADDON=OFF', ...target.options]);
      mustRun('cmake', ['--build', folder, '--parallel', '2']);
    });

    for (const family of families) {
      for (const name of target.instructionSets) {
        it(`${family} on ${name}`, function () {
          const command = [...target.launcher, path.join(folder, `bptt_${family}_tests`), '--isa', name];
          const { status, output } = run(command[0]!, command.slice(1));
          if (status === skipped) this.skip();
          assert.equal(status, 0, output);
        });
      }
    }
  });
}
