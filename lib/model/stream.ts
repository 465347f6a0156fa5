import { BpttError, checkOptions, describe } from '../errors.ts';
import { Output } from '../data/tensor.ts';
import type { Data, FloatArray } from '../data/tensor.ts';
import { broadcast, fillOf, input, reshape, select, variable } from '../graph/index.ts';
import type { Value, Variable } from '../graph/index.ts';
import type { Compiled, Executable, VariableStore } from '../runtime/runtime.ts';
import { buildModel } from './builder.ts';
import type { BuiltModel } from './builder.ts';
import { specificationOf } from './door.ts';
import type { Model } from './model.ts';
import { packStates } from './predict.ts';
import { ProgramCache } from './programs.ts';
import type { InputDefinition } from './symbolic.ts';

/** One step's input: a token or the features of one row; of several rows one after the other; by name where there are several inputs. */
export type StepInput = number | ArrayLike<number> | Readonly<Record<string, number | ArrayLike<number>>>;

/** The programs that all streams of so many rows share. */
interface StreamPrograms {
  readonly bytes: number;
  readonly built: BuiltModel;
  readonly variables: readonly Variable[];
  readonly step: Compiled;
  /** Gives what fresh rows begin with; null where that is zero for every state. */
  readonly initial: Compiled | null;
}

/** `state` where rows go on, `initial` where they are fresh. */
export function selectFresh(fresh: Value, initial: Value, carried: Value): Value {
  const rows = reshape(fresh, [fresh.shape[0]!, ...initial.shape.slice(1).map(() => 1)]);
  return select(broadcast(rows, initial.shape), initial, carried);
}

/** Makes streams of one model. */
export class StreamFactory {
  readonly #model: Model;
  readonly #programs = new ProgramCache<StreamPrograms>();

  constructor(model: Model) {
    this.#model = model;
  }

  create(rows: number): Stream {
    const { door: { owner }, backwards } = this.#model.core;
    if (backwards !== undefined) {
      throw new BpttError('ERR_BPTT_OPTION', `${owner}: cannot stream, for the layer "${backwards}" reads steps ahead, which a stream has not reached; `
        + `use predict over whole sequences, or train a model of direction "forward" and padding "causal"`, { expected: 'forward', received: backwards });
    }
    if (!this.#model.inputs.some(({ time }) => time)) throw new BpttError('ERR_BPTT_OPTION', `${owner}: cannot stream, for no input has a time axis; use predict`, { received: this.#model.inputs });
    return new Stream(this.#model, rows, this.#programs.get(String(rows), () => this.#compile(rows)));
  }

  #compile(rows: number): StreamPrograms {
    const { core, runtime, inputs } = this.#model;
    const variables: Variable[] = [];
    const fresh = input('fresh', [rows], 'bool');
    const signature = { rows, inputs: Object.fromEntries(inputs.map(({ name }) => [name, { steps: 1, ragged: false }])) };
    const built = buildModel(core.wiring, core.table, signature, {
      training: false,
      state: (path, initial) => {
        const carried: Variable = { name: path, shape: initial.shape, type: 'float32' };
        variables.push(carried);
        return selectFresh(fresh, initial, variable(carried));
      },
    });
    const outputs = Object.fromEntries(Object.entries(built.outputs).map(([name, { value }]) => [name, value]));
    const states = [...built.states.values()];
    const assignments = states.map(({ final }, i) => ({ variable: variables[i]!, value: final }));
    const feeds = states.length > 0 ? [...built.feeds, fresh] : built.feeds;
    const step = runtime.compile({ inputs: feeds, outputs, assignments }, { layouts: [core.store.variables, variables] });
    const learned = states.some((state) => fillOf(state.initial) !== 0);
    const initial = Object.fromEntries([...built.states].map(([path, state]) => [path, state.initial]));
    return {
      built, variables, step, bytes: step.arenaBytes,
      initial: learned ? runtime.compile({ inputs: [], outputs: initial, assignments: [] }, { layouts: [core.store.variables] }) : null,
    };
  }
}

/**
 * A model that runs one step at a time and carries its state from step to step. Steps are synchronous and meant for microseconds: what they give are
 * live views that the next step overwrites.
 */
export class Stream {
  /** Sequences that run side by side. */
  readonly rows: number;
  /** Live views of the last step's outputs by name, [rows, …], flat. */
  readonly outputs: Readonly<Record<string, FloatArray>>;
  readonly #model: Model;
  readonly #programs: StreamPrograms;
  readonly #store: VariableStore;
  readonly #direct: Executable['direct'];
  readonly #fresh: Uint8Array;
  readonly #writers: readonly (readonly [string, (given: unknown) => void])[];
  readonly #first: FloatArray;
  #anyFresh = true;
  #stepped = false;

  constructor(model: Model, rows: number, programs: StreamPrograms) {
    this.rows = rows;
    this.#model = model;
    this.#programs = programs;
    this.#store = model.runtime.store(programs.variables);
    this.#direct = programs.step.bind([model.core.store, this.#store]).direct;
    this.#fresh = (this.#direct.inputs['fresh'] as Uint8Array | undefined) ?? new Uint8Array(rows);
    this.#fresh.fill(1);
    this.outputs = this.#direct.outputs as Record<string, FloatArray>;
    this.#first = this.outputs[model.outputs[0]!.name]!;
    this.#writers = model.inputs.map((entry) => [entry.name, stepWriter(model, entry, rows, this.#direct.inputs[`input/${entry.name}`] as Int32Array | FloatArray)]);
  }

