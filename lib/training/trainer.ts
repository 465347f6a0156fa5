import { BpttError, checkOptions } from '../errors.ts';
import type { Batch } from '../data/batch.ts';
import type { FloatArray } from '../data/tensor.ts';
import type { Variable } from '../graph/index.ts';
import { signatureKey } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import { ProgramCache } from '../model/programs.ts';
import type { Kept } from '../model/programs.ts';
import { abortError } from '../model/turns.ts';
import type { Executable, VariableStore } from '../runtime/runtime.ts';
import { CarriedPool } from './carry.ts';
import type { CarriedStates } from './carry.ts';
import { countSteps, cutPart, planChunks } from './chunks.ts';
import type { BatchPart, Chunk } from './chunks.ts';
import { Evaluator } from './evaluate.ts';
import type { EvaluateOptions, Evaluation, TrainingData } from './evaluate.ts';
import { startFit } from './fit.ts';
import type { FitOptions, FitRun } from './fit.ts';
import { nonFiniteError } from './nonFinite.ts';
import { BatchReader } from './prepare.ts';
import type { PreparedBatch } from './prepare.ts';
import { feedKeys } from './randomKeys.ts';
import { RecomputedStep } from './recomputation.ts';
import { planSegments } from './segments.ts';
import type { Segment } from './segments.ts';
import { readTrainerOptions } from './settings.ts';
import type { TrainerOptions, TrainerSettings } from './settings.ts';
import { restoreState, saveState } from './state.ts';
import type { TrainerState } from './state.ts';
import { buildStep, isSameStep } from './stepProgram.ts';
import type { StepGraph, StepOptions, TrainerVariables } from './stepProgram.ts';
import { requireStepwise } from './stepwise.ts';
import { trainingStates } from './trainingStates.ts';

/** What one batch did. */
export interface StepResult {
  /** As the reduction says, without penalties; over several updates the mean weighted by their steps (the sum with reduction 'sum'). */
  readonly loss: number;
  /** Length of all gradients together, penalties included, before clipping: the largest of the updates. */
  readonly gradientNorm: number;
  /** Of the last update. */
  readonly learningRate: number;
  /** Valid steps that had a loss. */
  readonly steps: number;
  /** Updates made: 1 without truncation. */
  readonly updates: number;
}

interface StepProgram extends Kept {
  readonly step: StepGraph;
  readonly executable: Executable;
}

const stepOptionNames = ['signal'] as const;

/**
 * Teaches a model. It holds what the optimizer remembers, the number of updates and the carried states; the weights are the model's. Nothing needs to be
 * freed.
 */
export class Trainer {
  readonly model: Model;
  readonly settings: TrainerSettings;
  readonly #variables: TrainerVariables;
  readonly #store: VariableStore;
  readonly #reader: BatchReader;
  readonly #evaluator: Evaluator;
  readonly #programs = new ProgramCache<StepProgram>();
  readonly #pool: CarriedPool;
  /** The number of updates, live. */
  readonly #updates: ArrayLike<number>;
  /** What every update is fed anew. */
  readonly #learningRate: FloatArray;
  /** The first output over time that has a loss. */
  readonly #timedOutput: string | undefined;
  /** The program that ran last: most batches are like the one before. */
  #latest: { readonly options: StepOptions; readonly program: StepProgram } | null = null;
  #recomputed: RecomputedStep | null = null;
  #stepwise: Promise<void> | null = null;
  #epochs = 0;
  #workingBytes = 0;
  #busy: 'step' | 'fit' | null = null;

  /** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for options that do not fit. */
  constructor(model: Model, options: TrainerOptions) {
    this.model = model;
    this.settings = Object.freeze(readTrainerOptions(model, options));
    this.#variables = declareVariables(model, this.settings);
    this.#store = model.runtime.store([this.#variables.step, ...[...this.#variables.slots.values()].flatMap((slots) => Object.values(slots))]);
    this.#reader = new BatchReader(model, 'Trainer', this.settings.losses);
    this.#evaluator = new Evaluator('evaluate', model, this.settings);
    this.#pool = new CarriedPool('Trainer', model, trainingStates(model));
    this.#updates = this.#store.view(this.#variables.step);
    this.#learningRate = model.core.door.double ? new Float64Array(1) : new Float32Array(1);
    this.#timedOutput = model.outputs.find(({ name, time }) => time && name in this.settings.losses)?.name;
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#updates[0]!;
  }

