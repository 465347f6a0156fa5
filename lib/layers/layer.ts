import type { Shape, Value } from '../graph/value.ts';

/** What flows between layers. Time-major: [T, N, …] when `time` is true, else [N, …]. */
export interface Signal {
  readonly value: Value;
  readonly time: boolean;
  /** Valid steps of each row, int32 [N]; absent when every row has all T. Steps beyond it hold zeros and reach nothing. */
  readonly lengths?: Value | undefined;
  /** Of int32 values: how many different ones there are, when the input declares it (0 … tokens − 1). */
  readonly tokens?: number | undefined;
  /** Of a value without time that a sequence ended in: at which end of each row; absent where it is the last step. */
  readonly end?: 'first' | 'last' | 'both' | undefined;
  /** What the layer gives beside it, by name: within a model, every state of the layer after each row's last step, [N, H…], by its path below the layer. */
  readonly named?: Readonly<Record<string, Signal>> | undefined;
}

/** Fills a new parameter. `shape` is one gate's block; `random` gives uniform numbers in [0, 1) from the model's seed and the parameter's name. */
export interface Initializer {
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  fill(block: { readonly shape: Shape; readonly fanIn: number; readonly fanOut: number }, random: () => number): Float64Array;
}

/** Which options (regularisers, learning rates) reach a parameter. */
export type ParameterGroup = 'input' | 'recurrent' | 'output' | 'bias' | 'embedding' | 'state';

export interface ParameterOptions {
  readonly group: ParameterGroup;
  readonly initializer: Initializer;
  /**
   * Gate blocks side by side on the last axis, each initialised on its own (its own fan, itself orthogonal). Default: one block. A block may have its own initializer.
   */
  readonly gates?: readonly { readonly name: string; readonly size: number; readonly initializer?: Initializer | undefined }[];
  /** Another parameter of the same layer: the initializer is given the random numbers that fill that one. Default its own. */
  readonly randomOf?: string | undefined;
  /**
   * How this parameter is called and laid out on disk; default its own name, as it lies. With `transpose` the last axis (outputs) comes first there, then the one before it
   * (inputs), then the others: a matrix has its axes exchanged, filters lie as PyTorch has them.
   */
  readonly disk?: { readonly name: string; readonly transpose: boolean };
}

/** How much of a value a layer needs beyond the steps so far. */
export type Reach = 'later' | 'backward' | 'whole';

/**
 * What a layer is given to build itself with. The scope's path names the layer ("lstm_1"); parameters asked for twice under one name are the same
 * parameter, so that one model can be built for many input signatures.
 */
export interface Scope {
  readonly path: string;
  /** true while building the graph of a training step: dropout is active. */
  readonly training: boolean;
  child(name: string): Scope;
  parameter(name: string, shape: Shape, options: ParameterOptions): Value;
  /**
   * A carried state [N, H…] at the beginning of this run. Which one it is (zeros, the caller's, the last run's) is the builder's choice; `initial` is what
   * a fresh row begins with (a learned [H…] value or zeros when absent).
   */
  state(name: string, shape: Shape, initial?: Value): Value;
  /** Reports the state after every step, [T, N, H…], and after the last valid one, [N, H…]. Called once per state, after the scan. */
  carry(name: string, states: { readonly final: Value; readonly sequence: Value }): void;
  /** Takes a value of every step that a layer has to show beside its output, such as a gate, [T, N, …]. Absent unless somebody looks inside of the model. */
  readonly observe?: ((name: string, shown: Signal) => void) | undefined;
  /**
   * Says that what the layer gives at a step needs more of the value `seen` than its steps up to that one: "later" ones too (default), all of those in a loop from the end whose state
   * may be given ("backward"), or, as a memory that is looked at or a vector made of a sequence, the "whole" of it. Where `seen` is made of inputs that come step by step or part by part, the model can neither stream nor go on with its states from
   * one part of a sequence to the next; where those inputs are given whole it can.
   */
  readsAhead(seen: Value, reach?: Reach): void;
  /** How many updates have been made, float32 []: for what changes in the course of training. Only while training. */
  readonly updates?: Value | undefined;
  /** How many steps of the sequence lie before this run, int32 []: what is drawn step by step inside of a loop counts from there. Only while a sequence is trained segment by segment. */
  readonly firstStep?: Value | undefined;
  /**
   * A fresh random key, int32 [2], that differs from update to update and from call to call. Inside of a loop over time whose steps layers build, a key for a "step" (default)
   * also differs from step to step, one for the "run" does not. Only while training.
   */
  randomKey(span?: 'step' | 'run'): Value;
}

/** How a recurrence goes along the steps of a sequence. */
export type Direction = 'forward' | 'backward' | 'bidirectional';

/** What a layer says of itself to those that run or connect it: nothing of it holds unless it says so. Layers that run others say what these say. */
export interface LayerTraits {
  /** How many inputs it takes after the first one, such as the sequence that an attention looks at; default 0. Layers that run others hand them on in order. */
  readonly furtherInputs?: number | undefined;
  /** Whether it joins its inputs step by step, so that those over time must have the same valid steps in every row. */
  readonly stepwise?: boolean | undefined;
  /** Whether it does to a row [N, …] what it does to each step of [T, N, …], looking at no other step: inside of a loop over time it is then given rows, which are cheaper. */
  readonly rowwise?: boolean | undefined;
  /** Whether it carries the states of a recurrence, which a decoder of the same states may begin with; not the inputs that a window remembers, for instance. */
  readonly recurrence?: boolean | undefined;
  /** In which direction its recurrence goes along the steps: from the first one (default), from each row's end, or in both directions, side by side or one after the other. */
  readonly direction?: Direction | undefined;
  /** Whether its first input holds tokens, which nothing can be put beside. */
  readonly readsTokens?: boolean | undefined;
}

/** A layer: a frozen plain value that knows how to build itself. Layers of one kind come from one camelCase factory with one options object. */
export interface Layer extends LayerTraits {
  readonly kind: string;
  /** Given by the user or absent; the builder numbers the rest ("lstm", "lstm_1"). */
  readonly name?: string | undefined;
  /** JSON-safe: what model.json holds, enough for the factory to make the layer again. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Most layers take one signal; merging layers take several. @throws ERR_BPTT_SHAPE or ERR_BPTT_TYPE naming the layer's path. */
  build(scope: Scope, ...inputs: readonly Signal[]): Signal;
}
