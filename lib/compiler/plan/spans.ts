import { elementCount, sameShape } from '../../graph/value.ts';
import type { Node, Value } from '../../graph/value.ts';
import { initialModes, packedSize } from '../format.ts';
import type { Place } from '../program.ts';
import { viewedValue } from '../walk.ts';
import type { ScanParts } from '../walk.ts';
import type { Block } from './block.ts';
import { matrices, packed, productTarget, resultMatrices } from './kernels.ts';
import { reshapePlace, slotPlace, stepPlace } from './places.ts';
import type { Unit } from './units.ts';

/** When loops take products over, and for how many steps at a time. */
export interface SpanSettings {
  /** Results of fewer elements stay in the cache anyway. */
  readonly leastElements: number;
  /**
   * Rows that a product should have at once: enough to fill register tiles and to read the weights from far away seldom. More would push what it wrote
   * out of the cache before the loop reads it.
   */
  readonly rowsAtOnce: number;
}

export const defaultSpans: SpanSettings = { leastElements: 128 * 1024, rowsAtOnce: 96 };

/**
 * A product over all steps at once whose result only one scan reads, step by step. The scan's body computes it instead, for the next few steps at a time,
 * so that what it writes is read while it is still in the cache.
 */
export interface AheadProduct {
  readonly unit: Unit;
  /** Which of the scan's sequences it is. */
  readonly sequence: number;
  /** Steps computed at once. */
  readonly span: number;
}

/** The value behind reshapes. */
function unshaped(value: Value): Value {
  let source = value;
  while (source.node.operation === 'reshape') source = source.node.inputs[0]!;
  return source;
}

/** How many steps at a time suit rows of this many. */
function spanFor(block: Block, rows: number): number {
  return Math.max(1, Math.ceil(block.options.spans.rowsAtOnce / rows));
}

/** Whether nothing but `reader` uses a value, and that once. */
function hasSoleReader(block: Block, value: Value, reader: Unit): boolean {
  if (block.isRoot(value)) return false;
  return block.units.every((unit) => unit.inputs.filter((input) => viewedValue(input) === value).length === (unit === reader ? 1 : 0));
}

/** Whether a product had better stay outside of loops, where it packs its right operand itself. */
function packsOutside(block: Block, { inputs: [, right], outputs: [result] }: Node): boolean {
  const { changing, packing: { outsideLoops: { leastElements, mostRows } } } = block.options;
  return changing && elementCount(right!.shape) >= leastElements && elementCount(result!.shape.slice(0, -1)) <= mostRows;
}

/** The products that a scan's body had better compute itself. */
export function findAheadProducts(block: Block, scan: Unit, { perStep, length }: ScanParts): AheadProduct[] {
  if (!block.options.optimize || block.outer) return [];
  return perStep.flatMap((value, sequence) => {
    const source = unshaped(value);
    const unit = block.producer(source);
    const product = unit?.nodes[0];
    if (unit?.kind !== 'node' || product?.operation !== 'matmul' || product.attributes['transposeA'] === true) return [];
    const { shape } = product.outputs[0]!;
    const [steps, rows, columns] = value.shape as [number, number, number];
    const span = spanFor(block, rows);
    const fits = value.shape.length === 3 && shape.length === 2 && shape[0] === steps * rows && shape[1] === columns;
    const wider = fits && columns >= elementCount(product.inputs[0]!.shape) / shape[0]!;
    if (!wider || packsOutside(block, product) || steps * rows * columns < block.options.spans.leastElements || span * 2 > length || !hasSoleReader(block, source, scan)) return [];
    return [{ unit, sequence, span }];
  });
}

/** One step of what lies row by row for all steps. */
function stepOfRows(block: Block, place: Place, shape: readonly [number, number, number], scope: string): Place {
  return stepPlace(reshapePlace(place, shape) ?? reshapePlace(block.copy(place, scope), shape)!);
}

/** Slots that steps take in turn. */
function ringPlace(block: Block, slots: number, shape: readonly [number, number]): Place {
  return slotPlace(block.memory.arena(slots * elementCount(shape)), shape, 'float32', 0, slots);
}

/** One step of a product's left operand: of the sequence that it reshapes, however that lies. */
function stepOfLeft(block: Block, left: Value, shape: readonly [number, number, number], scope: string): Place {
  const sequence = unshaped(left);
  if (sameShape(sequence.shape, shape)) return stepPlace(block.place(sequence));
  return stepOfRows(block, matrices(block, block.place(left), scope), shape, scope);
}

/** What a product begins with, as the rows of its result. */
function initialRows(block: Block, unit: Unit): Place {
  const node = unit.nodes[0]!;
  const { shape } = node.outputs[0]!;
  const place = block.place(unit.initial!);
  const initial = resultMatrices(place, shape);
  const column = initial?.strides[1];
  return initial && (column === 0 || column === 1) ? initial : resultMatrices(block.copy(place, node.scope), shape)!;
}

/** Writes such a product at the beginning of the body. Returns where a step finds its result. */
export function emitAheadProduct(block: Block, body: Block, { unit, span }: AheadProduct, shape: readonly [number, number, number]): Place {
  const node = unit.nodes[0]!;
  const [, rows, columns] = shape;
  const [left, right] = node.inputs as [Value, Value];
  const depth = left.shape[1]!;
  const reads = [stepOfLeft(block, left, [shape[0], rows, depth], node.scope), packed(block, right, node.attributes['transposeB'] === true, node.scope)];
  if (unit.initial) reads.push(stepOfRows(block, initialRows(block, unit), shape, node.scope));
  const ring = ringPlace(block, span, [rows, columns]);
  body.emit({ opcode: 'gemm', reads, writes: [ring], attributes: [depth, unit.initial ? initialModes.operand : initialModes.zero, span], scope: node.scope });
  return ring;
}

