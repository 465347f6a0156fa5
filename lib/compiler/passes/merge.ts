import { applyOne, broadcast, closeScan, concat, createSubstitution, dependentNodes, rebuild, sliceAxis, topologicalOrder } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';
import { isLeaf, isView, usersOf, viewedValue } from '../walk.ts';
import { openScan } from './open-scan.ts';
import { runOf } from './pieces.ts';

/** Products that are to become one. */
interface Family {
  readonly left: Value;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly products: Node[];
}

/** Whether a right operand is there before anything is computed: a parameter, an argument, parts of them. */
function isGiven(value: Value): boolean {
  const root = viewedValue(value);
  return isLeaf(root.node.operation) || (root.node.operation === 'concat' && root.node.inputs.every(isGiven));
}

/** `inside` says which nodes a step computes: right operands that it does not are there before it. */
function findFamilies(nodes: readonly Node[], inside: (node: Node) => boolean): Family[] {
  const families = new Map<string, Family>();
  for (const node of nodes) {
    if (node.operation !== 'matmul') continue;
    const [left, right] = node.inputs as [Value, Value];
    const { transposeA, transposeB } = node.attributes as { transposeA: boolean; transposeB: boolean };
    if (right.shape.length !== 2 || (inside(viewedValue(right).node) && !isGiven(right))) continue;
    const key = `${left.id} ${transposeA} ${transposeB}`;
    const family = families.get(key) ?? { left, transposeA, transposeB, products: [] };
    family.products.push(node);
    families.set(key, family);
  }
  return [...families.values()].filter(({ products }) => products.length > 1);
}

/** Parts of one value in their order, so that they join to the value; others as they come. */
function inOrder(products: readonly Node[]): Node[] {
  const place = (node: Node): [number, number] => {
    const right = node.inputs[1]!;
    const run = runOf(right);
    return run ? [run.source.id, run.begin] : [right.id, 0];
  };
  return [...products].sort((a, b) => {
    const [p, q] = [place(a), place(b)];
    return p[0] - q[0] || p[1] - q[1];
  });
}

function mergeFamilies(roots: readonly Value[], inside: (node: Node) => boolean): Value[] {
  const mapping = new Map<Value, Value>();
  for (const { left, transposeA, transposeB, products } of findFamilies(topologicalOrder(roots).filter(inside), inside)) {
    const ordered = inOrder(products);
    const rights = ordered.map((node) => node.inputs[1]!);
    const together = applyOne('matmul', [left, concat(rights, transposeB ? 0 : 1)], { transposeA, transposeB }, ordered[0]!.scope);
    let begin = 0;
    for (const node of ordered) {
      const size = node.outputs[0]!.shape[1]!;
      mapping.set(node.outputs[0]!, sliceAxis(together, 1, begin, size));
      begin += size;
    }
  }
  if (mapping.size === 0) return [...roots];
  const change = createSubstitution(mapping, true);
  return roots.map(change);
}

/** A term of a sum as a part of something wider: parts of equal things at equal places can be added together. */
interface Part {
  readonly whole: () => Value;
  readonly key: string;
  readonly axis: number;
  readonly begin: number;
  readonly size: number;
  readonly total: number;
}

function partOf(value: Value): Part | undefined {
  const run = runOf(value);
  if (run) {
    const { source, axis, begin, size } = run;
    return { whole: () => source, key: `${source.id}`, axis, begin, size, total: source.shape[axis]! };
  }
  if (value.node.operation !== 'broadcast') return undefined;
  const inner = runOf(value.node.inputs[0]!);
  if (!inner) return undefined;
  const { source, begin, size } = inner;
  const axis = inner.axis + value.shape.length - source.shape.length;
  if (value.shape[axis] !== size) return undefined;
  const total = source.shape[inner.axis]!;
  const shape = value.shape.map((own, i) => (i === axis ? total : own));
  return { whole: () => broadcast(source, shape), key: `${source.id} ${shape.join()}`, axis, begin, size, total };
}

interface SumGroup {
  readonly left: Part;
  readonly right: Part;
  readonly sums: { readonly node: Node; readonly begin: number; readonly size: number }[];
}

/** Sums of parts that together are the sum of the wholes. */
function joinSums(roots: readonly Value[], inside: (node: Node) => boolean): Value[] | undefined {
  const groups = new Map<string, SumGroup>();
  for (const node of topologicalOrder(roots)) {
    if (node.operation !== 'add' || node.outputs[0]!.type !== 'float32' || !inside(node)) continue;
    const [left, right] = node.inputs.map(partOf);
    if (!left || !right || left.axis !== right.axis || left.begin !== right.begin || left.total !== right.total) continue;
    const key = [left.key, right.key].sort().join(' / ');
    const group = groups.get(key) ?? { left, right, sums: [] };
    group.sums.push({ node, begin: left.begin, size: left.size });
    groups.set(key, group);
  }
  const complete = [...groups.values()].filter(({ left, sums }) => sums.length > 1
    && new Set(sums.map(({ begin }) => begin)).size === sums.length && sums.reduce((total, { size }) => total + size, 0) === left.total);
  const candidates = complete.flatMap(({ sums }) => sums.map(({ node }) => node));
  const mapping = new Map<Value, Value>();
  for (const { left, right, sums } of complete) {
    const [a, b] = [left.whole(), right.whole()];
    // A whole that needs other sums waits until those are joined.
    if (dependsOn([a, b], candidates)) continue;
    const whole = applyOne('add', [a, b], {}, sums[0]!.node.scope);
    for (const { node, begin, size } of sums) mapping.set(node.outputs[0]!, sliceAxis(whole, left.axis, begin, size));
  }
  if (mapping.size === 0) return undefined;
  return roots.map(createSubstitution(mapping, true));
}

