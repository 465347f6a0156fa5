/** Arithmetic and XML for the ten architectures of Jozefowicz, Zaremba and Sutskever. */
import { adam, cosineDecay, crossEntropy, embedding, normal, Trainer } from '../../../lib/index.ts';
import type { Batch } from '../../../lib/data/index.ts';
import { teach } from '../course.ts';
import type { Budget, Findings, Run } from '../experiment.ts';
import { jozefowiczLayers, steppingModel, type LayerMaker } from '../models.ts';
import type { RunRecord } from '../results.ts';
import { bestChoice, searchSeed, trialName, type Choice } from '../search.ts';
import { TextRows } from '../tasks/textRows.ts';
import { arithmeticTask, xmlTask, type TextTask } from '../tasks/textTasks.ts';

const looks = 10;
const heldOutBatches = 40;

interface TextCourse {
  readonly units: number;
  readonly rows: number;
  readonly steps: number;
  readonly updates: number;
  readonly clip: number;
}

/** Which stream, that no network learns from, a run is judged with, under which name. */
type Judged = { readonly part: 'validation'; readonly measure: 'validation' } | { readonly part: 'test'; readonly measure: 'accuracy' };
const inSearch: Judged = { part: 'validation', measure: 'validation' };
const atTheEnd: Judged = { part: 'test', measure: 'accuracy' };

/** Batches that are the same for every network. */
function heldOut(task: TextTask, part: string, { rows, steps }: TextCourse): Batch[] {
  const source = new TextRows(task, { rows, steps, seed: 0, part });
  return Array.from({ length: heldOutBatches }, () => source.next());
}

/** Teaches with a rate that begins as given and falls along a cosine to a hundredth. */
async function learnText(task: TextTask, layer: LayerMaker, { seed, judged, rate, deviation }: Choice & { readonly seed: number; readonly judged: Judged }, course: TextCourse): Promise<Findings> {
  const { units, rows, steps, updates, clip } = course;
  const tokens = task.characters.length;
  const model = steppingModel([embedding({ size: units, initializer: normal({ deviation }) }), layer(units)], tokens, { tokens }, seed);
  const schedule = cosineDecay({ learningRate: rate, steps: updates, final: rate / 100 });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: schedule }), clip: { globalNorm: clip }, carryState: true, seed });
  const lessons = new TextRows(task, { rows, steps, seed, part: 'training' });
  const batches = heldOut(task, judged.part, course);
  return teach({
    model, trainer, sequences: rows * steps, updates, every: Math.ceil(updates / looks),
    next: () => lessons.next(),
    look: async () => ({ measures: { [judged.measure]: (await trainer.evaluate(batches)).accuracy! } }),
  });
}

const common = { rows: 32, steps: 35, clip: 5, decay: 'cosine' };
const fullSearch = { grid: gridOf([1e-3, 2.5e-3, 5e-3, 1e-2], [0.03, 1]), trialUpdates: 25_000, updates: 100_000, seeds: 3 };
const smallGrid = [...gridOf([2.5e-3, 5e-3, 1e-2, 2e-2], [1]), ...gridOf([5e-3, 1e-2], [0.03])];
const arithmeticSettings = {
  small: { grid: smallGrid, trialUpdates: 12_000, updates: 24_000, seeds: 3, units: 64, digits: 3, distraction: 0.5 },
  full: { ...fullSearch, units: 250, digits: 8, distraction: 0.5 },
};
const xmlSettings = {
  small: { grid: smallGrid, trialUpdates: 6000, updates: 12_000, seeds: 3, units: 100 },
  full: { ...fullSearch, units: 250 },
};

/** Every rate with every deviation. */
function gridOf(rates: readonly number[], deviations: readonly number[]): Choice[] {
  return deviations.flatMap((deviation) => rates.map((rate) => ({ rate, deviation })));
}

interface TextPlan {
  /** Of the search, one trial each. */
  readonly grid: readonly Choice[];
  readonly trialUpdates: number;
  readonly updates: number;
  /** Of the runs with what was found: 1 up to this one. */
  readonly seeds: number;
  readonly units: number;
}

/** A trial with every choice for every architecture; once those of an architecture are made, its runs with the best one. */
function planText<Own extends TextPlan>(task: TextTask, { grid, trialUpdates, updates, seeds, ...own }: Own, stored: readonly RunRecord[]): Run[] {
  const trial = { ...common, ...own, updates: trialUpdates };
  const architectures = Object.entries(jozefowiczLayers);
  const trials = architectures.flatMap(([architecture, layer]) => grid.map((choice): Run => ({
    subject: trialName(architecture, choice), seed: searchSeed, settings: { ...trial, ...choice }, perform: () => learnText(task, layer, { seed: searchSeed, judged: inSearch, ...choice }, trial),
  })));
  const course = { ...common, ...own, updates };
  const found = architectures.flatMap(([subject, layer]) => {
    const choice = bestChoice(subject, grid, trial, stored);
    return choice === undefined ? [] : [{ subject, layer, choice }];
  });
  const runs = Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) => found.map(({ subject, layer, choice }): Run => ({
    subject, seed, settings: { ...course, ...choice }, perform: () => learnText(task, layer, { seed, judged: atTheEnd, ...choice }, course),
  })));
  return [...trials, ...runs];
}

/** Sums and differences of numbers with letters strewn in. */
export function planArithmetic(budget: Budget, stored: readonly RunRecord[] = []): Run[] {
  return planText(arithmeticTask(arithmeticSettings[budget]), arithmeticSettings[budget], stored);
}

/** Nested tags. */
export function planXml(budget: Budget, stored: readonly RunRecord[] = []): Run[] {
  return planText(xmlTask(), xmlSettings[budget], stored);
}
