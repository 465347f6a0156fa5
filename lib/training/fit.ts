import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { abortError } from '../model/turns.ts';
import { Channel } from './channel.ts';
import { batchesOf, countBatches, noBatches } from './data.ts';
import type { Evaluation, TrainingData } from './evaluate.ts';
import type { StepResult, Trainer } from './trainer.ts';

/** Where training stands, after a batch or an epoch. */
export interface Progress {
  readonly kind: 'batch' | 'epoch';
  /** Counted from 1 over the trainer's life. */
  readonly epoch: number;
  /** Batches done in this epoch. */
  readonly batch: number;
  /** Batches of an epoch, null where that is not known. */
  readonly batches: number | null;
  /** Updates over the trainer's life. */
  readonly updates: number;
  /** Of the batch; for an epoch the mean over its steps (the sum with reduction 'sum'). */
  readonly loss: number;
  /** Length of all gradients together before clipping: the largest of the batch or the epoch. */
  readonly gradientNorm: number;
  /** Of the last update. */
  readonly learningRate: number;
  /** Valid steps of the batch or the epoch. */
  readonly steps: number;
  /** Since `fit` began. */
  readonly seconds: number;
  /** After an epoch when validation data were given, else null. */
  readonly validation: Evaluation | null;
}

/** What `fit` gives in the end. */
export interface History {
  /** One entry for each epoch, the last one perhaps not finished. */
  readonly epochs: readonly Progress[];
  readonly updates: number;
  readonly seconds: number;
  /** Why it ended: 'epochs', 'seconds', or what a callback said. */
  readonly stopped: string;
}

/** What callbacks can do. */
export interface FitControl {
  readonly trainer: Trainer;
  /** Ends training after this batch; the first reason counts. */
  stop(reason: string): void;
}

/** Called between steps; training waits for promises. What they throw ends training. */
export interface Callback {
  readonly onStart?: ((control: FitControl) => void | Promise<void>) | undefined;
  readonly onBatch?: ((progress: Progress, control: FitControl) => void | Promise<void>) | undefined;
  readonly onEpoch?: ((progress: Progress, control: FitControl) => void | Promise<void>) | undefined;
  readonly onEnd?: ((history: History, control: FitControl) => void | Promise<void>) | undefined;
}

export interface FitOptions {
  /** Epochs to train, 1 or more. Either this or `seconds` is needed; whichever is reached first ends training. */
  readonly epochs?: number | undefined;
  /** Training ends after the first batch that is done later than this. */
  readonly seconds?: number | undefined;
  /** Evaluated after each epoch. */
  readonly validation?: TrainingData | undefined;
  readonly callbacks?: readonly Callback[] | undefined;
  /** Ends training within a step, with ERR_BPTT_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Training under way: a promise of the history that can also be iterated, `for await (const progress of trainer.fit(…))`. The loop's body runs between
 * steps, training waits for it, and leaving the loop ends training.
 */
export type FitRun = Promise<History> & AsyncIterable<Progress>;

/** What a fit needs of its trainer. */
export interface FitHost {
  readonly trainer: Trainer;
  /** One batch, with all of its updates. */
  train(batch: Parameters<Trainer['step']>[0], signal: AbortSignal | undefined): Promise<StepResult>;
  /** Whether losses are sums and not means. */
  readonly sums: boolean;
  epochDone(): void;
  /** Keeps others from training until the end. @throws ERR_BPTT_BUSY */
  begin(): void;
  end(): void;
}

interface Tally {
  loss: number;
  steps: number;
  norm: number;
  batches: number;
  learningRate: number;
}

/** One call of `fit`. */
class Fit {
  readonly #host: FitHost;
  readonly #options: FitOptions;
  readonly #channel: Channel<Progress>;
  readonly #control: FitControl;
  readonly #began = performance.now();
  readonly #epochs: Progress[] = [];
  #stopped: string | null = null;

  constructor(host: FitHost, options: FitOptions, channel: Channel<Progress>) {
    this.#host = host;
    this.#options = options;
    this.#channel = channel;
    this.#control = { trainer: host.trainer, stop: (reason) => this.stop(reason) };
  }

  stop(reason: string): void {
    this.#stopped ??= reason;
  }

