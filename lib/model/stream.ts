import { BpttError, checkOptions, describe } from '../errors.ts';
import { Output } from '../data/tensor.ts';
import type { Data, FloatArray } from '../data/tensor.ts';
import { broadcast, dependentNodes, fillOf, input, reshape, select, topologicalOrder, variable } from '../graph/index.ts';
import type { Value, Variable } from '../graph/index.ts';
import type { Compiled, Executable, VariableStore } from '../runtime/runtime.ts';
import { buildModel, requireStateNames } from './builder.ts';
import type { BuiltModel } from './builder.ts';
import { signatureKey, specificationOf } from './door.ts';
import type { LengthsData, PackedInputs } from './door.ts';
import { cutGraph, layersAfter, packGiven, partInputs } from './given.ts';
import type { InputParts } from './given.ts';
import { aheadOf } from './lookAhead.ts';
import type { Model } from './model.ts';
import { packStates } from './predict.ts';
import { ProgramCache } from './programs.ts';
import type { InputDefinition } from './symbolic.ts';

/** One step's input: a token or the features of one row; of several rows one after the other; by name where there are several inputs. */
export type StepInput = number | ArrayLike<number> | Readonly<Record<string, number | ArrayLike<number>>>;

export interface StreamOptions {
  /** Sequences that run side by side. Default 1, or as many as are given. */
  readonly rows?: number | undefined;
  /** Inputs that do not come step by step but whole, by name: they are read once, and the steps of the others see what was made of them. */
  readonly given?: Readonly<Record<string, Data>> | undefined;
  /** Valid steps of each row of given data that is padded. */
  readonly lengths?: LengthsData | undefined;
}

/** The programs that all streams of so many rows share. */
interface StreamPrograms {
  readonly bytes: number;
  readonly built: BuiltModel;
  readonly streamed: readonly InputDefinition[];
  readonly variables: readonly Variable[];
  /** What is kept of given inputs. */
  readonly memory: readonly Variable[];
  /** Reads the given inputs; null where there are none. */
  readonly prepare: Compiled | null;
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

  create({ rows, given = {}, lengths }: StreamOptions): Stream {
    const parts = partInputs(this.#model, given);
    if (parts.given.length === 0) {
      if (lengths !== undefined) throw new BpttError('ERR_BPTT_OPTION', `${this.#model.core.door.owner}: stream: lengths belong to inputs that are given whole, and there are none; leave them out`, { received: lengths });
      return this.#ofRows(rows ?? 1, () => new Stream(this.#model, rows ?? 1, this.#programs.get(String(rows ?? 1), () => this.#compile(rows ?? 1, parts, {})), null));
    }
    const packed = packGiven(this.#model, parts, given, lengths);
    const count = packed.signature.rows;
    if (rows !== undefined && rows !== count) {
      throw new BpttError('ERR_BPTT_SHAPE', `${this.#model.core.door.owner}: stream: expected as many rows as are given, ${count}, received rows: ${rows}; leave it out`, { expected: count, received: rows });
    }
    return this.#ofRows(count, () => new Stream(this.#model, count, this.#programs.get(signatureKey(packed.signature), () => this.#compile(count, parts, packed.signature.inputs)), packed));
  }

  /** What `make` gives. @throws ERR_BPTT_MEMORY that names the rows, which are what a stream's memory grows with. */
  #ofRows(rows: number, make: () => Stream): Stream {
    try {
      return make();
    } catch (cause) {
      if (!(cause instanceof BpttError) || cause.code !== 'ERR_BPTT_MEMORY') throw cause;
      throw new BpttError('ERR_BPTT_MEMORY', `${this.#model.core.door.owner}: stream of ${rows} row${rows === 1 ? '' : 's'}: ${cause.message}`, { expected: cause.expected, received: rows, cause });
    }
  }

  #compile(rows: number, { given, streamed }: InputParts, givenSizes: PackedInputs['signature']['inputs']): StreamPrograms {
    const { core, runtime } = this.#model;
    const moving = layersAfter(core.wiring.definition, streamed);
    const going = layersAfter(core.wiring.definition, streamed.filter(({ time }) => time));
    const variables: Variable[] = [];
    const fresh = input('fresh', [rows], 'bool');
    const sizes = Object.fromEntries(streamed.map(({ name }) => [name, { steps: 1, ragged: false }]));
    const built = buildModel(core.wiring, core.table, { rows, inputs: { ...givenSizes, ...sizes } }, {
      training: false,
      state: (path, initial) => {
        if (!going.has(path.split('/')[0]!)) return initial;
        const carried: Variable = { name: path, shape: initial.shape, type: 'float32' };
        variables.push(carried);
        return selectFresh(fresh, initial, variable(carried));
      },
    });
    this.#requireForward(built, streamed);
    const outputs = Object.entries(built.outputs).filter(([name]) => moving.has(name)).map(([name, { value }]) => [name, value] as const);
    const states = [...built.states].filter(([path]) => going.has(path.split('/')[0]!));
    this.#requireBeginnings(built, states.map(([path]) => path), streamed);
    const givenFeeds = built.feeds.filter((feed) => given.some(({ name }) => [`input/${name}`, `lengths/${name}`].includes(feed.node.attributes['name'] as string)));
    const feeds = [...built.feeds.filter((feed) => !givenFeeds.includes(feed)), ...(states.length > 0 ? [fresh] : [])];
    const values = [...outputs.map(([, value]) => value), ...states.flatMap(([, { final, initial }]) => [final, initial])];
    const { memory, prepare, ofStep } = cutGraph(values, givenFeeds, [...feeds, ...states.map(([, { start }]) => start)]);
    const layouts = [core.store.variables, ...(memory.length > 0 ? [memory] : [])];
    const assignments = states.map(([, { final }], i) => ({ variable: variables[i]!, value: ofStep(final) }));
    const step = runtime.compile({ inputs: feeds, outputs: mapValues(outputs, ofStep), assignments }, { layouts: [...layouts, variables] });
    const learned = states.some(([, state]) => fillOf(state.initial) !== 0);
    const initial = mapValues(states.map(([path, state]) => [path, state.initial] as const), ofStep);
    return {
      built, streamed, variables, memory, step, bytes: step.arenaBytes,
      prepare: memory.length > 0 ? runtime.compile(prepare, { layouts }) : null,
      initial: learned ? runtime.compile({ inputs: [], outputs: initial, assignments: [] }, { layouts }) : null,
    };
  }

