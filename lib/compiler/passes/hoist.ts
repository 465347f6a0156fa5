import { argument, dependentNodes, elementCount, rebuild, topologicalOrder } from '../../graph/index.ts';
import type { Node, OpenScan, Value } from '../../graph/index.ts';
import { isView, usersOf } from '../walk.ts';
import { Lifter } from './lift.ts';
import { closeWith, openScan, replaceInBody } from './open-scan.ts';
import { isHeavy, isLight } from './weight.ts';

/** What of a body depends on what. */
interface Dependence {
  readonly users: ReadonlyMap<Value, Node[]>;
  /** Nodes that depend on a carried value: they stay. */
  readonly onCarried: ReadonlySet<Node>;
  /** Nodes that depend on the step's part of a sequence but on no carried value: they may go. */
  readonly onSequences: ReadonlySet<Node>;
}

function analyse(open: OpenScan): Dependence {
  const order = topologicalOrder([...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value)]);
  const onCarried = dependentNodes(order, new Set(open.carried.map(({ argument }) => argument)));
  const onAny = dependentNodes(order, new Set(open.scanned.map(({ argument }) => argument)));
  return { users: usersOf(order), onCarried, onSequences: new Set([...onAny].filter((node) => !onCarried.has(node))) };
}

/** Decides which values of a body leave the loop. */
class Choice {
  private readonly dependence: Dependence;
  private readonly lifter: Lifter;
  private readonly heavy = new Map<Node, boolean>();

  constructor(dependence: Dependence, lifter: Lifter) {
    this.dependence = dependence;
    this.lifter = lifter;
  }

  /** Values that depend on sequences alone and are read by what stays. */
  frontier(roots: readonly Value[]): Value[] {
    const { onSequences, onCarried } = this.dependence;
    const found = new Set<Value>();
    const consider = (value: Value, reader: Node | undefined): void => {
      if (!onSequences.has(value.node)) return;
      const source = this.readsInto(reader, value) ? this.viewed(value) : this.withoutLightWork(this.viewed(value));
      if (source.node.operation !== 'argument' && this.pays(source, value, reader) && this.lifter.can(source)) found.add(source);
    };
    for (const node of onCarried) for (const value of node.inputs) consider(value, node);
    for (const value of roots) consider(value, undefined);
    return [...found];
  }

  /** Tells which values the loop computes in any case, since `roots` need them. */
  staying(roots: readonly Value[]): (value: Value) => boolean {
    const leaving = new Set(this.frontier(roots));
    const nodes = new Set<Node>();
    const pending = [...roots];
    for (let value = pending.pop(); value; value = pending.pop()) {
      if (leaving.has(value) || nodes.has(value.node)) continue;
      nodes.add(value.node);
      pending.push(...value.node.inputs);
    }
    return (value) => {
      const { node } = this.viewed(value);
      return node.operation !== 'argument' && nodes.has(node);
    };
  }

  private viewed(value: Value): Value {
    let source = value;
    while (isView(source.node.operation) && this.dependence.onSequences.has(source.node.inputs[0]!.node)) source = source.node.inputs[0]!;
    return source;
  }

  /** The product, or other heavy work, that light work turns into `value`, where it is one and no smaller; else the value itself. */
  private withoutLightWork(value: Value): Value {
    if (!isLight(value.node)) return value;
    const parts = value.node.inputs.filter((input) => this.dependence.onSequences.has(input.node));
    const part = parts.length === 1 ? this.viewed(parts[0]!) : undefined;
    if (!part || !this.hasHeavy(part.node) || elementCount(parts[0]!.shape) !== elementCount(value.shape)) return value;
    // A sum costs nothing where the product begins with its other term.
    return value.node.operation === 'add' && part.node.operation === 'matmul' ? value : this.withoutLightWork(part);
  }

  /** What a product is added to becomes what it begins with, so that the sum costs nothing. */
  private readsInto(reader: Node | undefined, value: Value): boolean {
    return reader?.operation === 'add' && reader.inputs.some((other) => other !== value && other.node.operation === 'matmul');
  }

  private pays(source: Value, value: Value, reader: Node | undefined): boolean {
    return this.hasHeavy(source.node) || elementCount(source.shape) < elementCount(value.shape) || this.readsInto(reader, value);
  }

  private hasHeavy(node: Node): boolean {
    let heavy = this.heavy.get(node);
    if (heavy === undefined) {
      heavy = this.dependence.onSequences.has(node) && (isHeavy(node) || node.inputs.some((value) => this.hasHeavy(value.node)));
      this.heavy.set(node, heavy);
    }
    return heavy;
  }
}

function hoistFrom(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  const open = openScan(node, inputs);
  const dependence = analyse(open);
  const lifter = new Lifter({
    length: open.length, sequenceOf: new Map(open.scanned.map(({ argument: own, sequence }) => [own, sequence])), inside: (inner) => dependence.onSequences.has(inner),
  });
  const choice = new Choice(dependence, lifter);
  const stays = choice.staying([...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value).filter(({ node: inner }) => !dependence.onSequences.has(inner))]);
  const loose = open.collected.map(({ value }) => dependence.onSequences.has(value.node) && lifter.can(value) && !stays(value));
  const roots = [...open.carried.map(({ next }) => next), ...open.collected.filter((_, j) => !loose[j]).map(({ value }) => value)];
  const chosen = choice.frontier(roots);
  if (chosen.length === 0 && !loose.includes(true)) return undefined;
  const mapping = new Map<Value, Value>();
  const added = chosen.map((value, i) => {
    const own = argument(`hoisted_${i}`, value.shape, value.type);
    mapping.set(value, own);
    return { argument: own, sequence: lifter.lift(value) };
  });
  const staying = { ...open, collected: open.collected.filter((_, j) => !loose[j]) };
  const changed = replaceInBody({ ...staying, scanned: [...open.scanned, ...added] }, mapping);
  return closeWith(changed, node.scope, ({ finals, stacks }) => {
    let next = 0;
    const collected = open.collected.map(({ value }, j) => (loose[j] ? lifter.lift(value) : stacks[next++]!));
    return [...open.carried.map(({ argument: own }) => finals.get(own)!), ...collected];
  });
}

/**
 * Takes out of scans what does not depend on carried values: products, lookups and other work on a step's part of the sequences become one for all steps,
 * [T·N, …], with the elementwise work that feeds or follows them; masks leave when what they are broadcast to is larger. What depends on no argument at all
 * stands outside already: a scan's builder sees to it.
 */
export function hoist(values: readonly Value[]): Value[] {
  return rebuild(values, (node, inputs) => (node.operation === 'scan' ? hoistFrom(node, inputs) : undefined));
}
