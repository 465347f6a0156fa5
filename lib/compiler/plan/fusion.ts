import { sameShape } from '../../graph/value.ts';
import type { Node, Value } from '../../graph/value.ts';
import { mapLimits } from '../format.ts';
import { usersOf } from '../walk.ts';
import { filledWith } from './bytecode.ts';
import { isElementwise } from './elementwise.ts';

/** More nodes than this are not brought together in one map: the bytecode of a map has room for about as many. */
const largestGroup = 120;

/** Values that a group of elementwise nodes reads from outside; constants of one number are part of the bytecode. */
export function groupInputs(nodes: readonly Node[]): Value[] {
  const inside = new Set(nodes);
  const inputs = new Set<Value>();
  for (const node of nodes) for (const value of node.inputs) if (!inside.has(value.node) && filledWith(value) === undefined) inputs.add(value);
  return [...inputs];
}

/** Where the first and the last node of a set stand in the order of all nodes. */
interface Extent {
  readonly first: number;
  readonly last: number;
}

/** Sets of nodes that run as one, kept convex: no path leaves a set and comes back. */
export class Grouping {
  private readonly parent = new Map<Node, Node>();
  private readonly members = new Map<Node, Node[]>();
  private readonly position = new Map<Node, number>();
  private readonly users: ReadonlyMap<Value, Node[]>;
  private readonly nodes: readonly Node[];
  private readonly roots: ReadonlySet<Value>;
  private readonly sealed = new Set<Node>();
  /** By the head of a set. */
  private readonly extents = new Map<Node, Extent>();
  /** Heads of sets of several nodes. */
  private readonly wide = new Set<Node>();

  constructor(nodes: readonly Node[], roots: readonly Value[]) {
    this.nodes = nodes;
    this.users = usersOf(nodes);
    this.roots = new Set(roots);
    nodes.forEach((node, i) => {
      this.position.set(node, i);
      this.parent.set(node, node);
      this.members.set(node, [node]);
      this.extents.set(node, { first: i, last: i });
    });
  }

  /** Ties nodes into one set that nothing else may join: a product with the sum that it takes over. */
  seal(nodes: readonly Node[]): void {
    for (const node of nodes) this.unite(nodes[0]!, node);
    this.sealed.add(this.find(nodes[0]!));
  }

  /** Brings elementwise nodes together with those that they read, then, when asked, with those that read the same values. */
  fuse(siblings: boolean): void {
    for (const node of this.nodes) {
      if (!this.fusible(node)) continue;
      for (const value of node.inputs) {
        if (this.fusible(value.node) && sameShape(value.shape, node.outputs[0]!.shape)) this.tryMerge(value.node, node);
      }
    }
    if (!siblings) return;
    const heads = this.nodes.filter((node) => this.fusible(node) && this.find(node) === node);
    heads.forEach((first, i) => {
      for (const second of heads.slice(i + 1)) {
        if (sameShape(first.outputs[0]!.shape, second.outputs[0]!.shape)) this.tryMerge(first, second);
      }
    });
  }

  /** The sets of elementwise nodes, each in topological order. */
  groups(): Node[][] {
    return [...this.members.entries()]
      .filter(([head]) => this.find(head) === head && this.fusible(head))
      .map(([, list]) => list.sort((a, b) => this.position.get(a)! - this.position.get(b)!));
  }

  /** Values of a set that something outside of it needs. */
  outputsOf(nodes: readonly Node[]): Value[] {
    const inside = new Set(nodes);
    return nodes.map((node) => node.outputs[0]!)
      .filter((value) => this.roots.has(value) || (this.users.get(value) ?? []).some((user) => !inside.has(user)));
  }

  private fusible(node: Node): boolean {
    return isElementwise(node.operation) && !this.sealed.has(this.find(node));
  }

  private find(node: Node): Node {
    let head = node;
    while (this.parent.get(head) !== head) head = this.parent.get(head)!;
    let current = node;
    while (current !== head) {
      const next = this.parent.get(current)!;
      this.parent.set(current, head);
      current = next;
    }
    return head;
  }

  private unite(a: Node, b: Node): void {
    const first = this.find(a);
    const second = this.find(b);
    if (first === second) return;
    this.parent.set(second, first);
    this.members.get(first)!.push(...this.members.get(second)!);
    this.members.delete(second);
    const [one, other] = [this.extents.get(first)!, this.extents.get(second)!];
    this.extents.set(first, { first: Math.min(one.first, other.first), last: Math.max(one.last, other.last) });
    this.wide.delete(second);
    this.wide.add(first);
  }

  private tryMerge(a: Node, b: Node): void {
    const first = this.find(a);
    const second = this.find(b);
    if (first === second) return;
    const together = [...this.members.get(first)!, ...this.members.get(second)!];
    if (together.length > largestGroup || groupInputs(together).length > mapLimits.inputs || this.outputsOf(together).length > mapLimits.outputs) return;
    if (this.pathThroughOthers(first, second) || this.pathThroughOthers(second, first)) return;
    this.unite(first, second);
  }

  /** Whether a path from one set to the other passes through a third. */
  private pathThroughOthers(from: Node, to: Node): boolean {
    const limit = this.lastBefore(to);
    const visited = new Set<Node>([from, to]);
    const stack: Node[] = [];
    const visit = (head: Node): boolean => {
      for (const node of this.members.get(head)!) {
        for (const output of node.outputs) {
          for (const user of this.users.get(output) ?? []) {
            const next = this.find(user);
            if (next === to && head !== from) return true;
            if (visited.has(next) || this.extents.get(next)!.first > limit) continue;
            visited.add(next);
            stack.push(next);
          }
        }
      }
      return false;
    };
    if (visit(from)) return true;
    while (stack.length > 0) if (visit(stack.pop()!)) return true;
    return false;
  }

  /** A position behind which no set begins that leads to this one: a path enters a set at any of its nodes and leaves it at any other, be that an earlier one. */
  private lastBefore(to: Node): number {
    let limit = this.extents.get(to)!.last;
    for (;;) {
      let further = limit;
      for (const head of this.wide) {
        const { first, last } = this.extents.get(head)!;
        if (first <= limit) further = Math.max(further, last);
      }
      if (further === limit) return limit;
      limit = further;
    }
  }
}