  /** @throws ERR_BPTT_OPTION when states begin with what an input gives that only comes with the first step. */
  #requireBeginnings({ states, inputs }: BuiltModel, paths: readonly string[], streamed: readonly InputDefinition[]): void {
    const order = topologicalOrder(paths.map((path) => states.get(path)!.initial));
    for (const { name } of streamed) {
      const nodes = dependentNodes(order, new Set([inputs[name]!]));
      const path = paths.find((each) => nodes.has(states.get(each)!.initial.node));
      if (path === undefined) continue;
      throw new BpttError('ERR_BPTT_OPTION', `${this.#model.core.door.owner}: cannot stream, for the state "${path}" begins with what the input "${name}" gives, which has to be there before the first step; `
        + `give it whole: stream({ given: { ${name}: … } })`, { expected: [name], received: path });
    }
  }

  /** @throws ERR_BPTT_OPTION when a step would need later ones, or begin with what is not there yet. */
  #requireForward(built: BuiltModel, streamed: readonly InputDefinition[]): void {
    const ahead = aheadOf(built, streamed);
    if (ahead === undefined) return;
    const { owner } = this.#model.core.door;
    const { layer, inputs } = ahead;
    const left = streamed.some(({ name, time }) => time && !inputs.includes(name));
    if (left) {
      throw new BpttError('ERR_BPTT_OPTION', `${owner}: cannot stream, for the layer "${layer}" reads steps ahead, the whole of ${inputs.map((name) => `the input "${name}"`).join(' and ')}; `
        + `give what it reads whole: stream({ given: { ${inputs.map((name) => `${name}: …`).join(', ')} } })`, { expected: inputs, received: layer });
    }
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: cannot stream, for the layer "${layer}" reads steps ahead, which a stream has not reached; `
      + `use predict over whole sequences, or train a model of direction "forward" and padding "causal"`, { expected: 'forward', received: layer });
  }
}

function mapValues(entries: readonly (readonly [string, Value])[], change: (value: Value) => Value): Record<string, Value> {
  return Object.fromEntries(entries.map(([name, value]) => [name, change(value)]));
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
  /** The weights, and what is kept of given inputs. */
  readonly #stores: readonly VariableStore[];
  readonly #direct: Executable['direct'];
  readonly #fresh: Uint8Array;
  readonly #writers: readonly (readonly [string, (given: unknown) => void])[];
  readonly #first: FloatArray;
  #anyFresh = true;
  #stepped = false;

  constructor(model: Model, rows: number, programs: StreamPrograms, given: PackedInputs | null) {
    this.rows = rows;
    this.#model = model;
    this.#programs = programs;
    this.#store = model.runtime.store(programs.variables);
    this.#stores = [model.core.store, ...(programs.memory.length > 0 ? [model.runtime.store(programs.memory)] : [])];
    if (given) programs.prepare?.bind(this.#stores).run(given.feeds);
    this.#direct = programs.step.bind([...this.#stores, this.#store]).direct;
    this.#fresh = (this.#direct.inputs['fresh'] as Uint8Array | undefined) ?? new Uint8Array(rows);
    this.#fresh.fill(1);
    this.outputs = this.#direct.outputs as Record<string, FloatArray>;
    this.#first = Object.values(this.outputs)[0]!;
    this.#writers = programs.streamed.map((entry) => [entry.name, stepWriter(model, entry, rows, this.#direct.inputs[`input/${entry.name}`] as Int32Array | FloatArray)]);
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
    const initial = this.#anyFresh ? this.#programs.initial?.bind(this.#stores).run({}) : undefined;
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
    const own = this.#programs.variables.map(({ name }) => name);
    requireStateNames('stream', Object.keys(packed), own);
    const missing = this.#programs.variables.find(({ name }) => !(name in packed));
    if (missing) {
      throw new BpttError('ERR_BPTT_STATE', `stream: expected every state, received none for "${missing.name}"; reset() begins anew`, { expected: own, received: Object.keys(state) });
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
