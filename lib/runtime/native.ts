import { BpttError, describe, formatShape, memoryError } from '../errors.ts';
import { compile, layOutVariables } from '../compiler/index.ts';
import type { CompiledProgram, InstructionNote, Slot } from '../compiler/index.ts';
import { elementCount } from '../graph/value.ts';
import type { ElementType, Graph, Variable } from '../graph/value.ts';
import type { NativeExecutable, NativeModule, NativeProgram, NativeRunError, NativeStorage } from './native-module.ts';
import type { Compiled, CompileOptions, Executable, RunArray, Runtime, VariableStore } from './runtime.ts';
import { allocateStorage } from './storage.ts';
import { dueTurn } from './turn.ts';

/** A view of part of a storage as what callers hold: float32 or int32 live, bool as bytes beside the memory. */
function viewOf(storage: NativeStorage, { offset, shape, type }: Slot): Float32Array | Int32Array {
  const memory = type === 'float32' ? storage.floats : storage.ints;
  return memory.subarray(offset, offset + elementCount(shape));
}

class NativeStore implements VariableStore {
  readonly variables: readonly Variable[];
  readonly storage: NativeStorage;
  readonly #views: ReadonlyMap<Variable, Float32Array | Int32Array>;

  constructor(module: NativeModule, variables: readonly Variable[]) {
    this.variables = [...variables];
    const { slots, size } = layOutVariables(variables);
    this.storage = allocateStorage(module, size, 'variables');
    this.#views = new Map(variables.map((variable, i) => [variable, viewOf(this.storage, slots[i]!)]));
  }

  view(variable: Variable): Float32Array | Int32Array {
    const view = this.#views.get(variable);
    if (view) return view;
    throw new BpttError('ERR_BPTT_GRAPH', `variable "${variable.name}" is not of this store (it has ${this.variables.map(({ name }) => name).join(', ') || 'none'})`,
      { expected: this.variables, received: variable.name });
  }

  touch(): void {
    this.storage.touch();
  }
}

/** One input or output: its memory, and the array that callers of `direct` hold. They differ for bool, whose memory is int32. */
interface Port {
  readonly slot: Slot;
  readonly memory: Float32Array | Int32Array;
  readonly array: Float32Array | Int32Array | Uint8Array;
}

function makePort(storage: NativeStorage, slot: Slot): Port {
  const memory = viewOf(storage, slot);
  return { slot, memory, array: slot.type === 'bool' ? new Uint8Array(memory.length) : memory };
}

const arrayNames: Readonly<Record<ElementType, string>> = { float32: 'Float32Array', int32: 'Int32Array', bool: 'Uint8Array' };

function requireArray({ name, shape, type }: Slot, array: RunArray | undefined): RunArray {
  const fits = type === 'float32' ? array instanceof Float32Array || array instanceof Float64Array
    : type === 'int32' ? array instanceof Int32Array : array instanceof Uint8Array;
  if (!array || !fits) {
    throw new BpttError('ERR_BPTT_TYPE', `input "${name}": expected a ${arrayNames[type]} for ${type} ${formatShape(shape)}, received ${describe(array)}`,
      { expected: arrayNames[type], received: array });
  }
  if (array.length === elementCount(shape)) return array;
  throw new BpttError('ERR_BPTT_SHAPE', `input "${name}": expected ${elementCount(shape)} numbers for shape ${formatShape(shape)}, received ${array.length}`,
    { expected: elementCount(shape), received: array.length });
}

function isRunError(error: unknown): error is NativeRunError {
  return error instanceof Error && 'status' in error && 'instruction' in error;
}

