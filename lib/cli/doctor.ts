import { dense, lstm } from '../layers/index.ts';
import { sequential } from '../model/index.ts';
import { instructionSetProblem, loadNative, referenceRuntime, runtimeProblem, selectRuntime, threadsProblem } from '../runtime/index.ts';
import { packageVersion } from './nativeBuild.ts';
import { packageRoot } from '../packageRoot.ts';
import { jsonLine, type Terminal } from './terminal.ts';

/** What `bptt doctor` finds. */
export interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** glibc's version, where there is one. */
  readonly libc: string | null;
  readonly runtime: 'native' | 'reference';
  /** The instruction set in use, and those this machine has. */
  readonly isa: string | null;
  readonly isas: readonly string[];
  readonly threads: number;
  readonly problem: string | null;
  readonly cure: string | null;
}

type Finding = Pick<Diagnosis, 'problem' | 'cure'>;

function libcVersion(): string | null {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime ?? null;
}

/** Largest difference between the runtime in use and the reference over a small model. */
async function selfTest(): Promise<number> {
  const layers = [lstm({ units: 5 }), dense({ units: 2 })];
  const data = [[[0.5, -1, 2], [1, 0, -0.25], [0, 3, 1]]];
  const [mine, expected] = await Promise.all([selectRuntime(), referenceRuntime].map(async (runtime) => {
    const { output } = await sequential(layers, { input: { features: 3 }, seed: 1, runtime }).predict(data);
    return [...output.data];
  }));
  return Math.max(...mine!.map((value, i) => Math.abs(value - expected![i]!)));
}

async function findProblem(): Promise<Finding> {
  const native = loadNative();
  if ('error' in native) {
    return { problem: native.error.message, cure: 'run "npx bptt build" (needs python3, make and a C++17 compiler)' };
  }
  const { version } = native.module.info();
  if (version !== packageVersion(packageRoot)) {
    return { problem: `the engine was compiled from version ${version}, the package is ${packageVersion(packageRoot)}`, cure: 'run "npx bptt build", or install the package again' };
  }
  const environment = threadsProblem() ?? runtimeProblem() ?? instructionSetProblem(native.module);
  if (environment) return environment;
  if (process.env['BPTT_RUNTIME'] === 'reference') return { problem: 'BPTT_RUNTIME=reference asks for the slow interpreter', cure: 'unset BPTT_RUNTIME' };
  const difference = await selfTest();
  if (!(difference < 1e-4)) return { problem: `the engine differs from the reference by ${difference}`, cure: 'set BPTT_RUNTIME=reference for right answers, and report this output' };
  return { problem: null, cure: null };
}

/** Looks at everything that could stand between the user and the engine. */
export async function diagnose(): Promise<Diagnosis> {
  const finding = await findProblem();
  const native = loadNative();
  const info = 'module' in native ? native.module.info() : undefined;
  const isNative = info !== undefined && process.env['BPTT_RUNTIME'] !== 'reference';
  return {
    version: packageVersion(packageRoot), node: process.version, platform: `${process.platform}-${process.arch}`, libc: libcVersion(),
    runtime: isNative ? 'native' : 'reference', isa: isNative ? info.isa : null, isas: info?.isas ?? [], threads: isNative ? info.threads : 1,
    ...finding,
  };
}

/** `bptt doctor`: exit code 1 when something is wrong. */
export async function doctor(options: { readonly json?: true }, terminal: Terminal): Promise<number> {
  const found = await diagnose();
  if (options.json) {
    terminal.out(jsonLine(found));
  } else {
    const rows: [string, string][] = [
      ['bptt', found.version], ['Node.js', found.node], ['platform', `${found.platform}${found.libc === null ? '' : `, glibc ${found.libc}`}`],
      ['runtime', found.runtime === 'native' ? 'native engine' : 'reference interpreter (slow)'],
      ['instructions', found.isa === null ? '–' : `${found.isa} (this machine has ${found.isas.join(', ')})`], ['threads', String(found.threads)],
    ];
    terminal.out(rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join(''));
    terminal.out(found.problem === null ? 'All is well.\n' : `\nProblem: ${found.problem}\nCure:    ${found.cure ?? ''}\n`);
  }
  return found.problem === null ? 0 : 1;
}
