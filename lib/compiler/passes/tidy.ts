import { broadcast, constant, dependentNodes, fillOf, rebuild, topologicalOrder } from '../../graph/index.ts';
import type { Node, OpenScan, Value } from '../../graph/index.ts';
import { countUses, scanParts } from '../walk.ts';
import { closeWith, openScan, replaceInBody } from './open-scan.ts';

/** What every step reads of a sequence that is the same at all times; undefined when it is not. */
function sameEveryStep(sequence: Value): Value | undefined {
  const number = fillOf(sequence);
  const step = sequence.shape.slice(1);
  if (number !== undefined) return constant(number, step, sequence.type);
  if (sequence.node.operation !== 'broadcast') return undefined;
  const source = sequence.node.inputs[0]!;
  return source.shape.length < sequence.shape.length ? broadcast(source, step) : undefined;
}

/** Arguments that need not be arguments: carried values that never change, sequences that stay the same, sequences given twice. */
function replaceableArguments(open: OpenScan): Map<Value, Value> {
  const mapping = new Map<Value, Value>();
  for (const { argument, initial, next } of open.carried) if (next === argument) mapping.set(argument, initial);
  const bySequence = new Map<Value, Value>();
  for (const { argument, sequence } of open.scanned) {
    const replacement = sameEveryStep(sequence) ?? bySequence.get(sequence);
    if (replacement) mapping.set(argument, replacement);
    else bySequence.set(sequence, argument);
  }
  return mapping;
}

/** Which carried values are needed: by outputs that are used, or by the next values of needed ones. */
function neededCarried(open: OpenScan, used: readonly boolean[]): boolean[] {
  const needed = open.carried.map((_, k) => used[k]!);
  const stacks = open.collected.filter((_, j) => used[open.carried.length + j]).map(({ value }) => value);
  for (let changed = true; changed;) {
    changed = false;
    const nodes = new Set(topologicalOrder([...stacks, ...open.carried.filter((_, k) => needed[k]).map(({ next }) => next)]));
    open.carried.forEach(({ argument }, k) => {
      if (needed[k] || !nodes.has(argument.node)) return;
      needed[k] = true;
      changed = true;
    });
  }
  return needed;
}

/** What a collected value is without the loop: its sequence, or an outer value for every step. Undefined: the loop makes it. */
function stackWithoutLoop(value: Value, open: OpenScan, inside: ReadonlySet<Node>): Value | undefined {
  if (!inside.has(value.node)) return broadcast(value, [open.length, ...value.shape]);
  return open.scanned.find(({ argument }) => argument === value)?.sequence;
}

/** Whether a look at the closed scan shows something to do: most scans are tidy, and opening one means making its body anew. */
function isTidy(node: Node, inputs: readonly Value[], used: readonly boolean[]): boolean {
  const { body } = scanParts(node);
  if (used.includes(false) || body.next.some((next, k) => next === body.carried[k]) || new Set(body.collected).size < body.collected.length) return false;
  const sequences = inputs.slice(body.carried.length, body.carried.length + body.scanned.length);
  if (new Set(sequences).size < sequences.length || sequences.some((sequence) => sameEveryStep(sequence) !== undefined)) return false;
  const order = topologicalOrder([...body.next, ...body.collected]);
  const read = new Set(order);
  if ([...body.scanned, ...body.captured].some((argument) => !read.has(argument.node))) return false;
  const inside = dependentNodes(order, new Set([...body.carried, ...body.scanned]));
  const constantLike = (value: Value): boolean => !inside.has(value.node) || body.scanned.includes(value);
  return !body.collected.some(constantLike) && order.every((inner) => inside.has(inner) || inner.inputs.length === 0);
}

function tidyScan(node: Node, inputs: readonly Value[], used: readonly boolean[]): readonly Value[] | undefined {
  if (isTidy(node, inputs, used)) return undefined;
  const opened = openScan(node, inputs);
  const open = replaceInBody(opened, replaceableArguments(opened));
  const needed = neededCarried(open, used);
  const kept = open.carried.filter(({ argument }, k) => needed[k] && opened.carried[k]!.next !== argument);
  const roots = [...kept.map(({ next }) => next), ...open.collected.map(({ value }) => value)];
  const inside = dependentNodes(topologicalOrder(roots), new Set([...kept, ...open.scanned].map(({ argument }) => argument)));
  const collected = new Map<Value, string>();
  const known = open.collected.map(({ name, value }, j) => {
    if (!used[open.carried.length + j]) return undefined;
    const outer = stackWithoutLoop(value, open, inside);
    if (!outer && !collected.has(value)) collected.set(value, name);
    return outer;
  });
  const list = [...collected].map(([value, name]) => ({ name, value }));
  return closeWith({ ...open, carried: kept, collected: list }, node.scope, ({ finals, stacks }) => node.outputs.map((output, i) => {
    if (i < open.carried.length) return finals.get(open.carried[i]!.argument) ?? open.carried[i]!.initial;
    const j = i - open.carried.length;
    const position = list.findIndex(({ value }) => value === open.collected[j]!.value);
    return known[j] ?? stacks[position] ?? output;
  }));
}

/**
 * Takes out of scans what needs no loop: results nobody uses, carried values nobody needs or that never change, sequences that stay the same, values
 * that depend on no argument, results that are an argument or the same in every step.
 */
export function tidyScans(values: readonly Value[]): Value[] {
  let current = [...values];
  for (let round = 0; round < 3; round++) {
    const uses = countUses(current);
    const next = rebuild(current, (node, inputs) => (node.operation === 'scan' ? tidyScan(node, inputs, node.outputs.map((value) => uses.has(value))) : undefined));
    if (next.every((value, i) => value === current[i])) break;
    current = next;
  }
  return current;
}
