import { operationNamed, scanAttributes, scanInputs, topologicalOrder } from '../graph/index.ts';
import type { Node, Tensor, Value, Variable } from '../graph/index.ts';
import { Interpreter } from '../runtime/reference/interpreter.ts';
import type { Bindings } from '../runtime/reference/interpreter.ts';

/** Where numbers first stopped being finite. */
export interface NonFinite {
  /** The layer, or "" outside of every layer (the loss). */
  readonly layer: string;
  readonly operation: string;
  /** Time step, counted from 0, where it happened inside a loop over time. */
  readonly time: number | null;
  readonly value: number;
  /** The parameter or state that held it from the beginning, if one did. */
  readonly variable: string | null;
}

const largestFloat = 3.4028234663852886e38;

function firstBad({ data, type }: Tensor): number | undefined {
  if (type !== 'float32') return undefined;
  for (const number of data) if (!(Math.abs(number) <= largestFloat)) return number > largestFloat ? Infinity : number < -largestFloat ? -Infinity : NaN;
  return undefined;
}

/** Runs a graph one node at a time, in float64, until a number is not finite. */
class Search {
  readonly #interpreter: Interpreter;

  constructor(bindings: Bindings) {
    this.#interpreter = new Interpreter(bindings);
  }

  /** What `roots` need, in the order of making; other work goes on between nodes. */
  async find(roots: readonly Value[]): Promise<NonFinite | null> {
    const tensors = new Map<Value, Tensor>();
    const order = topologicalOrder(roots);
    const uses = new Map<Value, number>();
    for (const node of order) for (const value of node.inputs) uses.set(value, (uses.get(value) ?? 0) + 1);
    for (const node of order) {
      await new Promise((resolve) => { setImmediate(resolve); });
      const found = this.#node(node, tensors, null);
      if (found) return found;
      for (const value of node.inputs) {
        const left = uses.get(value)! - 1;
        uses.set(value, left);
        if (left === 0) tensors.delete(value);
      }
    }
    return null;
  }

  /** Computes one node into `tensors`. */
  #node(node: Node, tensors: Map<Value, Tensor>, time: number | null): NonFinite | null {
    const inputs = node.inputs.map((value) => tensors.get(value)!);
    const leaf = node.operation === 'input' || node.operation === 'variable';
    const results = leaf ? this.#interpreter.evaluate([node.outputs[0]!], new Map()) : operationNamed(node.operation).reference(node, inputs, this.#interpreter);
    node.outputs.forEach((value, i) => tensors.set(value, results[i]!));
    const bad = results.map(firstBad).find((number) => number !== undefined);
    if (bad === undefined) return null;
    const inside = node.operation === 'scan' ? this.#insideScan(node, inputs) : null;
    const variable = node.operation === 'variable' ? (node.attributes['variable'] as Variable).name : null;
    return inside ?? { layer: node.scope, operation: node.operation, time, value: bad, variable };
  }

  /** Walks the steps of a scan whose results are not finite, then the body of the first such step. */
  #insideScan(node: Node, inputs: readonly Tensor[]): NonFinite | null {
    const { body, length, reverse } = scanAttributes(node);
    const { initial, sequences } = scanInputs(node);
    const bindings = new Map<Value, Tensor>();
    body.captured.forEach((argument, i) => bindings.set(argument, inputs[initial.length + sequences.length + i]!));
    const roots = [...body.next, ...body.collected];
    let state: readonly Tensor[] = inputs.slice(0, initial.length);
    for (let visit = 0; visit < length; visit++) {
      const time = reverse ? length - 1 - visit : visit;
      body.carried.forEach((argument, i) => bindings.set(argument, state[i]!));
      body.scanned.forEach((argument, i) => {
        const { data, type } = inputs[initial.length + i]!;
        const count = data.length / length;
        bindings.set(argument, { shape: argument.shape, type, data: data.subarray(time * count, (time + 1) * count) });
      });
      const results = this.#interpreter.evaluate(roots, bindings);
      if (results.some((tensor) => firstBad(tensor) !== undefined)) return this.#insideBody(roots, bindings, time, node.scope);
      state = results.slice(0, body.carried.length);
    }
    return null;
  }

  #insideBody(roots: readonly Value[], bindings: ReadonlyMap<Value, Tensor>, time: number, layer: string): NonFinite | null {
    const tensors = new Map(bindings);
    for (const node of topologicalOrder(roots, new Set(bindings.keys()))) {
      if (node.outputs.every((value) => tensors.has(value))) continue;
      const found = this.#node(node, tensors, time);
      if (found) return found.layer === '' ? { ...found, layer } : found;
    }
    return null;
  }
}

/**
 * Replays a computation on the reference interpreter until something is not finite: first what makes `forward`, then what makes `all`. What overflows
 * float32 counts.
 * @returns null when nothing does in float64.
 */
export async function findNonFinite(forward: Value, all: readonly Value[], bindings: Bindings): Promise<NonFinite | null> {
  const search = new Search(bindings);
  return (await search.find([forward])) ?? search.find(all);
}
