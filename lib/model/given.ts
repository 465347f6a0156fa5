import { BpttError, checkOptions } from '../errors.ts';
import { createSubstitution, dependentNodes, topologicalOrder, variable } from '../graph/index.ts';
import type { Graph, Node, Value, Variable } from '../graph/index.ts';
import type { ModelDefinition } from './definition.ts';
import { packInputs } from './door.ts';
import type { LengthsData, PackedInputs } from './door.ts';
import type { Model } from './model.ts';
import type { InputDefinition } from './symbolic.ts';

/** The inputs of a model in two parts: those that are given whole, and those that come step by step. */
export interface InputParts {
  readonly given: readonly InputDefinition[];
  readonly streamed: readonly InputDefinition[];
}

/** @throws ERR_BPTT_OPTION unless some input over time is left to come step by step. */
export function partInputs({ inputs, core }: Model, given: unknown): InputParts {
  const { owner } = core.door;
  checkOptions(`${owner}: stream, given`, given, inputs.map(({ name }) => name));
  const names = Object.entries(given as object).filter(([, data]) => data !== undefined).map(([name]) => name);
  const streamed = inputs.filter(({ name }) => !names.includes(name));
  if (streamed.some(({ time }) => time)) return { given: inputs.filter(({ name }) => names.includes(name)), streamed };
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: cannot stream, for ${names.length === 0 ? 'no input has a time axis' : 'no input over time is left to come step by step'}; use predict`,
    { expected: 'an input over time', received: names });
}

/** The layers that read any of these inputs, directly or through others. */
export function layersAfter({ layers }: ModelDefinition, inputs: readonly InputDefinition[]): Set<string> {
  const reached = new Set(inputs.map(({ name }) => name));
  for (const { name, inputs: sources } of layers) if (sources.some((source) => reached.has(source))) reached.add(name);
  return reached;
}

/** Checks and copies what is given whole. @throws as predict for data that does not fit. */
export function packGiven(model: Model, { given }: InputParts, data: unknown, lengths: LengthsData | undefined): PackedInputs {
  const { door } = model.core;
  const names = given.map(({ name }) => name);
  const joined = door.joined.filter(({ inputs }) => inputs.every((name) => names.includes(name)));
  const byName = Object.fromEntries(names.map((name) => [name, (data as Readonly<Record<string, unknown>>)[name]]));
  return packInputs({ ...door, inputs: given, joined }, byName, lengths, true);
}

/** A graph cut where what depends on the given inputs alone meets what a step computes. */
export interface CutGraph {
  /** What is kept from the given inputs. */
  readonly memory: readonly Variable[];
  /** Computes it, once. */
  readonly prepare: Graph;
  /** A value of a step, with the memory read in place of what it was computed from. */
  readonly ofStep: (value: Value) => Value;
}

/** The values at the border: made of given inputs alone, read by what a step computes. Bools are made again at each step, of what they were made of. */
function border(values: readonly Value[], givenFeeds: ReadonlySet<Value>, stepFeeds: ReadonlySet<Value>): Value[] {
  const order = topologicalOrder(values);
  const ofGiven = dependentNodes(order, givenFeeds);
  const ofStep: Set<Node> = dependentNodes(order, stepFeeds);
  const found = new Set<Value>();
  const consider = (value: Value): void => {
    if (ofStep.has(value.node) || !ofGiven.has(value.node)) return;
    if (value.type === 'bool') ofStep.add(value.node);
    else found.add(value);
  };
  values.forEach(consider);
  for (const node of [...order].reverse()) if (ofStep.has(node)) node.inputs.forEach(consider);
  return [...found].sort((a, b) => a.id - b.id);
}

/** Cuts the graph of `values`. */
export function cutGraph(values: readonly Value[], givenFeeds: readonly Value[], stepFeeds: readonly Value[]): CutGraph {
  const kept = border(values, new Set(givenFeeds), new Set(stepFeeds));
  const memory = kept.map(({ shape, type }, i): Variable => ({ name: `memory/${i}`, shape, type }));
  return {
    memory,
    prepare: { inputs: givenFeeds, outputs: {}, assignments: kept.map((value, i) => ({ variable: memory[i]!, value })) },
    ofStep: createSubstitution(new Map(kept.map((value, i) => [value, variable(memory[i]!)]))),
  };
}
