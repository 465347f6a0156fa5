import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { findCell } from '../cells/index.ts';
import type { Cell } from '../cells/index.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Data } from '../data/tensor.ts';
import { add, constant, elementCount, gradient, input as graphInput, multiply, sum } from '../graph/index.ts';
import type { Value, Variable } from '../graph/index.ts';
import { isLayer, recurrent } from '../layers/index.ts';
import type { Layer } from '../layers/layer.ts';
import type { Loss } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import { Model, sequential } from '../model/index.ts';
import type { InputOptions } from '../model/index.ts';
import { featureSizes } from '../model/symbolic.ts';
import { uniformSource } from '../random.ts';
import { referenceRuntime } from '../runtime/index.ts';
import { Interpreter } from '../runtime/reference/interpreter.ts';
import { total } from '../training/lossGraph.ts';
import { BatchReader } from '../training/prepare.ts';
import type { PreparedBatch } from '../training/prepare.ts';
import { readLosses } from '../training/settings.ts';
import { centralDifference } from './centralDifference.ts';
import { holdsStop, lossOf, weightsOf, zeros } from './inside.ts';
import { formatGradientCheck } from './gradientReport.ts';

export interface GradientCheckOptions {
  /** What a model is run on, as for a training step; default random numbers or tokens. */
  readonly data?: Data | Readonly<Record<string, Data>> | undefined;
  /** What the loss compares with; needed with a loss. */
  readonly target?: Data | Readonly<Record<string, Data>> | undefined;
  /** Default: the sum of all outputs and final states, each times a random number of its own, which lets no part of a gradient hide. */
  readonly loss?: Loss | Readonly<Record<string, Loss>> | undefined;
  /** Of a layer or a cell: what it is fed. Default { features: 4 }. */
  readonly input?: InputOptions | undefined;
  /** Of a cell: its units. Default 3. */
  readonly units?: number | undefined;
  /** Of random data over time; default 5. Not beside `data`. */
  readonly steps?: number | undefined;
  /** Of random data; default 2. Not beside `data`. */
  readonly rows?: number | undefined;
  /** At most so many numbers of each tensor are compared, spread evenly; default 20. */
  readonly samples?: number | undefined;
  /** Largest relative difference that passes; default 1e-6. */
  readonly tolerance?: number | undefined;
  /** Of random data, states and weights of the loss. Default 0. */
  readonly seed?: number | undefined;
}

/** One tensor that was varied. */
export interface GradientCheckEntry {
  readonly name: string;
  readonly kind: 'parameter' | 'input' | 'state';
  readonly count: number;
  /** How many of its numbers were compared. */
  readonly checked: number;
  /** The number that differs most: its place, both derivatives, and their difference relative to the larger one (or 1e-4 of the tensor's largest). */
  readonly worst: { readonly index: number; readonly analytic: number; readonly numeric: number; readonly error: number };
  readonly passed: boolean;
}

export interface GradientCheckReport {
  readonly kind: 'gradientCheck';
  readonly passed: boolean;
  readonly tolerance: number;
  /**
   * Whether the graph holds a `stopGradient` of something that varies, as that of `elman` does. Its gradient is then not the derivative of the loss, on purpose: tensors whose
   * influence goes through it differ, and that says nothing of the rest of the equations.
   */
  readonly stopsGradients: boolean;
  readonly entries: readonly GradientCheckEntry[];
  /** A table of the entries. */
  readonly text: string;
}

/** A cell of any state and options. */
export interface AnyCell {
  readonly name: string;
  equations(tools: never): unknown;
}

export type GradientCheckTarget = Model | Layer | AnyCell;

const optionNames = ['data', 'target', 'loss', 'input', 'units', 'steps', 'rows', 'samples', 'tolerance', 'seed'];

/** The model to look into, and its weights. */
function asModel(target: unknown, { input, units, seed = 0 }: GradientCheckOptions): Model {
  if (target instanceof Model) {
    const ignored = input !== undefined ? 'input' : 'units';
    if (input === undefined && units === undefined) return target;
    throw new BpttError('ERR_BPTT_OPTION', `gradientCheck: ${ignored} is for layers and cells, and a model has its own; leave it out`, { received: ignored });
  }
  const cell = typeof target === 'object' && target !== null && 'equations' in target && 'name' in target && findCell(String(target.name)) === target ? target as Cell : undefined;
  if (!cell && !isLayer(target)) throw wrongType('gradientCheck', 'what is checked', 'a model, a layer or a cell', target);
  if (!cell && units !== undefined) throw new BpttError('ERR_BPTT_OPTION', 'gradientCheck: units is for cells, and a layer has its own; leave it out', { received: 'units' });
  const layer = cell ? recurrent(cell, { units: requireInteger('gradientCheck', 'units', units ?? 3, 1) } as never) : target as Layer;
  return sequential([layer], { input: input ?? { features: 4 }, seed, runtime: referenceRuntime });
}

