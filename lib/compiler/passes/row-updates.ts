import { apply, broadcast, constant, elementCount, fillOf, firstRows, gather, rebuild, replaceRows, reshape, sameShape, scatterAdd, topologicalOrder } from '../../graph/index.ts';
import type { Graph, Node, Value, Variable } from '../../graph/index.ts';
import { isElementwise } from '../plan/elementwise.ts';

/** A table has to have this many times the rows of its gradient's indices before its rows are updated one by one. */
const leastShare = 2;

/** What an element is where the gradient is zero: the old parameter, zero, or the same number in the whole table. */
type Effect = 'parameter' | 'zero' | 'uniform' | undefined;

/** The rows of a gradient [V, D] that are not zero, each once: what its scatterAdd would have added up. */
interface UsedRows {
  readonly indices: Value;
  readonly owners: Value;
  /** [R, D]: in the first row of each index the sum, zeros in the others. */
  readonly combined: Value;
}

function usedRows(scatter: Value): UsedRows {
  const [indices, updates] = scatter.node.inputs as [Value, Value];
  const { owners, places } = firstRows(indices, scatter.shape[0]!);
  return { indices, owners, combined: scatterAdd(places, updates, indices.shape[0]!) };
}

function variableOf({ node }: Value): Variable | undefined {
  return node.operation === 'variable' ? node.attributes['variable'] as Variable : undefined;
}

/** One number in every element. */
function isUniform(value: Value): boolean {
  return fillOf(value) !== undefined || (value.node.operation === 'broadcast' && elementCount(value.node.inputs[0]!.shape) === 1);
}

/** The scatterAdd that an elementwise expression of a whole table is written with; undefined where there is none or more than one. */
function gradientIn(value: Value): Value | undefined {
  const found = new Set<Value>();
  const seen = new Set<Value>();
  const stack = [value];
  while (stack.length > 0) {
    const current = stack.pop()!;
    if (seen.has(current) || !sameShape(current.shape, value.shape)) continue;
    seen.add(current);
    if (current.node.operation === 'scatterAdd') found.add(current);
    else if (isElementwise(current.node.operation)) stack.push(...current.node.inputs);
  }
  return found.size === 1 ? [...found][0] : undefined;
}

/** Elementwise expressions of a table's gradient, the table and numbers, looked at where the gradient is zero. */
class AtZero {
  private readonly known = new Map<Value, Effect>();
  private readonly gradient: Value;
  private readonly parameter: Variable | undefined;

  constructor(gradient: Value, parameter: Variable | undefined) {
    this.gradient = gradient;
    this.parameter = parameter;
  }

  of(value: Value): Effect {
    if (!this.known.has(value)) this.known.set(value, this.find(value));
    return this.known.get(value);
  }

  private find(value: Value): Effect {
    if (value === this.gradient) return 'zero';
    if (this.parameter && variableOf(value) === this.parameter) return 'parameter';
    if (isUniform(value)) return fillOf(value) === 0 ? 'zero' : 'uniform';
    if (!isElementwise(value.node.operation)) return undefined;
    return this.ofNode(value.node);
  }

  private ofNode({ operation, inputs }: Node): Effect {
    const effects = inputs.map((input) => this.of(input));
    const [a, b, c] = effects;
    const count = (effect: Effect): number => effects.filter((own) => own === effect).length;
    if (count(undefined) > 0) return undefined;
    if (count('uniform') === effects.length) return 'uniform';
    switch (operation) {
      case 'add': return count('zero') === 2 ? 'zero' : count('zero') === 1 && count('parameter') === 1 ? 'parameter' : undefined;
      case 'subtract': return b === 'zero' && a !== 'uniform' ? a : undefined;
      case 'multiply': return count('zero') > 0 && count('parameter') === 0 ? 'zero' : undefined;
      case 'divide': return a === 'zero' && (fillOf(inputs[1]!) ?? 0) !== 0 ? 'zero' : undefined;
      case 'maximum': return this.bounded(inputs, (bound) => bound <= 0);
      case 'minimum': return this.bounded(inputs, (bound) => bound >= 0);
      case 'negate': case 'absolute': case 'sign': case 'sqrt': return a === 'zero' ? 'zero' : undefined;
      case 'select': return a === 'uniform' && b === c ? b : undefined;
      default: return undefined;
    }
  }

