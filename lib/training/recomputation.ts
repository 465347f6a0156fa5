import type { FloatArray } from '../data/tensor.ts';
import type { Packed } from '../data/pack.ts';
import type { Variable } from '../graph/index.ts';
import { signatureKey } from '../model/door.ts';
import type { Signature } from '../model/builder.ts';
import type { Model } from '../model/index.ts';
import { ProgramCache } from '../model/programs.ts';
import type { Kept } from '../model/programs.ts';
import type { Executable, RunArray, VariableStore } from '../runtime/runtime.ts';
import { takeSteps } from './chunks.ts';
import { nonFiniteError } from './nonFinite.ts';
import type { PreparedBatch } from './prepare.ts';
import { feedKeys } from './randomKeys.ts';
import { buildBackward, buildForward, buildUpdate } from './segmentProgram.ts';
import type { ReplayedSegment } from './segmentProgram.ts';
import { stepShares } from './segments.ts';
import type { Segment } from './segments.ts';
import type { TrainerSettings } from './settings.ts';
import type { TrainerVariables } from './stepProgram.ts';

type States = Readonly<Record<string, FloatArray>>;

interface SegmentProgram extends Kept {
  readonly step: ReplayedSegment;
  readonly executable: Executable;
}

/** What runs one segment backwards. */
interface BackwardPart {
  readonly feeds: Record<string, RunArray>;
  readonly program: SegmentProgram;
}

/** One update to be made. */
export interface RecomputedUpdate {
  readonly prepared: PreparedBatch;
  readonly segments: readonly Segment[];
  /** What rows that are not fresh begin with, by path. */
  readonly states: States;
  readonly fresh: Uint8Array;
  readonly learningRate: number;
  /** Updates made so far. */
  readonly updates: number;
  readonly signal: AbortSignal | undefined;
}

/** What an update did. */
export interface RecomputedResult {
  readonly loss: number;
  readonly gradientNorm: number;
  /** After each row's last step, by path. */
  readonly states: States;
}

/** A segment that was run, to be looked at again when numbers blow up. */
interface Visit {
  readonly segment: Segment;
  readonly step: ReplayedSegment;
  /** Made again when asked for: the inputs of all segments together may be large. */
  readonly inputs: () => Readonly<Record<string, RunArray>>;
}

const allFinite = (states: States): boolean => Object.values(states).every((array) => array.every(Number.isFinite));

/**
 * Training steps that keep the states between segments of time alone and compute the rest of a segment again when its gradients are due: T. Chen, B. Xu, C. Zhang and
 * C. Guestrin, "Training deep nets with sublinear memory cost", arXiv:1604.06174 (2016). One more forward pass, memory of one segment.
 */
export class RecomputedStep {
  readonly #model: Model;
  readonly #settings: TrainerSettings;
  readonly #variables: TrainerVariables;
  readonly #trainerStore: VariableStore;
  readonly #sums: ReadonlyMap<string, Variable>;
  readonly #sumStore: VariableStore;
  readonly #forward = new ProgramCache<SegmentProgram>();
  readonly #backward = new ProgramCache<SegmentProgram>();
  #updateProgram: Executable | null = null;
  #bytes = 0;

  constructor(model: Model, settings: TrainerSettings, variables: TrainerVariables, trainerStore: VariableStore) {
    this.#model = model;
    this.#settings = settings;
    this.#variables = variables;
    this.#trainerStore = trainerStore;
    this.#sums = new Map(model.parameters.map(({ name, shape }) => [name, { name: `gradient/${name}`, shape, type: 'float32' } as const]));
    this.#sumStore = model.runtime.store([...this.#sums.values()]);
  }

