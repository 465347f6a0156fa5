import { add, broadcast, constant, gradient, input, multiply, sum, variable, withScope } from '../../lib/graph/index.ts';
import type { Graph, Shape, Value, Variable } from '../../lib/graph/value.ts';
import type { Layer, ParameterOptions, Scope, Signal } from '../../lib/layers/layer.ts';
import type { Executable, RunArray, VariableStore } from '../../lib/runtime/runtime.ts';
import { asRunArray, fromRun, inputsOf } from './graphs.ts';
import { count, permute, swapBatchAndTime } from './tensors.ts';
import type { Numbers } from './tensors.ts';
import { testedRuntime } from './runtime.ts';

/** What one layer is fed with and what is wanted of it. Batch first, as users see it. */
export interface LayerTask {
  readonly layer: Layer;
  /** [N, T, C]. */
  readonly input: Numbers;
  readonly lengths?: readonly number[] | undefined;
  /** By name on disk, in the layout on disk. */
  readonly weights: Readonly<Record<string, Numbers>>;
  /** Initial states [N, …] by path, as `LayerResult.final` names them; those absent are zero. */
  readonly state?: Readonly<Record<string, Numbers>> | undefined;
  /** Weights of the sum whose gradients are wanted: of the output, and of final states by path. */
  readonly upstream?: { readonly output: Numbers; readonly final: Readonly<Record<string, Numbers>> } | undefined;
}

export interface LayerResult {
  readonly output: Numbers;
  readonly final: Readonly<Record<string, Numbers>>;
  readonly gradients?: { readonly weights: Readonly<Record<string, Numbers>>; readonly input: Numbers; readonly state: Readonly<Record<string, Numbers>> };
}

interface Parameter {
  readonly variable: Variable;
  /** The one node that reads it. */
  readonly value: Value;
  readonly disk: string;
  readonly transpose: boolean;
}

/** Which recurrence of a layer a state belongs to; what a layer has only one of is left out. */
export interface StatePlace {
  readonly layer?: number | undefined;
  readonly direction?: 'forward' | 'backward' | undefined;
}

export function statePath(name: string, { layer, direction }: StatePlace = {}): string {
  return [...(layer === undefined ? [] : [`layer_${layer}`]), ...(direction === undefined ? [] : [direction]), name].join('/');
}

/** A layer's surroundings while it builds itself: it keeps what the layer asks for. */
class Surroundings {
  readonly parameters = new Map<string, Parameter>();
  readonly states = new Map<string, Value>();
  readonly finals = new Map<string, Value>();
  private readonly given: readonly string[];

  constructor(given: readonly string[]) {
    this.given = given;
  }

  scope(path: string): Scope {
    return {
      path, training: false,
      child: (name) => this.scope(path ? `${path}/${name}` : name),
      parameter: (name, shape, options) => this.parameter(`${path}/${name}`, name, shape, options),
      state: (name, shape, initial) => this.state(path ? `${path}/${name}` : name, shape, initial),
      carry: (name, { final }) => { this.finals.set(path ? `${path}/${name}` : name, final); },
      readsAhead: () => {},
      randomKey: () => { throw new Error('no layer draws random numbers outside of training'); },
    };
  }

  private parameter(path: string, name: string, shape: Shape, options: ParameterOptions): Value {
    const known = this.parameters.get(path);
    if (known) return known.value;
    const made: Variable = { name: path, shape, type: 'float32' };
    const value = variable(made);
    this.parameters.set(path, { variable: made, value, disk: options.disk?.name ?? name, transpose: options.disk?.transpose ?? false });
    return value;
  }

  private state(path: string, shape: Shape, initial: Value | undefined): Value {
    const value = this.given.includes(path) ? input(`state ${path}`, shape, 'float32')
      : initial ? broadcast(initial, shape) : constant(0, shape, 'float32');
    this.states.set(path, value);
    return value;
  }
}

interface Built {
  readonly surroundings: Surroundings;
  readonly graph: Graph;
}

function weighted(value: Value, name: string): Value {
  return sum(multiply(value, input(name, value.shape, 'float32')));
}

