import { BpttError, describe, formatShape, memoryError } from '../../errors.ts';
import { elementCount, topologicalOrder } from '../../graph/index.ts';
import type { Graph, Tensor, Value, Variable } from '../../graph/index.ts';
import type { Compiled, CompileOptions, Executable, RunArray, Runtime, VariableStore } from '../runtime.ts';
import { Interpreter } from './interpreter.ts';

class ReferenceStore implements VariableStore {
  readonly variables: readonly Variable[];
  readonly #memory: ReadonlyMap<Variable, Float64Array | Int32Array>;

  constructor(variables: readonly Variable[]) {
    this.variables = [...variables];
    this.#memory = new Map(variables.map((variable) => {
      return [variable, allocate(variable)];
    }));
  }

  view(variable: Variable): Float64Array | Int32Array {
    const memory = this.#memory.get(variable);
    if (memory) return memory;
    throw new BpttError('ERR_BPTT_GRAPH', `variable "${variable.name}" is not of this store (it has ${this.variables.map(({ name }) => name).join(', ') || 'none'})`,
      { expected: this.variables, received: variable.name });
  }

  touch(): void {
    // Nothing is derived from the contents here.
  }
}

function allocate({ name, shape, type }: Variable): Float64Array | Int32Array {
  const count = elementCount(shape);
  const Numbers = type === 'float32' ? Float64Array : Int32Array;
  try {
    return new Numbers(count);
  } catch (cause) {
    throw memoryError({ elements: count, bytes: Numbers.BYTES_PER_ELEMENT, purpose: `variable "${name}"` }, cause);
  }
}

function emptyArray({ shape, type }: Value): RunArray {
  const count = elementCount(shape);
  return type === 'float32' ? new Float64Array(count) : type === 'int32' ? new Int32Array(count) : new Uint8Array(count);
}

function toRunArray(tensor: Tensor): RunArray {
  if (tensor.type === 'bool') return Uint8Array.from(tensor.data);
  return tensor.data.slice();
}

function requireRunArray(name: string, array: RunArray | undefined, { shape, type }: Value): RunArray {
  const fits = type === 'float32' ? array instanceof Float32Array || array instanceof Float64Array
    : type === 'int32' ? array instanceof Int32Array : array instanceof Uint8Array;
  if (!array || !fits) {
    const expected = type === 'float32' ? 'Float32Array' : type === 'int32' ? 'Int32Array' : 'Uint8Array';
    throw new BpttError('ERR_BPTT_TYPE', `input "${name}": expected a ${expected} for ${type} ${formatShape(shape)}, received ${describe(array)}`, { expected, received: array });
  }
  if (array.length === elementCount(shape)) return array;
  throw new BpttError('ERR_BPTT_SHAPE', `input "${name}": expected ${elementCount(shape)} numbers for shape ${formatShape(shape)}, received ${array.length}`,
    { expected: elementCount(shape), received: array.length });
}

function abortError(signal: AbortSignal): BpttError {
  return new BpttError('ERR_BPTT_ABORTED', 'the run was aborted; variables are unchanged', { cause: signal.reason });
}

function afterThisTurn(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}

class ReferenceExecutable implements Executable {
  readonly #graph: Graph;
  readonly #roots: readonly Value[];
  readonly #interpreter: Interpreter;
  readonly #memory: ReadonlyMap<Variable, Float64Array | Int32Array>;
  readonly #inputs: Record<string, RunArray> = {};
  #direct: Executable['direct'] | undefined;
  #running = false;

  constructor(graph: Graph, roots: readonly Value[], memory: ReadonlyMap<Variable, Float64Array | Int32Array>) {
    this.#graph = graph;
    this.#roots = roots;
    this.#memory = memory;
    this.#interpreter = new Interpreter({ inputs: this.#inputs, variables: memory });
  }

  run(inputs: Readonly<Record<string, RunArray>>): Record<string, RunArray> {
    const checked = this.#check(inputs);
    return this.#exclusively(() => this.#compute(checked));
  }

