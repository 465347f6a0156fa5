import { argument, dependentNodes, elementCount, rebuild, topologicalOrder } from '../../graph/index.ts';
import type { Node, OpenScan, Value } from '../../graph/index.ts';
import { isElementwise } from '../plan/elementwise.ts';
import { isView, usersOf } from '../walk.ts';
import { Lifter } from './lift.ts';
import { closeWith, openScan, replaceInBody } from './open-scan.ts';

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

/** Whether one product over all steps, or one table lookup, is better than one a step. */
function isHeavy(node: Node): boolean {
  return !isElementwise(node.operation) && !isView(node.operation) && node.operation !== 'argument' && node.operation !== 'concat' && node.operation !== 'pad';
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
      let source = value;
      while (isView(source.node.operation) && onSequences.has(source.node.inputs[0]!.node)) source = source.node.inputs[0]!;
      if (source.node.operation !== 'argument' && this.pays(source, value, reader) && this.lifter.can(source)) found.add(source);
    };
    for (const node of onCarried) for (const value of node.inputs) consider(value, node);
    for (const value of roots) consider(value, undefined);
    return [...found];
  }

  private pays(source: Value, value: Value, reader: Node | undefined): boolean {
    if (this.hasHeavy(source.node) || elementCount(source.shape) < elementCount(value.shape)) return true;
    if (!reader || reader.operation !== 'add') return false;
    // What a product is added to becomes what it begins with, so that the sum costs nothing in the loop.
    return reader.inputs.some((other) => other !== value && other.node.operation === 'matmul');
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
  const loose = open.collected.map(({ value }) => dependence.onSequences.has(value.node) && lifter.can(value));
  const roots = [...open.carried.map(({ next }) => next), ...open.collected.filter((_, j) => !loose[j]).map(({ value }) => value)];
  const chosen = new Choice(dependence, lifter).frontier(roots);
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
