import type { Graph, Value } from '../../lib/graph/value.ts';
import type { RunArray } from '../../lib/runtime/runtime.ts';
import { testedRuntime } from './runtime.ts';
import type { Numbers } from './tensors.ts';

/** Every input that the values need. */
export function inputsOf(roots: readonly Value[]): Value[] {
  const inputs = new Set<Value>();
  const seen = new Set<number>();
  const visit = (value: Value): void => {
    if (value.node.operation === 'input') inputs.add(value);
    if (seen.has(value.node.id)) return;
    seen.add(value.node.id);
    value.node.inputs.forEach(visit);
  };
  roots.forEach(visit);
  return [...inputs];
}

/** Numbers as the tested runtime takes them for an input. */
export function asRunArray(value: Value, source: Numbers): RunArray {
  if (value.type === 'int32') return Int32Array.from(source.data);
  if (value.type === 'bool') return Uint8Array.from(source.data);
  return testedRuntime().name === 'native' ? Float32Array.from(source.data) : source.data;
}

/** What a run gave for one of the graph's outputs. */
export function fromRun(results: Readonly<Record<string, RunArray>>, graph: Graph, name: string): Numbers {
  return { shape: graph.outputs[name]!.shape, data: Float64Array.from(results[name]!) };
}

/** Runs values that read no variables once, on the runtime that is being tested. */
export function evaluateOnce(outputs: Readonly<Record<string, Value>>, feed: Readonly<Record<string, Numbers>>): Record<string, Numbers> {
  const graph: Graph = { inputs: inputsOf(Object.values(outputs)), outputs, assignments: [] };
  const arrays = Object.fromEntries(graph.inputs.map((value) => {
    const name = String(value.node.attributes.name);
    return [name, asRunArray(value, feed[name]!)];
  }));
  const results = testedRuntime().compile(graph, { layouts: [] }).bind([]).run(arrays);
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, fromRun(results, graph, name)]));
}
