/** One recurrent layer on its own, forward or forward and backward, through the compiler and the runtime that models use. */
import { prepare } from '../../lib/compiler/index.ts';
import { cell } from '../../lib/cells/index.ts';
import * as graph from '../../lib/graph/index.ts';
import type { Shape, Value, Variable } from '../../lib/graph/index.ts';
import { gru, lstm, recurrent, rnn } from '../../lib/layers/index.ts';
import type { Layer, Scope } from '../../lib/layers/layer.ts';
import { referenceRuntime, type Executable, type Runtime, type VariableStore } from '../../lib/runtime/index.ts';
import { someFloats, type Bundle, type BundleTensor } from './bundle.ts';
import { relativeDifference } from './statistics.ts';

export interface LayerSize {
  /** T */
  readonly steps: number;
  /** N */
  readonly rows: number;
  /** I */
  readonly features: number;
  /** H */
  readonly units: number;
}

export type LayerMode = 'train' | 'inference';

const { add, multiply, sigmoid, tanh } = graph;

/** The equations of `lstm` as a user would write them, to see whether they run as fast. */
const userLstm = cell('benchUserLstm', { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine }) => {
  const enter = sigmoid(affine('i', x, h));
  const forget = sigmoid(affine('f', x, h));
  const proposal = tanh(affine('g', x, h));
  const show = sigmoid(affine('o', x, h));
  const memory = add(multiply(forget, c), multiply(enter, proposal));
  const output = multiply(show, tanh(memory));
  return { output, h: output, c: memory };
});

/** With diagonal peepholes: F. Gers, N. Schraudolph and J. Schmidhuber, "Learning precise timing with LSTM recurrent networks" (2002). */
const peephole = cell('benchPeephole', { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine, parameter }) => {
  const enter = sigmoid(add(affine('i', x, h), multiply(parameter('pi', ['units']), c)));
  const forget = sigmoid(add(affine('f', x, h), multiply(parameter('pf', ['units']), c)));
  const memory = add(multiply(forget, c), multiply(enter, tanh(affine('g', x, h))));
  const output = multiply(sigmoid(add(affine('o', x, h), multiply(parameter('po', ['units']), memory))), tanh(memory));
  return { output, h: output, c: memory };
});

const cells = {
  lstm: { gates: 4, make: (units: number): Layer => lstm({ units }) },
  'gru-after': { gates: 3, make: (units: number): Layer => gru({ units }) },
  'gru-before': { gates: 3, make: (units: number): Layer => gru({ units, reset: 'before' }) },
  rnn: { gates: 1, make: (units: number): Layer => rnn({ units }) },
  userLstm: { gates: 4, make: (units: number): Layer => recurrent(userLstm, { units }) },
  peephole: { gates: 4, make: (units: number): Layer => recurrent(peephole, { units }) },
} as const;

export type CellName = keyof typeof cells;

export const cellNames = Object.keys(cells) as CellName[];

/** Multiply and add as two; the gates' own arithmetic is left out. */
export function flopsOf(name: CellName, { steps, rows, features, units }: LayerSize, mode: LayerMode): number {
  return (mode === 'train' ? 6 : 2) * steps * rows * (features + units) * cells[name].gates * units;
}

export function formatSize({ steps, rows, features, units }: LayerSize): string {
  return `(${[steps, rows, features, units].join(',')})`;
}

/** What makes the layer that is measured. */
export interface LayerSource {
  make(units: number): Layer;
}

const sourceOf = (measured: CellName | LayerSource): LayerSource => (typeof measured === 'string' ? cells[measured] : measured);

/** Short names of a bundle, others stay as they are: x, w, u, b, bh, pi pf po, h0, c0, dy; results y and "d" + the name of what was differentiated by. */
const shortNames: Readonly<Record<string, string>> = {
  weight_ih_l0: 'w', weight_hh_l0: 'u', bias_ih_l0: 'b', bias_hh_l0: 'bh', pi_l0: 'pi', pf_l0: 'pf', po_l0: 'po', h: 'h0', c: 'c0',
};

function shortName(name: string): string {
  return shortNames[name] ?? name;
}

/** What a layer asks for while it is built: weights as variables, initial states as inputs. */
class BenchScope implements Scope {
  readonly path = 'layer';
  readonly training = false;
  readonly variables = new Map<string, { variable: Variable; value: Value }>();
  readonly states = new Map<string, Value>();

  child(): Scope {
    return this;
  }

  parameter(name: string, shape: Shape): Value {
    const short = shortName(name);
    const known = this.variables.get(short);
    if (known) return known.value;
    const declared: Variable = { name: short, shape, type: 'float32' };
    const value = graph.variable(declared);
    this.variables.set(short, { variable: declared, value });
    return value;
  }

  state(name: string, shape: Shape): Value {
    const value = graph.input(shortName(name), shape, 'float32');
    this.states.set(shortName(name), value);
    return value;
  }

  carry(): void {
    // The states after the run are not looked at.
  }

  readsAhead(): void {
    // Whole sequences are run.
  }