  private bounded(inputs: readonly Value[], leavesZero: (bound: number) => boolean): Effect {
    return inputs.every((input) => this.of(input) === 'zero' || leavesZero(fillOf(input) ?? NaN)) ? 'zero' : undefined;
  }
}

/** The same expression of the used rows alone: [V, D] becomes [R, D]. */
function ofRows(value: Value, gradient: Value, rows: UsedRows): Value {
  const done = new Map<Value, Value>();
  const shapeOf = (own: Value): number[] => [rows.combined.shape[0]!, own.shape[1]!];
  const convert = (own: Value): Value => {
    const number = fillOf(own);
    if (own === gradient) return rows.combined;
    if (number !== undefined) return constant(number, shapeOf(own), own.type);
    if (variableOf(own)) return gather(own, rows.indices);
    if (isUniform(own)) return broadcast(reshape(own.node.inputs[0]!, []), shapeOf(own));
    return apply(own.node.operation, own.node.inputs.map(visit), own.node.attributes, own.node.scope)[0]!;
  };
  const visit = (own: Value): Value => {
    if (!done.has(own)) done.set(own, convert(own));
    return done.get(own)!;
  };
  return visit(value);
}

/** The gradient that decides which rows an assignment changes, where a row that it leaves at zero stays as it is. */
function rowGradient(variable: Variable, value: Value): Value | undefined {
  const gradient = value.shape.length === 2 ? gradientIn(value) : undefined;
  if (!gradient || gradient.node.inputs[0]!.shape[0]! * leastShare > gradient.shape[0]!) return undefined;
  return new AtZero(gradient, variable).of(value) === 'parameter' ? gradient : undefined;
}

/** The graph with the gradients of `used` taken row by row, in sums over whole tables and in assignments. */
function rewrite(graph: Graph, used: ReadonlyMap<Value, UsedRows>): Graph {
  const names = Object.keys(graph.outputs);
  const roots = [...Object.values(graph.outputs), ...graph.assignments.map(({ value }) => value)];
  const values = rebuild(roots, (node) => {
    const table = node.inputs[0];
    if (node.operation !== 'reduceSum' || table?.shape.length !== 2 || (node.attributes['axes'] as readonly number[]).length !== 2) return undefined;
    const gradient = gradientIn(table);
    const rows = gradient && used.get(gradient);
    if (!rows || new AtZero(gradient, undefined).of(table) !== 'zero') return undefined;
    return apply('reduceSum', [ofRows(table, gradient, rows)], node.attributes, node.scope);
  });
  const assignments = graph.assignments.map(({ variable }, i) => {
    const value = values[names.length + i]!;
    const gradient = rowGradient(variable, value);
    const rows = gradient && used.get(gradient);
    if (!rows) return { variable, value };
    const own = topologicalOrder([value]).find((node) => node.operation === 'variable' && node.attributes['variable'] === variable)!.outputs[0]!;
    return { variable, value: replaceRows(own, rows.owners, ofRows(value, gradient, rows)) };
  });
  return { inputs: graph.inputs, outputs: Object.fromEntries(names.map((name, i) => [name, values[i]!])), assignments };
}

/**
 * Updates of tables by the gradient of a gather, where rows of which nothing was read would stay as they are: only the rows that were read are computed and written, and
 * the gradient of the whole table is never made. Rows read more than once are added up first, in ascending order, so that the sums of squares which clipping needs are
 * those of the whole gradient. Factors of gradients are taken to be finite, as a guarded training step's are.
 */
export function updateRows(graph: Graph): Graph {
  const found = graph.assignments.map(({ variable, value }) => rowGradient(variable, value)).filter((gradient) => gradient !== undefined);
  let used = new Map(found.map((gradient) => [gradient, usedRows(gradient)]));
  while (used.size > 0) {
    const changed = rewrite(graph, used);
    const nodes = new Set(topologicalOrder([...Object.values(changed.outputs), ...changed.assignments.map(({ value }) => value)]));
    const needed = new Map([...used].filter(([gradient]) => !nodes.has(gradient.node)));
    if (needed.size === used.size) return changed;
    used = needed;
  }
  return graph;
}
