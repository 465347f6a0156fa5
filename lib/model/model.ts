import { requireBoolean, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe, nearest } from '../errors.ts';
import { pack } from '../data/pack.ts';
import type { Data } from '../data/tensor.ts';
import { Vocabulary } from '../data/vocabulary.ts';
import { elementCount } from '../graph/index.ts';
import type { Layer } from '../layers/layer.ts';
import { selectRuntime } from '../runtime/index.ts';
import type { Runtime, VariableStore } from '../runtime/runtime.ts';
import { buildModel, joinedInputs } from './builder.ts';
import type { BuiltModel, Signature } from './builder.ts';
import { readDefinition, wire } from './definition.ts';
import type { ModelDefinition, Wiring } from './definition.ts';
import type { DoorOptions, InputData, LengthsData } from './door.ts';
import { aheadOf } from './lookAhead.ts';
import { bindParameters, initialise, ParameterTable } from './parameters.ts';
import type { Parameter } from './parameters.ts';
import { Predictor } from './predict.ts';
import type { Prediction } from './predict.ts';
import { StreamFactory } from './stream.ts';
import type { Stream, StreamOptions } from './stream.ts';
import { describeModel, formatSummary, symbolicShape } from './summary.ts';
import type { ModelDescription } from './summary.ts';
import { connect, input } from './symbolic.ts';
import type { InputDefinition, InputOptions, Symbolic } from './symbolic.ts';
import { Turns } from './turns.ts';
import { unfoldModel } from './unfold.ts';

/** What belongs to every model, however it is wired. */
export interface ModelSettings {
  /** Of the initial weights: every parameter's numbers follow from it and the parameter's name. Default 0. */
  readonly seed?: number | undefined;
  readonly name?: string | undefined;
  /** What computes. Default: the native engine, else the reference interpreter. */
  readonly runtime?: Runtime | undefined;
}

export interface ModelOptions extends ModelSettings {
  readonly inputs: Symbolic | readonly Symbolic[];
  readonly outputs: Symbolic | readonly Symbolic[];
}

export interface SequentialOptions extends ModelSettings {
  /** A vocabulary, or what `input` takes: { tokens } or { features }. */
  readonly input: Vocabulary | InputOptions;
}

export interface PredictOptions {
  /**
   * What states begin with, by path, [N, H] each, such as `state` of a prediction of the steps before; those left out begin fresh. A backward direction begins with its state at each
   * row's end, so that its parts go from the last one to the first; a model that runs in both directions cannot be run in parts.
   */
  readonly state?: Readonly<Record<string, Data>> | undefined;
  /** Valid steps of each row of padded data. */
  readonly lengths?: LengthsData | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An output of a model. */
export interface OutputDescription {
  readonly name: string;
  /** Whether there is one for each step. */
  readonly time: boolean;
  /** After batch and time. */
  readonly sizes: readonly number[];
}

/** A carried state of a model. */
export interface StateDescription {
  /** Path of its layer and its name there: "lstm/h". */
  readonly name: string;
  readonly sizes: readonly number[];
}

export interface FromJSONOptions {
  /** What computes. Default: the native engine, else the reference interpreter. */
  readonly runtime?: Runtime | undefined;
  /** false leaves all weights zero, for a caller that writes every one of them. Default true. */
  readonly initialize?: boolean | undefined;
  /** How many weights the definition may ask for: nothing is allocated beyond it. Default: any number. */
  readonly mostWeights?: number | undefined;
}

/** How a model is made around its wiring. */
export interface MakeOptions extends FromJSONOptions {
  /** A model whose layers have the same weights under the same names: both then have them in one memory, so that what one learns the other has learned. Its runtime is this one's too. */
  readonly weightsOf?: Model | undefined;
}

export interface DescribeOptions {
  /** Over how many steps the graph is unfolded; default it stays folded. */
  readonly unfold?: number | undefined;
}

/** The parts of a model that training builds on. */
export interface ModelCore {
  readonly wiring: Wiring;
  readonly table: ParameterTable;
  readonly store: VariableStore;
  readonly turns: Turns;
  readonly door: DoorOptions;
  /** The first layer that reads steps ahead: its states are no continuation. */
  readonly readsAhead: string | undefined;
  /** The first layer that makes a step of later ones, not counting those that look at the whole. */
  readonly readsLater: string | undefined;
}

/** Steps of the build that finds parameters and shapes: more than one, so that loops over time show. */
const probeSteps = 2;

/** A network with its weights. Made by `sequential`, `model` or `modelFromJSON`. Nothing needs to be freed. */
export class Model {
  readonly definition: ModelDefinition;
  readonly name: string | null;
  /** The vocabulary of the first input that has one. */
  readonly vocabulary: Vocabulary | null;
  readonly inputs: readonly InputDefinition[];
  readonly outputs: readonly OutputDescription[];
  readonly states: readonly StateDescription[];
  /** All weights, in the order in which the layers ask for them. */
  readonly parameters: readonly Parameter[];
  readonly parameterCount: number;
  readonly runtime: Runtime;
  /** For `Trainer` and analysis. */
  readonly core: ModelCore;
  readonly #probe: BuiltModel;
  readonly #predictor: Predictor;
  readonly #streams: StreamFactory;