/** Numbers within ±1 and off 0, where kinks are. */
function randomNumbers(count: number, random: () => number): Float64Array {
  return zeros('the data of gradientCheck', count).map(() => {
    const number = 2 * random() - 1;
    return number + (number < 0 ? -0.05 : 0.05);
  });
}

function randomData(model: Model, rows: number, steps: number, seed: number): Record<string, Data> {
  return Object.fromEntries(model.inputs.map((input): [string, Data] => {
    const random = uniformSource(seed, `input/${input.name}`);
    const shape = [rows, ...(input.time ? [steps] : []), ...featureSizes(input)];
    const count = elementCount(shape);
    if (input.features !== null) return [input.name, { data: randomNumbers(count, random), shape }];
    const tokens = input.tokens ?? 2;
    return [input.name, { data: Int32Array.from(zeros('the data of gradientCheck', count), () => Math.floor(random() * tokens)), shape }];
  }));
}

interface Leaf {
  readonly name: string;
  readonly kind: GradientCheckEntry['kind'];
  readonly value: Value;
  /** The live numbers that the interpreter reads. */
  readonly numbers: Float64Array;
}

/** One scalar with the leaves that it is differentiated by, all bound. */
interface Setup {
  readonly loss: Value;
  readonly leaves: readonly Leaf[];
  readonly interpreter: Interpreter;
}

/** Every output and final state times random numbers. */
function weightedSum(values: readonly Value[], seed: number): Value {
  return total(values.map((value, i) => {
    const weights = randomNumbers(elementCount(value.shape), uniformSource(seed, `weights/${i}`));
    return sum(multiply(value, constant(weights, value.shape)));
  }));
}

function readData(model: Model, losses: Readonly<Record<string, Loss>>, options: GradientCheckOptions): PreparedBatch {
  const rows = requireInteger('gradientCheck', 'rows', options.rows ?? 2, 1);
  const steps = requireInteger('gradientCheck', 'steps', options.steps ?? 5, 1);
  if ((options.loss === undefined) !== (options.target === undefined)) {
    throw new BpttError('ERR_BPTT_OPTION', 'gradientCheck: expected a loss together with a target, or neither', { received: { loss: options.loss, target: options.target } });
  }
  const unread = (['rows', 'steps'] as const).find((name) => options[name] !== undefined && (options.data !== undefined || (name === 'steps' && !model.inputs.some(({ time }) => time))));
  if (unread) {
    const reason = options.data === undefined ? 'no input of the model has any' : 'data has its own';
    throw new BpttError('ERR_BPTT_OPTION', `gradientCheck: ${unread} is for random data, and ${reason}; leave it out`, { received: unread });
  }
  const input = options.data ?? randomData(model, rows, steps, options.seed ?? 0);
  return new BatchReader(model, 'gradientCheck', losses).read({ input, target: options.target ?? {} }, false);
}

