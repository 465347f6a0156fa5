import type { Model } from '../model/index.ts';
import type { Optimizer } from '../optimizers/index.ts';

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
  readonly optimizer: 'sgd' | 'rmsprop' | 'adagrad' | 'adadelta' | 'adam' | 'adamw' | 'nadam';
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
