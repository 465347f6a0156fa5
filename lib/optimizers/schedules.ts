import { requireInteger, requireNumber } from '../checks.ts';
import { BpttError, checkOptions, describe, nearest } from '../errors.ts';

/** Where training stands. */
export interface Moment {
  /** Updates made before this one: 0 at the first. */
  readonly step: number;
  /** Epochs finished: 0 during the first. */
  readonly epoch: number;
}

/** A learning rate over time. A frozen plain value. */
export interface Schedule {
  readonly kind: string;
  /** JSON-safe. */
  readonly options: Readonly<Record<string, unknown>>;
  at(moment: Moment): number;
}

/** A schedule as JSON holds it. */
export interface ScheduleDescription {
  readonly kind: string;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

function defineSchedule(kind: string, options: object, at: Schedule['at']): Schedule {
  return Object.freeze({ kind, options: Object.freeze({ ...options }) as Schedule['options'], at });
}

function requireRate(kind: string, name: string, rate: unknown): number {
  return requireNumber(kind, name, rate, Number.MIN_VALUE, Number.MAX_VALUE);
}

/** The same rate throughout. */
export function constantRate(options: { readonly learningRate: number }): Schedule {
  checkOptions('constantRate', options, ['learningRate']);
  const rate = requireRate('constantRate', 'learningRate', options.learningRate);
  return defineSchedule('constantRate', options, () => rate);
}

/** Multiplied by `factor` after every `every` epochs. */
export function stepDecay(options: { readonly learningRate: number; readonly factor: number; readonly every: number }): Schedule {
  checkOptions('stepDecay', options, ['learningRate', 'factor', 'every']);
  const rate = requireRate('stepDecay', 'learningRate', options.learningRate);
  const factor = requireRate('stepDecay', 'factor', options.factor);
  const every = requireInteger('stepDecay', 'every', options.every, 1);
  return defineSchedule('stepDecay', options, ({ epoch }) => rate * factor ** Math.floor(epoch / every));
}

/** Multiplied by `factor` with every epoch after the first `afterEpoch`: the recipe of W. Zaremba et al., arXiv:1409.2329, and of character models. */
export function decayAfter(options: { readonly learningRate: number; readonly factor: number; readonly afterEpoch: number }): Schedule {
  checkOptions('decayAfter', options, ['learningRate', 'factor', 'afterEpoch']);
  const rate = requireRate('decayAfter', 'learningRate', options.learningRate);
  const factor = requireRate('decayAfter', 'factor', options.factor);
  const afterEpoch = requireInteger('decayAfter', 'afterEpoch', options.afterEpoch, 0);
  return defineSchedule('decayAfter', options, ({ epoch }) => rate * factor ** Math.max(0, epoch - afterEpoch + 1));
}

/** Multiplied by `factor` with every `steps` updates, smoothly in between. */
export function exponentialDecay(options: { readonly learningRate: number; readonly factor: number; readonly steps: number }): Schedule {
  checkOptions('exponentialDecay', options, ['learningRate', 'factor', 'steps']);
  const rate = requireRate('exponentialDecay', 'learningRate', options.learningRate);
  const factor = requireRate('exponentialDecay', 'factor', options.factor);
  const steps = requireInteger('exponentialDecay', 'steps', options.steps, 1);
  return defineSchedule('exponentialDecay', options, ({ step }) => rate * factor ** (step / steps));
}

/** Half a cosine from `learningRate` down to `final` (default 0) over `steps` updates, then `final`: I. Loshchilov and F. Hutter, arXiv:1608.03983. */
export function cosineDecay(options: { readonly learningRate: number; readonly steps: number; readonly final?: number | undefined }): Schedule {
  checkOptions('cosineDecay', options, ['learningRate', 'steps', 'final']);
  const rate = requireRate('cosineDecay', 'learningRate', options.learningRate);
  const steps = requireInteger('cosineDecay', 'steps', options.steps, 1);
  const final = requireNumber('cosineDecay', 'final', options.final ?? 0, 0, rate);
  return defineSchedule('cosineDecay', options, ({ step }) => final + (rate - final) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, step / steps))));
}

/** Rises in a line to what `then` says over the first `steps` updates: the update number i (from 0) has (i + 1) / steps of it. */
export function warmup(options: { readonly steps: number; readonly then: Schedule | ScheduleDescription | number }): Schedule {
  checkOptions('warmup', options, ['steps', 'then']);
  const steps = requireInteger('warmup', 'steps', options.steps, 1);
  const then = asSchedule('warmup: then', options.then);
  const described = { steps, then: Object.freeze({ kind: then.kind, options: then.options }) };
  return defineSchedule('warmup', described, (moment) => Math.min(1, (moment.step + 1) / steps) * then.at(moment));
}

const factories: Readonly<Record<string, (options: never) => Schedule>> = { constantRate, stepDecay, decayAfter, exponentialDecay, cosineDecay, warmup };

/** A schedule of a number (constant), a schedule or its description. @throws ERR_BPTT_TYPE or ERR_BPTT_FORMAT for anything else. */
export function asSchedule(owner: string, given: number | Schedule | ScheduleDescription): Schedule {
  if (typeof given === 'number') {
    requireRate(owner, 'the rate', given);
    return constantRate({ learningRate: given });
  }
  if (typeof given !== 'object' || given === null || typeof given.kind !== 'string') {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected a number or a schedule such as stepDecay(…), received ${describe(given)}`, { expected: 'number or schedule', received: given });
  }
  if ('at' in given && typeof given.at === 'function') return given;
  checkOptions(`${owner}: schedule description`, given, ['kind', 'options']);
  if (Object.hasOwn(factories, given.kind)) return factories[given.kind]!((given.options ?? {}) as never);
  const hint = nearest(given.kind, Object.keys(factories));
  throw new BpttError('ERR_BPTT_FORMAT', `${owner}: unknown schedule "${given.kind}"${hint ? `; did you mean "${hint}"?` : ''} (schedules: ${Object.keys(factories).join(', ')})`,
    { expected: Object.keys(factories), received: given.kind });
}
