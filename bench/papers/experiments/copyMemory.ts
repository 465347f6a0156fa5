/** Copy memory for the recurrences and the convolutional network that Bai et al. compare. */
import { crossEntropy, oneHot, rmsprop, Trainer, type Layer, type Model } from '../../../lib/index.ts';
import { uniformSource } from '../../../lib/random.ts';
import { teach } from '../course.ts';
import type { Budget, Findings, Run } from '../experiment.ts';
import { steppingModel, temporalConvolution, usualLayers } from '../models.ts';
import { copiedDigits, copyBatch, copyTokens } from '../tasks/copyMemory.ts';

const rows = 32;
const looks = 20;

/** Widths are such that all networks have about 16,000 parameters. */
const widths: Readonly<Record<string, number>> = { RNN: 117, LSTM: 57, GRU: 66 };

const settingsOf = {
  small: { gap: 100, updates: 2000, rate: 5e-4, clip: 1, rows, seeds: 1, channels: 14, levels: 5, kernel: 8 },
  full: { gap: 1000, updates: 3130, rate: 5e-4, clip: 1, rows, seeds: 3, channels: 11, levels: 8, kernel: 8 },
};

const copyModel = (layers: readonly Layer[], seed: number): Model => steppingModel([oneHot(), ...layers], copyTokens, { tokens: copyTokens }, seed);

/** Share of the ten digits that are answered rightly. */
async function recalled(model: Model, gap: number): Promise<number> {
  const { input, target } = copyBatch(uniformSource(0, 'copy, recall'), { rows: 100, gap });
  const { output } = await model.predict(input);
  const steps = gap + 2 * copiedDigits;
  let right = 0;
  for (let row = 0; row < 100; row++) {
    for (let step = steps - copiedDigits; step < steps; step++) {
      const place = row * steps + step;
      const answers = output.data.subarray(place * copyTokens, (place + 1) * copyTokens);
      right += Number(answers.indexOf(Math.max(...answers)) === target.data[place]);
    }
  }
  return right / (100 * copiedDigits);
}

interface CopyCourse {
  readonly model: Model;
  readonly gap: number;
  readonly updates: number;
  readonly rate: number;
  readonly clip: number;
  readonly seed: number;
}

async function learnCopying({ model, gap, updates, rate, clip, seed }: CopyCourse): Promise<Findings> {
  const random = uniformSource(seed, 'copy, training');
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: rmsprop({ learningRate: rate }), clip: { globalNorm: clip }, seed });
  const source = uniformSource(0, 'copy, test');
  const test = Array.from({ length: 10 }, () => copyBatch(source, { rows: 100, gap }));
  return teach({
    model, trainer, sequences: rows, updates, every: Math.ceil(updates / looks),
    next: () => copyBatch(random, { rows, gap }),
    look: async () => ({ measures: { loss: (await trainer.evaluate(test)).loss, recalled: await recalled(model, gap) } }),
  });
}

/** RNN, LSTM, GRU and TCN of about the same number of parameters. */
export function planCopyMemory(budget: Budget): Run[] {
  const { seeds, channels, levels, kernel, ...common } = settingsOf[budget];
  const { gap, updates, rate, clip } = common;
  const course = { gap, updates, rate, clip };
  const recurrences = Object.entries(usualLayers).flatMap(([subject, layer]) => {
    const units = widths[subject]!;
    return Array.from({ length: seeds }, (_, i): Run => ({
      subject, seed: i + 1, settings: { ...common, units }, perform: () => learnCopying({ ...course, model: copyModel([layer(units)], i + 1), seed: i + 1 }),
    }));
  });
  const convolutions = Array.from({ length: seeds }, (_, i): Run => ({
    subject: 'TCN', seed: i + 1, settings: { ...common, channels, levels, kernel, weights: 'uniform by fan in' },
    perform: () => learnCopying({ ...course, model: copyModel(temporalConvolution({ channels, levels, kernel }), i + 1), seed: i + 1 }),
  }));
  return [...recurrences, ...convolutions];
}
