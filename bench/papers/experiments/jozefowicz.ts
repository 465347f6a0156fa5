/** Arithmetic and XML for the ten architectures of Jozefowicz, Zaremba and Sutskever. */
import { adam, crossEntropy, embedding, Trainer } from '../../../lib/index.ts';
import { teach } from '../course.ts';
import type { Budget, Findings, Run, Settings } from '../experiment.ts';
import { jozefowiczLayers, steppingModel, type LayerMaker } from '../models.ts';
import { TextRows } from '../tasks/textRows.ts';
import { arithmeticTask, xmlTask, type TextTask } from '../tasks/textTasks.ts';

const looks = 10;
const testBatches = 40;

interface TextCourse {
  readonly units: number;
  readonly rows: number;
  readonly steps: number;
  readonly updates: number;
  readonly rate: number;
  readonly clip: number;
}

async function learnText(task: TextTask, layer: LayerMaker, seed: number, { units, rows, steps, updates, rate, clip }: TextCourse): Promise<Findings> {
  const tokens = task.characters.length;
  const model = steppingModel([embedding({ size: units }), layer(units)], tokens, { tokens }, seed);
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: rate }), clip: { globalNorm: clip }, carryState: true, seed });
  const lessons = new TextRows(task, { rows, steps, seed, part: 'training' });
  const questions = new TextRows(task, { rows, steps, seed: 0, part: 'test' });
  const test = Array.from({ length: testBatches }, () => questions.next());
  return teach({
    model, trainer, sequences: rows * steps, updates, every: Math.ceil(updates / looks),
    next: () => lessons.next(),
    look: async () => ({ measures: { accuracy: (await trainer.evaluate(test)).accuracy! } }),
  });
}

const common = { small: { units: 100, rows: 32, steps: 35, rate: 2e-3, clip: 5 }, full: { units: 250, rows: 20, steps: 35, rate: 1e-3, clip: 5 } };
const updatesOf = { small: { arithmetic: 3000, xml: 1500 }, full: { arithmetic: 100_000, xml: 100_000 } };
const digits = { small: { digits: 2, distraction: 0.25 }, full: { digits: 8, distraction: 0.5 } };
const seedCount = { small: 2, full: 3 };

function planText(budget: Budget, task: TextTask, updates: number, more: Settings): Run[] {
  const course = { ...common[budget], updates };
  return Array.from({ length: seedCount[budget] }, (_, i) => i + 1).flatMap((seed) => Object.entries(jozefowiczLayers).map(([subject, layer]): Run => ({
    subject, seed, settings: { ...course, ...more }, perform: () => learnText(task, layer, seed, course),
  })));
}

/** Sums and differences of numbers with letters strewn in. */
export function planArithmetic(budget: Budget): Run[] {
  return planText(budget, arithmeticTask(digits[budget]), updatesOf[budget].arithmetic, digits[budget]);
}

/** Nested tags. */
export function planXml(budget: Budget): Run[] {
  return planText(budget, xmlTask(), updatesOf[budget].xml, {});
}
