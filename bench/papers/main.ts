// npm run bench:papers: runs what published results were found with, keeps what it finds, and writes the page about it.
import { parseArgs } from 'node:util';
import { selectRuntime, setThreads } from '../../lib/index.ts';
import { budgets, runName, type Budget, type Experiment, type Run } from './experiment.ts';
import { experiments } from './experiments/index.ts';
import { sectionOf, writePage } from './report/page.ts';
import { isSameRun, ResultFile } from './results.ts';
import { architectureOf } from './search.ts';
import { runCommand, UsageError } from '../support/commandLine.ts';

const usage = `npm run bench:papers -- [options]

  --only NAME[,NAME]    some of the experiments: ${experiments.map(({ name }) => name).join(', ')}
  --subject NAME        only runs of this architecture
  --seeds N             only the first N seeds
  --budget small|full   small (default) takes about three hours of one core; full has the papers' sizes and takes days
  --again               also what has been run before
  --list                says what would be run
  --report              runs nothing, writes README.md and the plots from what is stored
  --check               runs nothing, fails where a published claim is not borne out by what is stored, or runs for it are missing

Runs that are stored in results/ with the same settings are not made again, so that an interrupted run goes on where it was.`;

interface Order {
  readonly chosen: readonly Experiment[];
  readonly subject: string | undefined;
  readonly seeds: number;
  readonly budget: Budget;
  readonly again: boolean;
  readonly list: boolean;
  readonly report: boolean;
  readonly check: boolean;
}

function readOrder(args: readonly string[]): Order {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' }, subject: { type: 'string' }, seeds: { type: 'string' }, budget: { type: 'string', default: 'small' },
      again: { type: 'boolean', default: false }, list: { type: 'boolean', default: false }, report: { type: 'boolean', default: false }, check: { type: 'boolean', default: false },
    },
  });
  const budget = budgets.find((name) => name === values.budget);
  if (budget === undefined) throw new UsageError(`--budget: expected ${budgets.join(' or ')}, received "${values.budget}"`);
  const names = values.only?.split(',') ?? experiments.map(({ name }) => name);
  const chosen = names.map((name) => {
    const found = experiments.find((experiment) => experiment.name === name);
    if (!found) throw new UsageError(`--only: expected names among ${experiments.map((experiment) => experiment.name).join(', ')}, received "${name}"`);
    return found;
  });
  const seeds = Number(values.seeds ?? Infinity);
  if (!(seeds >= 1)) throw new UsageError(`--seeds: expected a number from 1, received "${values.seeds}"`);
  return { chosen, subject: values.subject, seeds, budget, again: values.again, list: values.list, report: values.report, check: values.check };
}

const showMeasures = (measures: Readonly<Record<string, number>>): string => Object.entries(measures).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`).join(', ');

async function perform(run: Run, file: ResultFile): Promise<void> {
  const { subject, seed, settings } = run;
  const findings = await run.perform();
  file.add({ subject, seed, settings, ...findings });
  console.log(`  ${runName(run)}: ${showMeasures(findings.measures)}; ${findings.updates} updates, ${findings.seconds.toFixed(1)} s, ended by ${findings.ended}`);
}

/** Runs to be made by what is stored now, but for those that were made already. */
function missingRuns({ name, plan }: Experiment, { subject, seeds, budget, again }: Order, made: readonly Run[]): Run[] {
  const file = new ResultFile(budget, name);
  const ordered = plan(budget, file.read()).filter((run) => (subject === undefined || architectureOf(run.subject) === subject) && run.seed <= seeds);
  return ordered.filter((run) => !made.some((other) => isSameRun(other, run)) && (again || !file.find(run)));
}

/** Makes what is missing, and then what the search among it has opened. */
async function runExperiment(experiment: Experiment, order: Order): Promise<void> {
  const file = new ResultFile(order.budget, experiment.name);
  const made: Run[] = [];
  for (let missing = missingRuns(experiment, order, made); missing.length > 0 || made.length === 0; missing = missingRuns(experiment, order, made)) {
    console.log(`${experiment.name}: ${missing.length} runs to be made`);
    for (const run of missing) {
      if (order.list) console.log(`  ${runName(run)}: ${JSON.stringify(run.settings)}`);
      else await perform(run, file);
      made.push(run);
    }
    if (missing.length === 0) break;
  }
}

/** Says what holds. @returns whether everything does */
function checkClaims({ chosen, budget }: Order): boolean {
  const claims = chosen.flatMap((experiment) => sectionOf(experiment, budget)?.claims.map((claim) => ({ ...claim, experiment: experiment.name })) ?? []);
  for (const { experiment, claim, held, found } of claims) console.log(`${held === undefined ? 'open ' : held ? 'holds' : 'FAILS'}  ${experiment}: ${claim} (${found})`);
  return claims.every(({ held }) => held === true);
}

async function main(): Promise<void> {
  const order = readOrder(process.argv.slice(2));
  if (order.check) {
    if (!checkClaims(order)) process.exitCode = 1;
    return;
  }
  if (selectRuntime().name !== 'native' && !order.report && !order.list) throw new UsageError('the native engine does not load, and the reference interpreter would take weeks; compile it: npm run build:native');
  setThreads(1);
  if (!order.report) for (const experiment of order.chosen) await runExperiment(experiment, order);
  if (!order.list) console.log(`written: ${await writePage(experiments, order.budget)}`);
}

await runCommand(main, usage);
