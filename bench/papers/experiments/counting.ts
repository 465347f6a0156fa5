/** Counting: aⁿbⁿ for LSTM, GRU and RNN. */
import { adam, cosineDecay, crossEntropy, oneHot, Trainer, type Model } from '../../../lib/index.ts';
import type { Batch } from '../../../lib/data/index.ts';
import { uniformSource } from '../../../lib/random.ts';
import { teach } from '../course.ts';
import type { Budget, Findings, Run } from '../experiment.ts';
import { steppingModel, usualLayers, type LayerMaker } from '../models.ts';
import { countingExample, countingTokens, recognises } from '../tasks/counting.ts';
import { drawInteger } from '../tasks/draw.ts';

const looks = 10;

const settingsOf = {
  small: { units: 5, trained: 100, tested: 256, rows: 16, updates: 10_000, rate: 2e-2, clip: 1, asked: 'what is certain', seeds: 5 },
  full: { units: 5, trained: 100, tested: 1000, rows: 16, updates: 50_000, rate: 2e-2, clip: 1, asked: 'what is certain', seeds: 10 },
};
type CountingSettings = Omit<(typeof settingsOf)['small'], 'seeds'>;

/** The n from 1 to `most` whose aⁿbⁿ is recognised. */
async function recognised(model: Model, most: number): Promise<boolean[]> {
  const found: boolean[] = [];
  for (let n = 1; n <= most; n += 32) {
    const numbers = Array.from({ length: Math.min(32, most - n + 1) }, (_, i) => n + i);
    const { output } = await model.predict(numbers.map((number) => countingExample(number).input));
    const width = output.shape[1]! * countingTokens;
    numbers.forEach((number, row) => found.push(recognises(number, output.data.subarray(row * width, (row + 1) * width))));
  }
  return found;
}

/** What every unit of a state holds while one sequence is read, [unit][step]. */
function stateOverTime(model: Model, state: string, tokens: ArrayLike<number>): number[][] {
  const stream = model.stream();
  const name = model.states.find((each) => each.name.endsWith(`/${state}`))!.name;
  const steps = Array.from(tokens, (token) => {
    stream.step(token);
    return [...stream.state[name]!.data];
  });
  return steps[0]!.map((_, unit) => steps.map((values) => values[unit]!));
}

const range = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

/** The unit whose state moves furthest while the longest string is read. */
function busiestUnit(model: Model, n: number): number[] {
  const state = model.states.some(({ name }) => name.endsWith('/c')) ? 'c' : 'h';
  return stateOverTime(model, state, countingExample(n).input).reduce((best, unit) => (range(unit) > range(best) ? unit : best));
}

async function learnCounting(layer: LayerMaker, seed: number, settings: CountingSettings): Promise<Findings> {
  const { units, trained, tested, rows, updates, rate, clip } = settings;
  const random = uniformSource(seed, 'counting');
  const model = steppingModel([oneHot(), layer(units)], countingTokens, { tokens: countingTokens }, seed);
  const schedule = cosineDecay({ learningRate: rate, steps: updates, final: rate / 100 });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: schedule }), clip: { globalNorm: clip }, seed });
  const next = (): Batch => {
    const examples = Array.from({ length: rows }, () => countingExample(drawInteger(random, 1, trained)));
    return { input: examples.map(({ input }) => input), target: examples.map(({ target }) => target), weights: examples.map(({ weights }) => weights) };
  };
  const look = async (): Promise<{ measures: Record<string, number> }> => {
    const right = await recognised(model, tested);
    const share = (from: number, to: number): number => right.slice(from, to).filter(Boolean).length / (to - from);
    const gap = right.indexOf(false);
    return { measures: { accuracy: share(0, tested), seen: share(0, trained), unseen: share(trained, tested), unbroken: gap < 0 ? tested : gap } };
  };
  const findings = await teach({ model, trainer, next, sequences: rows, updates, every: Math.ceil(updates / looks), look });
  return { ...findings, traces: { unit: busiestUnit(model, tested) } };
}

/** LSTM, GRU and RNN, a few seeds each. */
export function planCounting(budget: Budget): Run[] {
  const { seeds, ...settings } = settingsOf[budget];
  return Object.entries(usualLayers).flatMap(([subject, layer]) => Array.from({ length: seeds }, (_, i): Run => ({
    subject, seed: i + 1, settings, perform: () => learnCounting(layer, i + 1, settings),
  })));
}