  constructor(wiring: Wiring, settings: MakeOptions = {}) {
    const { definition } = wiring;
    const { weightsOf } = settings;
    this.definition = definition;
    this.name = definition.name;
    this.inputs = definition.inputs;
    const vocabulary = definition.inputs.find((entry) => entry.vocabulary)?.vocabulary;
    this.vocabulary = vocabulary ? new Vocabulary(vocabulary) : null;
    this.runtime = weightsOf?.runtime ?? settings.runtime ?? selectRuntime();
    const table = weightsOf?.core.table ?? new ParameterTable();
    const signature: Signature = { rows: 1, inputs: Object.fromEntries(definition.inputs.map(({ name, time }) => [name, { steps: time ? probeSteps : 1, ragged: false }])) };
    this.#probe = buildModel(wiring, table, signature, { training: false });
    table.close();
    checkWeights(table, settings.mostWeights ?? Infinity);
    const store = weightsOf?.core.store ?? this.runtime.store([...table.declared.values()].map(({ variable }) => variable));
    this.parameters = Object.freeze(bindParameters(table, store));
    this.parameterCount = this.parameters.reduce((sum, { count }) => sum + count, 0);
    if (!weightsOf && (settings.initialize ?? true)) initialise(table, store, definition.seed);
    this.outputs = Object.entries(this.#probe.outputs).map(([name, signal]) => ({ name, time: signal.time, sizes: symbolicShape(signal).slice(signal.time ? 2 : 1) as number[] }));
    this.states = [...this.#probe.states].map(([name, { start }]) => ({ name, sizes: start.shape.slice(1) }));
    const owner = this.name === null ? 'model' : `model "${this.name}"`;
    const door: DoorOptions = { owner, inputs: this.inputs, joined: joinedInputs(wiring, table), double: this.runtime.name === 'reference', copyFinite: this.runtime.copyFinite };
    this.core = Object.freeze({ wiring, table, store, turns: weightsOf?.core.turns ?? new Turns(), door, readsAhead: aheadOf(this.#probe, this.inputs)?.layer, readsLater: aheadOf(this.#probe, this.inputs, 'whole')?.layer });
    this.#predictor = new Predictor(this);
    this.#streams = new StreamFactory(this);
  }

  /**
   * Runs whole sequences, off the event loop. Calls made at once are answered one after the other. The data has been read when the call returns and may then be
   * changed; results are the caller's own, and no later call changes them.
   * @param data [N, T, C], [N, T] for tokens, or an array of sequences of different lengths; records by name where there are several inputs.
   * @returns the outputs, [N, T, …] or [N, …], and every state after each row's last step, [N, H]. Sequences of different lengths give what each alone would.
   * @throws (as a rejection) ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_DATA, ERR_BPTT_VOCABULARY for data that does not fit; ERR_BPTT_STATE for an unknown
   * state; ERR_BPTT_OPTION for states that go along an input of which a layer sees later steps through a window, or the whole at every step; ERR_BPTT_ABORTED.
   */
  async predict(data: InputData, options: PredictOptions = {}): Promise<Prediction> {
    checkOptions('predict', options, ['state', 'lengths', 'signal']);
    return this.#predictor.predict(data, options);
  }

  /**
   * The model one step at a time, synchronously and carrying its state: the same numbers as `predict` over the same steps.
   * @param options.rows sequences that run side by side. Default 1.
   * @param options.given inputs that come whole and are read once, now: the source of an encoder–decoder, the picture of a caption. The steps are those of the other inputs.
   * @throws ERR_BPTT_OPTION for a model that reads steps ahead (backwards, through a window that is not causal, or the whole of an input that is not given), begins its states with an input that is not given, or has no input over time left to come step by step;
   * what `predict` throws for given data that does not fit; ERR_BPTT_MEMORY for more rows than memory holds.
   */
  stream(options: StreamOptions = {}): Stream {
    checkOptions('stream', options, ['rows', 'given', 'lengths']);
    if (options.rows !== undefined) requireInteger('stream', 'rows', options.rows, 1, 2 ** 31 - 1);
    return this.#streams.create(options);
  }

  /** The parameter of this name, as in `parameters` or on disk. @throws ERR_BPTT_OPTION when there is none. */
  parameter(name: string): Parameter {
    const found = this.parameters.find((parameter) => parameter.name === name || parameter.diskName === name);
    if (found) return found;
    const hint = nearest(typeof name === 'string' ? name : '', this.parameters.map((parameter) => parameter.name));
    throw new BpttError('ERR_BPTT_OPTION', `${this.core.door.owner}: no parameter is called ${describe(name)}${hint ? `; did you mean "${hint}"?` : ''}`,
      { expected: this.parameters.map((parameter) => parameter.name), received: name });
  }

  /**
   * Writes one parameter.
   * @param data in the parameter's shape: nested arrays, a flat typed array, or { data, shape }.
   * @throws ERR_BPTT_SHAPE, ERR_BPTT_DATA for numbers that do not fit; ERR_BPTT_BUSY while a training step writes the weights or a prediction reads them.
   */
  setParameter(name: string, data: Data): void {
    const { view, shape, name: fullName } = this.parameter(name);
    this.requireIdle(`parameter "${fullName}"`);
    if (!this.core.turns.idle) {
      throw new BpttError('ERR_BPTT_BUSY', `parameter "${fullName}": a prediction is reading the weights; await it before they are changed`, { expected: 'idle', received: 'predicting' });
    }
    const flat = ArrayBuffer.isView(data) ? { data, shape: [...shape] } : data;
    const specification = { owner: `parameter "${fullName}"`, type: 'float32', time: false, sizes: shape.slice(1), double: this.core.door.double } as const;
    const packed = shape.length === 0 ? pack([data] as never, specification) : pack(flat, specification);
    if (packed.rows !== (shape[0] ?? 1)) {
      throw new BpttError('ERR_BPTT_SHAPE', `parameter "${fullName}": expected shape [${shape.join(', ')}], received ${packed.rows} rows`, { expected: shape, received: packed.rows });
    }
    view.set(packed.data);
    this.core.store.touch();
  }

  /** @throws ERR_BPTT_BUSY while a training step writes the weights. */
  requireIdle(owner: string): void {
    if (!this.core.turns.writing) return;
    throw new BpttError('ERR_BPTT_BUSY', `${owner}: a training step is writing the weights; wait for it, or work between steps (in a callback, or in the body of "for await")`,
      { expected: 'idle', received: 'training' });
  }

  /**
   * A table of text: every layer with its kind, output shape (N rows, T steps) and parameters, and the total.
   * @param options.unfold also writes the graph out over so many steps, and how its recurrences stand to each other.
   * @throws ERR_BPTT_RANGE unless `unfold` is from 1 to 1000.
   */
  summary(options: DescribeOptions = {}): string {
    const description = this.describe(options);
    return description.unfolded ? `${formatSummary(description)}\n\n${description.unfolded.text}` : formatSummary(description);
  }

  /** What `summary` prints, as data. */
  describe(options: DescribeOptions = {}): ModelDescription {
    checkOptions('describe', options, ['unfold']);
    const description = describeModel(this.definition, this.#probe.signals, this.parameters);
    return options.unfold === undefined ? description : { ...description, unfolded: unfoldModel(this.core, options.unfold) };
  }

  toJSON(): ModelDefinition {
    return this.definition;
  }

}

function checkWeights(table: ParameterTable, most: number): void {
  const count = [...table.declared.values()].reduce((sum, { variable }) => sum + elementCount(variable.shape), 0);
  if (count <= most) return;
  throw new BpttError('ERR_BPTT_FORMAT', `model definition: expected at most ${most} weights, received sizes that need ${count}`, { expected: most, received: count });
}

function checkRuntime(runtime: unknown): void {
  if (runtime === undefined || (typeof runtime === 'object' && runtime !== null && 'compile' in runtime)) return;
  throw wrongType('model', 'runtime', 'what selectRuntime() gives', runtime);
}

/**
 * A model of any shape: inputs, layers connected to them, outputs.
 * @throws ERR_BPTT_GRAPH for inputs that are missing or not needed, ERR_BPTT_OPTION for names that come twice, and the layers' own errors.
 */
export function model(options: ModelOptions): Model {
  checkOptions('model', options, ['inputs', 'outputs', 'seed', 'name', 'runtime']);
  checkRuntime(options.runtime);
  return new Model(wire(options), { runtime: options.runtime });
}

/**
 * A chain of layers.
 * @param layers from the input to the output, one or more.
 * @throws ERR_BPTT_TYPE for something that is no layer, ERR_BPTT_OPTION for wrong options, and the layers' own errors.
 */
export function sequential(layers: readonly Layer[], options: SequentialOptions): Model {
  checkOptions('sequential', options, ['input', 'seed', 'name', 'runtime']);
  checkRuntime(options.runtime);
  if (!Array.isArray(layers) || layers.length === 0) throw wrongType('sequential', 'the layers', 'a list of at least one layer', layers);
  const declared = options.input instanceof Vocabulary ? { vocabulary: options.input } : options.input;
  const first = input(declared);
  const last = (layers as readonly Layer[]).reduce((place, layer) => connect(layer, place), first);
  return new Model(wire({ inputs: first, outputs: last, seed: options.seed, name: options.name }), { runtime: options.runtime });
}

/**
 * A model from what `JSON.stringify(model)` gave. It has its initial weights again, not learned ones.
 * @throws ERR_BPTT_FORMAT for something that is no definition or needs more weights than `mostWeights`; the layers' own errors.
 */
export function modelFromJSON(definition: unknown, options: FromJSONOptions = {}): Model {
  checkOptions('modelFromJSON', options, ['runtime', 'initialize', 'mostWeights']);
  checkRuntime(options.runtime);
  requireBoolean('modelFromJSON', 'initialize', options.initialize ?? true);
  requireInteger('modelFromJSON', 'mostWeights', options.mostWeights ?? 0, 0);
  return new Model(readDefinition(definition), options);
}
