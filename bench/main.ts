// npm run bench -- SUITE [--filter WORD] [--threads 1,2] [--json] [--rounds N] [--milliseconds N] [--repeat N] [--quick] [--write]
import { parseArgs } from 'node:util';
import { runCells } from './cells/suite.ts';
import { runCompare } from './compare/suite.ts';
import { formatFloor, judgeRuns } from './floors.ts';
import { runKernels } from './kernels/suite.ts';
import { runLayers } from './layers/suite.ts';
import { runNoisy } from './noisy/suite.ts';
import { writeReport } from './report.ts';
import { runScaling } from './scaling/suite.ts';
import { runServe } from './serve/suite.ts';
import { Context, defaultThreads, type BenchOptions } from './support/context.ts';
import { describeMachine } from './support/machine.ts';
import { runTrain } from './train/suite.ts';
import { runCommand, UsageError } from './support/commandLine.ts';

const suites: Readonly<Record<string, (context: Context) => Promise<void>>> = {
  scaling: runScaling, compare: runCompare, cells: runCells, train: runTrain, serve: runServe, noisy: runNoisy, layers: runLayers, kernels: runKernels,
};

const usage = `npm run bench -- SUITE [options]

  SUITE               ${Object.keys(suites).join(', ')} or all
  --filter WORD       only what has the word in its name
  --threads 1,2       default: as many as there are cores
  --rounds N          rounds that count (15)
  --milliseconds N    how long each side works in a round (40)
  --repeat N          runs the comparison N times (1); the page shows each run's floors
  --quick             two short rounds: to see that everything runs; not with --rounds, --milliseconds or --write
  --json              one line of JSON for each measurement
  --write             writes bench/results anew with what was measured, after every suite, and what the README quotes of the comparison

BPTT_ISA=avx2 holds the engine and oneDNN, the only peer that can be held, to an instruction set; --write then writes bench/results/avx2.`;

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 256 * 256) return number;
  throw new UsageError(`--${name}: expected a whole number from 1, received "${text}"`);
}

function readOptions(args: readonly string[]): { names: string[]; options: BenchOptions; write: boolean; repeat: number } {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true,
    options: {
      filter: { type: 'string', default: '' }, threads: { type: 'string' }, json: { type: 'boolean', default: false }, rounds: { type: 'string' },
      milliseconds: { type: 'string' }, repeat: { type: 'string', default: '1' }, quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false },
    },
  });
  const [suite, ...rest] = positionals;
  if (suite === undefined || rest.length > 0 || (suite !== 'all' && !(suite in suites))) throw new UsageError(`expected one suite, received ${positionals.join(' ') || 'none'}`);
  const repeat = wholeNumber('repeat', values.repeat);
  if (repeat > 1 && suite !== 'compare' && suite !== 'all') throw new UsageError(`--repeat: expected with compare or all, received with ${suite}`);
  if (values.write && values.filter !== '') throw new UsageError('--write: expected without --filter, since a part would take the place of the whole page');
  const beside = (['rounds', 'milliseconds', 'write'] as const).filter((name) => values.quick && values[name] !== undefined && values[name] !== false);
  if (beside.length > 0) throw new UsageError(`--quick: expected without --${beside.join(' and --')}, since its rounds are of a fixed length and too short to be kept`);
  const threads = values.threads?.split(',').map((text) => wholeNumber('threads', text)) ?? defaultThreads();
  const effort = values.quick ? { rounds: 2, roundMilliseconds: 2 } : { rounds: wholeNumber('rounds', values.rounds ?? '15'), roundMilliseconds: wholeNumber('milliseconds', values.milliseconds ?? '40') };
  return { names: suite === 'all' ? Object.keys(suites) : [suite], options: { filter: values.filter, threads, json: values.json, effort }, write: values.write, repeat };
}

function printFloors(context: Context): void {
  for (const { run, result } of judgeRuns(context.records(), context.held)) {
    if (result.verdict === 'not measured') continue;
    const { floor: { work, against, bound }, value, verdict } = result;
    console.log(context.options.json ? JSON.stringify({ run, floor: work, against, bound, value, verdict }) : `run ${run}  ${formatFloor(result)}`);
  }
}

async function main(): Promise<void> {
  const { names, options, write, repeat } = readOptions(process.argv.slice(2));
  const context = new Context(options);
  const machine = describeMachine();
  const busy = machine.load > 0.5 ? `; other work is running (load ${machine.load}), which will be noticed but not undone` : '';
  console.error(`${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node.js ${machine.node}, ${machine.compiler}, ${context.isa}${busy}`);
  try {
    for (const name of names) {
      for (context.run = 1; context.run <= (name === 'compare' ? repeat : 1); context.run++) {
        await suites[name]!(context);
        if (write) await writeReport(machine, context.lines, context.held);
      }
    }
  } finally {
    context.close();
  }
  if (options.filter !== '' && context.lines.length === 0) {
    console.error(`nothing was measured: no name of ${names.join(', ')} has "${options.filter}" in it; leave out --filter to see the names`);
    process.exitCode = 1;
  }
  if (names.includes('compare')) printFloors(context);
  if (write) console.error('written to bench/results');
}

await runCommand(main, usage);
