import { requireBoolean, requireChoice, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { reductions } from '../losses/index.ts';
import type { Loss, Reduction } from '../losses/index.ts';
import { Model } from '../model/index.ts';
import { checkClip, checkL2 } from '../optimizers/index.ts';
import type { ClipOptions, L2Options, Optimizer } from '../optimizers/index.ts';

/** Truncated backpropagation through time, in steps: parameters change every `update` steps, gradients never reach over more than `gradient` steps. */
export interface TruncationOptions {
  readonly update: number;
  /** Default: as `update`. */
  readonly gradient?: number | undefined;
}

/** Recomputation, in steps: how many are kept in memory at one time. */
export interface RecomputationOptions {
  /** Default: about √T. */
  readonly segment?: number | undefined;
}

export interface TrainerOptions {
  /** By output where the model has several; their sum is made small. */
  readonly loss: Loss | Readonly<Record<string, Loss>>;
  readonly optimizer: Optimizer;
  /** Default: none. */
  readonly clip?: ClipOptions | undefined;
  /** λ by group of parameters: λ·w is added to the gradient before clipping. Default: none. */
  readonly l2?: L2Options | undefined;
  /** 'mean' (default): over all valid steps. 'sum'. 'meanPerSequence': over each row's steps, then over rows. */
  readonly reduction?: Reduction | undefined;
  /** 'last': only each row's last valid step counts. Default 'all'. How much each step counts otherwise is said by the `weights` of batches. */
  readonly lossOn?: 'all' | 'last' | undefined;
  /** Default: one update for each batch, gradients over all of its steps. */
  readonly truncation?: TruncationOptions | undefined;
  /**
   * Keeps the states between segments of time only, and computes the rest of a segment again when its gradients are due: memory grows with √T instead of T, at the
   * price of one more forward pass. The gradients are the same; sums over time are added up in another order. Needs layers that reach from step to step through their states
   * alone. Default false.
   */
  readonly recomputation?: boolean | RecomputationOptions | undefined;
  /** Whether row r of a batch goes on with the states of row r of the one before. Default: where the batches say which rows are fresh. */
  readonly carryState?: boolean | undefined;
  /** Of dropout. Default 0. */
  readonly seed?: number | undefined;
}

/** Options checked and complete. */
export interface TrainerSettings {
  /** By output. */
  readonly losses: Readonly<Record<string, Loss>>;
  readonly optimizer: Optimizer;
  readonly clip: ClipOptions;
  readonly l2: L2Options;
  readonly reduction: Reduction;
  readonly lossOn: 'all' | 'last';
  readonly truncation: { readonly update: number; readonly gradient: number } | null;
  readonly recomputation: { readonly segment: number | null } | null;
  readonly carryState: boolean | undefined;
  readonly seed: number;
}

const names = ['loss', 'optimizer', 'clip', 'l2', 'reduction', 'lossOn', 'truncation', 'recomputation', 'carryState', 'seed'];

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE naming the option. */
export function readTrainerOptions(model: Model, options: TrainerOptions): TrainerSettings {
  if (!(model instanceof Model)) throw wrongType('Trainer', 'the model', 'what sequential() or model() gives', model);
  checkOptions('Trainer', options, names);
  const { optimizer, clip = {}, l2 = {}, carryState } = options;
  if (typeof optimizer?.update !== 'function' || !Array.isArray(optimizer.slots) || typeof optimizer.learningRate?.at !== 'function') throw wrongType('Trainer', 'optimizer', 'an optimizer such as adam()', optimizer);
  if (carryState === true && model.states.length === 0) {
    throw new BpttError('ERR_BPTT_OPTION', 'Trainer: carryState: true carries the states of recurrent layers, and the model has none; leave it out', { received: carryState });
  }
  checkClip(clip);
  checkL2(l2);
  const losses = readLosses('Trainer', model, options.loss);
  const lossOn = readLossOn('Trainer', model, losses, options.lossOn);
  return {
    losses, optimizer, clip, l2, lossOn,
    reduction: requireChoice('Trainer', 'reduction', options.reduction ?? 'mean', reductions),
    truncation: options.truncation === undefined ? null : readTruncation(model, options.truncation, lossOn),
    recomputation: readRecomputation(model, options),
    carryState: carryState === undefined ? undefined : requireBoolean('Trainer', 'carryState', carryState),
    seed: requireInteger('Trainer', 'seed', options.seed ?? 0, 0),
  };
}

function isLoss(candidate: unknown): candidate is Loss {
  return typeof (candidate as Loss | undefined)?.perStep === 'function';
}

/** Losses by output. @throws ERR_BPTT_TYPE for something else, ERR_BPTT_OPTION for outputs that are unknown or none at all. */
export function readLosses(owner: string, model: Model, loss: unknown): Record<string, Loss> {
  const outputs = model.outputs.map(({ name }) => name);
  if (isLoss(loss)) {
    if (outputs.length === 1) return { [outputs[0]!]: loss };
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected a loss for each output by name ({ ${outputs.join(', ')} }), received one`, { expected: outputs, received: loss.kind });
  }
  if (typeof loss !== 'object' || loss === null) throw wrongType(owner, 'loss', 'a loss such as crossEntropy()', loss);
  checkOptions(`${owner}: loss by output`, loss, outputs);
  const entries = Object.entries(loss);
  const wrong = entries.find(([, entry]) => !isLoss(entry));
  if (wrong) throw wrongType(owner, `loss.${wrong[0]}`, 'a loss such as crossEntropy()', wrong[1]);
  if (entries.length === 0) throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected a loss for at least one of the outputs ${outputs.join(', ')}, received none`, { expected: outputs });
  return Object.fromEntries(entries);
}

/** Which steps have a loss. @throws ERR_BPTT_OPTION for "last" where no output with a loss has steps. */
export function readLossOn(owner: string, model: Model, losses: Readonly<Record<string, Loss>>, given: unknown): 'all' | 'last' {
  const lossOn = requireChoice(owner, 'lossOn', given ?? 'all', ['all', 'last'] as const);
  if (lossOn === 'all' || model.outputs.some(({ name, time }) => time && name in losses)) return lossOn;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: lossOn: 'last' chooses among the steps of an output over time, and ${Object.keys(losses).map((name) => `"${name}"`).join(', ')} has one value for each row;`
    + ' leave it out', { received: lossOn });
}

function readTruncation(model: Model, truncation: TruncationOptions, lossOn: 'all' | 'last'): { update: number; gradient: number } {
  checkOptions('Trainer: truncation', truncation, ['update', 'gradient']);
  const update = requireInteger('Trainer', 'truncation.update', truncation.update, 1);
  const gradient = requireInteger('Trainer', 'truncation.gradient', truncation.gradient ?? update, 1);
  if (lossOn === 'last') throw truncationError(`a loss at every step, received lossOn: 'last'`);
  const single = model.outputs.find(({ time }) => !time);
  if (single) throw truncationError(`outputs over time, received "${single.name}", which there is one of for each row`);
  const still = model.inputs.filter(({ time }) => time).length !== 1 ? model.inputs : [];
  if (still.length > 0) throw truncationError(`one input over time, received ${describe(still.map(({ name }) => name))}`);
  return { update, gradient };
}

function readRecomputation(model: Model, { recomputation = false, truncation }: TrainerOptions): { segment: number | null } | null {
  if (recomputation === false) return null;
  const refuse = (expected: string, received: unknown): BpttError => (
    new BpttError('ERR_BPTT_OPTION', `Trainer: recomputation runs sequences part by part; it needs ${expected}; leave recomputation out`, { expected, received }));
  if (recomputation !== true) checkOptions('Trainer: recomputation', recomputation, ['segment']);
  if (truncation !== undefined) throw refuse('a trainer without truncation, which bounds the memory already', truncation);
  const timed = model.inputs.filter(({ time }) => time).map(({ name }) => name);
  if (timed.length !== 1) throw refuse(`one input over time, received ${describe(timed)}`, timed);
  const { readsAhead } = model.core;
  if (readsAhead !== undefined) throw refuse(`layers of direction "forward", and the layer "${readsAhead}" reads steps ahead`, readsAhead);
  const { segment } = recomputation === true ? {} as RecomputationOptions : recomputation;
  return { segment: segment === undefined ? null : requireInteger('Trainer', 'recomputation.segment', segment, 1) };
}

function truncationError(expected: string): BpttError {
  return new BpttError('ERR_BPTT_OPTION', `Trainer: truncation cuts sequences into parts that each have a loss; it needs ${expected}; leave truncation out`, { expected });
}