/**
 * What a scan gives for every step and products after it read as [T·N, C]: their left operand, or their right one, which is then packed row by row in the
 * loop while it is in the cache.
 */
export interface SteppedResult {
  /** Products [T·N, C]·B that the body computes itself, for the last few steps at a time. */
  readonly behind: readonly Unit[];
  readonly span: number;
  /** Whether some product has it as its right operand. */
  readonly packed: boolean;
  /** Whether whoever reads it is served by the above (or by sums over packed columns), so that only a few steps of it need be kept. */
  readonly passing: boolean;
}

/** Whether everything that a unit reads besides `stacked` is there before the scan. */
function readyBefore(block: Block, unit: Unit, scan: Unit, stacked: Value): boolean {
  const end = block.units.indexOf(scan);
  return unit.inputs.every((input) => {
    const source = viewedValue(input);
    const producer = source === stacked ? undefined : block.producer(source);
    return producer === undefined || (block.units.indexOf(producer) < end && !block.adopted.has(producer));
  });
}

/** How a unit reads a stacked result. */
function readingOf(block: Block, unit: Unit, scan: Unit, stacked: Value): 'behind' | 'packed' | 'sum' | 'other' {
  const node = unit.nodes[0]!;
  const reads = unit.inputs.filter((input) => viewedValue(input) === stacked);
  if (unit.kind !== 'node' || reads.length !== 1 || unshaped(reads[0]!) !== stacked || block.adopted.has(unit)) return 'other';
  if (node.operation === 'reduceSum') {
    const axes = node.attributes['axes'] as readonly number[];
    const { length } = node.inputs[0]!.shape;
    return node.inputs[0]!.shape[length - 1] === stacked.shape[2] && axes.length === length - 1 && !axes.includes(length - 1) ? 'sum' : 'other';
  }
  if (node.operation !== 'matmul' || node.outputs[0]!.shape.length !== 2) return 'other';
  const [left, right] = node.inputs as [Value, Value];
  if (left === reads[0] && node.attributes['transposeA'] !== true && readyBefore(block, unit, scan, stacked)) return packsOutside(block, node) ? 'other' : 'behind';
  return right === reads[0] && node.attributes['transposeB'] !== true ? 'packed' : 'other';
}

/** How the results of a scan are read after it, by the number of the result; undefined for those that products do not read. */
export function findSteppedResults(block: Block, scan: Unit, { stacked, length }: ScanParts): (SteppedResult | undefined)[] {
  return stacked.map((value) => {
    if (!block.options.optimize || block.outer || value.shape.length !== 3 || value.type !== 'float32' || elementCount(value.shape) < block.options.spans.leastElements) return undefined;
    const readers = block.units.filter((unit) => unit !== scan && unit.inputs.some((input) => viewedValue(input) === value));
    const readings = readers.map((unit) => readingOf(block, unit, scan, value));
    const isPacked = readings.includes('packed');
    const span = Math.min(spanFor(block, value.shape[1]!), length);
    const behind = readers.filter((_, i) => readings[i] === 'behind');
    if (!isPacked && behind.length === 0) return undefined;
    const passing = !block.isRoot(value) && readings.every((reading) => reading !== 'other' && (reading !== 'sum' || isPacked));
    return { behind, span, packed: isPacked, passing };
  });
}

/** Where a step leaves what only the products of the next few steps read. */
export function passingPlace(block: Block, { behind, span }: SteppedResult, shape: readonly number[]): Place {
  return ringPlace(block, behind.length > 0 ? span : 1, [shape[1]!, shape[2]!]);
}

/** Room for the rows of all steps in packed form. */
export function reservePacked(block: Block, value: Value): void {
  const [steps, rows, columns] = value.shape as [number, number, number];
  block.packedResults.set(value, block.fresh([packedSize(steps * rows, columns)], 'float32'));
}

/** Writes, at the end of the body, what products after the scan would have done with a result. */
export function emitSteppedResult(block: Block, body: Block, result: SteppedResult, value: Value, each: Place): void {
  const { scope } = value.node;
  const [steps, rows, columns] = value.shape as [number, number, number];
  const packedPlace = block.packedResults.get(value);
  if (packedPlace) body.emit({ opcode: 'packStep', reads: [each], writes: [packedPlace], attributes: [], scope });
  for (const unit of result.behind) {
    const node = unit.nodes[0]!;
    const { shape } = node.outputs[0]!;
    const stepShape = [steps, rows, shape[1]!] as const;
    const reads = [each, packed(block, node.inputs[1]!, node.attributes['transposeB'] === true, node.scope)];
    if (unit.initial) reads.push(stepOfRows(block, initialRows(block, unit), stepShape, node.scope));
    const target = productTarget(block, unit, (place) => reshapePlace(place, stepShape) !== undefined);
    const write = stepPlace(reshapePlace(resultMatrices(target, shape)!, stepShape)!);
    const mode = unit.initial ? initialModes.operand : initialModes.zero;
    body.emit({ opcode: 'gemm', reads, writes: [write], attributes: [columns, mode, -result.span], scope: node.scope });
  }
}
