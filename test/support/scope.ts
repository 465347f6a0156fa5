import assert from 'node:assert/strict';
import { broadcast, constant, elementCount, input, type Shape, type Value } from '../../lib/graph/index.ts';
import type { Layer, ParameterOptions, Scope, Signal } from '../../lib/layers/layer.ts';
import { hashSeed, uniformSource } from '../../lib/random.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { someNumbers } from './numbers.ts';
import type { Numbers } from './tensors.ts';

export interface RequestedParameter {
  readonly shape: Shape;
  readonly options: ParameterOptions;
  /** An input of the parameter's path. */
  readonly value: Value;
}

interface Requests {
  readonly parameters: Map<string, RequestedParameter>;
  readonly states: Map<string, Value>;
  readonly carried: Map<string, { readonly final: Value; readonly sequence: Value }>;
  keys: number;
  /** Whether a layer said that it needs later steps. */
  ahead?: boolean;
}

/** A layer's surroundings in tests: every parameter, given state and random key is an input of the graph, called by its path. */
export class TestScope implements Scope {
  readonly path: string;
  readonly training: boolean;
  readonly givenStates: boolean;
  readonly requests: Requests;

  constructor({ path = '', training = false, givenStates = false, requests }: {
    path?: string; training?: boolean; givenStates?: boolean; requests?: Requests;
  } = {}) {
    this.path = path;
    this.training = training;
    this.givenStates = givenStates;
    this.requests = requests ?? { parameters: new Map(), states: new Map(), carried: new Map(), keys: 0 };
  }

  private join(name: string): string {
    return this.path ? `${this.path}/${name}` : name;
  }

  child(name: string): TestScope {
    return new TestScope({ path: this.join(name), training: this.training, givenStates: this.givenStates, requests: this.requests });
  }

  parameter(name: string, shape: Shape, options: ParameterOptions): Value {
    const path = this.join(name);
    const known = this.requests.parameters.get(path);
    if (known) return known.value;
    const value = input(path, shape, 'float32');
    this.requests.parameters.set(path, { shape, options, value });
    return value;
  }

  state(name: string, shape: Shape, initial?: Value): Value {
    const path = this.join(name);
    assert.ok(!this.requests.states.has(path), `state ${path} asked for twice`);
    const value = this.givenStates ? input(path, shape, 'float32') : initial ? broadcast(initial, shape) : constant(0, shape);
    this.requests.states.set(path, value);
    return value;
  }

  carry(name: string, states: { readonly final: Value; readonly sequence: Value }): void {
    assert.ok(this.requests.states.has(this.join(name)), `state ${this.join(name)} carried but never asked for`);
    this.requests.carried.set(this.join(name), states);
  }

  readsAhead(): void {
    this.requests.ahead = true;
  }

  randomKey(): Value {
    assert.ok(this.training, 'random numbers are drawn while training only');
    return input(`key/${this.requests.keys++}`, [2], 'int32');
  }
}

/** Reproducible numbers of modest size for a parameter or state, by its name. */
export function numbersFor(path: string, shape: Shape): Float64Array {
  return someNumbers(elementCount(shape), hashSeed(1, path)).map((element) => 0.6 * element);
}

/** What a model would put into a parameter, gate by gate. */
export function initialNumbers(path: string, { shape, options }: RequestedParameter, seed = 1): Float64Array {
  const random = uniformSource(seed, path);
  const columns = shape.at(-1)!;
  const rows = elementCount(shape) / columns;
  const numbers = new Float64Array(rows * columns);
  let left = 0;
  for (const gate of options.gates ?? [{ name: '', size: columns }]) {
    const block = [...shape.slice(0, -1), gate.size];
    const initializer = 'initializer' in gate && gate.initializer ? gate.initializer : options.initializer;
    const filled = initializer.fill({ shape: block, fanIn: rows, fanOut: gate.size }, random);
    for (let row = 0; row < rows; row++) numbers.set(filled.subarray(row * gate.size, (row + 1) * gate.size), row * columns + left);
    left += gate.size;
  }
  return numbers;
}

export interface LayerRun {
  readonly layer: Layer;
  /** [T, N, …], or [N, …] with `time: false`. */
  readonly x: Numbers;
  readonly type?: 'float32' | 'int32' | undefined;
  readonly time?: boolean | undefined;
  readonly tokens?: number | undefined;
  readonly lengths?: readonly number[] | undefined;
  /** Initial states by path; absent: whatever the layer begins with. */
  readonly state?: Readonly<Record<string, ArrayLike<number>>> | undefined;
  /** By path; default `numbersFor`. */
  readonly weights?: Readonly<Record<string, ArrayLike<number>>> | undefined;
  readonly training?: boolean | undefined;
}

export interface BuiltLayer {
  readonly scope: TestScope;
  readonly x: Value;
  readonly signal: Signal;
  /** Everything that the graph reads, by input name. */
  readonly inputs: Record<string, ArrayLike<number>>;
}

/** Builds a layer on its own and gives every leaf its numbers. */
export function buildLayer(run: LayerRun): BuiltLayer {
  const { layer, time = true } = run;
  const scope = new TestScope({ training: run.training ?? false, givenStates: run.state !== undefined });
  const x = input('x', run.x.shape, run.type ?? 'float32');
  const lengths = run.lengths && input('lengths', [run.lengths.length], 'int32');
  const signal = layer.build(scope, { value: x, time, lengths, tokens: run.tokens });
  const inputs: Record<string, ArrayLike<number>> = { x: run.x.data, ...(run.lengths && { lengths: run.lengths }) };
  for (const [path, { shape }] of scope.requests.parameters) inputs[path] = run.weights?.[path] ?? numbersFor(path, shape);
  for (const [path, { shape }] of scope.requests.states) if (run.state) inputs[path] = run.state[path] ?? numbersFor(path, shape);
  for (let key = 0; key < scope.requests.keys; key++) inputs[`key/${key}`] = [key + 1, 77];
  return { scope, x, signal, inputs };
}

export interface LayerOutcome {
  readonly output: Numbers;
  readonly final: Readonly<Record<string, Numbers>>;
  readonly sequence: Readonly<Record<string, Numbers>>;
}

/** Runs a layer on its own, in float64. Time-major throughout. */
export function runTestLayer(run: LayerRun): LayerOutcome {
  const { scope, signal, inputs } = buildLayer(run);
  const paths = [...scope.requests.carried.keys()];
  const carried = [...scope.requests.carried.values()];
  const values = evaluate([signal.value, ...carried.map(({ final }) => final), ...carried.map(({ sequence }) => sequence)], { inputs });
  const taken = (index: number): Numbers => ({ shape: values[index]!.shape, data: Float64Array.from(values[index]!.data) });
  return {
    output: taken(0),
    final: Object.fromEntries(paths.map((path, i) => [path, taken(1 + i)])),
    sequence: Object.fromEntries(paths.map((path, i) => [path, taken(1 + paths.length + i)])),
  };
}
