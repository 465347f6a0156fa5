import { splitTextStream, textStream, type Dataset, type Vocabulary } from '../data/index.ts';
import { dense, embedding, gru, lstm, oneHot, rnn, uniform, type Layer } from '../layers/index.ts';
import { sequential, type Model } from '../model/index.ts';
import { adadelta, adagrad, adam, adamw, decayAfter, nadam, rmsprop, sgd, type ClipOptions, type Optimizer, type Schedule } from '../optimizers/index.ts';

/** What `bptt train text` was asked for. */
export interface TrainTextOptions {
  readonly out: string;
  readonly cell: 'lstm' | 'gru' | 'rnn';
  readonly units: number;
  readonly layers: number;
  readonly embedding?: number;
  readonly batch: number;
  readonly steps: number;
  readonly epochs?: number;
  readonly seconds?: number;
  readonly optimizer: keyof typeof optimizers;
  readonly learningRate: number;
  readonly decay: number;
  readonly decayAfter: number;
  readonly clipValue?: number;
  readonly clipNorm?: number;
  readonly dropout: number;
  readonly validation: number;
  readonly initUniform: number;
  readonly sampleEvery?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly json?: true;
}

type Rated = { readonly learningRate: Schedule };

const optimizers = {
  sgd: (options: Rated): Optimizer => sgd(options),
  rmsprop: (options: Rated): Optimizer => rmsprop({ ...options, decay: 0.95, epsilon: 1e-8 }),
  adagrad: (options: Rated): Optimizer => adagrad(options),
  adadelta: (options: Rated): Optimizer => adadelta(options),
  adam: (options: Rated): Optimizer => adam(options),
  adamw: (options: Rated): Optimizer => adamw(options),
  nadam: (options: Rated): Optimizer => nadam(options),
};

const cells = { lstm, gru, rnn };

/** One-hot or embedded characters, recurrent layers, one logit per character; weights uniform in ± `initUniform`. */
export function textModel(vocabulary: Vocabulary, options: TrainTextOptions): Model {
  const initializer = uniform({ low: -options.initUniform, high: options.initUniform });
  const recurrent = {
    units: options.units, layers: options.layers, initializer: { input: initializer, recurrent: initializer },
    ...(options.dropout > 0 ? { dropout: { output: options.dropout } } : {}),
  };
  const first: Layer = options.embedding === undefined ? oneHot() : embedding({ size: options.embedding, initializer });
  return sequential([first, cells[options.cell](recurrent), dense({ units: vocabulary.size, initializer: { weight: initializer } })], { input: vocabulary, seed: options.seed });
}

/** The update rule with its learning rate over time. */
export function textOptimizer({ optimizer, learningRate, decay, decayAfter: afterEpoch }: TrainTextOptions): Optimizer {
  return optimizers[optimizer]({ learningRate: decayAfter({ learningRate, factor: decay, afterEpoch }) });
}

/** Bounds on gradients: ±5 for every element unless asked otherwise. */
export function textClip({ clipValue, clipNorm }: TrainTextOptions): ClipOptions {
  return clipNorm === undefined ? { value: clipValue ?? 5 } : { globalNorm: clipNorm };
}

/** What to train on and what to validate on, as streams of batches. */
export interface TextData {
  readonly training: Dataset;
  readonly validation: Dataset | undefined;
  /** Characters that one epoch trains on. */
  readonly trainingTokens: number;
}

/**
 * A text as training data, and the end of every stream as validation data.
 * @throws ERR_BPTT_DATA when a part is too short for the batch.
 */
export function textData(tokens: Int32Array, { batch, steps, validation }: TrainTextOptions): TextData {
  const data = validation > 0 ? splitTextStream(tokens, { batch, steps, validation }) : { training: textStream(tokens, { batch, steps }), validation: undefined };
  const stepsOfRow = Math.floor((tokens.length - 1) / batch);
  return { ...data, trainingTokens: batch * Math.min(stepsOfRow, data.training.count! * steps) };
}
