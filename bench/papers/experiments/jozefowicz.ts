/** Arithmetic and XML for the ten architectures of Jozefowicz, Zaremba and Sutskever. */
import { adam, cosineDecay, crossEntropy, embedding, Trainer } from '../../../lib/index.ts';
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
  /** At the beginning; it falls along a cosine to a hundredth. */
  readonly rate: number;
  readonly clip: number;
}

async function learnText(task: TextTask, layer: LayerMaker, seed: number, { units, rows, steps, updates, rate, clip }: TextCourse): Promise<Findings> {
  const tokens = task.characters.length;
  const model = steppingModel([embedding({ size: units }), layer(units)], tokens, { tokens }, seed);
  const schedule = cosineDecay({ learningRate: rate, steps: updates, final: rate / 100 });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: schedule }), clip: { globalNorm: clip }, carryState: true, seed });
  const lessons = new TextRows(task, { rows, steps, seed, part: 'training' });
  const questions = new TextRows(task, { rows, steps, seed: 0, part: 'test' });
  const test = Array.from({ length: testBatches }, () => questions.next());
  return teach({
    model, trainer, sequences: rows * steps, updates, every: Math.ceil(updates / looks),
    next: () => lessons.next(),
    look: async () => ({ measures: { accuracy: (await trainer.evaluate(test)).accuracy! } }),
  });
}

const common = { small: { rows: 32, steps: 35, rate: 5e-3, clip: 5, decay: 'cosine' }, full: { rows: 20, steps: 35, rate: 2e-3, clip: 5, decay: 'cosine' } };
const arithmeticSettings = {
  small: { units: 64, updates: 6000, digits: 3, distraction: 0.3, seeds: 3 },
  full: { units: 250, updates: 100_000, digits: 8, distraction: 0.5, seeds: 3 },
};
const xmlSettings = {
  small: { units: 100, updates: 6000, seeds: 2 },
  full: { units: 250, updates: 100_000, seeds: 3 },
};

function planText(task: TextTask, course: TextCourse, seeds: number, settings: Settings): Run[] {
  return Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) => Object.entries(jozefowiczLayers).map(([subject, layer]): Run => ({
    subject, seed, settings, perform: () => learnText(task, layer, seed, course),
  })));
}

/** Sums and differences of numbers with letters strewn in. */
export function planArithmetic(budget: Budget): Run[] {
  const { seeds, ...own } = arithmeticSettings[budget];
  const settings = { ...common[budget], ...own };
  return planText(arithmeticTask(own), settings, seeds, settings);
}

/** Nested tags. */
export function planXml(budget: Budget): Run[] {
  const { seeds, ...own } = xmlSettings[budget];
  const settings = { ...common[budget], ...own };
  return planText(xmlTask(), settings, seeds, settings);
}
