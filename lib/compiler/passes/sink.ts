import {
  add, applyOne, argument, concat, createSubstitution, dependentNodes, multiply, negate, rebuild, reshape, subtract, sum, topologicalOrder, transpose,
} from '../../graph/index.ts';
import type { Node, OpenScan, Value } from '../../graph/index.ts';
import { isView } from '../walk.ts';
import { Lifter } from './lift.ts';
import { closeWith, openScan } from './open-scan.ts';
import { isHeavy } from './weight.ts';

/** A carried value that only adds up: acc' = acc + contribution. */
interface Accumulator {
  readonly index: number;
  readonly contribution: Value;
}

/** What is added to `accumulator` along a chain of sums that ends in it, or undefined. */
function addedTo(accumulator: Value, next: Value): Value[] | undefined {
  if (next === accumulator) return [];
  if (next.node.operation !== 'add') return undefined;
  const [left, right] = next.node.inputs as [Value, Value];
  const inLeft = addedTo(accumulator, left);
  if (inLeft) return [...inLeft, right];
  const inRight = addedTo(accumulator, right);
  return inRight && [...inRight, left];
}

function findAccumulators(open: OpenScan): Accumulator[] {
  return open.carried.flatMap(({ argument: own, next }, index) => {
    const terms = own.type === 'float32' ? addedTo(own, next) : undefined;
    if (!terms || terms.length === 0) return [];
    const others = [...open.carried.filter((_, k) => k !== index).map((entry) => entry.next), ...open.collected.map(({ value }) => value), ...terms];
    const read = topologicalOrder(others).includes(own.node);
    return read ? [] : [{ index, contribution: terms.reduce((total, term) => add(total, term)) }];
  });
}

/** Whether the sum of a value over all steps pays outside: no step's part is larger than what it is made of. */
function sumPays(value: Value, inside: ReadonlySet<Node>): boolean {
  const { node } = value;
  if (!inside.has(node)) return true;
  switch (node.operation) {
    case 'add': case 'subtract': case 'negate': case 'concat': case 'reshape': case 'transpose': case 'slice':
      return node.inputs.every((input) => sumPays(input, inside));
    case 'pad': return node.attributes['value'] === 0 && sumPays(node.inputs[0]!, inside);
    case 'matmul': return value.shape.length === 2;
    case 'reduceSum': case 'scatterAdd': return true;
    case 'multiply': return node.inputs.some((input) => !inside.has(input.node)) && node.inputs.every((input) => sumPays(input, inside));
    default: return value.shape.length <= 1;
  }
}

/** The sum of a body's value over all steps, without the loop where the value is linear in what the loop makes. */
class TimeSum {
  private readonly lifter: Lifter;
  private readonly length: number;
  private readonly inside: (node: Node) => boolean;

  constructor(lifter: Lifter, length: number, inside: (node: Node) => boolean) {
    this.lifter = lifter;
    this.length = length;
    this.inside = inside;
  }

  of(value: Value): Value {
    const { node } = value;
    if (!this.inside(node)) return multiply(value, this.length);
    const inputs = node.inputs;
    switch (node.operation) {
      case 'add': return add(this.of(inputs[0]!), this.of(inputs[1]!));
      case 'subtract': return subtract(this.of(inputs[0]!), this.of(inputs[1]!));
      case 'negate': return negate(this.of(inputs[0]!));
      case 'concat': return concat(inputs.map((input) => this.of(input)), node.attributes['axis'] as number);
      case 'reshape': case 'transpose': case 'slice': case 'pad': return applyOne(node.operation, [this.of(inputs[0]!)], node.attributes, node.scope);
      case 'matmul': return this.product(node);
      case 'reduceSum': return sum(this.lifter.lift(inputs[0]!), [0, ...(node.attributes['axes'] as readonly number[]).map((axis) => axis + 1)]);
      case 'scatterAdd': return this.scatter(node);
      case 'multiply': return this.scaled(node);
      default: return sum(this.lifter.lift(value), [0]);
    }
  }

  private scaled(node: Node): Value {
    const [a, b] = node.inputs as [Value, Value];
    return this.inside(a.node) ? multiply(this.of(a), b) : multiply(a, this.of(b));
  }

  private scatter(node: Node): Value {
    const [indices, updates] = node.inputs.map((input) => reshape(this.lifter.lift(input), [this.length * input.shape[0]!, ...input.shape.slice(1)])) as [Value, Value];
    return applyOne('scatterAdd', [indices, updates], node.attributes, node.scope);
  }

  /** Σ aᵀ_t·b_t as one product whose summed dimension runs over all steps: [T·K, M]ᵀ·[T·K, C]. */
  private product(node: Node): Value {
    const [a, b] = node.inputs as [Value, Value];
    const { transposeA, transposeB } = node.attributes as { transposeA: boolean; transposeB: boolean };
    if (!this.inside(b.node)) return applyOne('matmul', [this.of(a), b], node.attributes, node.scope);
    if (!this.inside(a.node)) return applyOne('matmul', [a, this.of(b)], node.attributes, node.scope);
    const rows = (value: Value, summedFirst: boolean): Value => {
      const lifted = this.lifter.lift(value);
      const ordered = summedFirst ? lifted : transpose(lifted, [0, 2, 1]);
      return reshape(ordered, [ordered.shape[0]! * ordered.shape[1]!, ordered.shape[2]!]);
    };
    return applyOne('matmul', [rows(a, transposeA), rows(b, !transposeB)], { transposeA: true, transposeB: false }, node.scope);
  }
}

