import type { Node, Value } from '../../graph/value.ts';
import { countUses, isLeaf, isView, orderNodes, viewedValue } from '../walk.ts';
import { assembleMap, filledWith } from './bytecode.ts';
import type { MapCode } from './bytecode.ts';
import { isElementwise } from './elementwise.ts';
import { Grouping, groupInputs } from './fusion.ts';

/** What becomes one instruction (or none, where its result is written in place by others): a node, or a region of elementwise nodes. */
export interface Unit {
  readonly kind: 'map' | 'node';
  readonly nodes: readonly Node[];
  /** What it reads. */
  readonly inputs: readonly Value[];
  /** What others read of it. */
  readonly outputs: readonly Value[];
  /** Of a product: what it is added to. */
  readonly initial: Value | undefined;
  /** Of a map: its bytecode with each output once. */
  readonly code: MapCode | undefined;
}

export interface UnitOptions {
  /** Fuse elementwise regions and let products take over sums. */
  readonly fuse: boolean;
  readonly insideScan: boolean;
  /** Roots whose units come last: what the run writes to variables. */
  readonly last?: readonly Value[];
}

/** A product, seen through reshapes that nothing else uses. */
function soleProduct(value: Value, uses: ReadonlyMap<Value, number>): Node | undefined {
  let source = value;
  while (uses.get(source) === 1 && source.node.operation === 'reshape') source = source.node.inputs[0]!;
  return uses.get(source) === 1 && source.node.operation === 'matmul' ? source.node : undefined;
}

/** Sums that a product can begin with instead of zero, by the node of the sum. */
function findInitials(nodes: readonly Node[], roots: readonly Value[]): Map<Node, { product: Node; initial: Value }> {
  const uses = countUses(roots, nodes);
  const fusedLater = new Set<Value>();
  for (const node of nodes) if (isElementwise(node.operation)) for (const value of node.inputs) fusedLater.add(value);
  const found = new Map<Node, { product: Node; initial: Value }>();
  const taken = new Set<Node>();
  for (const node of nodes) {
    if (node.operation !== 'add' || node.outputs[0]!.type !== 'float32') continue;
    const [left, right] = node.inputs as [Value, Value];
    for (const [side, other] of [[right, left], [left, right]] as const) {
      const product = soleProduct(side, uses);
      const source = viewedValue(other).node;
      const computedElementwise = isElementwise(source.operation) && !found.has(source);
      if (!product || taken.has(product) || filledWith(other) === 0 || (computedElementwise && fusedLater.has(node.outputs[0]!))) continue;
      found.set(node, { product, initial: other });
      taken.add(product);
      break;
    }
  }
  return found;
}

function mapUnits(nodes: readonly Node[], grouping: Grouping, contract: boolean): Unit[] {
  const inputs = groupInputs(nodes);
  const outputs = grouping.outputsOf(nodes);
  const code = assembleMap(nodes, inputs, outputs, contract);
  if (code) return [{ kind: 'map', nodes, inputs, outputs, initial: undefined, code }];
  const half = nodes.length >> 1;
  return [...mapUnits(nodes.slice(0, half), grouping, contract), ...mapUnits(nodes.slice(half), grouping, contract)];
}

function makeUnits(nodes: readonly Node[], roots: readonly Value[], options: UnitOptions): Unit[] {
  const initials = options.fuse ? findInitials(nodes, roots) : new Map<Node, { product: Node; initial: Value }>();
  const products = new Set([...initials.values()].map(({ product }) => product));
  const grouping = new Grouping(nodes, roots);
  for (const [sum, { product }] of initials) grouping.seal([product, sum]);
  if (options.fuse) grouping.fuse(options.insideScan);
  const units = grouping.groups().flatMap((group) => mapUnits(group, grouping, options.fuse));
  for (const node of nodes) {
    if (isElementwise(node.operation) || isView(node.operation) || isLeaf(node.operation) || products.has(node)) continue;
    units.push({ kind: 'node', nodes: [node], inputs: node.inputs, outputs: node.outputs, initial: undefined, code: undefined });
  }
  for (const [sum, { product, initial }] of initials) {
    units.push({ kind: 'node', nodes: [product], inputs: [...product.inputs, initial], outputs: sum.outputs, initial, code: undefined });
  }
  return units;
}

/** Orders units so that each comes after those it needs; those of `last` after all others that do not need them. */
function orderUnits(units: readonly Unit[], roots: readonly Value[], last: readonly Value[]): Unit[] {
  const producer = new Map<Value, Unit>();
  for (const unit of units) for (const value of unit.outputs) producer.set(value, unit);
  const order: Unit[] = [];
  const visited = new Set<Unit>();
  const producerOf = (value: Value): Unit | undefined => producer.get(value) ?? (isView(value.node.operation) ? producerOf(value.node.inputs[0]!) : undefined);
  const visit = (unit: Unit | undefined): void => {
    if (!unit || visited.has(unit)) return;
    visited.add(unit);
    for (const value of unit.inputs) visit(producerOf(value));
    order.push(unit);
  };
  for (const value of roots) visit(producerOf(value));
  for (const value of last) for (const inner of producerOf(value)?.inputs ?? []) visit(producerOf(inner));
  for (const value of last) visit(producerOf(value));
  return order;
}

/** The units that compute `roots`, in the order of their execution. */
export function formUnits(roots: readonly Value[], options: UnitOptions): Unit[] {
  const last = options.last ?? [];
  const all = [...roots, ...last];
  return orderUnits(makeUnits(orderNodes(all), all, options), roots, last);
}
