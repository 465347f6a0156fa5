import { wrongType } from '../checks.ts';
import { BpttError, formatShape, nearest } from '../errors.ts';
import { broadcast, input, topologicalOrder, transpose, variable, withScope, zeros } from '../graph/index.ts';
import type { Shape, Value } from '../graph/index.ts';
import type { Scope, Signal } from '../layers/layer.ts';
import { zeroPadding } from '../layers/masking.ts';
import type { Wiring } from './definition.ts';
import type { LookAhead } from './lookAhead.ts';
import type { DeclaredParameter, ParameterTable } from './parameters.ts';
import { featureSizes } from './symbolic.ts';
import type { InputDefinition } from './symbolic.ts';

/** How many steps an input has in one program, and whether its rows end at lengths of their own. */
export interface InputSize {
  /** T; 1 without a time axis. */
  readonly steps: number;
  readonly ragged: boolean;
}

/** What one program is built for. */
export interface Signature {
  /** N */
  readonly rows: number;
  /** By input. */
  readonly inputs: Readonly<Record<string, InputSize>>;
}

/** A carried state of one layer. */
export interface BuiltState {
  /** What this run begins with, [N, H…]. */
  readonly start: Value;
  /** What a fresh row begins with, [N, H…]. */
  readonly initial: Value;
  /** After the last valid step, [N, H…]. */
  readonly final: Value;
  /** After every step, [T, N, H…], 0 beyond a row's end. */
  readonly sequence: Value;
}

/** Where the states of a run come from. */
export type StateSource = (path: string, initial: Value) => Value;

export interface BuildOptions {
  readonly training: boolean;
  /** Updates made so far, float32 []; only while training. */
  readonly updates?: Value | undefined;
  /** Steps of the sequence before this run, int32 []. Default: none. */
  readonly firstStep?: Value | undefined;
  /** Default: every row is fresh. */
  readonly state?: StateSource | undefined;
  /** Whether layers shall show what they have inside, such as gates. Default false. */
  readonly observe?: boolean | undefined;
}

/** One model, built for one signature: graph values, nothing computed. */
export interface BuiltModel {
  readonly signature: Signature;
  /** Fed at every run: "input/<name>", "lengths/<name>", "key/<i>". */
  readonly feeds: readonly Value[];
  /** By input, [N, T, …] or [N, …]: as the data is fed. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** What every input and layer gives. */
  readonly signals: ReadonlyMap<string, Signal>;
  /** By output, time-major, zero beyond each row's end. */
  readonly outputs: Readonly<Record<string, Signal>>;
  /** By path. */
  readonly states: ReadonlyMap<string, BuiltState>;
  /** By path ("lstm/f"): what the layers show of their inside; empty unless asked for. */
  readonly observed: ReadonlyMap<string, Signal>;
  /** The value that reads each parameter, for gradients. */
  readonly parameters: ReadonlyMap<string, { readonly declared: DeclaredParameter; readonly value: Value }>;
  /** Inputs "key/0" …: one for each use of random numbers. */
  readonly keys: number;
  /** What needs more of a value than its steps so far: layers by their own account or their loops, and states by what they begin with. */
  readonly ahead: readonly LookAhead[];
}

/** Everything that one build collects while layers build themselves. */
class Build {
  readonly feeds: Value[] = [];
  readonly parameters = new Map<string, { declared: DeclaredParameter; value: Value }>();
  readonly states = new Map<string, { start: Value; initial: Value; final?: Value; sequence?: Value }>();
  readonly observed = new Map<string, Signal>();
  readonly table: ParameterTable;
  readonly options: BuildOptions;
  readonly ahead: LookAhead[] = [];
  keys = 0;

  constructor(table: ParameterTable, options: BuildOptions) {
    this.table = table;
    this.options = options;
  }

  feed(name: string, shape: Shape, type: 'float32' | 'int32'): Value {
    const value = input(name, shape, type);
    this.feeds.push(value);
    return value;
  }

