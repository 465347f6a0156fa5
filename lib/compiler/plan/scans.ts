import { elementCount } from '../../graph/value.ts';
import type { Value } from '../../graph/value.ts';
import { scanModes } from '../format.ts';
import type { Place } from '../program.ts';
import { scanParts, viewedValue } from '../walk.ts';
import type { ScanParts } from '../walk.ts';
import { Block } from './block.ts';
import { emitUnits, requestAll } from './emission.ts';
import { hasUnitColumn, isInjective, placeIn, slotPlace, stepPlace } from './places.ts';
import { rowsOfBody } from './rows.ts';
import { emitAheadProduct, emitSteppedResult, findAheadProducts, findSteppedResults, passingPlace, reservePacked } from './spans.ts';
import type { AheadProduct, SteppedResult } from './spans.ts';
import { formUnits } from './units.ts';
import type { Unit } from './units.ts';

/** Where a carried value lives: what a step reads, what it writes, what goes in before the loop and comes out after it. */
interface CarriedPlaces {
  readonly before: Place;
  readonly after: Place;
  readonly initial: Place;
  readonly final: Place;
  /** All slots, where they are kept: what each step began with and what it ended with, [T, …]. */
  readonly history: { readonly before: Place; readonly after: Place } | undefined;
}

/** What was decided about a scan before its instruction is written. */
export interface ScanPlan {
  readonly parts: ScanParts;
  readonly body: Block;
  readonly carried: readonly CarriedPlaces[];
  /** By collected value: its place in each step, and all of them; undefined `each`: a carried value's history holds it. */
  readonly stacked: readonly { readonly each: Place | undefined; readonly all: Place }[];
  /** Whether a producer outside writes the initial value where the loop wants it. */
  readonly initialDelivered: readonly boolean[];
  /** Products that the body computes for a few steps at a time. */
  readonly ahead: readonly AheadProduct[];
  /** By collected value: what products after the scan do with it, a few steps at a time. */
  readonly stepped: readonly (SteppedResult | undefined)[];
}

/** T + 1 slots: a step reads one and writes the next. */
function historyPlaces(block: Block, value: Value, length: number, reverse: boolean): CarriedPlaces {
  const count = elementCount(value.shape);
  const { region } = block.fresh([length + 1, ...value.shape], value.type);
  const at = (slot: number): Place => placeIn(region, value.shape, value.type, slot * count);
  const all = (slot: number): Place => placeIn(region, [length, ...value.shape], value.type, slot * count);
  const [read, write] = reverse ? [1, 0] : [0, 1];
  return {
    before: slotPlace(region, value.shape, value.type, read, 0), after: slotPlace(region, value.shape, value.type, write, 0),
    initial: at(reverse ? length : 0), final: at(reverse ? 0 : length),
    history: { before: all(read), after: all(write) },
  };
}

/** Two slots that take turns. */
function pairPlaces(block: Block, value: Value, length: number, reverse: boolean): CarriedPlaces {
  const count = elementCount(value.shape);
  const { region } = block.fresh([2, ...value.shape], value.type);
  const at = (slot: number): Place => placeIn(region, value.shape, value.type, slot * count);
  const [read, write] = reverse ? [1, 0] : [0, 1];
  return {
    before: slotPlace(region, value.shape, value.type, read, 2), after: slotPlace(region, value.shape, value.type, write, 2),
    initial: at(reverse ? length % 2 : 0), final: at(reverse ? 0 : length % 2), history: undefined,
  };
}

/** One slot, written over. */
function singlePlaces(block: Block, value: Value): CarriedPlaces {
  const place = block.fresh(value.shape, value.type);
  return { before: place, after: place, initial: place, final: place, history: undefined };
}

/** Whether a unit's result is written piece by piece, by other units and at other times. */
function writesInParts(unit: Unit): boolean {
  return unit.kind === 'node' && (unit.nodes[0]!.operation === 'concat' || unit.nodes[0]!.operation === 'pad');
}