/** The engine's error in the words of the graph: which layer, which index, how many there are. */
function translateError(error: unknown, notes: readonly InstructionNote[], signal?: AbortSignal): unknown {
  if (signal?.aborted && isRunError(error) && error.code === 'ERR_BPTT_ABORTED') {
    return new BpttError('ERR_BPTT_ABORTED', 'the run was aborted; variables are unchanged', { cause: signal.reason });
  }
  if (isRunError(error) && error.code === 'ERR_BPTT_RANGE') {
    const note = notes[error.instruction];
    const [index, row] = error.details;
    const place = note?.scope ? ` in "${note.scope}"` : '';
    const limit = note?.indexLimit;
    return new BpttError('ERR_BPTT_VOCABULARY',
      `${note?.opcode ?? 'an index'}${place}: expected indices from 0 to ${limit === undefined ? 'the size of the table' : limit - 1}, received ${index} at place ${row}`,
      { expected: limit === undefined ? undefined : [0, limit - 1], received: index, cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_BPTT_BUSY' || code === 'ERR_BPTT_MEMORY' || code === 'ERR_BPTT_RANGE' || code === 'ERR_BPTT_PROGRAM') {
    return new BpttError(code, (error as Error).message, { cause: error });
  }
  return error;
}

/** Elements of an output that the threads of a run copy: fewer are copied faster than asked for. */
const leastLarge = 16_384;

/** An array like `memory` whose numbers are still to be written: zeroing it would cost as much. @throws ERR_BPTT_MEMORY */
function uninitialised(memory: Float32Array | Int32Array): (Float32Array | Int32Array) & { readonly buffer: ArrayBuffer } {
  const { length, byteLength, BYTES_PER_ELEMENT } = memory;
  try {
    const { buffer } = Buffer.allocUnsafeSlow(byteLength) as { buffer: ArrayBuffer };
    const whole = buffer.byteLength === byteLength ? buffer : new ArrayBuffer(byteLength);
    return memory instanceof Float32Array ? new Float32Array(whole) : new Int32Array(whole);
  } catch (cause) {
    throw memoryError({ elements: length, bytes: BYTES_PER_ELEMENT, purpose: 'results' }, cause);
  }
}

async function cancellable(executable: NativeExecutable, run: Promise<void>, signal: AbortSignal): Promise<void> {
  const cancel = (): void => executable.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    await run;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

class NativeRunner implements Executable {
  readonly #executable: NativeExecutable;
  readonly #inputs: readonly Port[];
  readonly #inputNames: ReadonlySet<string>;
  readonly #outputs: readonly Port[];
  /** Those of the outputs that the run's threads copy. */
  readonly #large: readonly Port[];
  readonly #notes: readonly InstructionNote[];
  #running = false;
  #direct: Executable['direct'] | undefined;

  constructor(executable: NativeExecutable, storage: NativeStorage, program: CompiledProgram) {
    this.#executable = executable;
    this.#inputs = program.block.inputs.map((slot) => makePort(storage, slot));
    this.#inputNames = new Set(this.#inputs.map(({ slot }) => slot.name));
    this.#outputs = program.block.outputs.map((slot) => makePort(storage, slot));
    this.#large = this.#outputs.filter(({ slot, memory }) => slot.type !== 'bool' && memory.length >= leastLarge);
    this.#notes = program.notes;
  }

  run(inputs: Readonly<Record<string, RunArray>>): Record<string, RunArray> {
    this.#feed(inputs);
    this.#runNow();
    return this.#results();
  }

  async runAsync(inputs: Readonly<Record<string, RunArray>>, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Record<string, RunArray>> {
    this.#feed(inputs);
    if (signal?.aborted) throw new BpttError('ERR_BPTT_ABORTED', 'the run was aborted; variables are unchanged', { cause: signal.reason });
    this.#running = true;
    try {
      const copied = this.#large.map((port) => [port.slot.name, uninitialised(port.memory)] as const);
      const run = this.#executable.runAsync(this.#large.map(({ slot }, i) => ({ offset: slot.offset, target: copied[i]![1].buffer })));
      await (signal ? cancellable(this.#executable, run, signal) : run);
      return this.#results(Object.fromEntries(copied));
    } catch (error) {
      throw translateError(error, this.#notes, signal);
    } finally {
      const turn = dueTurn();
      if (turn) await turn;
      this.#running = false;
    }
  }

  get direct(): Executable['direct'] {
    this.#direct ??= this.#makeDirect();
    return this.#direct;
  }

  #makeDirect(): Executable['direct'] {
    const named = (ports: readonly Port[]): Record<string, RunArray> => Object.fromEntries(ports.map(({ slot, array }) => [slot.name, array]));
    const isCopied = ({ array, memory }: Port): boolean => array !== memory;
    const copiedInputs = this.#inputs.filter(isCopied);
    const copiedOutputs = this.#outputs.filter(isCopied);
    const run = (): void => {
      for (const { memory, array } of copiedInputs) memory.set(array);
      this.#runNow();
      for (const { memory, array } of copiedOutputs) array.set(memory);
    };
    return { inputs: named(this.#inputs), outputs: named(this.#outputs), run };
  }

  #runNow(): void {
    this.#requireIdle();
    try {
      this.#executable.run();
    } catch (error) {
      throw translateError(error, this.#notes);
    }
  }

  #requireIdle(): void {
    if (this.#running) throw new BpttError('ERR_BPTT_BUSY', 'another run of this executable has not ended; wait for it', { expected: 'idle', received: 'running' });
  }

  #feed(inputs: Readonly<Record<string, RunArray>>): void {
    this.#requireIdle();
    for (const name of Object.keys(inputs)) if (!this.#inputNames.has(name)) this.#refuseInput(name);
    for (const { slot } of this.#inputs) requireArray(slot, inputs[slot.name]);
    for (const { slot, memory } of this.#inputs) {
      const given = inputs[slot.name]!;
      if (given !== memory) memory.set(given);
    }
  }

  #refuseInput(name: string): never {
    const names = [...this.#inputNames];
    throw new BpttError('ERR_BPTT_TYPE', `unknown input "${name}" (inputs: ${names.join(', ') || 'none'})`, { expected: names, received: name });
  }

  /** @param copied outputs that need no copy any more. */
  #results(copied: Readonly<Record<string, RunArray>> = {}): Record<string, RunArray> {
    const results: Record<string, RunArray> = {};
    for (const { slot, memory } of this.#outputs) results[slot.name] = copied[slot.name] ?? (slot.type === 'bool' ? Uint8Array.from(memory) : memory.slice());
    return results;
  }
}

class NativeCompiled implements Compiled {
  readonly #module: NativeModule;
  readonly #program: CompiledProgram;
  readonly #native: NativeProgram;
  readonly #layouts: CompileOptions['layouts'];

  constructor(module: NativeModule, graph: Graph, options: CompileOptions) {
    checkAssignments(graph);
    this.#module = module;
    this.#layouts = options.layouts;
    this.#program = compile(graph, options);
    try {
      this.#native = new module.Program(this.#program.bytes);
    } catch (error) {
      throw translateError(error, this.#program.notes);
    }
  }

  get arenaBytes(): number {
    return this.#program.arenaSize * Float32Array.BYTES_PER_ELEMENT;
  }

  bind(stores: readonly VariableStore[]): Executable {
    if (stores.length !== this.#layouts.length) {
      throw new BpttError('ERR_BPTT_GRAPH', `expected ${this.#layouts.length} stores, received ${stores.length}`, { expected: this.#layouts.length, received: stores.length });
    }
    const storages = stores.map((store, i) => {
      const layout = this.#layouts[i]!;
      const fits = store instanceof NativeStore && store.variables.length === layout.length && store.variables.every((variable, k) => variable === layout[k]);
      if (fits) return store.storage;
      throw new BpttError('ERR_BPTT_GRAPH', `store ${i}: expected a store of the native runtime with the variables of layout ${i}, in order`, { expected: layout, received: store });
    });
    const block = allocateStorage(this.#module, this.#program.block.size, 'inputs and outputs');
    try {
      return new NativeRunner(this.#native.bind([...storages, block]), block, this.#program);
    } catch (error) {
      throw translateError(error, this.#program.notes);
    }
  }
}

function checkAssignments(graph: Graph): void {
  for (const { variable, value } of graph.assignments) {
    if (value.type === variable.type && formatShape(value.shape) === formatShape(variable.shape)) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `variable "${variable.name}": expected an assignment of ${variable.type} ${formatShape(variable.shape)}, received ${value.type} ${formatShape(value.shape)}`,
      { expected: variable.shape, received: value.shape });
  }
}

/** The engine: float32, SIMD, threads. Graphs are compiled to programs, variables live in native memory. */
export function createNativeRuntime(module: NativeModule): Runtime {
  return {
    name: 'native',
    store: (variables) => new NativeStore(module, variables),
    compile: (graph, options) => new NativeCompiled(module, graph, options),
    copyFinite: (from, to) => module.copyFinite(from, to),
  };
}
