import { concat, input, reshape, sum, multiply, constant, elementCount, gradient, type Value } from '../../lib/graph/index.ts';
import type { Layer, Signal } from '../../lib/layers/layer.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { checkGradient } from './gradient-check.ts';
import { someNumbers } from './numbers.ts';
import { numbersFor, TestScope } from './scope.ts';
import { numbers, type Numbers } from './tensors.ts';

/** One input of a layer: time-major, [T, N, …], or [N, …] with `time: false`. */
export interface FedSignal {
  readonly x: Numbers;
  readonly lengths?: readonly number[] | undefined;
  readonly time?: boolean | undefined;
  readonly tokens?: number | undefined;
}

export interface BuiltLayers {
  readonly scope: TestScope;
  readonly xs: readonly Value[];
  readonly signal: Signal;
  readonly inputs: Record<string, ArrayLike<number>>;
}

/** A sequence of reproducible numbers. */
export function someInput(shape: readonly number[], seed = 11): Numbers {
  return numbers(shape, someNumbers(elementCount(shape), seed));
}

/** Builds a layer of several inputs on its own and gives every leaf its numbers; states are given ones with `states`. */
export function buildMany(layer: Layer, fed: readonly FedSignal[], { states = false, training = false }: { readonly states?: boolean; readonly training?: boolean } = {}): BuiltLayers {
  const scope = new TestScope({ givenStates: states, training });
  const inputs: Record<string, ArrayLike<number>> = {};
  const signals = fed.map(({ x, lengths, time = true, tokens }, i): Signal => {
    inputs[`x${i}`] = x.data;
    if (lengths) inputs[`lengths${i}`] = lengths;
    return { value: input(`x${i}`, x.shape, tokens === undefined ? 'float32' : 'int32'), time, tokens, lengths: lengths && input(`lengths${i}`, [lengths.length], 'int32') };
  });
  const signal = layer.build(scope, ...signals);
  for (const [path, { shape }] of scope.requests.parameters) inputs[path] = numbersFor(path, shape);
  for (const [path, { shape }] of scope.requests.states) if (states) inputs[path] = numbersFor(`state ${path}`, shape);
  for (let key = 0; key < scope.requests.keys; key++) inputs[`key/${key}`] = [key + 1, 77];
  return { scope, xs: signals.map(({ value }) => value), signal, inputs };
}

/** Runs values in float64. */
export function valuesOf(built: BuiltLayers, values: readonly Value[]): Numbers[] {
  return evaluate(values, { inputs: built.inputs }).map(({ shape, data }) => numbers(shape, data));
}

/** Gradients of output and final states by inputs, parameters and initial states against central differences. */
export function checkMany(layer: Layer, fed: readonly FedSignal[], { samples = 12 }: { readonly samples?: number } = {}): void {
  const built = buildMany(layer, fed, { states: true });
  const finals = [...built.scope.requests.carried.values()].map(({ final }) => final);
  const result = concat([built.signal.value, ...finals].map((value) => reshape(value, [-1])), 0);
  const wrt = [...built.xs.filter(({ type }) => type === 'float32'), ...[...built.scope.requests.parameters.values()].map(({ value }) => value), ...built.scope.requests.states.values()];
  checkGradient(result, wrt, { inputs: built.inputs, samples });
}

/** Gradients of a weighted sum of `value` with respect to some of the built values. */
export function gradientsOf(built: BuiltLayers, value: Value, wrt: readonly Value[]): Numbers[] {
  const loss = sum(multiply(value, constant(someNumbers(elementCount(value.shape), 5), value.shape)));
  return valuesOf(built, gradient(loss, wrt).gradients);
}