  /** The last step's first output, a live view, or null before the first step. */
  get output(): FloatArray | null {
    return this.#stepped ? this.#first : null;
  }

  /**
   * Runs one step.
   * @param given a token, or an array: rows tokens, or rows · features numbers, row after row.
   * @returns the first output, [rows, …] flat: a live view that the next step overwrites.
   * @throws ERR_BPTT_SHAPE, ERR_BPTT_VOCABULARY, ERR_BPTT_DATA for input that does not fit (the state is then as before); ERR_BPTT_BUSY while a training
   * step writes the weights.
   */
  step(given: StepInput): FloatArray {
    if (this.#model.core.turns.writing) this.#model.requireIdle('stream');
    if (this.#writers.length === 1 && !isRecord(given)) this.#writers[0]![1](given);
    else this.#writeByName(given);
    this.#direct.run();
    if (this.#anyFresh) {
      this.#fresh.fill(0);
      this.#anyFresh = false;
    }
    this.#stepped = true;
    return this.#first;
  }

  /** Every state by path, [rows, H]: copies. Setting it takes all of them, such as `predict` or this property gave. */
  get state(): Readonly<Record<string, Output>> {
    const initial = this.#anyFresh ? this.#programs.initial?.bind([this.#model.core.store]).run({}) : undefined;
    return Object.fromEntries(this.#programs.variables.map((carried) => {
      const data = this.#store.view(carried).slice() as FloatArray;
      const width = data.length / this.rows;
      for (let row = 0; row < this.rows; row++) {
        if (!this.#fresh[row]) continue;
        const start = initial?.[carried.name] as FloatArray | undefined;
        if (start) data.set(start.subarray(row * width, (row + 1) * width), row * width);
        else data.fill(0, row * width, (row + 1) * width);
      }
      return [carried.name, new Output(data, carried.shape, null)];
    }));
  }

  set state(state: Readonly<Record<string, Data>>) {
    const packed = packStates(this.#model, 'stream', state, this.rows);
    const missing = this.#model.states.find(({ name }) => !(name in packed));
    if (missing) {
      throw new BpttError('ERR_BPTT_STATE', `stream: expected every state, received none for "${missing.name}"; reset() begins anew`, { expected: this.#model.states, received: Object.keys(state) });
    }
    for (const carried of this.#programs.variables) this.#store.view(carried).set(packed[carried.name]!);
    this.#store.touch();
    this.#fresh.fill(0);
    this.#anyFresh = false;
  }

  /**
   * Lets one row, or all of them, begin anew: from the learned initial state, or zeros.
   * @throws ERR_BPTT_RANGE when there is no such row.
   */
  reset(row?: number): void {
    if (row === undefined) {
      this.#fresh.fill(1);
      this.#stepped = false;
    } else if (Number.isInteger(row) && row >= 0 && row < this.rows) this.#fresh[row] = 1;
    else throw new BpttError('ERR_BPTT_RANGE', `stream: expected a row from 0 to ${this.rows - 1}, received ${describe(row)}`, { expected: this.rows, received: row });
    this.#anyFresh = true;
  }

  #writeByName(given: StepInput): void {
    const names = this.#writers.map(([name]) => name);
    checkOptions(`${this.#model.core.door.owner}: step, inputs by name`, given, names);
    for (const [name, write] of this.#writers) write((given as Readonly<Record<string, unknown>>)[name]);
  }
}

function isRecord(given: unknown): boolean {
  return typeof given === 'object' && given !== null && !ArrayBuffer.isView(given) && !Array.isArray(given);
}

/** Checks one input of a step and copies it into the program's memory. */
function stepWriter(model: Model, definition: InputDefinition, rows: number, target: Int32Array | FloatArray): (given: unknown) => void {
  const { owner } = specificationOf(model.core.door, definition);
  const bound = definition.tokens ?? Infinity;
  const tokens = definition.features === null;
  const double = target instanceof Float64Array;
  const count = target.length;
  const fail = (received: unknown, position: number): never => {
    const at = `row ${Math.floor(position / (count / rows))}${tokens ? '' : `, feature ${position % (count / rows)}`}`;
    if (tokens) throw new BpttError('ERR_BPTT_VOCABULARY', `${owner}: expected a token from 0 to ${bound - 1} in ${at}, received ${describe(received)}`, { expected: bound, received });
    throw new BpttError('ERR_BPTT_DATA', `${owner}: expected a finite number in ${at}, received ${describe(received)}`, { expected: 'finite number', received });
  };
  const check = (number: unknown, position: number): number => {
    const good = tokens ? Number.isInteger(number) && (number as number) >= 0 && (number as number) < bound : typeof number === 'number' && Number.isFinite(double ? number : Math.fround(number));
    return good ? number as number : fail(number, position);
  };
  return (given) => {
    if (typeof given === 'number' && count === 1) {
      target[0] = check(given, 0);
      return;
    }
    const list = given as ArrayLike<unknown> | undefined;
    if (typeof given !== 'object' || list?.length !== count) {
      const shape = tokens ? `${rows} tokens` : `${rows} × ${count / rows} numbers, flat`;
      throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected ${shape}, received ${describe(given)}`, { expected: count, received: given });
    }
    for (let i = 0; i < count; i++) check(list[i], i);
    for (let i = 0; i < count; i++) target[i] = list[i] as number;
  };
}
