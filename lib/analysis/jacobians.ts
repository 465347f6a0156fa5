import { checkOptions } from '../errors.ts';
import type { Data } from '../data/tensor.ts';
import { elementCount, gradient, concat, multiply, reshape, sum } from '../graph/index.ts';
import type { Value, Variable } from '../graph/index.ts';
import { buildModel } from '../model/builder.ts';
import { packInputs } from '../model/door.ts';
import type { InputData, LengthsData, PackedInputs } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import { packStates } from '../model/predict.ts';
import { abortError } from '../model/turns.ts';
import { Interpreter } from '../runtime/reference/interpreter.ts';
import { buildWithStates, chooseRecurrence, holdsStop, requireEqualSteps, requireModel, requireSameNumbers, requireStepForStep, requireStepwise, unitMatrix, weightsOf } from './inside.ts';
import { judgeJacobians } from './jacobianVerdict.ts';
import type { WeightBound } from './jacobianVerdict.ts';
import { product, singularValues } from './singularValues.ts';

export interface JacobianOptions {
  /** Path of the recurrence, such as "lstm" or "lstm/layer_0", or of a layer that has one inside; needed where the model has several. */
  readonly layer?: string | undefined;
  /** Valid steps of each row of padded data. */
  readonly lengths?: LengthsData | undefined;
  /** What states begin with, by path, [N, H] each; those left out begin fresh. */
  readonly state?: Readonly<Record<string, Data>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One row of data: numbers for each of its steps. */
export interface JacobianRow {
  /** ∂s(t)/∂s(t−1), row-major [S, S]: row i is what the i-th number of the state depends on. */
  readonly jacobians: readonly Float64Array[];
  /** Largest and smallest singular value of each. */
  readonly largest: readonly number[];
  readonly smallest: readonly number[];
  /** Largest singular value of ∂s(t)/∂s(0), the product of all up to there: what a gradient is really multiplied by at most. */
  readonly product: readonly number[];
}

/** How errors travel back through a recurrence. */
export interface JacobianReport {
  readonly kind: 'jacobians';
  /** Path of the recurrence. */
  readonly layer: string;
  /** The states, side by side in this order: of an LSTM h, then c. */
  readonly states: readonly string[];
  readonly size: number;
  readonly rows: readonly JacobianRow[];
  /** The rule of the recurrent weight's singular values; of simple recurrences only, else null. */
  readonly weight: WeightBound | null;
  /**
   * Whether a step stops gradients on purpose (`stopGradient`), as that of `elman` does. The Jacobians are then what gradients are multiplied by, and not how states depend on those
   * before them.
   */
  readonly stopsGradients: boolean;
  /** 'vanishes': every step shrinks gradients, which is proven; 'may explode': some steps can make them grow, which proves nothing; 'neither': in between. */
  readonly verdict: 'vanishes' | 'may explode' | 'neither';
  /** The verdict in words: what the numbers prove and what they do not. */
  readonly text: string;
}

/** One row's states before and after each step. */
type Trajectory = readonly Readonly<Record<string, Float64Array>>[];

interface Question {
  readonly owner: string;
  readonly model: Model;
  /** The states that are looked at. */
  readonly states: readonly string[];
  readonly variables: ReadonlyMap<Variable, Float64Array>;
}

/** Every state of the model before each step of each row, computed in float64. */
function trajectories({ owner, model, states: looked, variables }: Question, { signature, feeds }: PackedInputs, given: Readonly<Record<string, ArrayLike<number>>>): Trajectory[] {
  const fed: Record<string, ArrayLike<number>> = { ...feeds };
  const { built, states } = buildWithStates(model, signature);
  const fresh = buildModel(model.core.wiring, model.core.table, signature, { training: false });
  const most = Math.max(...Object.values(signature.inputs).map(({ steps }) => steps));
  requireStepForStep(owner, built, most, { states: looked, outputs: [] });
  const paths = [...states.keys()];
  const starts = new Interpreter({ inputs: fed, variables }).evaluate(paths.map((path) => fresh.states.get(path)!.initial), new Map());
  paths.forEach((path, i) => { fed[`state/${path}`] = given[path] ?? starts[i]!.data; });
  const sequences = new Interpreter({ inputs: fed, variables }).evaluate(paths.map((path) => built.states.get(path)!.sequence), new Map());
  return Array.from({ length: signature.rows }, (_, row) => Array.from({ length: most }, (__, t) => Object.fromEntries(paths.map((path, i) => {
    const width = elementCount(states.get(path)!.shape.slice(1));
    if (t === 0) return [path, Float64Array.from(fed[`state/${path}`] as ArrayLike<number>).slice(row * width, (row + 1) * width)];
    const from = ((t - 1) * signature.rows + row) * width;
    return [path, Float64Array.from(sequences[i]!.data.subarray(from, from + width))];
  }))));
}

function repeated(numbers: ArrayLike<number>, count: number, integers: boolean): Float64Array | Int32Array {
  const made = integers ? new Int32Array(numbers.length * count) : new Float64Array(numbers.length * count);
  for (let i = 0; i < count; i++) made.set(numbers, i * numbers.length);
  return made;
}

/** Computes the Jacobian of one step: as many equal rows as the state has numbers, each of which asks for the gradient of one of them. */
class StepJacobian {
  readonly #size: number;
  readonly #model: Model;
  readonly #roots: readonly Value[];
  readonly #feeds: Record<string, ArrayLike<number>> = {};
  readonly #interpreter: Interpreter;
  /** Whether gradients are stopped on the way through the step. */
  readonly stopsGradients: boolean;