/** Nodes whose results no next step needs, directly or not, and that are worth doing for all steps at once. */
function findLoose(open: OpenScan, nexts: readonly Value[], inside: ReadonlySet<Node>): Set<Node> {
  const feedback = new Set(topologicalOrder(nexts));
  const loose = new Set<Node>();
  for (const node of topologicalOrder(open.collected.map(({ value }) => value))) {
    if (feedback.has(node) || !inside.has(node) || node.operation === 'argument') continue;
    const shares = node.operation !== 'matmul' || !inside.has(node.inputs[1]!.node);
    // What is padded outside can be laid side by side with its other pieces, without the zeros between.
    const isPiece = node.operation === 'pad';
    if ((isHeavy(node) && shares) || isPiece || node.inputs.some((value) => loose.has(value.node))) loose.add(node);
  }
  return loose;
}

/** Argument nodes that stand for all steps of values until the scan that collects those has been made. */
class Placeholders {
  readonly of = new Map<Value, Value>();
  private readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  get(value: Value): Value {
    let placeholder = this.of.get(value);
    if (!placeholder) {
      placeholder = argument(`stacked_${this.of.size}`, [this.length, ...value.shape], value.type);
      this.of.set(value, placeholder);
    }
    return placeholder;
  }
}

function insideOf(open: OpenScan, extra: readonly Value[]): Set<Node> {
  const roots = [...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value), ...extra];
  return dependentNodes(topologicalOrder(roots), new Set([...open.carried, ...open.scanned].map(({ argument: own }) => own)));
}

/** What is computed outside, by index of the carried or collected value; written with placeholders for what the loop will collect. */
interface Outside {
  readonly finals: ReadonlyMap<number, Value>;
  readonly stacks: ReadonlyMap<number, Value>;
  readonly placeholders: ReadonlyMap<Value, Value>;
}

function liftOut(open: OpenScan): Outside | undefined {
  const found = findAccumulators(open);
  const inside = insideOf(open, found.map(({ contribution }) => contribution));
  const accumulators = found.filter(({ contribution }) => sumPays(contribution, inside));
  const adding = new Set(accumulators.map(({ index }) => index));
  const loose = findLoose(open, open.carried.filter((_, k) => !adding.has(k)).map(({ next }) => next), inside);
  const placeholders = new Placeholders(open.length);
  const isInside = (node: Node): boolean => inside.has(node);
  const lifter = new Lifter({
    length: open.length, sequenceOf: new Map(open.scanned.map(({ argument: own, sequence }) => [own, sequence])), inside: isInside,
    standIn: (value) => (loose.has(value.node) || isView(value.node.operation) ? undefined : placeholders.get(value)),
  });
  const timeSum = new TimeSum(lifter, open.length, isInside);
  const finals = new Map(accumulators.map(({ index, contribution }) => [index, add(open.carried[index]!.initial, timeSum.of(contribution))]));
  const stacks = new Map<number, Value>();
  open.collected.forEach(({ value }, j) => { if (loose.has(value.node) && lifter.can(value)) stacks.set(j, lifter.lift(value)); });
  return finals.size + stacks.size > 0 ? { finals, stacks, placeholders: placeholders.of } : undefined;
}

function sinkFrom(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  const open = openScan(node, inputs);
  const outside = liftOut(open);
  if (!outside) return undefined;
  const used = new Set(topologicalOrder([...outside.finals.values(), ...outside.stacks.values()]));
  const wanted = [...outside.placeholders].filter(([, placeholder]) => used.has(placeholder.node));
  const carried = open.carried.filter((_, k) => !outside.finals.has(k));
  const staying = open.collected.filter((_, j) => !outside.stacks.has(j));
  const collected = [...staying, ...wanted.map(([value], i) => ({ name: `sunk_${i}`, value }))];
  return closeWith({ ...open, carried, collected }, node.scope, ({ finals, stacks }) => {
    const express = createSubstitution(new Map(wanted.map(([, placeholder], i) => [placeholder, stacks[staying.length + i]!])));
    let next = 0;
    return [
      ...open.carried.map(({ argument: own }, k) => (outside.finals.has(k) ? express(outside.finals.get(k)!) : finals.get(own)!)),
      ...open.collected.map((_, j) => (outside.stacks.has(j) ? express(outside.stacks.get(j)!) : stacks[next++]!)),
    ];
  });
}

/**
 * Takes out of scans what no later step needs: carried sums become one product or one reduction over all steps, Σ_t aᵀ_t·b_t = [T·N, M]ᵀ·[T·N, C], for which the loop
 * collects the factors; products (and what follows them) whose results are only collected become one product over all steps.
 */
export function sink(values: readonly Value[]): Value[] {
  return rebuild(values, (node, inputs) => (node.operation === 'scan' ? sinkFrom(node, inputs) : undefined));
}