function setUp(model: Model, options: GradientCheckOptions, variables: Map<Variable, Float64Array>): Setup {
  const { loss, seed = 0 } = options;
  const losses = loss === undefined ? {} : readLosses('gradientCheck', model, loss);
  const { rows, inputs, targets } = readData(model, losses, options);
  const signature = { rows, inputs: Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, { steps: one.steps, ragged: one.lengths !== null }])) };
  const states = new Map<string, Value>();
  const built = buildModel(model.core.wiring, model.core.table, signature, {
    training: false,
    state: (path, initial) => {
      const moved = graphInput(`state/${path}`, initial.shape, 'float32');
      states.set(path, moved);
      return add(initial, moved);
    },
  });
  const fed: Record<string, ArrayLike<number>> = {};
  for (const [name, one] of Object.entries(inputs)) {
    fed[`input/${name}`] = one.data instanceof Int32Array ? one.data : Float64Array.from(one.data);
    if (one.lengths) fed[`lengths/${name}`] = one.lengths;
  }
  for (const [name, one] of Object.entries(targets)) fed[`target/${name}`] = one.data;
  for (const [path, value] of states) fed[`state/${path}`] = randomNumbers(elementCount(value.shape), uniformSource(seed, `state/${path}`));
  const scalar = loss === undefined
    ? weightedSum([...Object.values(built.outputs).map(({ value }) => value), ...[...built.states.values()].map(({ final }) => final)], seed)
    : lossOf(built.outputs, { losses, lossOn: 'all', reduction: 'mean', weighted: [] }, []);
  const leaf = (kind: Leaf['kind'], name: string, value: Value, numbers: ArrayLike<number>): Leaf => ({ kind, name, value, numbers: numbers as Float64Array });
  const leaves = [
    ...[...built.parameters.values()].map(({ declared: { variable }, value }) => leaf('parameter', variable.name, value, variables.get(variable)!)),
    ...Object.entries(built.inputs).filter(([, { type }]) => type === 'float32').map(([name, value]) => leaf('input', name, value, fed[`input/${name}`]!)),
    ...[...states].map(([name, value]) => leaf('state', name, value, fed[`state/${name}`]!)),
  ];
  return { loss: scalar, leaves, interpreter: new Interpreter({ inputs: fed, variables }) };
}

function compare({ kind, name, numbers }: Leaf, analytic: ArrayLike<number>, loss: () => number, { samples, tolerance }: { samples: number; tolerance: number }): GradientCheckEntry {
  const largest = Array.from(analytic).reduce((most, element) => Math.max(most, Math.abs(element)), 0);
  const stride = Math.max(1, Math.ceil(numbers.length / samples));
  let worst = { index: 0, analytic: 0, numeric: 0, error: -1 };
  let checked = 0;
  for (let index = 0; index < numbers.length; index += stride) {
    const [exact, numeric] = [analytic[index]!, centralDifference(loss, numbers, index)];
    // Rounding of the loss leaves about 1e-13 in a difference: elements far below the largest are compared with that in mind.
    const scale = Math.max(Math.abs(exact), Math.abs(numeric), 1e-4 * largest, 1e-6);
    const error = Math.abs(exact - numeric) / scale;
    // What is no number is the worst there can be, whatever comes after it.
    if (!(error <= worst.error) && !Number.isNaN(worst.error)) worst = { index, analytic: exact, numeric, error };
    checked++;
  }
  return { name, kind, count: numbers.length, checked, worst, passed: worst.error <= tolerance };
}

/**
 * Compares the gradients of a model, a layer or a cell with central differences, in float64 whatever computes the model: by every parameter, every input of
 * numbers and every initial state. Dropout is off. Where a function has a kink (relu at 0) differences that reach over it disagree without anything being wrong;
 * so do those of what a `stopGradient` cuts off, which the report remarks: `elman` is trained by a truncated gradient and does not pass.
 *
 * ```ts
 * const { passed, text } = await gradientCheck(myCell);
 * ```
 * @param target a model with its weights as they are; a layer or a cell gets a small model of its own.
 * @throws (as a rejection) ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; ERR_BPTT_MEMORY for more rows or steps than memory holds; what training throws
 * for data and targets.
 */
export async function gradientCheck(target: GradientCheckTarget, options: GradientCheckOptions = {}): Promise<GradientCheckReport> {
  checkOptions('gradientCheck', options, optionNames);
  const samples = requireInteger('gradientCheck', 'samples', options.samples ?? 20, 1);
  const tolerance = requireNumber('gradientCheck', 'tolerance', options.tolerance ?? 1e-6, 0, 1);
  requireInteger('gradientCheck', 'seed', options.seed ?? 0, 0);
  const model = asModel(target, options);
  const { loss, leaves, interpreter } = setUp(model, options, await weightsOf(model, 'gradientCheck'));
  const found = interpreter.evaluate(gradient(loss, leaves.map(({ value }) => value)).gradients, new Map());
  const forward = [loss];
  const lossNow = (): number => interpreter.evaluate(forward, new Map())[0]!.data[0]!;
  const entries: GradientCheckEntry[] = [];
  for (const [i, leaf] of leaves.entries()) {
    await new Promise((resolve) => { setImmediate(resolve); });
    entries.push(compare(leaf, found[i]!.data, lossNow, { samples, tolerance }));
  }
  const stopsGradients = holdsStop([loss]);
  const passed = entries.every((entry) => entry.passed);
  return { kind: 'gradientCheck', passed, tolerance, entries, stopsGradients, text: formatGradientCheck(entries, tolerance, stopsGradients) };
}
