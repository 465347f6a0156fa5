import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { checkWritable } from '../formats/atomicFolder.ts';
import type { Model } from '../model/index.ts';
import { saveCheckpoint } from './checkpoint.ts';
import type { Callback, FitControl, Progress } from './fit.ts';

/** How often something is done: after so many updates or epochs. */
export interface Interval {
  readonly updates?: number | undefined;
  readonly epochs?: number | undefined;
}

/** Calls `action` whenever the interval has passed; batches of several updates count as one occasion. */
function every(owner: string, { updates, epochs }: Interval, action: (progress: Progress, control: FitControl) => void | Promise<void>): Callback {
  if (updates !== undefined) {
    if (epochs !== undefined) throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected updates or epochs, received both`, { received: { updates, epochs } });
    requireInteger(owner, 'updates', updates, 1);
    let last: number | null = null;
    return {
      onStart: ({ trainer }) => { last = trainer.updates; },
      onBatch: async (progress, control) => {
        if (progress.updates - (last ?? 0) < updates) return;
        last = progress.updates;
        await action(progress, control);
      },
    };
  }
  const interval = requireInteger(owner, 'epochs', epochs ?? 1, 1);
  return {
    onEpoch: async (progress, control) => {
      if (progress.epoch % interval === 0) await action(progress, control);
    },
  };
}

function significant(number: number): string {
  return Number(number.toPrecision(4)).toString();
}

function line({ kind, epoch, batch, batches, loss, gradientNorm, seconds, validation }: Progress): string {
  const words = [`epoch ${epoch}`];
  if (kind === 'batch') words.push(`batch ${batch}${batches === null ? '' : `/${batches}`}`);
  words.push(`loss ${significant(loss)}`, `gradient norm ${significant(gradientNorm)}`);
  if (validation) {
    words.push(`validation loss ${significant(validation.loss)}`);
    if (validation.accuracy !== null) words.push(`accuracy ${significant(validation.accuracy)}`);
    if (validation.perplexity !== null) words.push(`perplexity ${significant(validation.perplexity)}`);
  }
  return `${words.join(', ')} (${seconds.toFixed(1)} s)\n`;
}

/**
 * Writes a line of text after every epoch, and in between when the last one is older than `seconds`.
 * @param options.seconds default 10.
 * @param options.write where lines go; default standard error.
 */
export function progress(options: { readonly seconds?: number; readonly write?: (text: string) => void } = {}): Callback {
  checkOptions('progress', options, ['seconds', 'write']);
  const seconds = requireNumber('progress', 'seconds', options.seconds ?? 10, 0, Number.MAX_VALUE);
  const write = options.write ?? ((text: string) => { process.stderr.write(text); });
  if (typeof write !== 'function') throw wrongType('progress', 'write', 'a function', write);
  let last = 0;
  const show = (state: Progress): void => {
    last = state.seconds;
    write(line(state));
  };
  return {
    onStart: () => { last = 0; },
    onBatch: (state) => { if (state.seconds - last >= seconds) show(state); },
    onEpoch: show,
  };
}

/**
 * Saves the model and what the trainer holds to a folder, which is replaced as a whole: `loadModel` and `loadTrainerState` read it. Before training begins `fit` finds out whether the
 * folder can be written. A checkpoint of the middle of an epoch has its updates, but `fit` begins that epoch again; `step` over the batches that were left goes on exactly.
 * @param interval after so many updates or epochs; default every epoch.
 */
export function checkpoint(folder: string, interval: Interval = {}): Callback {
  checkOptions('checkpoint', interval, ['updates', 'epochs']);
  if (typeof folder !== 'string' || folder === '') throw wrongType('checkpoint', 'the folder', 'a path', folder);
  const { onStart, ...saving } = every('checkpoint', interval, (_progress, { trainer }) => saveCheckpoint(trainer, folder));
  return {
    ...saving,
    onStart: async (control) => {
      await checkWritable(folder);
      await onStart?.(control);
    },
  };
}

/**
 * Calls `sample` every so often with the model, between two steps: to see what it would write.
 * @param options.updates or `epochs`: how often; default every epoch.
 */
export function sampleEvery(options: Interval & { readonly sample: (model: Model, progress: Progress) => void | Promise<void> }): Callback {
  checkOptions('sampleEvery', options, ['updates', 'epochs', 'sample']);
  const { sample, ...interval } = options;
  if (typeof sample !== 'function') throw wrongType('sampleEvery', 'sample', 'a function', sample);
  return every('sampleEvery', interval, (state, { trainer }) => sample(trainer.model, state));
}

/**
 * Ends training when the validation loss (the training loss without validation) has not become better for a while. The weights stay the last ones.
 * A loss that is no finite number is never better, and any finite one is better than it.
 * @param options.patience epochs without an improvement, 1 or more. Default 3.
 * @param options.improvement least decrease that counts. Default 0.
 */
export function earlyStopping(options: { readonly patience?: number; readonly improvement?: number } = {}): Callback {
  checkOptions('earlyStopping', options, ['patience', 'improvement']);
  const patience = requireInteger('earlyStopping', 'patience', options.patience ?? 3, 1);
  const improvement = requireNumber('earlyStopping', 'improvement', options.improvement ?? 0, 0, Number.MAX_VALUE);
  let best = Infinity;
  let waited = 0;
  return {
    onStart: () => {
      best = Infinity;
      waited = 0;
    },
    onEpoch: ({ loss, validation }, control) => {
      const now = validation?.loss ?? loss;
      if (now < best - improvement) {
        best = now;
        waited = 0;
      } else if (++waited >= patience) control.stop(`no improvement for ${patience} epochs`);
    },
  };
}
