import { wrongType } from '../checks.ts';
import { BpttError } from '../errors.ts';
import { pack } from '../data/pack.ts';
import { ScratchMemory } from '../data/scratchMemory.ts';
import { Output } from '../data/tensor.ts';
import type { Data, FloatArray } from '../data/tensor.ts';
import { input } from '../graph/index.ts';
import type { Value } from '../graph/index.ts';
import type { RunArray } from '../runtime/runtime.ts';
import { buildModel, requireStateNames, swapBatchAndTime } from './builder.ts';
import type { BuiltModel, Signature } from './builder.ts';
import { isSameSignature, packInputs, signatureKey } from './door.ts';
import type { DoorOptions, InputData } from './door.ts';
import { requirePartwise } from './lookAhead.ts';
import type { Model, PredictOptions } from './model.ts';
import { ProgramCache } from './programs.ts';
import type { Program } from './programs.ts';

/** What `predict` gives. */
export interface Prediction {
  /** The model's first output: [N, T, …] or [N, …]. */
  readonly output: Output;
  /** Every output by name. */
  readonly outputs: Readonly<Record<string, Output>>;
  /** Every state after each row's last step, [N, H], by path. */
  readonly state: Readonly<Record<string, Output>>;
}

type Take = NonNullable<DoorOptions['take']>;

/** Data and states of a call, ready for the program of its signature. */
interface PackedCall {
  readonly signature: Signature;
  /** Of the states that were given. */
  readonly names: readonly string[];
  readonly feeds: Readonly<Record<string, RunArray>>;
}

/** What a program gives for one output or state, and as what. */
interface ResultPort {
  readonly name: string;
  readonly data: string;
  /** Where the rows' lengths are given; null where there is no time axis. */
  readonly lengths: string | null;
  /** Batch first. */
  readonly shape: readonly number[];
}

interface PredictProgram extends Program<BuiltModel> {
  /** Of the states that are fed. */
  readonly names: readonly string[];
  readonly outputs: readonly ResultPort[];
  readonly states: readonly ResultPort[];
}

/** Runs whole sequences: one program for each signature. */
export class Predictor {
  readonly #model: Model;
  readonly #programs = new ProgramCache<PredictProgram>();
  readonly #memory = new ScratchMemory();
  /** The program that ran last: most calls are like the one before. */
  #latest: PredictProgram | undefined;

  constructor(model: Model) {
    this.#model = model;
  }

  async predict(data: InputData, options: PredictOptions): Promise<Prediction> {
    const { door: { owner }, turns } = this.#model.core;
    const { signal } = options;
    const borrowed: Float32Array[] = [];
    const borrow: Take = (_input, length, filled) => {
      const array = this.#memory.take(length, filled);
      borrowed.push(array);
      return array;
    };
    const inPlace: Take = (input, length, filled) => this.#inputOfLatest(input, length, filled) ?? borrow(input, length, filled);
    const turn = { owner: `${owner}: predict`, writes: false, signal };
    try {
      // Only who has the turn may write where the engine reads; the caller's own getters could otherwise begin another run meanwhile.
      if (turns.idle) return await turns.take(turn, async () => this.#run(this.#pack(data, options, inPlace), signal));
      const packed = this.#pack(data, options, borrow);
      return await turns.take(turn, async () => this.#run(packed, signal));
    } finally {
      for (const array of borrowed) this.#memory.give(array);
    }
  }

  #pack(data: InputData, { lengths, state }: PredictOptions, take: Take): PackedCall {
    const { owner, inputs, joined, double, copyFinite } = this.#model.core.door;
    const { signature, feeds } = packInputs({ owner, inputs, joined, double, copyFinite, take }, data, lengths, true);
    if (state === undefined) return { signature, names: [], feeds };
    const given = packStates(this.#model, `${owner}: predict`, state, signature.rows);
    const names = Object.keys(given);
    for (const name of names) feeds[`state/${name}`] = given[name]!;
    return { signature, names, feeds };
  }

  async #run({ signature, names, feeds }: PackedCall, signal: AbortSignal | undefined): Promise<Prediction> {
    const program = this.#programFor(signature, names);
    this.#latest = program;
    return readResults(program, await program.executable.runAsync(feeds, { signal }));
  }

  #programFor(signature: Signature, names: readonly string[]): PredictProgram {
    const latest = this.#latest;
    const same = latest?.names.length === names.length && names.every((name, i) => name === latest.names[i]) && isSameSignature(latest.built.signature, signature);
    return same ? latest : this.#programs.get(`${signatureKey(signature)}|${names.join()}`, () => this.#compile(signature, names));
  }