/** Whether the unit that makes `next` may write over what the step began with: everything else has been read, and element for element. */
function canOverwrite(argument: Value, next: Value, body: Block, roots: readonly Value[]): boolean {
  const producer = body.producer(next);
  if (!producer || writesInParts(producer) || roots.some((root) => viewedValue(root) === argument)) return false;
  const end = body.units.indexOf(producer);
  return body.units.every((unit, i) => {
    const reads = unit.inputs.filter((value) => viewedValue(value) === argument);
    if (reads.length === 0 || i < end) return true;
    if (i > end || reads.some((value) => value !== argument)) return false;
    if (unit.initial) return unit.initial === argument && unit.inputs.filter((value) => viewedValue(value) === argument).length === 1;
    return unit.code !== undefined && unit.code.lastRead[unit.inputs.indexOf(argument)]! <= unit.code.firstWrite[unit.outputs.indexOf(next)]!;
  });
}

function planCarried(block: Block, body: Block, parts: ScanParts): CarriedPlaces[] {
  const { length, reverse } = parts;
  const roots = [...parts.body.next, ...parts.body.collected];
  return parts.body.carried.map((argument, k) => {
    const next = parts.body.next[k]!;
    if (block.options.optimize) {
      const collected = parts.body.collected.indexOf(next);
      const kept = collected >= 0 && askedPlace(block, parts.stacked[collected]!) === undefined;
      if (kept || parts.body.collected.includes(argument)) return historyPlaces(block, argument, length, reverse);
      const sole = parts.body.next.indexOf(next) === k;
      if (sole && canOverwrite(argument, next, body, roots)) return singlePlaces(block, argument);
    }
    return pairPlaces(block, argument, length, reverse);
  });
}

/** What lies where a value is written: the value, and where its unit only puts others side by side, these. */
function writtenWith(block: Block, value: Value): Value[] {
  const source = viewedValue(value);
  const producer = block.producer(source);
  return producer && writesInParts(producer) ? [source, ...producer.inputs.flatMap((part) => writtenWith(block, part))] : [source];
}

/** Whether somebody reads an initial value while its scan runs, or afterwards: a slot that steps write over holds later states by then. */
function isReadLater(block: Block, unit: Unit, { perStep, captured }: ScanParts, initial: Value): boolean {
  const written = new Set(writtenWith(block, initial));
  const reads = (values: readonly Value[]): boolean => values.some((value) => written.has(viewedValue(value)));
  if ([...written].some((value) => block.isRoot(value)) || reads(perStep) || reads(captured)) return true;
  const start = block.units.indexOf(unit);
  return block.units.some((other, i) => (i > start || block.adopted.has(other)) && reads(other.inputs));
}

/** Where somebody wants what a scan collects, if steps can write there. */
function askedPlace(block: Block, stacked: Value): Place | undefined {
  return block.requested(stacked).find((place) => isInjective(place) && hasUnitColumn(place));
}

function planStacked(block: Block, parts: ScanParts, carried: readonly CarriedPlaces[], stepped: ScanPlan['stepped']): ScanPlan['stacked'] {
  return parts.body.collected.map((value, j) => {
    const k = parts.body.next.findIndex((next, i) => next === value && carried[i]!.history);
    if (k >= 0) return { each: undefined, all: carried[k]!.history!.after };
    const own = parts.body.carried.findIndex((argument, i) => argument === value && carried[i]!.history);
    if (own >= 0) return { each: undefined, all: carried[own]!.history!.before };
    const result = parts.stacked[j]!;
    if (stepped[j]?.passing) {
      const each = passingPlace(block, stepped[j], result.shape);
      return { each, all: each };
    }
    const all = askedPlace(block, result) ?? block.fresh(result.shape, result.type);
    return { each: stepPlace(all), all };
  });
}

/** Takes the products over that a body will compute, and makes room for the rows that it will pack. */
function adoptStepped(block: Block, parts: ScanParts, stacked: ScanPlan['stacked'], stepped: ScanPlan['stepped']): void {
  stepped.forEach((result, j) => {
    if (!result || !stacked[j]!.each) return;
    const value = parts.stacked[j]!;
    for (const product of result.behind) block.adopted.add(product);
    if (result.packed) reservePacked(block, value);
    if (result.passing) block.passing.add(value);
  });
}