/** Adds up output and final states with the given weights and appends every gradient to the outputs. */
function withGradients(task: LayerTask, surroundings: Surroundings, x: Value, outputs: Record<string, Value>): Record<string, Value> {
  let total = weighted(outputs.output!, 'upstream output');
  for (const path of Object.keys(task.upstream!.final)) total = add(total, weighted(outputs[`final ${path}`]!, `upstream ${path}`));
  const parameters = [...surroundings.parameters.values()];
  const states = [...surroundings.states.entries()].filter(([, value]) => value.node.operation === 'input');
  const { gradients, rewrite } = gradient(total, [x, ...states.map(([, value]) => value), ...parameters.map(({ value }) => value)]);
  const all = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, rewrite(value)]));
  all['gradient input'] = gradients[0]!;
  states.forEach(([path], i) => { all[`gradient state ${path}`] = gradients[1 + i]!; });
  parameters.forEach(({ variable: owner }, i) => { all[`gradient ${owner.name}`] = gradients[1 + states.length + i]!; });
  return all;
}

function build(task: LayerTask): Built {
  const [rows, steps, features] = task.input.shape as [number, number, number];
  const surroundings = new Surroundings(Object.keys(task.state ?? {}));
  const x = input('x', [steps, rows, features], 'float32');
  const signal: Signal = { value: x, time: true, lengths: task.lengths && input('lengths', [rows], 'int32') };
  const result = withScope('tested', () => task.layer.build(surroundings.scope(''), signal));
  let outputs: Record<string, Value> = { output: result.value };
  for (const [path, final] of surroundings.finals) outputs[`final ${path}`] = final;
  if (task.upstream) outputs = withGradients(task, surroundings, x, outputs);
  return { surroundings, graph: { inputs: inputsOf(Object.values(outputs)), outputs, assignments: [] } };
}

function fill(store: VariableStore, parameters: Iterable<Parameter>, weights: Readonly<Record<string, Numbers>>): void {
  const unused = new Set(Object.keys(weights));
  for (const { variable: owner, disk, transpose } of parameters) {
    const source = weights[disk];
    if (!source) throw new Error(`no weights given for ${disk}; given: ${Object.keys(weights).join(', ')}`);
    unused.delete(disk);
    const laid = transpose ? permute(source, [1, 0]) : source;
    if (count(laid.shape) !== count(owner.shape)) throw new Error(`${disk}: layer wants [${owner.shape.join(', ')}], case has [${laid.shape.join(', ')}]`);
    store.view(owner).set(laid.data);
  }
  if (unused.size) throw new Error(`the layer has no parameter called ${[...unused].join(', ')}`);
  store.touch();
}

function feed(task: LayerTask, graph: Graph): Record<string, RunArray> {
  const timeMajor = (value: Numbers): Numbers => (task.upstream && value.shape.length === 3 ? swapBatchAndTime(value) : value);
  return Object.fromEntries(graph.inputs.map((value) => {
    const name = String(value.node.attributes.name);
    if (name === 'x') return [name, asRunArray(value, swapBatchAndTime(task.input))];
    if (name === 'lengths') return [name, Int32Array.from(task.lengths!)];
    if (name.startsWith('state ')) return [name, asRunArray(value, task.state![name.slice('state '.length)]!)];
    if (name === 'upstream output') return [name, asRunArray(value, timeMajor(task.upstream!.output))];
    return [name, asRunArray(value, task.upstream!.final[name.slice('upstream '.length)]!)];
  }));
}

/** Builds the layer, runs it once on the runtime that is being tested, and brings everything back to the layout of users and disks. */
export function runLayer(task: LayerTask): LayerResult {
  const { surroundings, graph } = build(task);
  const runtime = testedRuntime();
  const parameters = [...surroundings.parameters.values()];
  const store = runtime.store(parameters.map((parameter) => parameter.variable));
  fill(store, parameters, task.weights);
  const executable: Executable = runtime.compile(graph, { layouts: [store.variables] }).bind([store]);
  const results = executable.run(feed(task, graph));
  const taken = (name: string): Numbers => fromRun(results, graph, name);
  const userLayout = (value: Numbers): Numbers => (value.shape.length === 3 ? swapBatchAndTime(value) : value);
  const final = Object.fromEntries([...surroundings.finals.keys()].map((path) => [path, taken(`final ${path}`)]));
  const output = userLayout(taken('output'));
  if (!task.upstream) return { output, final };
  const weights = Object.fromEntries(parameters.map(({ variable: owner, disk, transpose }) => {
    const value = taken(`gradient ${owner.name}`);
    return [disk, transpose ? permute(value, [1, 0]) : value];
  }));
  const state = Object.fromEntries(Object.keys(task.state ?? {}).map((path) => [path, taken(`gradient state ${path}`)]));
  return { output, final, gradients: { weights, input: userLayout(taken('gradient input')), state } };
}