/** Whether any of `values` is computed from one of `nodes`. */
function dependsOn(values: readonly Value[], nodes: readonly Node[]): boolean {
  return dependentNodes(topologicalOrder(values), new Set(nodes.flatMap((node) => node.outputs))).size > 0;
}

/** Terms of a sum whose inner sums nothing else uses, in order. */
function termsOf(value: Value, users: ReadonlyMap<Value, Node[]>, roots: ReadonlySet<Value>): Value[] {
  const terms: Value[] = [];
  const pending = [...value.node.inputs].reverse();
  for (let input = pending.pop(); input; input = pending.pop()) {
    const inner = input.node.operation === 'add' && users.get(input)?.length === 1 && !roots.has(input);
    if (inner) pending.push(...[...input.node.inputs].reverse());
    else terms.push(input);
  }
  return terms;
}

/** The order in which a sum costs least: what is the same for all steps or hoisted first, then products (each begins with the sum so far), then the rest. */
function termRank(value: Value, changing: ReadonlySet<Node>): number {
  if (!changing.has(value.node)) return 0;
  let source = value;
  while (isView(source.node.operation)) source = source.node.inputs[0]!;
  return source.node.operation === 'matmul' ? 1 : 2;
}

/** Sums in the order in which products can take them over. `changing` are the nodes that depend on carried values. */
function orderSums(roots: readonly Value[], changing: ReadonlySet<Node>, inside: (node: Node) => boolean): Value[] {
  const order = topologicalOrder(roots);
  const users = usersOf(order);
  const rootSet = new Set(roots);
  const mapping = new Map<Value, Value>();
  for (const node of order) {
    const sum = node.outputs[0]!;
    if (node.operation !== 'add' || sum.type !== 'float32' || !inside(node)) continue;
    const readers = users.get(sum) ?? [];
    if (readers.length === 1 && readers[0]!.operation === 'add' && !rootSet.has(sum)) continue;
    const terms = termsOf(sum, users, rootSet);
    if (terms.length < 3) continue;
    const ranked = terms.map((term, i) => ({ term, rank: termRank(term, changing), i })).sort((a, b) => a.rank - b.rank || a.i - b.i);
    if (ranked.every(({ i }, position) => i === position)) continue;
    mapping.set(sum, ranked.map(({ term }) => term).reduce((total, term) => applyOne('add', [total, term], {}, node.scope)));
  }
  return mapping.size === 0 ? [...roots] : roots.map(createSubstitution(mapping, true));
}

/** The values of one block: `inside` says which nodes belong to it, `carried` what its steps hand on. */
function mergeBlock(roots: readonly Value[], carried: readonly Value[], inside: (node: Node) => boolean): Value[] {
  const changing = carried.length > 0 ? dependentNodes(topologicalOrder(roots), new Set(carried)) : new Set<Node>();
  let current = mergeFamilies(orderSums(roots, changing, inside), inside);
  for (let joined = joinSums(current, inside); joined; joined = joinSums(current, inside)) current = joined;
  return current;
}

function mergeInScan(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  const open = openScan(node, inputs);
  const roots = [...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value)];
  const parameters = new Set([...open.carried, ...open.scanned].map(({ argument }) => argument));
  const depends = new Map<Node, boolean>();
  const inside = (inner: Node): boolean => {
    let known = depends.get(inner);
    if (known === undefined) {
      known = inner.outputs.some((value) => parameters.has(value)) || inner.inputs.some((value) => inside(value.node));
      depends.set(inner, known);
    }
    return known;
  };
  const merged = mergeBlock(roots, open.carried.map(({ argument }) => argument), inside);
  if (merged.every((value, i) => value === roots[i])) return undefined;
  return closeScan({
    ...open,
    carried: open.carried.map((entry, k) => ({ ...entry, next: merged[k]! })),
    collected: open.collected.map((entry, j) => ({ ...entry, value: merged[open.carried.length + j]! })),
  }, node.scope);
}

/**
 * Makes few wide products of many narrow ones: products that share their left operand become one over their right operands side by side, of which each was
 * a part; sums of corresponding parts become the sum of the wholes; sums are ordered so that a product can begin with the others. In the bodies of
 * scans too.
 */
export function merge(values: readonly Value[]): Value[] {
  const inner = rebuild(values, (node, inputs) => (node.operation === 'scan' ? mergeInScan(node, inputs) : undefined));
  return mergeBlock(inner, [], () => true);
}
