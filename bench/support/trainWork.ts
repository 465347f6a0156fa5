/** Whole training steps that both sides of a comparison make: models, data and weights. */
import { crossEntropy, dense, embedding, lstm, sequential, squaredError, adam, sgd } from '../../lib/index.ts';
import type { Model, Optimizer, Loss } from '../../lib/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { someFloats, transposed, type Bundle, type BundleTensor } from './bundle.ts';

interface Batch {
  readonly input: { readonly data: Int32Array | Float32Array; readonly shape: readonly number[] };
  readonly target: { readonly data: Int32Array | Float32Array; readonly shape: readonly number[] };
}

interface TrainDefinition {
  readonly title: string;
  readonly steps: number;
  readonly rows: number;
  readonly clip: number;
  readonly rate: number;
  /** Multiply-adds of the weights as two, forward and backward. */
  readonly flops: number;
  readonly loss: () => Loss;
  readonly optimizer: (rate: number) => Optimizer;
  readonly model: () => Model;
  readonly batch: () => Batch;
}

function languageModel(tokens: number, width: number, units: number): Model {
  return sequential([
    embedding({ name: 'embedding', size: width }), lstm({ name: 'lstm', units, layers: 2, bias: 'double' }), dense({ name: 'dense', units: tokens }),
  ], { input: { tokens }, seed: 1 });
}

function tokenBatch(rows: number, steps: number, tokens: number): Batch {
  const draw = (seed: number): Int32Array => Int32Array.from(someFloats(rows * steps, seed), (number) => Math.min(tokens - 1, Math.floor((number + 1) / 2 * tokens)));
  const shape = [rows, steps];
  return { input: { data: draw(1), shape }, target: { data: draw(2), shape } };
}

function languageFlops(size: { readonly positions: number; readonly tokens: number; readonly width: number; readonly units: number }): number {
  return 6 * size.positions * ((size.width + size.units) * 4 * size.units + 2 * size.units * 4 * size.units + size.units * size.tokens);
}

export const trainWorks = {
  characters: {
    title: 'char LM: embedding 64, 2 × LSTM 128, dense 65, T50 N50, clip 5, Adam',
    steps: 50, rows: 50, clip: 5, rate: 2e-3, flops: languageFlops({ positions: 2500, tokens: 65, width: 64, units: 128 }),
    loss: () => crossEntropy(), optimizer: (learningRate) => adam({ learningRate }), model: () => languageModel(65, 64, 128), batch: () => tokenBatch(50, 50, 65),
  },
  words: {
    title: 'word LM: 10,000 words, embedding 200, 2 × LSTM 200, T20 N20, clip 5, SGD',
    steps: 20, rows: 20, clip: 5, rate: 0.5, flops: languageFlops({ positions: 400, tokens: 10_000, width: 200, units: 200 }),
    loss: () => crossEntropy(), optimizer: (learningRate) => sgd({ learningRate }), model: () => languageModel(10_000, 200, 200), batch: () => tokenBatch(20, 20, 10_000),
  },
  regression: {
    title: 'small regression: LSTM 32 over 8 features, T24 N32, dense 1 at the end, Adam',
    steps: 24, rows: 32, clip: 0, rate: 1e-3, flops: 6 * 32 * (24 * 40 * 128 + 32),
    loss: () => squaredError(), optimizer: (learningRate) => adam({ learningRate }),
    model: () => sequential([lstm({ name: 'lstm', units: 32, output: 'last', bias: 'double' }), dense({ name: 'dense', units: 1 })], { input: { features: 8 }, seed: 1 }),
    batch: () => ({ input: { data: someFloats(32 * 24 * 8, 3), shape: [32, 24, 8] }, target: { data: someFloats(32, 4), shape: [32, 1] } }),
  },
} satisfies Record<string, TrainDefinition>;

export type TrainWorkName = keyof typeof trainWorks;

export const trainWorkNames = Object.keys(trainWorks) as TrainWorkName[];

/** A model, its trainer and one batch. */
export class TrainWork {
  readonly trainer: Trainer;
  readonly batch: Batch;
  /** What a peer begins with: weights in PyTorch's names and layouts, x, target, clip and rate. */
  readonly numbers: Bundle;

  constructor(name: TrainWorkName) {
    const definition: TrainDefinition = trainWorks[name];
    const model = definition.model();
    this.batch = definition.batch();
    this.trainer = new Trainer(model, {
      loss: definition.loss(), optimizer: definition.optimizer(definition.rate), ...(definition.clip > 0 && { clip: { globalNorm: definition.clip } }),
    });
    const weights = model.parameters.map(({ diskName, diskTransposed, shape, view }): [string, BundleTensor] => {
      const value = { shape, data: Float32Array.from(view) };
      return [diskName, diskTransposed ? transposed(value) : value];
    });
    const tensor = ({ data, shape }: Batch['input']): BundleTensor => ({ shape, data: Float32Array.from(data) });
    const scalar = (number: number): BundleTensor => ({ shape: [1], data: Float32Array.of(number) });
    this.numbers = {
      ...Object.fromEntries(weights), x: tensor(this.batch.input), target: tensor(this.batch.target), clip: scalar(definition.clip), rate: scalar(definition.rate),
    };
  }

  /** One whole step. @returns its loss, that of the weights before the step */
  async step(): Promise<number> {
    return (await this.trainer.step(this.batch)).loss;
  }
}

/** @throws when two lists of losses differ by more than the tolerance. @returns the largest relative difference */
export function compareLosses(ours: readonly number[], theirs: readonly number[], tolerance = 1e-4): number {
  const worst = Math.max(...theirs.map((loss, i) => Math.abs(ours[i]! - loss) / Math.abs(loss)));
  if (worst <= tolerance) return worst;
  throw new Error(`losses differ by ${worst.toExponential(2)}: ours ${ours.slice(0, theirs.length).join(', ')}, theirs ${theirs.join(', ')}`);
}