  get #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  async run(data: TrainingData): Promise<History> {
    const { epochs = Infinity, callbacks = [] } = this.#options;
    for (const { onStart } of callbacks) await onStart?.(this.#control);
    for (let epoch = 0; epoch < epochs && this.#stopped === null; epoch++) await this.#epoch(data);
    const history: History = { epochs: this.#epochs, updates: this.#host.trainer.updates, seconds: this.#seconds, stopped: this.#stopped ?? 'epochs' };
    for (const { onEnd } of callbacks) await onEnd?.(history, this.#control);
    return history;
  }

  async #epoch(data: TrainingData): Promise<void> {
    const { signal, validation, callbacks = [], seconds = Infinity } = this.#options;
    const { trainer } = this.#host;
    const tally: Tally = { loss: 0, steps: 0, norm: 0, batches: 0, learningRate: 0 };
    let finished = true;
    for await (const batch of batchesOf('fit', data, trainer.epochs)) {
      if (signal?.aborted) throw abortError('fit', signal);
      const result = await this.#host.train(batch, signal);
      this.#count(tally, result);
      const progress = this.#progress('batch', tally, result, countBatches(data), null);
      for (const { onBatch } of callbacks) await onBatch?.(progress, this.#control);
      if (this.#channel.attached) await this.#channel.send(progress);
      if (this.#seconds >= seconds) this.stop('seconds');
      if (this.#stopped === null) continue;
      finished = tally.batches === countBatches(data);
      break;
    }
    if (tally.batches === 0) throw noBatches('fit');
    const evaluation = validation === undefined ? null : await trainer.evaluate(validation, { signal });
    const total: StepResult = { loss: this.#host.sums ? tally.loss : tally.loss / Math.max(1, tally.steps), gradientNorm: tally.norm, learningRate: tally.learningRate, steps: tally.steps, updates: 0 };
    const progress = this.#progress('epoch', tally, total, countBatches(data), evaluation);
    if (finished) this.#host.epochDone();
    this.#epochs.push(progress);
    for (const { onEpoch } of callbacks) await onEpoch?.(progress, this.#control);
    await this.#channel.send(progress);
  }

  #count(tally: Tally, { loss, steps, gradientNorm, learningRate }: StepResult): void {
    tally.loss += this.#host.sums ? loss : loss * steps;
    tally.steps += steps;
    tally.norm = Math.max(tally.norm, gradientNorm);
    tally.batches++;
    tally.learningRate = learningRate;
  }

  #progress(kind: Progress['kind'], tally: Tally, { loss, gradientNorm, learningRate, steps }: StepResult, batches: number | null, validation: Evaluation | null): Progress {
    const { trainer } = this.#host;
    return { kind, epoch: trainer.epochs + 1, batch: tally.batches, batches, updates: trainer.updates, loss, gradientNorm, learningRate, steps, seconds: this.#seconds, validation };
  }
}

function checkFitOptions(options: FitOptions): void {
  checkOptions('fit', options, ['epochs', 'seconds', 'validation', 'callbacks', 'signal']);
  const { epochs, seconds, callbacks } = options;
  if (epochs === undefined && seconds === undefined) throw new BpttError('ERR_BPTT_OPTION', 'fit: expected epochs or seconds to say when training ends, received neither', { expected: 'epochs or seconds' });
  if (epochs !== undefined) requireInteger('fit', 'epochs', epochs, 1);
  if (seconds !== undefined) requireNumber('fit', 'seconds', seconds, Number.MIN_VALUE, Number.MAX_VALUE);
  if (callbacks === undefined) return;
  if (!Array.isArray(callbacks)) throw wrongType('fit', 'callbacks', 'an array', callbacks);
  callbacks.forEach((callback: unknown, i) => {
    checkOptions(`fit: callbacks[${i}]`, callback, ['onStart', 'onBatch', 'onEpoch', 'onEnd']);
    for (const [name, call] of Object.entries(callback as Callback)) {
      if (call !== undefined && typeof call !== 'function') throw wrongType('fit', `callbacks[${i}].${name}`, 'a function', call);
    }
  });
}

/** Starts training. Everything that goes wrong, wrong options included, rejects the promise and ends the iteration with the error. */
export function startFit(host: FitHost, data: TrainingData, options: FitOptions): FitRun {
  let fit: Fit | null = null;
  const channel = new Channel<Progress>(() => fit?.stop('the loop was left'));
  const run = async (): Promise<History> => {
    await Promise.resolve();
    checkFitOptions(options);
    const started = new Fit(host, options, channel);
    fit = started;
    host.begin();
    try {
      return await started.run(data);
    } finally {
      host.end();
    }
  };
  const promise = run().then(
    (history) => {
      channel.end(null);
      return history;
    },
    (error: unknown) => {
      channel.end({ error });
      throw error;
    },
  );
  return Object.assign(promise, {
    [Symbol.asyncIterator]: () => {
      promise.catch(() => undefined);
      return channel[Symbol.asyncIterator]();
    },
  });
}
