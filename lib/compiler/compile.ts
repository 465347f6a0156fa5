import type { Graph, Value, Variable } from '../graph/value.ts';
import { encodeProgram } from './encode.ts';
import { optimizeValues } from './optimize.ts';
import { updateRows } from './passes/row-updates.ts';
import { joinSquares } from './passes/squares.ts';
import { unrollNested } from './passes/unroll.ts';
import type { BlockLayout } from './plan/memory.ts';
import { planProgram } from './plan/plan.ts';
import { defaultSpans } from './plan/spans.ts';
import type { SpanSettings } from './plan/spans.ts';
import { defaultPacking } from './plan/packing.ts';
import type { PackingSettings } from './plan/packing.ts';
import type { InstructionNote } from './program.ts';

export interface CompileProgramOptions {
  /** The variables of each storage, in the order in which storages will be bound; the first one holds the parameters. */
  readonly layouts: readonly (readonly Variable[])[];
  /** false: one instruction for each node, no memory shared. Default true. */
  readonly optimize?: boolean;
  /** When loops take products over: tests do so at sizes that the reference can follow. */
  readonly spans?: SpanSettings;
  /** When products pack their right operands themselves: as above. */
  readonly packing?: PackingSettings;
  /** Whether parameters change from run to run, so that nothing is gained by keeping them packed. Default: whether the graph assigns to them. */
  readonly changing?: boolean;
}

export interface CompiledProgram {
  /** The encoded program: docs/program-format.md. */
  readonly bytes: ArrayBuffer;
  /** Where inputs and outputs lie in the last storage. */
  readonly block: BlockLayout;
  /** For each top-level instruction what its errors can be told about. */
  readonly notes: readonly InstructionNote[];
  /** In elements. */
  readonly arenaSize: number;
}

/** The graph with its outputs and assigned values rewritten by `change`, which gives as many values as it takes. */
export function rewriteGraph(graph: Graph, change: (values: readonly Value[]) => readonly Value[]): Graph {
  const names = Object.keys(graph.outputs);
  const values = change([...Object.values(graph.outputs), ...graph.assignments.map(({ value }) => value)]);
  return {
    inputs: graph.inputs,
    outputs: Object.fromEntries(names.map((name, i) => [name, values[i]!])),
    assignments: graph.assignments.map(({ variable }, i) => ({ variable, value: values[names.length + i]! })),
  };
}

function assignsTo({ assignments }: Graph, variables: readonly Variable[]): boolean {
  return assignments.some(({ variable }) => variables.includes(variable));
}

/**
 * Compiles a graph to a program of the engine.
 * @throws ERR_BPTT_GRAPH for a variable that no layout lists or an input that the graph does not list, ERR_BPTT_PROGRAM for a value of more than six
 * dimensions.
 */
export function compile(graph: Graph, { layouts, optimize = true, spans = defaultSpans, packing = defaultPacking, changing = assignsTo(graph, layouts[0] ?? []) }: CompileProgramOptions): CompiledProgram {
  const rewritten = rewriteGraph(graph, optimize ? optimizeValues : unrollNested);
  const reduced = optimize ? rewriteGraph(updateRows(rewritten), joinSquares) : rewritten;
  const { program, block, notes } = planProgram(reduced, layouts, { optimize, spans, packing, changing });
  return { bytes: encodeProgram(program), block, notes, arenaSize: program.arenaSize };
}
