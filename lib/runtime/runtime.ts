import type { Graph, Variable } from '../graph/value.ts';

/** What a run takes and gives: float32 as Float32Array (Float64Array from the reference), int32 as Int32Array, bool as Uint8Array. */
export type RunArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/**
 * Memory of a fixed list of variables, in one block and in list order, each beginning on a 64-byte boundary. A model has one for its parameters, a trainer one
 * for the optimizer and the carried state, each stream one for its own state. Freed by the garbage collector.
 */
export interface VariableStore {
  readonly variables: readonly Variable[];
  /**
   * The live memory of one variable, row-major. Writing to it is allowed between runs and must be followed by `touch()`.
   * @throws ERR_BPTT_GRAPH when the variable is not of this store.
   */
  view(variable: Variable): Float32Array | Float64Array | Int32Array;
  /** Says that a view was written: what was derived from the old contents (packed weights) is made again at the next run. */
  touch(): void;
}

/** A graph ready to run, bound to the stores that hold its variables. Runs one at a time. */
export interface Executable {
  /**
   * Runs on the calling thread (and the pool). Keys are the graph's input names, data row-major in the input's shape.
   * @throws ERR_BPTT_SHAPE or ERR_BPTT_TYPE for inputs that do not fit, ERR_BPTT_BUSY during another run, ERR_BPTT_VOCABULARY for an index out of range.
   */
  run(inputs: Readonly<Record<string, RunArray>>): Record<string, RunArray>;
  /** The same off the event loop. Inputs are copied before this returns; those of `direct` that are given as they are need no copy. An abort rejects with ERR_BPTT_ABORTED (cause: signal.reason); variables are then unchanged. Runs that follow each other leave the event loop its turns. */
  runAsync(inputs: Readonly<Record<string, RunArray>>, options?: { signal?: AbortSignal | undefined }): Promise<Record<string, RunArray>>;
  /** For callers that step millions of times: live views of the inputs and outputs, and a run that copies nothing. */
  readonly direct: { readonly inputs: Readonly<Record<string, RunArray>>; readonly outputs: Readonly<Record<string, RunArray>>; run(): void };
}

/** A compiled graph, not yet bound to memory: what the cache keeps. */
export interface Compiled {
  bind(stores: readonly VariableStore[]): Executable;
  /** Bytes of the arena that one executable allocates; 0 where it does not apply. */
  readonly arenaBytes: number;
}

export interface CompileOptions {
  /** The stores that will be bound, by their variable lists and in the same order; the first one holds the parameters. */
  readonly layouts: readonly (readonly Variable[])[];
  /** false skips every optimising pass: the differential tests compare with it. Default true. */
  readonly optimize?: boolean;
  /** When loops take over the products of what they read and give; default at sizes that leave the processor's cache. */
  readonly spans?: { readonly leastElements: number; readonly rowsAtOnce: number };
  /** When products pack their right operands themselves; default at sizes that leave the processor's cache. */
  readonly packing?: { readonly leastElements: number; readonly outsideLoops: { readonly leastElements: number; readonly mostRows: number } };
  /** Whether parameters are changed between runs by others than the graph, as they are when it gives gradients. Default: whether the graph assigns to them. */
  readonly changing?: boolean;
}

/** Either side of the native boundary: the engine, or the interpreter that means the same. */
export interface Runtime {
  readonly name: 'native' | 'reference';
  store(variables: readonly Variable[]): VariableStore;
  compile(graph: Graph, options: CompileOptions): Compiled;
  /** Copies numbers between arrays of the same length and tells whether all are finite; absent where nothing does so faster than JavaScript. */
  readonly copyFinite?: (from: Float32Array, to: Float32Array) => boolean;
}
