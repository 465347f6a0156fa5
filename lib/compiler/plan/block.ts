import type { Shape, Value } from '../../graph/value.ts';
import { elementCount } from '../../graph/value.ts';
import { mapLimits } from '../format.ts';
import type { Instruction, MapEntry, Place, Region } from '../program.ts';
import { isLeaf, viewedValue } from '../walk.ts';
import { assembleMap, bitsOf, copyEntry, fillEntry, filledWith } from './bytecode.ts';
import type { Memory } from './memory.ts';
import {
  broadcastPlace, coalesce, isContiguous, isInjective, placeIn, reshapePlace, reversePlace, samePlace, slicePlace, transposePlace,
} from './places.ts';
import type { SpanSettings } from './spans.ts';
import type { Unit } from './units.ts';
import type { PackingSettings } from './packing.ts';

export interface PlanOptions {
  readonly optimize: boolean;
  readonly spans: SpanSettings;
  readonly packing: PackingSettings;
  /** Parameters change from run to run: nothing is gained by keeping them packed. */
  readonly changing: boolean;
}

/** How an operation may have its result written; what does not fit is copied afterwards. */
export type Writable = (place: Place) => boolean;

/**
 * One straight list of instructions being written (the whole graph's, or a scan's body) with the places of its values. A value may have
 * destinations, places that it should be written to because its reader wants it there; a producer writes to those it can and copies to the rest.
 */
export class Block {
  readonly memory: Memory;
  readonly options: PlanOptions;
  readonly outer: Block | undefined;
  readonly instructions: Instruction[] = [];
  /** In a body: the outer value of each captured argument. */
  readonly captured = new Map<Value, Value>();
  /** Packed right operands by what was packed. */
  readonly packs = new Map<string, Place>();
  /** Results of scans whose rows the scan itself packs, and where; right operands of products see through reshapes. */
  readonly packedResults = new Map<Value, Place>();
  /** Results of scans of which only a few steps are kept: nothing reads them but through `packedResults`. */
  readonly passing = new Set<Value>();
  /** Leading dimensions that maps leave as they are: rows, where a scan's rows are split. */
  keptDimensions = 0;
  units: readonly Unit[] = [];
  /** Units whose instructions the body of a scan holds. */
  readonly adopted = new Set<Unit>();
  /** Parts of concatenations and padded values that their producers write in place, by value and place. */
  readonly delivered = new Set<string>();
  private readonly regions = new Set<Region>();
  private readonly places = new Map<Value, Place>();
  private readonly destinations = new Map<Value, Place[]>();
  private roots: ReadonlySet<Value> = new Set();
  private readonly producers = new Map<Value, Unit>();

  constructor(memory: Memory, options: PlanOptions, outer?: Block) {
    this.memory = memory;
    this.options = options;
    this.outer = outer;
  }

  /** What the block computes, in order, and the values that whoever asked for it reads. */
  setUnits(units: readonly Unit[], roots: readonly Value[]): void {
    this.units = units;
    this.roots = new Set(roots.map(viewedValue));
    for (const unit of units) for (const value of unit.outputs) this.producers.set(value, unit);
  }

  /** Whether what a value looks at is read from outside the block. */
  isRoot(value: Value): boolean {
    return this.roots.has(viewedValue(value));
  }

  producer(value: Value): Unit | undefined {
    return this.producers.get(value);
  }

  setPlace(value: Value, place: Place): void {
    this.places.set(value, place);
  }

  /** A new row-major place in the arena. */
  fresh(shape: Shape, type: Place['type']): Place {
    const region = this.memory.arena(elementCount(shape));
    this.regions.add(region);
    return placeIn(region, shape, type);
  }

  /** Whether a place was made by this block, rather than by one around it. */
  owns(place: Place): boolean {
    return this.regions.has(place.region);
  }

  /** Where a value can be read. Views need no instruction unless no strides say what they mean. */
  place(value: Value): Place {
    let place = this.places.get(value);
    if (place) return place;
    const { node } = value;
    place = isLeaf(node.operation) ? this.memory.leaf(node) : this.view(value);
    this.places.set(value, place);
    return place;
  }

  private view(value: Value): Place {
    const { node } = value;
    const source = this.place(node.inputs[0]!);
    if (node.operation === 'stopGradient') return source;
    if (node.operation === 'reshape') {
      return reshapePlace(source, value.shape) ?? reshapePlace(this.contiguous(source, node.scope), value.shape)!;
    }
    const place = viewPlace(value, source);
    return this.options.optimize ? place : this.copy(place, node.scope);
  }

  /** The same elements row-major: copied only where they are not. */
  contiguous(place: Place, scope: string): Place {
    return isContiguous(place) ? place : this.copy(place, scope);
  }