  randomKey(): Value {
    throw new Error('the bench runs layers without dropout');
  }
}

export interface LayerGraph {
  readonly scope: { readonly variables: ReadonlyMap<string, { readonly variable: Variable; readonly value: Value }> };
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
}

/** The graph of a layer on its own: its output and, in training, the gradients by everything that it reads. */
export function buildGraph(measured: CellName | LayerSource, { steps, rows, features, units }: LayerSize, mode: LayerMode): LayerGraph {
  const scope = new BenchScope();
  const x = graph.input('x', [steps, rows, features], 'float32');
  const y = sourceOf(measured).make(units).build(scope, { value: x, time: true }).value;
  if (mode === 'inference') return { scope, inputs: [x, ...scope.states.values()], outputs: { y } };
  const upstream = graph.input('dy', y.shape, 'float32');
  const leaves: [string, Value][] = [['x', x], ...[...scope.variables].map(([short, { value }]): [string, Value] => [short, value]), ...scope.states];
  const [output, ...wrt] = prepare([y, ...leaves.map(([, value]) => value)]);
  const { gradients, rewrite } = graph.gradient(output!, wrt, { upstream });
  const outputs = Object.fromEntries(leaves.map(([short], i) => [`d${short}`, gradients[i]!]));
  return { scope, inputs: [x, upstream, ...scope.states.values()], outputs: { y: rewrite(output!), ...outputs } };
}

/** Numbers of sizes at which gates neither saturate nor vanish. */
function numbersFor(short: string, shape: Shape, units: number, seed: number): BundleTensor {
  const known = Object.values(shortNames).includes(short) || short === 'x' || short === 'dy';
  const isWeight = short === 'w' || short === 'u' || (!known && shape.length === 2);
  return { shape, data: someFloats(graph.elementCount(shape), seed, isWeight ? 1 / Math.sqrt(units) : short === 'x' || short === 'dy' ? 1 : 0.5) };
}

/** A layer with numbers, ready to run again and again. */
export class LayerWork {
  /** Everything that it reads. */
  readonly numbers: Bundle;
  readonly #executable: Executable;
  readonly #store: VariableStore;
  readonly #training: boolean;
  readonly #shapes: Readonly<Record<string, Shape>>;

  constructor(runtime: Runtime, name: CellName | LayerSource, size: LayerSize, mode: LayerMode) {
    const { scope, inputs, outputs } = buildGraph(name, size, mode);
    const variables = [...scope.variables.values()].map(({ variable }) => variable);
    this.#store = runtime.store(variables);
    this.#training = mode === 'train';
    this.#executable = runtime.compile({ inputs, outputs, assignments: [] }, { layouts: [variables], changing: mode === 'train' }).bind([this.#store]);
    this.#shapes = Object.fromEntries(Object.entries(outputs).map(([short, { shape }]) => [short, shape]));
    const leaves: [string, Shape][] = [...inputs.map((value): [string, Shape] => [value.node.attributes['name'] as string, value.shape]), ...variables.map((each): [string, Shape] => [each.name, each.shape])];
    this.numbers = Object.fromEntries(leaves.map(([short, shape], i) => [short, numbersFor(short, shape, size.units, i + 1)]));
    for (const [short, array] of Object.entries(this.#executable.direct.inputs)) array.set(this.numbers[short]!.data);
    for (const each of variables) this.#store.view(each).set(this.numbers[each.name]!.data);
    this.#store.touch();
  }

  /** Training lays the weights out anew at every run, as they change at every step. */
  run(): void {
    if (this.#training) this.#store.touch();
    this.#executable.direct.run();
  }

  results(): Bundle {
    return Object.fromEntries(Object.entries(this.#executable.direct.outputs).map(([short, array]) => [short, { shape: this.#shapes[short]!, data: Float32Array.from(array) }]));
  }
}

/** Largest relative difference over all tensors of the second bundle. @throws when one is missing or beyond the tolerance */
export function compareBundles(actual: Bundle, expected: Bundle, tolerance: number): number {
  let worst = 0;
  for (const [name, { data }] of Object.entries(expected)) {
    const other = actual[name];
    if (!other) throw new Error(`no ${name} to compare with (there are ${Object.keys(actual).join(', ')})`);
    const difference = relativeDifference(other.data, data);
    if (!(difference <= tolerance)) throw new Error(`${name} differs by ${difference.toExponential(2)} of its largest number; at most ${tolerance} may be`);
    worst = Math.max(worst, difference);
  }
  return worst;
}

/** The same cell on the reference interpreter, at a size that it can do. */
export function compareWithReference(runtime: Runtime, name: CellName | LayerSource, size: LayerSize, mode: LayerMode): number {
  const small = { steps: Math.min(size.steps, 4), rows: Math.min(size.rows, 5), features: Math.min(size.features, 64), units: Math.min(size.units, 64) };
  const [ours, reference] = [runtime, referenceRuntime].map((each) => {
    const work = new LayerWork(each, name, small, mode);
    work.run();
    return work.results();
  });
  return compareBundles(ours!, reference!, 1e-5);
}