  /** @param owner where its weights are: another layer's path where it has those. */
  scope(path: string, owner = path): Scope {
    return {
      path,
      training: this.options.training,
      updates: this.options.updates,
      firstStep: this.options.firstStep,
      child: (name) => this.scope(`${path}/${name}`, `${owner}/${name}`),
      parameter: (name, shape, options) => {
        const declared = this.table.request(owner, name, shape, options);
        const known = this.parameters.get(declared.variable.name);
        if (known) return known.value;
        const value = variable(declared.variable);
        this.parameters.set(declared.variable.name, { declared, value });
        return value;
      },
      state: (name, shape, initial) => this.state(`${path}/${name}`, shape, initial),
      carry: (name, { final, sequence }) => {
        const entry = this.states.get(`${path}/${name}`);
        if (!entry) throw new BpttError('ERR_BPTT_GRAPH', `${path}: the state "${name}" is carried on without having been asked for; call scope.state() first`, { received: name });
        entry.final = final;
        entry.sequence = sequence;
      },
      ...(this.options.observe && { observe: (name, shown) => void this.observed.set(`${path}/${name}`, shown) }),
      readsAhead: (seen, reach = 'later') => void this.ahead.push({ layer: path.split('/')[0]!, seen, reach }),
      randomKey: () => this.feed(`key/${this.keys++}`, [2], 'int32'),
    };
  }

  private state(path: string, shape: Shape, initial: Value | undefined): Value {
    if (this.states.has(path)) throw new BpttError('ERR_BPTT_GRAPH', `two states are called "${path}"; give their layers different scopes`, { received: path });
    const fresh = initial ? broadcast(initial, shape) : zeros(shape);
    const start = this.options.state?.(path, fresh) ?? fresh;
    this.states.set(path, { start, initial: fresh });
    return start;
  }

  /** What layers said, loops from the end of time that nobody spoke of, and states by what they begin with. */
  aheads(values: readonly Value[]): LookAhead[] {
    const ofLoops = topologicalOrder(values).filter(({ operation, attributes }) => operation === 'scan' && attributes['reverse'] === true)
      .map(({ scope: layer, outputs }): LookAhead => ({ layer, seen: outputs[0]!, reach: 'backward' }));
    const ofStates = [...this.states].map(([state, { initial }]): LookAhead => ({ layer: state.split('/')[0]!, seen: initial, reach: 'whole', state }));
    return [...this.ahead, ...ofLoops, ...ofStates];
  }

  /** Every state of one layer after the last valid step, by its path below the layer. */
  finalStates(layer: string): Record<string, Signal> {
    const own = [...this.states].filter(([path, { final }]) => path.startsWith(`${layer}/`) && final);
    return Object.fromEntries(own.map(([path, { final }]) => [path.slice(layer.length + 1), { value: final!, time: false }]));
  }

  finished(): Map<string, BuiltState> {
    return new Map([...this.states].map(([path, { start, initial, final, sequence }]) => {
      if (final && sequence) return [path, { start, initial, final, sequence }];
      throw new BpttError('ERR_BPTT_GRAPH', `the state "${path}" is asked for but never carried on; give scope.carry() its last value`, { received: path });
    }));
  }
}

function buildInput(build: Build, definition: InputDefinition, rows: number, { steps, ragged }: InputSize): { fed: Value; signal: Signal } {
  const sizes = featureSizes(definition);
  const type = definition.features === null ? 'int32' : 'float32';
  const fed = build.feed(`input/${definition.name}`, [rows, ...(definition.time ? [steps] : []), ...sizes], type);
  const lengths = ragged ? build.feed(`lengths/${definition.name}`, [rows], 'int32') : undefined;
  const tokens = definition.tokens ?? undefined;
  if (!definition.time) return { fed, signal: { value: fed, time: false, tokens } };
  return { fed, signal: { value: swapBatchAndTime(fed), time: true, lengths, tokens } };
}