  /** What the last update held: the arenas of its programs for one segment and the states between segments. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws (as a rejection) what running throws; ERR_BPTT_NON_FINITE, ERR_BPTT_ABORTED: nothing has been written then. */
  async run(update: RecomputedUpdate): Promise<RecomputedResult> {
    const { prepared } = update;
    const timed = this.#timedPart(prepared);
    const longest = timed.lengths ? timed.lengths.reduce((most, length) => Math.max(most, length), 1) : timed.steps;
    const segments = update.segments.filter(({ start }) => start < longest);
    const outputs = this.#model.outputs.filter(({ name }) => name in this.#settings.losses);
    const shares = stepShares(prepared, { ...this.#settings, outputs, timed, double: this.#model.core.door.double });
    const starts = await this.#walkForward(update, segments);
    for (const owner of this.#sums.values()) this.#sumStore.view(owner).fill(0);
    this.#sumStore.touch();
    const { loss, states, visits } = await this.#walkBackward(update, segments, starts, shares);
    const results = await this.#update().runAsync({ loss: this.#floats([loss]), learningRate: this.#floats([update.learningRate]) }, { signal: update.signal });
    const gradientNorm = results['norm']![0]!;
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return { loss, gradientNorm, states };
    throw await this.#explain(visits, { update: update.updates + 1, loss, gradientNorm });
  }

  #floats(numbers: readonly number[]): FloatArray {
    return this.#model.core.door.double ? Float64Array.from(numbers) : Float32Array.from(numbers);
  }

  #timedPart({ inputs }: PreparedBatch): Packed {
    return inputs[this.#model.inputs.find(({ time }) => time)!.name]!;
  }

  /** The states that each segment begins with. */
  async #walkForward(update: RecomputedUpdate, segments: readonly Segment[]): Promise<States[]> {
    const starts: States[] = [update.states];
    this.#bytes = 0;
    for (const [index, segment] of segments.slice(0, -1).entries()) {
      const { signature, feeds } = this.#part(update, segments, index, starts[index]!);
      const { step, executable, bytes } = this.#forward.get(signatureKey(signature), () => this.#compile(buildForward(this.#model, signature), []));
      feedKeys(feeds, step.keys, { seed: this.#settings.seed, update: update.updates, overTime: step.keysOverTime, firstStep: segment.start });
      const next = statesIn(await executable.runAsync(feeds, { signal: update.signal }), 'state/');
      if (!allFinite(next)) throw await this.#explain([{ segment, step, inputs: () => feeds }], { update: update.updates + 1, loss: NaN, gradientNorm: NaN });
      starts.push(next);
      if (index === 0) this.#bytes += bytes;
      this.#bytes += Object.values(next).reduce((sum, { byteLength }) => sum + byteLength, 0);
    }
    return starts;
  }

  async #walkBackward(update: RecomputedUpdate, segments: readonly Segment[], starts: readonly States[], shares: Readonly<Record<string, Packed>>): Promise<{ loss: number; states: States; visits: Visit[] }> {
    const visits: Visit[] = [];
    let adjoints: States = Object.fromEntries(Object.entries(update.states).map(([path, array]) => [path, array.map(() => 0)]));
    let states: States = {};
    let loss = 0;
    for (let index = segments.length - 1; index >= 0; index--) {
      const ends = adjoints;
      const fed = (): BackwardPart => this.#backwardPart(update, segments, index, { starts: starts[index]!, ends, shares });
      const { feeds, program: { step, executable, bytes } } = fed();
      const results = await executable.runAsync(feeds, { signal: update.signal });
      visits.push({ segment: segments[index]!, step, inputs: () => fed().feeds });
      adjoints = statesIn(results, 'adjoint/');
      if (index === segments.length - 1) states = statesIn(results, 'state/');
      if (index === 0) this.#bytes += bytes;
      loss += results['loss']![0]!;
      if (!Number.isFinite(loss) || !allFinite(adjoints)) throw await this.#explain(visits, { update: update.updates + 1, loss, gradientNorm: NaN });
    }
    return { loss, states, visits };
  }

  /** The signature of one segment, fed with its part of the inputs and its first states. */
  #part({ prepared, fresh, updates }: RecomputedUpdate, segments: readonly Segment[], index: number, states: States): { signature: Signature; feeds: Record<string, RunArray> } {
    const { start, steps } = segments[index]!;
    const feeds: Record<string, RunArray> = { updates: this.#floats([updates]), firstStep: Int32Array.of(start) };
    const sizes: Record<string, { steps: number; ragged: boolean }> = {};
    for (const { name, time } of this.#model.inputs) {
      const whole = prepared.inputs[name]!;
      const part = time ? takeSteps(whole, start, steps) : whole;
      feeds[`input/${name}`] = part.data;
      if (part.lengths) feeds[`lengths/${name}`] = part.lengths;
      sizes[name] = { steps: part.steps, ragged: part.lengths !== null };
    }
    for (const [path, array] of Object.entries(states)) feeds[`state/${path}`] = array;
    if (Object.keys(states).length > 0) feeds['fresh'] = index === 0 ? fresh : new Uint8Array(prepared.rows);
    return { signature: { rows: prepared.rows, inputs: sizes }, feeds };
  }

  /** The program that runs one segment backwards, and its inputs. */
  #backwardPart(update: RecomputedUpdate, segments: readonly Segment[], index: number, { starts, ends, shares }: { starts: States; ends: States; shares: Readonly<Record<string, Packed>> }): BackwardPart {
    const segment = segments[index]!;
    const { signature, feeds } = this.#part(update, segments, index, starts);
    const scored = this.#feedLosses(feeds, update.prepared, segment, shares);
    for (const [path, array] of Object.entries(ends)) feeds[`adjoint/${path}`] = array;
    const program = this.#backward.get(`${signatureKey(signature)}|${scored.join()}`, () => (
      this.#compile(buildBackward(this.#model, this.#settings, { signature, scored, sums: this.#sums }), [this.#sumStore])));
    feedKeys(feeds, program.step.keys, { seed: this.#settings.seed, update: update.updates, overTime: program.step.keysOverTime, firstStep: segment.start });
    return { feeds, program };
  }

  /** Feeds targets and shares of the outputs that have a loss in a segment. @returns their names */
  #feedLosses(feeds: Record<string, RunArray>, { targets, rows }: PreparedBatch, { start, steps }: Segment, shares: Readonly<Record<string, Packed>>): string[] {
    const scored: string[] = [];
    for (const { name, time } of this.#model.outputs) {
      if (!(name in shares)) continue;
      const share = takeSteps(shares[name]!, start, steps).data as FloatArray;
      if (!share.some((number) => number !== 0)) continue;
      scored.push(name);
      feeds[`target/${name}`] = time ? takeSteps(targets[name]!, start, steps).data : targets[name]!.data;
      feeds[`weights/${name}`] = time ? share : this.#floats(Array.from({ length: rows }, (_, row) => share.subarray(row * steps, (row + 1) * steps).find((number) => number !== 0) ?? 0));
    }
    return scored;
  }

  #compile(step: ReplayedSegment, stores: readonly VariableStore[]): SegmentProgram {
    const bound = [this.#model.core.store, ...stores];
    const compiled = this.#model.runtime.compile(step.graph, { layouts: bound.map((store) => store.variables) });
    return { step, executable: compiled.bind(bound), bytes: compiled.arenaBytes };
  }

  #update(): Executable {
    if (this.#updateProgram) return this.#updateProgram;
    const stores = [this.#model.core.store, this.#trainerStore, this.#sumStore];
    const graph = buildUpdate(this.#model, this.#settings, this.#variables, this.#sums);
    this.#updateProgram = this.#model.runtime.compile(graph, { layouts: stores.map((store) => store.variables) }).bind(stores);
    return this.#updateProgram;
  }

  /** Looks through the segments, in the order in which they were visited, for the first whose numbers are not finite. */
  async #explain(visits: readonly Visit[], outcome: { update: number; loss: number; gradientNorm: number }): Promise<Error> {
    const stores = [this.#model.core.store];
    let error: Error | undefined;
    for (const { segment, step, inputs } of visits) {
      const found = await nonFiniteError(step, { inputs: inputs(), stores }, { ...outcome, firstStep: segment.start });
      error ??= found;
      if (found.received && (found.received as { operation: string | null }).operation !== null) return found;
    }
    return error!;
  }
}

function statesIn(results: Readonly<Record<string, RunArray>>, prefix: string): States {
  return Object.fromEntries(Object.entries(results).filter(([name]) => name.startsWith(prefix)).map(([name, array]) => [name.slice(prefix.length), array as FloatArray]));
}
