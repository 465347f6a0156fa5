import { checkOptions } from '../errors.ts';
import { input, variable } from '../graph/index.ts';
import type { Value } from '../graph/index.ts';
import type { Batch, Dataset } from '../data/batch.ts';
import { accuracySums, isClassification, lossSums } from '../losses/index.ts';
import type { Loss } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { Signature } from '../model/builder.ts';
import { signatureKey } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import { ProgramCache } from '../model/programs.ts';
import type { Kept } from '../model/programs.ts';
import { selectFresh } from '../model/stream.ts';
import { Turns } from '../model/turns.ts';
import type { Executable, RunArray } from '../runtime/runtime.ts';
import { CarriedPool } from './carry.ts';
import type { CarriedStates } from './carry.ts';
import { batchesOf, noBatches } from './data.ts';
import { lossTerms } from './lossGraph.ts';
import { BatchReader } from './prepare.ts';
import type { PreparedBatch } from './prepare.ts';

/** How well a model does on data. */
export interface Evaluation {
  /** Mean over all valid steps (features averaged); of several outputs the sum. */
  readonly loss: number;
  /** e to the loss, where the loss is one cross-entropy of tokens, else null. */
  readonly perplexity: number | null;
  /** Share of right predictions over all classifying outputs, null when there are none. */
  readonly accuracy: number | null;
  /** Valid steps that were looked at. */
  readonly steps: number;
}

export interface EvaluateOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Data to train or evaluate on: a data set, or its batches. */
export type TrainingData = Dataset | readonly Batch[] | Batch;

interface Sums {
  readonly losses: Map<string, { total: number; count: number }>;
  right: number;
  judged: number;
  steps: number;
}

interface EvaluationProgram extends Kept {
  readonly executable: Executable;
  readonly carried: CarriedStates | null;
}

export interface EvaluatorSettings {
  readonly losses: Readonly<Record<string, Loss>>;
  readonly lossOn: 'all' | 'last';
  readonly carryState: boolean | undefined;
}

/** Computes losses and metrics without learning. */
export class Evaluator {
  readonly #model: Model;
  readonly #settings: EvaluatorSettings;
  readonly #owner: string;
  readonly #reader: BatchReader;
  readonly #programs = new ProgramCache<EvaluationProgram>();
  readonly #pool: CarriedPool;
  /** Evaluations share carried states, so they take turns. */
  readonly #queue = new Turns();

  constructor(owner: string, model: Model, settings: EvaluatorSettings) {
    this.#owner = owner;
    this.#model = model;
    this.#settings = settings;
    this.#reader = new BatchReader(model, owner, settings.losses);
    this.#pool = new CarriedPool(owner, model, model.states);
  }

  async evaluate(data: TrainingData, options: EvaluateOptions): Promise<Evaluation> {
    checkOptions(this.#owner, options, ['signal']);
    return this.#queue.take({ owner: this.#owner, writes: false, signal: options.signal }, () => this.#evaluate(data, options));
  }

  async #evaluate(data: TrainingData, options: EvaluateOptions): Promise<Evaluation> {
    const sums: Sums = { losses: new Map(), right: 0, judged: 0, steps: 0 };
    this.#pool.keep(null);
    let empty = true;
    for await (const batch of batchesOf(this.#owner, data, 0)) {
      empty = false;
      const prepared = this.#reader.read(batch, true);
      await this.#model.core.turns.take({ owner: this.#owner, writes: false, signal: options.signal }, async () => {
        this.#pool.keep(await this.#run(prepared, sums, options.signal));
      });
    }
    if (empty) throw noBatches(this.#owner);
    return this.#finish(sums);
  }

  async #run(prepared: PreparedBatch, sums: Sums, signal: AbortSignal | undefined): Promise<CarriedStates | null> {
    const { rows, signature, feeds, targets, weights } = prepared;
    const carries = this.#model.states.length > 0 && (this.#settings.carryState ?? prepared.fresh !== null);
    const carried = carries ? this.#pool.forRows(rows) : null;
    if (carries) feeds['fresh'] = this.#pool.freshRows(rows, prepared.fresh);
    const weighted = Object.keys(weights);
    const program = this.#programs.get(`${signatureKey(signature)}|${weighted.join()}|${carries}`, () => this.#compile(signature, weighted, carried));
    addUp(sums, await program.executable.runAsync(feeds, { signal }), Object.keys(targets));
    const first = this.#model.outputs.find(({ name }) => name in targets)!;
    sums.steps += first.time && this.#settings.lossOn === 'all' ? this.#reader.validSteps(prepared, first.name) : rows;
    return carried;
  }

  #compile(signature: Signature, weighted: readonly string[], carried: CarriedStates | null): EvaluationProgram {
    const { core, runtime } = this.#model;
    const fresh = input('fresh', [signature.rows], 'bool');
    const built = buildModel(core.wiring, core.table, signature, {
      training: false,
      state: (path, initial) => (carried ? selectFresh(fresh, initial, variable(carried.variables.get(path)!)) : initial),
    });
    const feeds: Value[] = [...built.feeds, ...(carried ? [fresh] : [])];
    const outputs: Record<string, Value> = {};
    for (const { name, loss, prediction, target, selection } of lossTerms(built.outputs, { ...this.#settings, weighted, lossSteps: null }, feeds)) {
      const losses = lossSums(loss, prediction, target, selection);
      outputs[`loss/${name}`] = losses.total;
      outputs[`count/${name}`] = losses.count;
      if (!isClassification(loss)) continue;
      const right = accuracySums(prediction, target, selection);
      outputs[`right/${name}`] = right.total;
      outputs[`judged/${name}`] = right.count;
    }
    const assignments = carried ? [...built.states].map(([path, { final }]) => ({ variable: carried.variables.get(path)!, value: final })) : [];
    const stores = carried ? [core.store, carried.store] : [core.store];
    const compiled = runtime.compile({ inputs: feeds, outputs, assignments }, { layouts: stores.map((store) => store.variables) });
    return { executable: compiled.bind(stores), carried, bytes: compiled.arenaBytes };
  }

  #finish({ losses, right, judged, steps }: Sums): Evaluation {
    const means = [...losses.values()].map(({ total, count }) => (count > 0 ? total / count : 0));
    const loss = means.reduce((sum, mean) => sum + mean, 0);
    const kinds = Object.values(this.#settings.losses).map(({ kind }) => kind);
    return { loss, perplexity: kinds.length === 1 && kinds[0] === 'crossEntropy' ? Math.exp(loss) : null, accuracy: judged > 0 ? right / judged : null, steps };
  }
}

function addUp(sums: Sums, results: Readonly<Record<string, RunArray>>, names: readonly string[]): void {
  for (const name of names) {
    const entry = sums.losses.get(name) ?? { total: 0, count: 0 };
    entry.total += results[`loss/${name}`]![0]!;
    entry.count += results[`count/${name}`]![0]!;
    sums.losses.set(name, entry);
    sums.right += results[`right/${name}`]?.[0] ?? 0;
    sums.judged += results[`judged/${name}`]?.[0] ?? 0;
  }
}