  async runAsync(inputs: Readonly<Record<string, RunArray>>, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Record<string, RunArray>> {
    const copies = Object.fromEntries(Object.entries(this.#check(inputs)).map(([name, array]) => [name, array.slice()]));
    this.#begin();
    try {
      if (signal?.aborted) throw abortError(signal);
      await afterThisTurn();
      if (signal?.aborted) throw abortError(signal);
      return this.#compute(copies);
    } finally {
      this.#running = false;
    }
  }

  get direct(): Executable['direct'] {
    this.#direct ??= this.#makeDirect();
    return this.#direct;
  }

  #makeDirect(): Executable['direct'] {
    const inputs = Object.fromEntries(this.#graph.inputs.map((value) => [nameOf(value), emptyArray(value)]));
    const outputs = Object.fromEntries(Object.entries(this.#graph.outputs).map(([name, value]) => [name, emptyArray(value)]));
    const run = (): void => {
      const results = this.#exclusively(() => this.#compute(inputs));
      for (const [name, array] of Object.entries(results)) outputs[name]!.set(array);
    };
    return { inputs, outputs, run };
  }

  #check(inputs: Readonly<Record<string, RunArray>>): Record<string, RunArray> {
    const names = this.#graph.inputs.map(nameOf);
    const unknown = Object.keys(inputs).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw new BpttError('ERR_BPTT_TYPE', `unknown input "${unknown}" (inputs: ${names.join(', ') || 'none'})`, { expected: names, received: unknown });
    }
    return Object.fromEntries(this.#graph.inputs.map((value) => [nameOf(value), requireRunArray(nameOf(value), inputs[nameOf(value)], value)]));
  }

  #begin(): void {
    if (this.#running) throw new BpttError('ERR_BPTT_BUSY', 'another run of this executable has not ended; wait for it', { expected: 'idle', received: 'running' });
    this.#running = true;
  }

  #exclusively<Result>(work: () => Result): Result {
    this.#begin();
    try {
      return work();
    } finally {
      this.#running = false;
    }
  }

  #compute(inputs: Readonly<Record<string, RunArray>>): Record<string, RunArray> {
    Object.assign(this.#inputs, inputs);
    const results = this.#interpreter.evaluate(this.#roots, new Map());
    const names = Object.keys(this.#graph.outputs);
    // Outputs may share memory with variables: they are copied before anything is written, and so are the right sides.
    const outputs = Object.fromEntries(names.map((name, i) => [name, toRunArray(results[i]!)]));
    const written = results.slice(names.length).map((tensor) => tensor.data.slice());
    this.#graph.assignments.forEach(({ variable }, i) => this.#memory.get(variable)!.set(written[i]!));
    return outputs;
  }
}

function nameOf(value: Value): string {
  return value.node.attributes['name'] as string;
}

/** The variables that a graph reads or writes, each of which must be in one of the layouts. */
function checkVariables(graph: Graph, roots: readonly Value[], layouts: CompileOptions['layouts']): void {
  const known = new Set(layouts.flat());
  const read = topologicalOrder(roots).filter((node) => node.operation === 'variable').map((node) => node.attributes['variable'] as Variable);
  for (const variable of [...read, ...graph.assignments.map((assignment) => assignment.variable)]) {
    if (known.has(variable)) continue;
    throw new BpttError('ERR_BPTT_GRAPH', `variable "${variable.name}" is in none of the layouts; give the store that holds it`, { expected: [...known].map(({ name }) => name), received: variable.name });
  }
  for (const { variable, value } of graph.assignments) {
    if (value.type === variable.type && formatShape(value.shape) === formatShape(variable.shape)) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `variable "${variable.name}": expected an assignment of ${variable.type} ${formatShape(variable.shape)}, received ${value.type} ${formatShape(value.shape)}`,
      { expected: variable.shape, received: value.shape });
  }
}

function checkInputs(graph: Graph, roots: readonly Value[]): void {
  const declared = new Set(graph.inputs.map(nameOf));
  for (const node of topologicalOrder(roots)) {
    if (node.operation !== 'input' || declared.has(node.attributes['name'] as string)) continue;
    throw new BpttError('ERR_BPTT_GRAPH', `input "${String(node.attributes['name'])}" is used but not among the graph's inputs`, { expected: [...declared], received: node.attributes['name'] });
  }
}

class ReferenceCompiled implements Compiled {
  readonly arenaBytes = 0;
  readonly #graph: Graph;
  readonly #layouts: CompileOptions['layouts'];
  readonly #roots: readonly Value[];

  constructor(graph: Graph, layouts: CompileOptions['layouts']) {
    this.#graph = graph;
    this.#layouts = layouts;
    this.#roots = [...Object.values(graph.outputs), ...graph.assignments.map(({ value }) => value)];
    checkVariables(graph, this.#roots, layouts);
    checkInputs(graph, this.#roots);
  }

  bind(stores: readonly VariableStore[]): Executable {
    const memory = new Map<Variable, Float64Array | Int32Array>();
    this.#layouts.forEach((layout, i) => {
      const store = stores[i];
      if (!(store instanceof ReferenceStore) || stores.length !== this.#layouts.length) {
        throw new BpttError('ERR_BPTT_GRAPH', `expected ${this.#layouts.length} stores of the reference runtime, received ${stores.length}`, { expected: this.#layouts.length, received: stores.length });
      }
      for (const variable of layout) memory.set(variable, store.view(variable));
    });
    return new ReferenceExecutable(this.#graph, this.#roots, memory);
  }
}

/** The interpreter behind the same interface as the engine: float64, slower, the oracle of every kernel, and what works where no native build loads. */
export const referenceRuntime: Runtime = {
  name: 'reference',
  store: (variables) => new ReferenceStore(variables),
  compile: (graph, options) => new ReferenceCompiled(graph, options.layouts),
};
