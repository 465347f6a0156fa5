/** Three experiments of Hochreiter and Schmidhuber (1997), each to its own criterion. */
import { adam, crossEntropy, cosineDecay, gru, lstm, lstmWithoutForgetGateCell, oneHot, recurrent, rnn, squaredError, Trainer, type Model } from '../../../lib/index.ts';
import type { Batch } from '../../../lib/data/index.ts';
import { uniformSource } from '../../../lib/random.ts';
import { teach } from '../course.ts';
import type { Budget, Findings, Run } from '../experiment.ts';
import { answeringModel, steppingModel, type LayerMaker } from '../models.ts';
import { earlyAddingBatch } from '../tasks/adding.ts';
import { drawInteger } from '../tasks/draw.ts';
import { foretells, reberStrings, reberSymbols, type ReberString } from '../tasks/reber.ts';
import { orderExample, orderPlaces, orderSymbols, type OrderTask } from '../tasks/temporalOrder.ts';

/** The cell without forget gate. */
export const cellOf1997 = 'LSTM 1997';

/** The cell of 1997 beside what came later and before. A forget bias of 5 keeps σ(5)¹⁰⁰ = 51 % over 100 steps, one of 1 (the usual one) nothing. */
const layers: Readonly<Record<string, LayerMaker>> = {
  [cellOf1997]: (units) => recurrent(lstmWithoutForgetGateCell, { units }),
  'LSTM, forget bias 5': (units) => lstm({ units, forgetBias: 5 }),
  'LSTM': (units) => lstm({ units }),
  'GRU': (units) => gru({ units }),
  'RNN': (units) => rnn({ units }),
};

/** The rows of the tables. */
export const earlySubjects = Object.keys(layers);

const reberSettings = {
  small: { strings: 256, most: 60_000, rate: 5e-3, every: 500, gated: 12, elman: 22, seeds: 10 },
  full: { strings: 256, most: 200_000, rate: 5e-3, every: 500, gated: 6, elman: 15, seeds: 30 },
};

const encode = (text: string): Int32Array => Int32Array.from(text, (symbol) => reberSymbols.indexOf(symbol));

async function shareForetold(model: Model, strings: readonly ReberString[]): Promise<number> {
  const { output } = await model.predict(strings.map(({ text }) => encode(text.slice(0, -1))));
  const width = output.shape[1]! * reberSymbols.length;
  return strings.filter((string, row) => foretells(string, output.data.subarray(row * width, (row + 1) * width))).length / strings.length;
}

async function learnReber(layer: LayerMaker, units: number, seed: number, { strings, most, rate, every }: (typeof reberSettings)['small']): Promise<Findings> {
  const random = uniformSource(seed, 'embedded Reber');
  const { train, test } = reberStrings(random, strings);
  const model = steppingModel([oneHot(), layer(units)], reberSymbols.length, { tokens: reberSymbols.length }, seed);
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: rate }), seed });
  const next = (): Batch => {
    const tokens = encode(train[drawInteger(random, 0, train.length - 1)]!.text);
    return { input: [tokens.slice(0, -1)], target: [tokens.slice(1)] };
  };
  return teach({
    model, trainer, next, sequences: 1, updates: most, every,
    look: async () => {
      const measures = { train: await shareForetold(model, train), test: await shareForetold(model, test) };
      return { measures, done: measures.train === 1 && measures.test === 1 };
    },
  });
}

/** Experiment 1: the embedded Reber grammar, one string at a time. */
export function planReber(budget: Budget): Run[] {
  const { seeds, gated, elman, ...settings } = reberSettings[budget];
  return Object.entries(layers).flatMap(([subject, layer]) => Array.from({ length: seeds }, (_, i): Run => {
    const units = subject === 'RNN' ? elman : gated;
    return { subject, seed: i + 1, settings: { ...settings, units }, perform: () => learnReber(layer, units, i + 1, reberSettings[budget]) };
  }));
}

/** How many of the last sequences were answered rightly one after the other before they were learned from, and their mean error. */
export class Streak {
  readonly #needed: number;
  readonly #errors: number[] = [];

  constructor(needed: number) {
    this.#needed = needed;
  }

  /** @param errors of sequences that were all answered rightly, or null where one was not */
  add(errors: readonly number[] | null): void {
    if (errors === null) this.#errors.length = 0;
    else this.#errors.push(...errors);
    this.#errors.splice(0, this.#errors.length - this.#needed);
  }

  /** Whether the streak is long enough and the mean error is below a bound. */
  reaches(bound: number): boolean {
    return this.#errors.length >= this.#needed && this.#errors.reduce((sum, error) => sum + error, 0) / this.#errors.length < bound;
  }
}

const lagSettings = {
  small: { units: 8, rows: 16, updates: 6000, rate: 1e-2, clip: 1, needed: 2000, tested: 2560, inputGateBias: -3, seeds: 2 },
  full: { units: 8, rows: 16, updates: 60_000, rate: 1e-2, clip: 1, needed: 2000, tested: 2560, inputGateBias: -3, seeds: 10 },
};
type LagSettings = Omit<(typeof lagSettings)['small'], 'seeds'>;