  /** The memory that the program of the latest call reads: what is packed there needs no further copy if this call runs the same program. */
  #inputOfLatest(input: string, length: number, filled: boolean): Float32Array | undefined {
    const memory = this.#latest?.executable.direct.inputs[`input/${input}`];
    if (!(memory instanceof Float32Array) || memory.length !== length) return undefined;
    return filled ? memory : memory.fill(0);
  }

  #compile(signature: Signature, given: readonly string[]): PredictProgram {
    const { core, runtime } = this.#model;
    const states: Value[] = [];
    const built = buildModel(core.wiring, core.table, signature, {
      training: false,
      state: (path, initial) => {
        if (!given.includes(path)) return initial;
        const value = input(`state/${path}`, initial.shape, 'float32');
        states.push(value);
        return value;
      },
    });
    if (given.length > 0) requirePartwise(`${core.door.owner}: predict`, core.wiring, built, given);
    const outputs: Record<string, Value> = {};
    for (const [name, { value, time, lengths }] of Object.entries(built.outputs)) {
      outputs[`output/${name}`] = time ? swapBatchAndTime(value) : value;
      if (time && lengths) outputs[`lengths/${name}`] = lengths;
    }
    for (const [path, { final }] of built.states) outputs[`state/${path}`] = final;
    const compiled = runtime.compile({ inputs: [...built.feeds, ...states], outputs, assignments: [] }, { layouts: [core.store.variables] });
    return {
      built, compiled, executable: compiled.bind([core.store]), bytes: compiled.arenaBytes, names: given,
      outputs: Object.entries(built.outputs).map(([name, { time }]) => ({ name, data: `output/${name}`, lengths: time ? `lengths/${name}` : null, shape: outputs[`output/${name}`]!.shape })),
      states: [...built.states].map(([name, { final }]) => ({ name, data: `state/${name}`, lengths: null, shape: final.shape })),
    };
  }
}

/**
 * Checked states, flat, by path.
 * @throws ERR_BPTT_STATE for an unknown path, ERR_BPTT_SHAPE for other rows or sizes.
 */
export function packStates(model: Model, owner: string, state: Readonly<Record<string, Data>>, rows: number): Record<string, FloatArray> {
  if (typeof state !== 'object' || state === null) throw wrongType(owner, 'the state', 'arrays by path', state);
  requireStateNames(owner, Object.keys(state), model.states.map(({ name }) => name));
  return Object.fromEntries(model.states.filter(({ name }) => name in state).map(({ name, sizes }) => {
    const specification = { owner: `${owner}, state "${name}" of ${rows} rows`, type: 'float32', time: false, sizes, double: model.core.door.double } as const;
    const packed = pack(state[name]!, specification);
    if (packed.rows === rows) return [name, packed.data as FloatArray];
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected the state "${name}" of shape [${[rows, ...sizes].join(', ')}], received ${packed.rows} rows`,
      { expected: [rows, ...sizes], received: packed.rows });
  }));
}

function readResults({ outputs, states }: PredictProgram, results: Readonly<Record<string, RunArray>>): Prediction {
  const read = (port: ResultPort): [string, Output] => [port.name, readOutput(port, results)];
  const entries = outputs.map(read);
  return { output: entries[0]![1], outputs: Object.fromEntries(entries), state: Object.fromEntries(states.map(read)) };
}

function readOutput({ data, lengths, shape }: ResultPort, results: Readonly<Record<string, RunArray>>): Output {
  const numbers = results[data] as FloatArray;
  if (lengths === null) return new Output(numbers, [...shape], null);
  const given = results[lengths] as Int32Array | undefined;
  return given ? trim(numbers, shape, given) : new Output(numbers, [...shape], new Int32Array(shape[0]!).fill(shape[1]!));
}

/** Takes away the steps that rounding up added. */
function trim(data: FloatArray, shape: readonly number[], lengths: Int32Array): Output {
  const [rows, steps, ...sizes] = shape as [number, number, ...number[]];
  const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
  if (longest === steps) return new Output(data, [...shape], lengths);
  const width = sizes.reduce((product, size) => product * size, 1);
  const kept = data.slice(0, rows * longest * width);
  for (let row = 0; row < rows; row++) kept.set(data.subarray(row * steps * width, (row * steps + longest) * width), row * longest * width);
  return new Output(kept, [rows, longest, ...sizes], lengths);
}