  constructor({ owner, model, states, variables }: Question) {
    this.#model = model;
    this.#size = states.reduce((sizes, path) => sizes + elementCount(model.states.find(({ name }) => name === path)!.sizes), 0);
    const signature = { rows: this.#size, inputs: Object.fromEntries(model.inputs.map(({ name }) => [name, { steps: 1, ragged: false }])) };
    const { built, states: starts } = buildWithStates(model, signature);
    requireStepForStep(owner, built, 1, { states, outputs: [] });
    const flat = (value: Value): Value => reshape(value, [this.#size, -1]);
    const after = concat(states.map((path) => flat(built.states.get(path)!.final)), 1);
    this.stopsGradients = holdsStop([after]);
    const { gradients } = gradient(sum(multiply(after, unitMatrix(this.#size))), states.map((path) => starts.get(path)!));
    this.#roots = [concat(gradients.map(flat), 1), after];
    this.#interpreter = new Interpreter({ inputs: this.#feeds, variables });
  }

  /** The Jacobian [S, S], and the states [S] after the step. */
  at({ feeds, signature }: PackedInputs, row: number, t: number, before: Readonly<Record<string, Float64Array>>): { readonly jacobian: Float64Array; readonly after: Float64Array } {
    for (const { name, time } of this.#model.inputs) {
      const data = feeds[`input/${name}`]!;
      const steps = time ? signature.inputs[name]!.steps : 1;
      const width = data.length / (signature.rows * steps);
      const from = (row * steps + (time ? t : 0)) * width;
      this.#feeds[`input/${name}`] = repeated(data.subarray(from, from + width), this.#size, data instanceof Int32Array);
    }
    for (const [path, numbers] of Object.entries(before)) this.#feeds[`state/${path}`] = repeated(numbers, this.#size, false);
    const [jacobian, after] = this.#interpreter.evaluate(this.#roots, new Map()).map(({ data }) => data as Float64Array);
    return { jacobian: jacobian!, after: after!.subarray(0, this.#size) };
  }
}

function rowOf(jacobians: readonly Float64Array[], size: number): JacobianRow {
  const values = jacobians.map((jacobian) => singularValues(jacobian, size, size));
  let through: Float64Array | undefined;
  const products = jacobians.map((jacobian) => {
    through = through ? product(jacobian, through, size) : jacobian;
    return singularValues(through, size, size)[0]!;
  });
  return { jacobians, largest: values.map((each) => each[0]!), smallest: values.map((each) => each.at(-1)!), product: products };
}

/**
 * ∂s(t)/∂s(t−1) of a recurrence at every step of the data, with its singular values: what a gradient is multiplied by on its way back through time. It comes
 * from the graph's gradient, for any cell, in float64. What the singular values prove: R. Pascanu, T. Mikolov and Y. Bengio, arXiv:1211.5063 (2013).
 * @param data as for `predict`.
 * @throws (as a rejection) ERR_BPTT_OPTION for a model without state, one that reads steps ahead or looks at the whole of an input, several recurrences
 * and no `layer`, or one with steps of its own number; ERR_BPTT_DATA for inputs of different lengths; what `predict` throws for data.
 */
export async function jacobianNorms(model: Model, data: InputData, options: JacobianOptions = {}): Promise<JacobianReport> {
  checkOptions('jacobianNorms', options, ['layer', 'lengths', 'state', 'signal']);
  const { door } = requireModel('jacobianNorms', model).core;
  const owner = `${door.owner}: jacobianNorms`;
  requireStepwise(owner, model);
  const { place, states } = chooseRecurrence(owner, model, options.layer);
  const packed = packInputs(door, data, options.lengths, false);
  requireEqualSteps(owner, model.inputs.filter(({ time }) => time).map(({ name }) => packed.packed[name]!));
  const given = packStates(model, owner, options.state ?? {}, packed.signature.rows);
  const variables = await weightsOf(model, owner, options.signal);
  const question: Question = { owner, model, states, variables };
  const step = new StepJacobian(question);
  const paths = trajectories(question, packed, given);
  const lengths = Object.values(packed.packed).find((one) => one.lengths !== null)?.lengths;
  const rows: JacobianRow[] = [];
  for (const [row, path] of paths.entries()) {
    const valid = path.slice(0, lengths?.[row] ?? path.length);
    const jacobians: Float64Array[] = [];
    for (const [t, before] of valid.entries()) {
      await new Promise((resolve) => { setImmediate(resolve); });
      if (options.signal?.aborted) throw abortError(owner, options.signal);
      const { jacobian, after } = step.at(packed, row, t, before);
      const next = valid[t + 1];
      if (next) requireSameNumbers(owner, after, states.flatMap((state) => [...next[state]!]));
      jacobians.push(jacobian);
    }
    rows.push(rowOf(jacobians, Math.sqrt(jacobians[0]!.length)));
  }
  return { kind: 'jacobians', layer: place, states, size: Math.sqrt(rows[0]!.jacobians[0]!.length), rows, stopsGradients: step.stopsGradients, ...judgeJacobians(model, { place, rows, variables, stopsGradients: step.stopsGradients }) };
}