/** Errors by row: the largest difference of one answer, and whether all are right. */
interface Judgement {
  readonly errors: readonly number[];
  readonly wrong: number;
}

interface LagTask {
  readonly model: Model;
  readonly loss: 'squaredError' | 'crossEntropy';
  readonly next: (rows: number) => Batch;
  readonly judge: (batch: Batch) => Promise<Judgement>;
  /** Of the mean error over the last sequences. */
  readonly bound: number;
}

/** Lets the input gates of the cell of 1997, its first block of biases, begin almost closed, as the paper does: open ones would fill the cell with what does not matter. */
function closeInputGates(model: Model, units: number, value: number): void {
  const bias = model.parameters.find(({ name }) => name.startsWith(`${lstmWithoutForgetGateCell.name}/`) && name.includes('/bias_ih'));
  if (bias) model.setParameter(bias.name, bias.view.slice().fill(value, 0, units));
}

/** Teaches until the last sequences were all right, then counts the wrong ones among new sequences. */
async function learnLag({ model, loss, next, judge, bound }: LagTask, seed: number, { units, rows, updates, rate, clip, needed, tested, inputGateBias }: LagSettings): Promise<Findings> {
  closeInputGates(model, units, inputGateBias);
  const schedule = cosineDecay({ learningRate: rate, steps: updates, final: rate / 100 });
  const trainer = new Trainer(model, { loss: loss === 'squaredError' ? squaredError() : crossEntropy(), optimizer: adam({ learningRate: schedule }), clip: { globalNorm: clip }, seed });
  const streak = new Streak(needed);
  return teach({
    model, trainer, next: () => next(rows), sequences: rows, updates, every: Math.ceil(updates / 20),
    observe: async (batch) => {
      const { errors, wrong } = await judge(batch);
      streak.add(wrong > 0 ? null : errors);
      return streak.reaches(bound);
    },
    look: async () => {
      let wrong = 0;
      for (let seen = 0; seen < tested; seen += 160) wrong += (await judge(next(160))).wrong;
      return { measures: { wrong } };
    },
  });
}

/** Experiment 4: right is what differs by less than 0.04; the mean error has to fall below 0.01. */
function addingTask(layer: LayerMaker, units: number, seed: number): LagTask {
  const random = uniformSource(seed, 'adding of 1997');
  const model = answeringModel([layer(units)], 1, { features: 2 }, seed);
  const judge = async ({ input, target }: Batch): Promise<Judgement> => {
    const { output } = await model.predict(input);
    const expected = (target as { readonly data: Float32Array }).data;
    const errors = Array.from(expected, (number, row) => Math.abs(output.data[row]! - number));
    return { errors, wrong: errors.filter((error) => error >= 0.04).length };
  };
  return { model, loss: 'squaredError', bound: 0.01, judge, next: (rows) => earlyAddingBatch(random, { rows, shortest: 100 }) };
}

/** Shares of softmax. */
function shares(logits: ArrayLike<number>): number[] {
  const most = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Experiment 6: right is where every output differs from 1 or 0 by less than 0.3; the mean of the largest difference has to fall below 0.1. */
function orderTask(task: OrderTask, layer: LayerMaker, units: number, seed: number): LagTask {
  const random = uniformSource(seed, `temporal order of ${task}`);
  const classes = 2 ** orderPlaces[task].length;
  const model = answeringModel([oneHot(), layer(units)], classes, { tokens: orderSymbols.length }, seed);
  const judge = async ({ input, target }: Batch): Promise<Judgement> => {
    const { output } = await model.predict(input);
    const errors = Array.from(target as Int32Array, (expected, row) => (
      Math.max(...shares(output.data.subarray(row * classes, (row + 1) * classes)).map((share, i) => Math.abs(share - Number(i === expected))))));
    return { errors, wrong: errors.filter((error) => error >= 0.3).length };
  };
  const next = (rows: number): Batch => {
    const examples = Array.from({ length: rows }, () => orderExample(random, task));
    return { input: examples.map(({ tokens }) => tokens), target: Int32Array.from(examples, ({ target }) => target) };
  };
  return { model, loss: 'crossEntropy', bound: 0.1, judge, next };
}

function planLag(budget: Budget, more: { readonly updates?: number }, make: (layer: LayerMaker, units: number, seed: number) => LagTask): Run[] {
  const { seeds, ...common } = lagSettings[budget];
  const settings = { ...common, ...more };
  return Object.entries(layers).flatMap(([subject, layer]) => Array.from({ length: seeds }, (_, i): Run => ({
    subject, seed: i + 1, settings, perform: () => learnLag(make(layer, settings.units, i + 1), i + 1, settings),
  })));
}

/** Experiment 4, T = 100. */
export const planEarlyAdding = (budget: Budget): Run[] => planLag(budget, budget === 'small' ? { updates: 10_000 } : {}, addingTask);
/** Experiment 6a: two symbols, four classes. */
export const planOrderOfTwo = (budget: Budget): Run[] => planLag(budget, {}, (layer, units, seed) => orderTask('two', layer, units, seed));
/** Experiment 6b: three symbols, eight classes. */
export const planOrderOfThree = (budget: Budget): Run[] => planLag(budget, {}, (layer, units, seed) => orderTask('three', layer, units, seed));
