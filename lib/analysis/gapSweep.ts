import { requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Batch } from '../data/batch.ts';
import { crossEntropy } from '../losses/index.ts';
import type { Model } from '../model/index.ts';
import { adam } from '../optimizers/index.ts';
import type { Optimizer } from '../optimizers/index.ts';
import { uniformSource } from '../random.ts';
import { Trainer } from '../training/index.ts';
import { createFreshModelCheck } from './inside.ts';
import { formatTable } from './table.ts';

export interface GapSweepOptions {
  /** By name: makes a new model, one for each gap, of int32 tokens (0 … symbols + 1) that gives the logits of `symbols` classes for each row, [N, symbols]. */
  readonly models: Readonly<Record<string, (input: { readonly tokens: number }) => Model>>;
  /** Steps between what is shown and the question. */
  readonly gaps: readonly number[];
  /** Different things that may have to be remembered. Default 4. */
  readonly symbols?: number | undefined;
  /** Default adam({ learningRate: 0.01 }). */
  readonly optimizer?: Optimizer | undefined;
  /** Most updates for each model and gap; training ends when all is remembered. Default 300. */
  readonly updates?: number | undefined;
  /** Rows of an update. Default 32. */
  readonly batch?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** One model at one gap. */
export interface GapResult {
  readonly model: string;
  readonly gap: number;
  /** Share of right answers on sequences that it has not seen; 1 / symbols is guessing. */
  readonly accuracy: number;
  /** Updates made. */
  readonly updates: number;
}

export interface GapSweep {
  readonly kind: 'gapSweep';
  readonly results: readonly GapResult[];
  /** The longest gap that each model bridges (accuracy of 0.95 or more); null when none. */
  readonly longest: Readonly<Record<string, number | null>>;
  /** A table: models down, gaps across. */
  readonly text: string;
}

const bridged = 0.95;
/** Updates between two looks at the accuracy. */
const look = 25;

/** Sequences that begin with one of the symbols, go on with noise of two fillers, and are asked for the symbol at their end. */
function recall(rows: number, gap: number, symbols: number, random: () => number): Batch {
  const steps = gap + 2;
  const input = new Int32Array(rows * steps);
  const target = Int32Array.from({ length: rows }, () => Math.floor(random() * symbols));
  for (let row = 0; row < rows; row++) {
    for (let t = 1; t < steps; t++) input[row * steps + t] = symbols + (random() < 0.5 ? 0 : 1);
    input[row * steps] = target[row]!;
  }
  return { input: { data: input, shape: [rows, steps] }, target: { data: target, shape: [rows] } };
}

async function bridge(model: Model, gap: number, { symbols, optimizer, updates, batch, seed }: Required<Omit<GapSweepOptions, 'models' | 'gaps'>> & { optimizer: Optimizer }): Promise<Omit<GapResult, 'model' | 'gap'>> {
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer, clip: { globalNorm: 1 } });
  const random = uniformSource(seed, `gap ${gap}`);
  const test = recall(128, gap, symbols, uniformSource(seed, `test ${gap}`));
  for (let update = 1; ; update++) {
    await trainer.step(recall(batch, gap, symbols, random));
    if (update % look !== 0 && update < updates) continue;
    const accuracy = (await trainer.evaluate(test)).accuracy!;
    if (accuracy === 1 || update >= updates) return { accuracy, updates: update };
  }
}

/**
 * How far models remember: each learns to name, at the end of a sequence, the symbol that it began with, over gaps of noise. It is the least that "I grew up in
 * France … I speak fluent French" asks for; simple recurrences fail at gaps that gated ones bridge.
 * @throws (as a rejection) ERR_BPTT_OPTION for unknown options, no models or no gaps, and a function that gives one model twice; ERR_BPTT_TYPE or ERR_BPTT_RANGE for numbers; what training throws for models that do not fit.
 */
export async function gapSweep(options: GapSweepOptions): Promise<GapSweep> {
  checkOptions('gapSweep', options, ['models', 'gaps', 'symbols', 'optimizer', 'updates', 'batch', 'seed']);
  const { models, gaps } = options;
  if (typeof models !== 'object' || models === null) throw wrongType('gapSweep', 'models', 'functions that make a model, by name', models);
  if (!Array.isArray(gaps) || gaps.length === 0 || Object.keys(models).length === 0) throw new BpttError('ERR_BPTT_OPTION', 'gapSweep: expected at least one model and one gap', { received: { models, gaps } });
  gaps.forEach((gap) => requireInteger('gapSweep', 'every gap', gap, 0, 100_000));
  const symbols = requireInteger('gapSweep', 'symbols', options.symbols ?? 4, 2);
  const settings = {
    symbols, optimizer: options.optimizer ?? adam({ learningRate: 0.01 }),
    updates: requireInteger('gapSweep', 'updates', options.updates ?? 300, 1), batch: requireInteger('gapSweep', 'batch', options.batch ?? 32, 1),
    seed: requireInteger('gapSweep', 'seed', options.seed ?? 0, 0),
  };
  for (const [name, make] of Object.entries(models)) if (typeof make !== 'function') throw wrongType('gapSweep', `models.${name}`, 'a function that makes a model', make);
  const requireFresh = createFreshModelCheck();
  const results: GapResult[] = [];
  for (const [name, make] of Object.entries(models)) {
    for (const gap of gaps as readonly number[]) results.push({ model: name, gap, ...await bridge(requireFresh(`gapSweep: models.${name}`, make({ tokens: symbols + 2 })), gap, settings) });
  }
  const of = (name: string): GapResult[] => results.filter(({ model }) => model === name);
  const longest = Object.fromEntries(Object.keys(models).map((name) => {
    const far = of(name).filter(({ accuracy }) => accuracy >= bridged).map(({ gap }) => gap);
    return [name, far.length > 0 ? Math.max(...far) : null];
  }));
  const text = formatTable(['Gap', ...(gaps as readonly number[]).map(String)], Object.keys(models).map((name) => [name, ...of(name).map(({ accuracy }) => `${(100 * accuracy).toFixed(0)}%`)]));
  return { kind: 'gapSweep', results, longest, text };
}