  /** Bytes of native memory that the last update held for values between its first input and its last gradient; 0 before the first one and on the reference runtime. */
  get workingBytes(): number {
    return this.#workingBytes;
  }

  /** Epochs finished by `fit`. */
  get epochs(): number {
    return this.#epochs;
  }

  /**
   * Learns from one batch, off the event loop: forward, loss, backward, clipping and update are one native call (one for each update with truncation).
   * @throws (as a rejection) ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_DATA, ERR_BPTT_VOCABULARY for data that does not fit; ERR_BPTT_NON_FINITE when loss
   * or gradients are not finite (the update is not made); ERR_BPTT_BUSY during another step or `fit`; ERR_BPTT_ABORTED. The model then stays usable.
   */
  async step(batch: Batch, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<StepResult> {
    checkOptions('step', options, stepOptionNames);
    this.#begin('step');
    try {
      return await this.#train(batch, options.signal);
    } finally {
      this.#busy = null;
    }
  }

  /**
   * Learns from data, epoch after epoch, without blocking the event loop.
   * @returns a promise of the history that can also be iterated for progress.
   * @throws (as a rejection) what `step` and callbacks throw; ERR_BPTT_OPTION when neither epochs nor seconds are given; ERR_BPTT_ABORTED within a step of the
   * signal, with the model as the last whole update left it.
   */
  fit(data: TrainingData, options: FitOptions): FitRun {
    return startFit({
      trainer: this,
      sums: this.settings.reduction === 'sum',
      begin: () => this.#begin('fit'),
      end: () => { this.#busy = null; },
      train: (batch, signal) => this.#train(batch, signal),
      epochDone: () => { this.#epochs++; },
    }, data, options);
  }

  /**
   * Loss, perplexity and accuracy over all valid steps of the data, dropout switched off. States are carried as in training, apart from the trainer's own.
   * @throws (as a rejection) as `step` for data that does not fit; ERR_BPTT_ABORTED.
   */
  async evaluate(data: TrainingData, options: EvaluateOptions = {}): Promise<Evaluation> {
    return this.#evaluator.evaluate(data, options);
  }

  /** Lets all rows of the next batch begin anew. */
  resetState(): void {
    this.#requireIdle('resetState');
    this.#pool.keep(null);
  }

  /**
   * Everything that the trainer holds, copied: with the model's weights enough to go on exactly.
   * @throws ERR_BPTT_BUSY while weights are being written.
   */
  state(): TrainerState {
    this.#requireIdle('state');
    return saveState(this.#store, this.#pool.current, this.#epochs);
  }

  /**
   * Takes up what `state()` gave, of a trainer with the same optimizer and a model with the same parameters.
   * @throws ERR_BPTT_STATE when a name or a shape does not fit; nothing has changed then. ERR_BPTT_BUSY while weights are being written.
   */
  restore(state: TrainerState): void {
    this.#requireIdle('restore');
    const { epochs, carried } = restoreState(state, this.#store, this.#pool);
    this.#epochs = epochs;
    this.#pool.keep(carried);
  }

  #requireIdle(owner: string): void {
    this.model.requireIdle(owner);
  }

  /** Keeps others from training until `#busy` is null again. @throws ERR_BPTT_BUSY */
  #begin(kind: 'step' | 'fit'): void {
    if (this.#busy) {
      throw new BpttError('ERR_BPTT_BUSY', `${kind}: a ${this.#busy} of this trainer has not ended; wait for its promise first`, { expected: 'idle', received: this.#busy });
    }
    this.#busy = kind;
  }

  /** One batch, with all of its updates. */
  #train(batch: Batch, signal: AbortSignal | undefined): Promise<StepResult> {
    const { truncation, recomputation } = this.settings;
    if (signal?.aborted) throw abortError('step', signal);
    const prepared = this.#reader.read(batch, truncation === null);
    const segments = recomputation ? planSegments(prepared.steps, recomputation.segment) : [];
    if (segments.length > 1) return this.#trainRecomputed(prepared, segments, signal);
    return this.model.core.turns.take({ owner: 'step', writes: true, signal }, () => this.#trainChunks(prepared, signal));
  }

  async #trainChunks(prepared: PreparedBatch, signal: AbortSignal | undefined): Promise<StepResult> {
    const { truncation, carryState, reduction } = this.settings;
    const chunks = planChunks(prepared.steps, truncation);
    if (chunks.length > 1) this.#pool.requireForward();
    const hasStates = this.#pool.states.length > 0;
    const carries = hasStates && (carryState ?? prepared.fresh !== null);
    if (!carries) this.#pool.keep(null);
    const states = carries || (chunks.length > 1 && hasStates) ? this.#pool.forRows(prepared.rows) : null;
    const fresh = states && this.#pool.freshRows(prepared.rows, carries ? prepared.fresh : null);
    const results: StepResult[] = [];
    for (const chunk of chunks) {
      // Parts that reach back to the first step begin as it does, for gradients to come to learned initial states.
      const beginning = fresh && chunk.start > 0 ? new Uint8Array(prepared.rows) : fresh;
      const result = await this.#update(this.#partOf(prepared, chunk, states), states, beginning, signal);
      if (!result) continue;
      results.push(result);
      if (states) this.#pool.keep(states);
    }
    if (!carries) this.#pool.keep(null);
    return results.length === 1 ? results[0]! : summarise(results, reduction === 'sum');
  }

  /** One update of a batch whose segments are computed again for their gradients. */
  async #trainRecomputed(prepared: PreparedBatch, segments: readonly Segment[], signal: AbortSignal | undefined): Promise<StepResult> {
    const { settings: { carryState, optimizer }, model } = this;
    const carries = this.#pool.states.length > 0 && (carryState ?? prepared.fresh !== null);
    this.#stepwise ??= requireStepwise('Trainer: recomputation', model);
    await this.#stepwise;
    this.#recomputed ??= new RecomputedStep(model, this.settings, this.#variables, this.#store);
    const recomputed = this.#recomputed;
    return model.core.turns.take({ owner: 'step', writes: true, signal }, async () => {
      if (!carries) this.#pool.keep(null);
      const steps = this.#scoredSteps(prepared);
      const { updates } = this;
      const learningRate = optimizer.learningRate.at({ step: updates, epoch: this.#epochs });
      if (steps === 0) return { loss: 0, gradientNorm: 0, learningRate: 0, steps, updates: 0 };
      const carried = this.#pool.forRows(prepared.rows);
      const fresh = this.#pool.freshRows(prepared.rows, carries ? prepared.fresh : null);
      const { loss, gradientNorm, states } = await recomputed.run({ prepared, segments, states: carriedArrays(carried), fresh, learningRate, updates, signal });
      this.#workingBytes = recomputed.bytes;
      if (carries) {
        for (const [path, owner] of carried.variables) carried.store.view(owner).set(states[path]!);
        carried.store.touch();
        this.#pool.keep(carried);
      }
      return { loss, gradientNorm, learningRate, steps, updates: 1 };
    });
  }

  /** Valid steps that have a loss; rows where each has one. */
  #scoredSteps({ rows, inputs, targets }: PreparedBatch): number {
    const timed = this.model.inputs.find(({ time }) => time);
    const everyStep = timed && this.settings.lossOn === 'all' && this.model.outputs.some((output) => output.time && output.name in targets);
    return everyStep ? countSteps(inputs[timed.name]!, inputs[timed.name]!.steps) : rows;
  }

  /** One update; null when no row has a step left that counts. */
  async #update({ feeds, options, steps }: BatchPart, states: CarriedStates | null, fresh: Uint8Array | null, signal: AbortSignal | undefined): Promise<StepResult | null> {
    if (steps === 0) return null;
    const { step, executable, bytes } = this.#programFor(options, states);
    this.#workingBytes = bytes;
    const { updates } = this;
    const learningRate = this.settings.optimizer.learningRate.at({ step: updates, epoch: this.#epochs });
    this.#learningRate[0] = learningRate;
    feeds['learningRate'] = this.#learningRate;
    if (fresh) feeds['fresh'] = fresh;
    feedKeys(feeds, step.keys, { seed: this.settings.seed, update: updates });
    const results = await executable.runAsync(feeds, { signal });
    const loss = results['loss']![0]!;
    const gradientNorm = results['norm']![0]!;
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return { loss, gradientNorm, learningRate, steps, updates: 1 };
    throw await nonFiniteError(step, { inputs: feeds, stores: this.#stores(states) }, { update: updates + 1, loss, gradientNorm });
  }

  #programFor(options: StepOptions, states: CarriedStates | null): StepProgram {
    if (this.#latest && isSameStep(this.#latest.options, options)) return this.#latest.program;
    const { signature, weighted, lossSteps, advance } = options;
    const key = `${signatureKey(signature)}|${weighted.join()}|${lossSteps}|${advance}|${states !== null}`;
    const program = this.#programs.get(key, () => this.#compile(options, states));
    this.#latest = { options, program };
    return program;
  }

  #stores(states: CarriedStates | null): VariableStore[] {
    return [this.model.core.store, this.#store, ...(states ? [states.store] : [])];
  }

  /** What the program for one part of a batch depends on, and what it is fed. */
  #partOf(prepared: PreparedBatch, chunk: Chunk, states: CarriedStates | null): BatchPart {
    const { truncation, lossOn } = this.settings;
    const { signature, rows, feeds, weights } = prepared;
    const carried = states?.variables ?? null;
    const weighted = Object.keys(weights);
    if (truncation) return cutPart(this.model, prepared, chunk, { carried, weighted, truncation });
    const timed = lossOn === 'all' ? this.#timedOutput : undefined;
    const steps = timed === undefined ? rows : this.#reader.validSteps(prepared, timed);
    return { feeds, steps, options: { signature, carried, weighted, lossSteps: null, advance: null, span: null } };
  }

  #compile(options: StepOptions, states: CarriedStates | null): StepProgram {
    const step = buildStep(this.model, this.settings, this.#variables, options);
    const stores = this.#stores(states);
    const compiled = this.model.runtime.compile(step.graph, { layouts: stores.map((store) => store.variables) });
    return { step, executable: compiled.bind(stores), bytes: compiled.arenaBytes };
  }
}

/** Copies of carried states, by path. */
function carriedArrays({ variables, store }: CarriedStates): Record<string, FloatArray> {
  return Object.fromEntries([...variables].map(([path, owner]) => [path, store.view(owner).slice() as FloatArray]));
}

function declareVariables(model: Model, { optimizer }: TrainerSettings): TrainerVariables {
  const slots = model.parameters.map(({ name, shape }) => (
    [name, Object.fromEntries(optimizer.slots.map((slot): [string, Variable] => [slot, { name: `${slot}/${name}`, shape, type: 'float32' }]))] as const));
  return { step: { name: 'step', shape: [], type: 'int32' }, slots: new Map(slots) };
}

/** Several updates as one result. */
function summarise(results: readonly StepResult[], sums: boolean): StepResult {
  const steps = results.reduce((sum, result) => sum + result.steps, 0);
  const loss = results.reduce((sum, result) => sum + (sums ? result.loss : result.loss * (result.steps / Math.max(1, steps))), 0);
  return {
    loss, steps, updates: results.length, learningRate: results.at(-1)?.learningRate ?? 0,
    gradientNorm: results.reduce((most, { gradientNorm }) => Math.max(most, gradientNorm), 0),
  };
}
