import assert from 'node:assert/strict';
import type { Graph, Shape, Value, Variable } from '../../lib/graph/index.ts';
import { elementCount, input } from '../../lib/graph/index.ts';
import { createNativeRuntime, loadNative, referenceRuntime } from '../../lib/runtime/index.ts';
import type { CompileOptions, RunArray, Runtime } from '../../lib/runtime/index.ts';

/** The engine, or undefined where no build loads. */
export const nativeRuntime: Runtime | undefined = (() => {
  const native = loadNative();
  return 'module' in native ? createNativeRuntime(native.module) : undefined;
})();

/** Skips the suite around where no native build loads. */
export function needsNative(): void {
  before(function () {
    if (!nativeRuntime) this.skip();
  });
}

/** A small generator of repeatable numbers in (−1, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

/** Data for every input of a graph: floats in (−1, 1), whole numbers from 0 to `indices` − 1, bools. */
export function inputData(graph: Graph, seed: number, indices = 4): Record<string, RunArray> {
  return Object.fromEntries(graph.inputs.map(({ node, shape, type }) => {
    const count = elementCount(shape);
    // By name, so that a graph that was rewritten is fed the same.
    const next = randomNumbers([...String(node.attributes['name'])].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, seed));
    const draw = (): number => Math.abs(Math.floor(next() * 1000));
    const data = type === 'float32' ? Float32Array.from({ length: count }, next)
      : type === 'int32' ? Int32Array.from({ length: count }, () => draw() % indices) : Uint8Array.from({ length: count }, () => draw() % 2);
    return [String(node.attributes['name']), data];
  }));
}

interface Results {
  readonly outputs: Record<string, RunArray>;
  readonly variables: RunArray[];
}

/** Loops take over every product that they can, a few steps at a time. */
export const smallSpans = { leastElements: 0, rowsAtOnce: 6 };

/** Every product outside of loops packs its right operand itself, and none goes into a loop. */
export const smallPacking = { packing: { leastElements: 0, outsideLoops: { leastElements: 0, mostRows: 1e9 } }, changing: true };

/** Runs a graph twice (so that assignments are read back) on fresh stores whose variables begin with repeatable numbers. */
export function runGraph(runtime: Runtime, graph: Graph, options: { variables?: readonly Variable[]; compiled?: Partial<CompileOptions>; seed?: number; indices?: number; runs?: number } = {}): Results {
  const { variables = [], compiled = {}, seed = 1, indices, runs = 2 } = options;
  const store = runtime.store(variables);
  const next = randomNumbers(seed + 99);
  for (const variable of variables) {
    const view = store.view(variable);
    for (let i = 0; i < view.length; i++) view[i] = variable.type === 'float32' ? Math.fround(next()) : 0;
  }
  store.touch();
  const executable = runtime.compile(graph, { layouts: [variables], ...compiled }).bind([store]);
  let outputs: Record<string, RunArray> = {};
  for (let run = 0; run < runs; run++) outputs = executable.run(inputData(graph, seed + run, indices));
  return { outputs, variables: variables.map((variable) => store.view(variable).slice()) };
}

export function assertClose(actual: RunArray, expected: RunArray, tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  let scale = 0;
  for (const number of expected) if (Number.isFinite(number)) scale = Math.max(scale, Math.abs(number));
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!];
    const same = Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance * Math.max(1, scale);
    assert.ok(same, `${what}[${i}]: received ${a}, expected ${b}`);
  }
}

export function assertSameResults(actual: Results, expected: Results, tolerance: number, what: string): void {
  for (const [name, array] of Object.entries(expected.outputs)) assertClose(actual.outputs[name]!, array, tolerance, `${what}: ${name}`);
  expected.variables.forEach((array, i) => assertClose(actual.variables[i]!, array, tolerance, `${what}: variable ${i}`));
}

/** The reference, the engine without passes and the engine with them give the same numbers. */
export function assertAgreement(graph: Graph, options: Parameters<typeof runGraph>[2] & { tolerance?: number } = {}): void {
  assert.ok(nativeRuntime);
  const { tolerance = 2e-5 } = options;
  const expected = runGraph(referenceRuntime, graph, options);
  const ways: Record<string, Partial<CompileOptions>> = {
    plain: { optimize: false }, optimised: {}, 'optimised, with products in loops': { spans: smallSpans }, 'optimised, with products that pack': { spans: smallSpans, ...smallPacking },
  };
  for (const [what, compiled] of Object.entries(ways)) assertSameResults(runGraph(nativeRuntime, graph, { ...options, compiled }), expected, tolerance, what);
}

/** A graph of named outputs whose inputs are found by walking. */
export function graphOf(outputs: Readonly<Record<string, Value>>, assignments: Graph['assignments'] = []): Graph {
  const inputs = new Map<string, Value>();
  const seen = new Set<Value>();
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    if (value.node.operation === 'input') inputs.set(String(value.node.attributes['name']), value);
    value.node.inputs.forEach(visit);
  };
  for (const value of [...Object.values(outputs), ...assignments.map((assignment) => assignment.value)]) visit(value);
  return { inputs: [...inputs.values()], outputs, assignments };
}

export function floats(name: string, ...shape: Shape): Value {
  return input(name, shape, 'float32');
}