/** [N, T, …] to [T, N, …] and back. */
export function swapBatchAndTime(value: Value): Value {
  return transpose(value, [1, 0, ...value.shape.slice(2).map((_, i) => i + 2)]);
}

/**
 * Builds a model's layers for one signature.
 * @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_GRAPH from the layers, naming their paths.
 */
export function buildModel({ definition, layers }: Wiring, table: ParameterTable, signature: Signature, options: BuildOptions): BuiltModel {
  const build = new Build(table, options);
  const signals = new Map<string, Signal>();
  const inputs: Record<string, Value> = {};
  for (const entry of definition.inputs) {
    const { fed, signal } = buildInput(build, entry, signature.rows, signature.inputs[entry.name]!);
    inputs[entry.name] = fed;
    signals.set(entry.name, signal);
  }
  definition.layers.forEach(({ name, inputs: sources, weights }, i) => {
    const signal = withScope(name, () => layers[i]!.build(build.scope(name, weights), ...sources.map((source) => signals.get(source)!)));
    checkResult(name, signal, signature.rows);
    const inherited = sources.some((source) => signals.get(source)!.named === signal.named);
    signals.set(name, { ...signal, named: { ...(inherited ? {} : signal.named), ...build.finalStates(name) } });
  });
  const outputs = definition.outputs.map((name) => [name, withScope(name, () => zeroPadding(signals.get(name)!))] as const);
  return {
    signature, feeds: build.feeds, inputs, signals, outputs: Object.fromEntries(outputs), states: build.finished(), observed: build.observed, parameters: build.parameters, keys: build.keys, ahead: build.aheads(outputs.map(([, { value }]) => value)),
  };
}

function checkResult(name: string, signal: Signal, rows: number): void {
  if (!Array.isArray(signal?.value?.shape) || typeof signal.time !== 'boolean') throw wrongType(name, 'what the layer gives', 'a signal { value, time }', signal);
  const { value, time } = signal;
  if (value.shape[time ? 1 : 0] === rows) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${name}: expected the layer to keep the batch of ${rows} rows, received ${formatShape(value.shape)}`, { expected: rows, received: value.shape });
}

/** Inputs that one layer joins step by step, by name. */
export interface JoinedInputs {
  readonly layer: string;
  readonly inputs: readonly string[];
}

/** Which inputs must have the same valid steps in every row: found by building the model once with lengths for all of them. */
export function joinedInputs(wiring: Wiring, table: ParameterTable): JoinedInputs[] {
  const { inputs, layers } = wiring.definition;
  if (inputs.filter(({ time }) => time).length < 2) return [];
  const sizes = inputs.map(({ name, time }) => [name, { steps: time ? 2 : 1, ragged: time }] as const);
  const { signals } = buildModel(wiring, table, { rows: 1, inputs: Object.fromEntries(sizes) }, { training: false });
  return layers.flatMap(({ name, inputs: sources }, i) => {
    if (!wiring.layers[i]!.stepwise) return [];
    const fed = sources.map((source) => signals.get(source)!.lengths?.node.attributes['name']).filter((lengths) => typeof lengths === 'string');
    const joined = [...new Set(fed)].map((lengths) => lengths.slice('lengths/'.length));
    return joined.length > 1 ? [{ layer: name, inputs: joined }] : [];
  });
}

/** @throws ERR_BPTT_STATE for a state that the model does not have. */
export function requireStateNames(owner: string, received: readonly string[], known: readonly string[]): void {
  for (const name of received) {
    if (known.includes(name)) continue;
    const hint = nearest(name, known);
    throw new BpttError('ERR_BPTT_STATE', `${owner}: the model has no state "${name}"${hint ? `; did you mean "${hint}"?` : ''} (states: ${known.join(', ') || 'none'})`,
      { expected: known, received: name });
  }
}