  copy(place: Place, scope: string): Place {
    const copied = this.fresh(place.dimensions, place.type);
    this.copyInto(place, copied, scope);
    return copied;
  }

  copyInto(source: Place, target: Place, scope: string): void {
    if (source.region === target.region && samePlace(source, target)) return;
    this.emitMap(copyEntry(1), [source], [target], scope);
  }

  fill(target: Place, number: number, scope: string): void {
    this.emitMap(fillEntry(bitsOf(number, target.type)), [], [target], scope);
  }

  /** Writes a value into a place that its producer did not write to. */
  deliver(value: Value, target: Place, scope: string): void {
    const number = filledWith(value);
    if (number === undefined) this.copyInto(this.place(value), target, scope);
    else this.fill(target, number, scope);
  }

  emit(instruction: Instruction): void {
    this.instructions.push(instruction);
  }

  emitMap(map: MapEntry, reads: readonly Place[], writes: readonly Place[], scope: string): void {
    const places = this.options.optimize ? coalesce([...reads, ...writes], this.keptDimensions) : [...reads, ...writes];
    this.emit({ opcode: 'map', reads: places.slice(0, reads.length), writes: places.slice(reads.length), attributes: [reads.length], map, scope });
  }

  /**
   * Asks that the producer of `value` (seen through views) write to `target`.
   * @returns false when no instruction of this block produces it, so that the caller has to copy.
   */
  request(value: Value, target: Place): boolean {
    if (!this.options.optimize) return false;
    if (this.producers.has(value)) {
      const list = this.destinations.get(value);
      if (list) list.push(target);
      else this.destinations.set(value, [target]);
      return true;
    }
    const { node } = value;
    if (node.operation === 'stopGradient') return this.request(node.inputs[0]!, target);
    if (node.operation === 'transpose') {
      const permutation = node.attributes['permutation'] as readonly number[];
      return this.request(node.inputs[0]!, transposePlace(target, permutation.map((_, axis) => permutation.indexOf(axis))));
    }
    const reshaped = node.operation === 'reshape' ? reshapePlace(target, node.inputs[0]!.shape) : undefined;
    return reshaped !== undefined && this.request(node.inputs[0]!, reshaped);
  }

  requested(value: Value): readonly Place[] {
    return this.destinations.get(value) ?? [];
  }

  /** Decides where a result goes before its instruction is written. */
  assign(value: Value, target: Place): void {
    this.destinations.set(value, [target, ...this.requested(value)]);
  }

  /** The place to write a result to: the first destination that fits, or a new one. */
  target(value: Value, writable: Writable = isInjective): Place {
    const place = this.requested(value).find(writable) ?? this.fresh(value.shape, value.type);
    this.places.set(value, place);
    return place;
  }

  /** Copies a result to the destinations that its producer did not write to. */
  finish(value: Value, written: readonly Place[], scope: string): void {
    for (const destination of this.requested(value)) {
      if (!written.includes(destination)) this.copyInto(this.place(value), destination, scope);
    }
  }

  /** A map unit: outputs go to all of their destinations at once. */
  emitMapUnit(unit: Unit): void {
    const values: Value[] = [];
    const writes: Place[] = [];
    for (const value of unit.outputs) {
      values.push(value);
      writes.push(this.target(value));
    }
    for (const value of unit.outputs) {
      const others = this.requested(value).filter((place) => !writes.includes(place) && isInjective(place));
      for (const place of others.slice(0, mapLimits.outputs - writes.length)) {
        values.push(value);
        writes.push(place);
      }
    }
    const contract = this.options.optimize;
    const complete = values.length === unit.outputs.length ? unit.code : assembleMap(unit.nodes, unit.inputs, values, contract);
    const scope = unit.nodes[unit.nodes.length - 1]!.scope;
    const reads = unit.inputs.map((value) => this.place(value));
    const used = complete ? writes : writes.slice(0, unit.outputs.length);
    this.emitMap((complete ?? unit.code!).entry, reads, used, scope);
    for (const value of unit.outputs) this.finish(value, used, scope);
  }

  /** The value outside of every scan that a captured argument stands for. */
  outermost(value: Value): { readonly value: Value; readonly block: Block } {
    const source = this.captured.get(value);
    return source && this.outer ? this.outer.outermost(source) : { value, block: this };
  }
}

/** The place of a transpose, broadcast, slice or reverse. */
function viewPlace(value: Value, source: Place): Place {
  const { operation, attributes } = value.node;
  switch (operation) {
    case 'transpose': return transposePlace(source, attributes['permutation'] as readonly number[]);
    case 'broadcast': return broadcastPlace(source, value.shape);
    case 'slice': return slicePlace(source, attributes['begin'] as readonly number[], value.shape);
    default: return reversePlace(source, attributes['axes'] as readonly number[]);
  }
}
