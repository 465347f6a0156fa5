/** The adding problem for the recurrences and the convolutional network that Bai et al. compare, and for the variants of the LSTM that Greff et al. compare. */
import { adam, squaredError, Trainer, type Layer, type Model } from '../../../lib/index.ts';
import { uniformSource } from '../../../lib/random.ts';
import { teach } from '../course.ts';
import type { Budget, Findings, Run } from '../experiment.ts';
import { answeringModel, odysseyLayers, temporalConvolution, usualLayers } from '../models.ts';
import { addingBatch } from '../tasks/adding.ts';

interface AddingCourse {
  readonly model: Model;
  readonly steps: number;
  readonly updates: number;
  readonly rate: number;
  readonly clip?: number | undefined;
  readonly seed: number;
}

const rows = 32;
const looks = 20;

async function learnAdding({ model, steps, updates, rate, clip, seed }: AddingCourse): Promise<Findings> {
  const random = uniformSource(seed, 'adding, training');
  const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate: rate }), ...(clip === undefined ? {} : { clip: { globalNorm: clip } }), seed });
  const source = uniformSource(0, 'adding, test');
  const test = Array.from({ length: 10 }, () => addingBatch(source, { rows: 100, steps }));
  return teach({
    model, trainer, sequences: rows, updates, every: Math.ceil(updates / looks),
    next: () => addingBatch(random, { rows, steps }),
    look: async () => ({ measures: { error: (await trainer.evaluate(test)).loss } }),
  });
}

const addingInput = { features: 2 };
const addingModel = (layers: readonly Layer[], seed: number): Model => answeringModel(layers, 1, addingInput, seed);

/** Widths are such that all networks have about the same number of parameters: 17,000 and, as in the paper, 70,000. */
const longSettings = {
  small: { steps: 200, updates: 2500, rate: 4e-3, clip: 1, rows, seeds: 1, channels: 16, levels: 5, kernel: 7, widths: { RNN: 128, LSTM: 64, GRU: 73 } },
  full: { steps: 600, updates: 15_630, rate: 4e-3, clip: 1, rows, seeds: 3, channels: 24, levels: 8, kernel: 8, widths: { RNN: 263, LSTM: 131, GRU: 151 } },
};

/** RNN, LSTM, GRU and TCN of about the same number of parameters on long sequences. */
export function planLongAdding(budget: Budget): Run[] {
  const { seeds, channels, levels, kernel, widths, ...common } = longSettings[budget];
  const { steps, updates, rate, clip } = common;
  const course = { steps, updates, rate, clip };
  const recurrences = Object.entries(usualLayers).flatMap(([subject, layer]) => {
    const units = widths[subject as keyof typeof widths];
    return Array.from({ length: seeds }, (_, i): Run => ({
      subject, seed: i + 1, settings: { ...common, units }, perform: () => learnAdding({ ...course, model: addingModel([layer(units)], i + 1), seed: i + 1 }),
    }));
  });
  const convolutions = Array.from({ length: seeds }, (_, i): Run => ({
    subject: 'TCN', seed: i + 1, settings: { ...common, channels, levels, kernel, weights: 'uniform by fan in' },
    perform: () => learnAdding({ ...course, model: addingModel(temporalConvolution({ channels, levels, kernel }), i + 1), seed: i + 1 }),
  }));
  return [...recurrences, ...convolutions];
}

const odysseySettings = {
  small: { steps: 50, updates: 3000, units: 32, rate: 2e-3, rows, seeds: 3 },
  full: { steps: 50, updates: 10_000, units: 64, rate: 1e-3, rows, seeds: 10 },
};

/** The vanilla LSTM and its eight variants on T = 50. */
export function planOdyssey(budget: Budget): Run[] {
  const { seeds, ...settings } = odysseySettings[budget];
  const { steps, updates, units, rate } = settings;
  return Object.entries(odysseyLayers).flatMap(([subject, layer]) => Array.from({ length: seeds }, (_, i): Run => ({
    subject, seed: i + 1, settings,
    perform: () => learnAdding({ model: addingModel([layer(units)], i + 1), steps, updates, rate, seed: i + 1 }),
  })));
}