/** Decides where a scan's values live, and asks the producers of its initial values to write them there. */
export function planScan(block: Block, unit: Unit): ScanPlan {
  const parts = scanParts(unit.nodes[0]!);
  const body = new Block(block.memory, block.options, block);
  const roots = [...parts.body.next, ...parts.body.collected];
  body.setUnits(formUnits(roots, { fuse: block.options.optimize, insideScan: true }), roots);
  parts.body.captured.forEach((argument, i) => body.captured.set(argument, parts.captured[i]!));
  const carried = planCarried(block, body, parts);
  const stepped = findSteppedResults(block, unit, parts);
  const stacked = planStacked(block, parts, carried, stepped);
  const ahead = findAheadProducts(block, unit, parts);
  for (const product of ahead) block.adopted.add(product.unit);
  adoptStepped(block, parts, stacked, stepped);
  const initialDelivered = carried.map(({ initial, history }, k) => (history !== undefined || !isReadLater(block, unit, parts, parts.initial[k]!)) && block.request(parts.initial[k]!, initial));
  return { parts, body, carried, stacked, initialDelivered, ahead, stepped };
}

/** Gives the body's arguments and results their places; what nobody writes in place is copied at the end of a step. */
function bindBody(block: Block, plan: ScanPlan): (() => void)[] {
  const { parts: { body: { carried, scanned, captured, next, collected }, perStep, captured: outer }, body } = plan;
  carried.forEach((argument, k) => body.setPlace(argument, plan.carried[k]!.before));
  scanned.forEach((argument, i) => {
    const product = plan.ahead.find(({ sequence }) => sequence === i);
    const shape = perStep[i]!.shape as [number, number, number];
    body.setPlace(argument, product ? emitAheadProduct(block, body, product, shape) : stepPlace(block.place(perStep[i]!)));
  });
  captured.forEach((argument, i) => body.setPlace(argument, block.place(outer[i]!)));
  const copies: (() => void)[] = [];
  const bind = (value: Value, place: Place): void => {
    if (!body.request(value, place)) copies.push(() => body.deliver(value, place, value.node.scope));
  };
  next.forEach((value, k) => bind(value, plan.carried[k]!.after));
  collected.forEach((value, j) => {
    const { each } = plan.stacked[j]!;
    if (each) bind(value, each);
  });
  return copies;
}

/** Writes a scan with its body. */
export function emitScan(block: Block, unit: Unit, plan: ScanPlan): void {
  const { parts, body } = plan;
  const node = unit.nodes[0]!;
  plan.carried.forEach(({ initial }, k) => {
    if (!plan.initialDelivered[k]) block.deliver(parts.initial[k]!, initial, node.scope);
  });
  const rows = block.options.optimize ? rowsOfBody(parts, body.units) : undefined;
  body.keptDimensions = rows === undefined ? 0 : 1;
  const copies = bindBody(block, plan);
  requestAll(body);
  emitUnits(body);
  for (const copy of copies) copy();
  plan.stepped.forEach((result, j) => {
    const { each } = plan.stacked[j]!;
    if (result && each) emitSteppedResult(block, body, result, parts.stacked[j]!, each);
  });
  const attributes = [parts.length, parts.reverse ? 1 : 0, rows === undefined ? scanModes.general : scanModes.rows, rows ?? 0, body.instructions.length];
  if (body.instructions.length > 0) block.emit({ opcode: 'scan', reads: [], writes: [], attributes, body: body.instructions, scope: node.scope });
  plan.carried.forEach(({ final }, k) => block.setPlace(parts.final[k]!, final));
  plan.stacked.forEach(({ all }, j) => block.setPlace(parts.stacked[j]!, all));
  node.outputs.forEach((value, i) => {
    const stacked = i < plan.carried.length ? undefined : plan.stacked[i - plan.carried.length]!.all;
    if (!block.passing.has(value)) block.finish(value, stacked ? [stacked] : [], node.scope);
  });
  for (const { outputs: [result] } of plan.stepped.flatMap((stepped, j) => (plan.stacked[j]!.each ? stepped?.behind ?? [] : []))) {
    block.finish(result!, [block.place(result!)], node.scope);
  }
}
