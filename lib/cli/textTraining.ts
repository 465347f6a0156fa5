import { characters, type Vocabulary } from '../data/index.ts';
import { crossEntropy } from '../losses/index.ts';
import type { Model } from '../model/index.ts';
import { Trainer, type Callback, type History, type Progress } from '../training/index.ts';
import { textClip, textData, textModel, textOptimizer, type TrainTextOptions } from './recipe.ts';

/** One epoch, as the last line of `--json` has it. Losses in nats per character. */
export interface EpochReport {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly validationLoss: number | null;
  readonly seconds: number;
}

/** What a training came to. */
export interface TrainingReport {
  readonly epochs: readonly EpochReport[];
  readonly parameters: number;
  readonly tokensPerSecond: number;
}

/** Where training stands after an update. */
export interface UpdateReport {
  readonly epoch: number;
  readonly updates: number;
  readonly loss: number;
  /** Of the whole training, 0 to 1. */
  readonly share: number;
  readonly tokensPerSecond: number;
}

/** What the caller wants to hear of. */
export interface TrainingEvents {
  onUpdate?(report: UpdateReport): void;
  onEpoch?(report: EpochReport): void;
}

/** Measures the time that goes into training alone: samples and validation are not counted. */
class Stopwatch {
  #tokens = 0;
  #seconds = 0;
  #mark = performance.now();

  start(): void {
    this.#mark = performance.now();
  }

  count(tokens: number): void {
    this.#tokens += tokens;
    this.#seconds += (performance.now() - this.#mark) / 1000;
  }

  get rate(): number {
    return this.#seconds > 0 ? Math.round(this.#tokens / this.#seconds) : 0;
  }
}

/** A character model about to be trained on a text. */
export class TextTraining {
  readonly vocabulary: Vocabulary;
  readonly model: Model;
  readonly #options: TrainTextOptions;
  readonly #tokens: Int32Array;
  readonly #epochs: EpochReport[] = [];
  readonly #watch = new Stopwatch();
  #stopped = false;

  /** @throws ERR_BPTT_DATA, ERR_BPTT_RANGE … for a text or options that do not fit. */
  constructor(text: string, options: TrainTextOptions) {
    this.#options = options;
    this.vocabulary = characters(text);
    this.#tokens = this.vocabulary.encode(text);
    this.model = textModel(this.vocabulary, options);
  }

  /** Ends training after the update that is running. */
  stop(): void {
    this.#stopped = true;
  }

  get report(): TrainingReport {
    return { epochs: this.#epochs, parameters: this.model.parameterCount, tokensPerSecond: this.#watch.rate };
  }

  /** Trains until the epochs or seconds are over, or `stop` is called. */
  async run(events: TrainingEvents): Promise<History> {
    const { seconds, epochs = seconds === undefined ? 10 : undefined, seed } = this.#options;
    const { training, validation } = textData(this.#tokens, this.#options);
    const trainer = new Trainer(this.model, {
      loss: crossEntropy(), optimizer: textOptimizer(this.#options), clip: textClip(this.#options), seed,
    });
    return trainer.fit(training, {
      ...(epochs === undefined ? { seconds } : { epochs }),
      ...(validation ? { validation } : {}),
      callbacks: [this.#callback(events, { epochs, seconds })],
    });
  }

  #callback(events: TrainingEvents, { epochs, seconds }: Pick<TrainTextOptions, 'epochs' | 'seconds'>): Callback {
    const share = ({ epoch, batch, batches, seconds: passed }: Progress): number => (
      epochs === undefined ? passed / seconds! : (epoch - 1 + batch / (batches ?? batch)) / epochs);
    let epochBegan = 0;
    return {
      onStart: () => this.#watch.start(),
      onBatch: (progress, control) => {
        this.#watch.count(progress.steps);
        events.onUpdate?.({ epoch: progress.epoch, updates: progress.updates, loss: progress.loss, share: share(progress), tokensPerSecond: this.#watch.rate });
        if (this.#stopped) control.stop('stopped');
        this.#watch.start();
      },
      onEpoch: ({ epoch, loss, validation, seconds: passed }) => {
        const report: EpochReport = { epoch, trainLoss: loss, validationLoss: validation?.loss ?? null, seconds: Number((passed - epochBegan).toFixed(3)) };
        epochBegan = passed;
        this.#epochs.push(report);
        events.onEpoch?.(report);
        this.#watch.start();
      },
    };
  }
}
