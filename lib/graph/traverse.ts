import { apply } from './operation.ts';
import { scanAttributes } from './operations/scan.ts';
import type { Node, Value } from './value.ts';

/**
 * Every node that `values` need, each after its inputs. Bodies of scans are not entered; the inputs of nodes whose outputs are all in `stop` are not followed.
 */
export function topologicalOrder(values: readonly Value[], stop?: ReadonlySet<Value>): Node[] {
  const seen = new Set<Node>();
  const pending: Node[] = [];
  const visit = (value: Value): void => {
    if (seen.has(value.node) || stop?.has(value)) return;
    seen.add(value.node);
    pending.push(value.node);
  };
  values.forEach(visit);
  for (let node = pending.pop(); node; node = pending.pop()) node.inputs.forEach(visit);
  // A node is made after its inputs and never changes, so the order of making is topological.
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Calls `visit` for every node that `values` need, and for those of the bodies of scans (inside, before the scan itself). */
export function visitNodes(values: readonly Value[], visit: (node: Node, depth: number) => void, depth = 0): void {
  for (const node of topologicalOrder(values)) {
    if (node.operation === 'scan') {
      const { body } = scanAttributes(node);
      visitNodes([...body.next, ...body.collected], visit, depth + 1);
    }
    visit(node, depth);
  }
}

/** The nodes of `order` (topological) that need any of `sources`, or make one. */
export function dependentNodes(order: readonly Node[], sources: ReadonlySet<Value>): Set<Node> {
  const dependent = new Set<Node>();
  for (const node of order) {
    if (node.outputs.some((value) => sources.has(value)) || node.inputs.some((value) => dependent.has(value.node))) dependent.add(node);
  }
  return dependent;
}

/** Whether a value needs any of `sources`, or is one. */
export function dependsOn(value: Value, sources: ReadonlySet<Value>): boolean {
  return dependentNodes(topologicalOrder([value]), sources).has(value.node);
}

/**
 * A function that gives the equivalent of any value where every use of a key of `mapping` is replaced; what does not change stays the same object.
 * With `deep`, the replacements are rewritten in turn: they may need other keys.
 */
export function createSubstitution(mapping: ReadonlyMap<Value, Value>, deep = false): (value: Value) => Value {
  const done = new Map<Value, Value>();
  let firstAffected = Infinity;
  for (const key of mapping.keys()) firstAffected = Math.min(firstAffected, key.node.id);

  /** What must be known before `current` is; nothing when it has just become known. */
  const settle = (current: Value): readonly Value[] => {
    const target = mapping.get(current);
    if (target && target !== current) {
      const result = deep ? done.get(target) : target;
      if (!result) return [target];
      done.set(current, result);
      return [];
    }
    const { node } = current;
    if (node.id < firstAffected) {
      done.set(current, current);
      return [];
    }
    const unknown = node.inputs.filter((value) => !done.has(value));
    if (unknown.length > 0) return unknown;
    const inputs = node.inputs.map((value) => done.get(value)!);
    const outputs = inputs.every((value, i) => value === node.inputs[i]) ? node.outputs : apply(node.operation, inputs, node.attributes, node.scope);
    node.outputs.forEach((value, i) => { if (!mapping.has(value) || mapping.get(value) === value) done.set(value, outputs[i]!); });
    return [];
  };

  return (value) => {
    const stack = [value];
    for (let current = stack.at(-1); current; current = stack.at(-1)) {
      const needed = done.has(current) ? [] : settle(current);
      if (needed.length === 0) stack.pop();
      for (const item of needed) stack.push(item);
    }
    return done.get(value)!;
  };
}

/** `values` rebuilt so that every use of a key of `mapping` becomes its replacement. Shapes are checked again. */
export function substitute(values: readonly Value[], mapping: ReadonlyMap<Value, Value>): Value[] {
  return values.map(createSubstitution(mapping));
}

/**
 * `values` rebuilt node by node, inputs first: `replace` gets each node with its new inputs and gives new outputs, or undefined to keep the node
 * (applied again only where inputs changed). Bodies of scans are not entered: a pass replaces a scan by one whose body it has rebuilt.
 */
export function rebuild(values: readonly Value[], replace: (node: Node, inputs: readonly Value[]) => readonly Value[] | undefined): Value[] {
  const done = new Map<Value, Value>();
  for (const node of topologicalOrder(values)) {
    const inputs = node.inputs.map((value) => done.get(value)!);
    const same = inputs.every((value, i) => value === node.inputs[i]);
    const outputs = replace(node, inputs) ?? (same ? node.outputs : apply(node.operation, inputs, node.attributes, node.scope));
    node.outputs.forEach((value, i) => done.set(value, outputs[i]!));
  }
  return values.map((value) => done.get(value)!);
}
