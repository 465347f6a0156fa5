import { BpttError } from '../../errors.ts';
import { elementCount } from '../../graph/value.ts';
import type { Node, Shape, Value } from '../../graph/value.ts';
import { distributions, initialModes, packedSize, reduceKinds, softmaxKinds } from '../format.ts';
import type { OpcodeName } from '../format.ts';
import type { Place } from '../program.ts';
import { viewedValue } from '../walk.ts';
import type { Block, Writable } from './block.ts';
import { bitsOf } from './bytecode.ts';
import { hasUnitColumn, isContiguous, isInjective, reshapePlace, slicePlace, transposePlace } from './places.ts';
import type { Unit } from './units.ts';

type Emitter = (block: Block, unit: Unit) => void;

const rowsWritable: Writable = (place) => hasUnitColumn(place) && isInjective(place);
const denseWritable: Writable = isContiguous;
/** Rows of neighbouring elements; one number a row may lie anywhere. */
const rowsOrVectorsWritable: Writable = (place) => (place.dimensions.length === 1 ? isInjective(place) : rowsWritable(place));

/** The place of `value` where rows are runs of neighbouring elements. */
function rowsOf(block: Block, value: Value, scope: string): Place {
  const place = block.place(value);
  return hasUnitColumn(place) ? place : block.copy(place, scope);
}

function emitKernel(
  block: Block, unit: Unit, opcode: OpcodeName, reads: readonly Place[], writable: Writable, details: { attributes?: readonly number[]; indexLimit?: number } = {},
): void {
  const node = unit.nodes[0]!;
  const writes = unit.outputs.map((value) => block.target(value, writable));
  const limit = details.indexLimit === undefined ? {} : { indexLimit: details.indexLimit };
  block.emit({ opcode, reads, writes, attributes: details.attributes ?? [], scope: node.scope, ...limit });
  for (const value of unit.outputs) block.finish(value, writes, node.scope);
}

/** [..., R, C] as [R, C], or [B, R, C] where there are leading sizes; undefined when no strides say that. */
function asMatrices(place: Place): Place | undefined {
  const { dimensions } = place;
  const rank = dimensions.length;
  if (rank <= 3) return place;
  return reshapePlace(place, [elementCount(dimensions.slice(0, -2)), dimensions[rank - 2]!, dimensions[rank - 1]!]);
}

/** A place as [R, C] or [B, R, C], copied where no strides say that. */
export function matrices(block: Block, place: Place, scope: string): Place {
  return asMatrices(place) ?? asMatrices(block.copy(place, scope))!;
}

function swapLast(place: Place): Place {
  const rank = place.dimensions.length;
  return transposePlace(place, place.dimensions.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis)));
}

/** Packs a right operand where it is made: outside of every loop that does not change it, and once for all products that share it. */
export function packed(block: Block, value: Value, transposed: boolean, scope: string): Place {
  const stepped = transposed ? undefined : block.packedResults.get(viewedValue(value));
  if (stepped) return stepped;
  const root = block.outermost(viewedValue(value));
  const source = matrices(block, transposed ? swapLast(block.place(value)) : block.place(value), scope);
  const owner = source.stepStride === 0 && !block.owns(source) ? root.block : block;
  const key = `${root.value.id} ${source.region.id} ${source.offset} ${source.dimensions.join()} ${source.strides.join()} ${source.stepStride}`;
  const known = owner.packs.get(key);
  if (known) return known;
  const [depth, columns] = source.dimensions.slice(-2) as [number, number];
  const size = packedSize(depth, columns);
  const target = block.fresh(source.dimensions.length === 3 ? [source.dimensions[0]!, size] : [size], 'float32');
  owner.emit({ opcode: 'pack', reads: [source], writes: [target], attributes: [], scope });
  owner.packs.set(key, target);
  return target;
}

/** Splits the place of a product's result (or of what it begins with) into matrices. */
export function resultMatrices(place: Place, shape: Shape): Place | undefined {
  const reshaped = reshapePlace(place, shape);
  const split = reshaped && asMatrices(reshaped);
  if (!split) return undefined;
  const last = split.dimensions.length - 1;
  return split.dimensions[last] === 1 ? { ...split, strides: [...split.strides.slice(0, -1), 1] } : split;
}

/** Where a product writes: what was asked for if its rows fit. */
export function productTarget(block: Block, unit: Unit, alsoFits: Writable = () => true): Place {
  const { shape } = unit.nodes[0]!.outputs[0]!;
  return block.target(unit.outputs[0]!, (place) => {
    const split = resultMatrices(place, shape);
    return split !== undefined && hasUnitColumn(split) && isInjective(split) && alsoFits(split);
  });
}

const emitMatmul: Emitter = (block, unit) => {
  const node = unit.nodes[0]!;
  const { transposeA, transposeB } = node.attributes as { transposeA: boolean; transposeB: boolean };
  const { shape } = node.outputs[0]!;
  const [left, right] = node.inputs as [Value, Value];
  const a = matrices(block, transposeA ? swapLast(block.place(left)) : block.place(left), node.scope);
  const b = packed(block, right, transposeB, node.scope);
  const reads = [a, b];
  if (unit.initial) {
    const place = block.place(unit.initial);
    const initial = resultMatrices(place, shape);
    const column = initial?.strides[initial.strides.length - 1];
    reads.push(initial && (column === 0 || column === 1) ? initial : resultMatrices(block.copy(place, node.scope), shape)!);
  }
  const result = unit.outputs[0]!;
  const target = productTarget(block, unit);
  const depth = a.dimensions[a.dimensions.length - 1]!;
  const mode = unit.initial ? initialModes.operand : initialModes.zero;
  block.emit({ opcode: 'gemm', reads, writes: [resultMatrices(target, shape)!], attributes: [depth, mode, 0], scope: node.scope });
  block.finish(result, [target], node.scope);
};

const emitReduction = (kind: keyof typeof reduceKinds): Emitter => (block, unit) => {
  const node = unit.nodes[0]!;
  const axes = node.attributes['axes'] as readonly number[];
  const source = viewedValue(node.inputs[0]!);
  if (block.passing.has(source)) {
    const depth = elementCount(source.shape.slice(0, -1));
    emitKernel(block, unit, 'sumPacked', [block.packedResults.get(source)!], denseWritable, { attributes: [depth] });
    return;
  }
  const place = block.place(node.inputs[0]!);
  const kept = place.dimensions.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  emitKernel(block, unit, 'reduce', [transposePlace(place, [...kept, ...axes])], isInjective, { attributes: [reduceKinds[kind], axes.length] });
};

const emitConcat: Emitter = (block, unit) => {
  const node = unit.nodes[0]!;
  const result = unit.outputs[0]!;
  const target = block.target(result);
  const parts = concatParts(node, target);
  node.inputs.forEach((value, i) => {
    if (!block.delivered.has(partKey(value, parts[i]!))) block.deliver(value, parts[i]!, node.scope);
  });
  block.finish(result, [target], node.scope);
};

function partKey(value: Value, place: Place): string {
  return `${value.id} ${place.region.id} ${place.offset}`;
}

function concatParts(node: Node, target: Place): Place[] {
  const axis = node.attributes['axis'] as number;
  let start = 0;
  return node.inputs.map(({ shape }) => {
    const begin = shape.map((_, i) => (i === axis ? start : 0));
    start += shape[axis]!;
    return slicePlace(target, begin, shape);
  });
}

/** The slabs around a padded value: for each axis what lies before and after, within the axes already narrowed. */
function marginsOf(node: Node, target: Place): Place[] {
  const { before, after } = node.attributes as unknown as { before: readonly number[]; after: readonly number[] };
  const begin = target.dimensions.map(() => 0);
  const size = [...target.dimensions];
  const margins: Place[] = [];
  target.dimensions.forEach((whole, axis) => {
    const slab = (start: number, count: number): void => {
      if (count > 0) margins.push(slicePlace(target, begin.map((own, i) => (i === axis ? start : own)), size.map((own, i) => (i === axis ? count : own))));
    };
    slab(0, before[axis]!);
    slab(whole - after[axis]!, after[axis]!);
    begin[axis] = before[axis]!;
    size[axis] = whole - before[axis]! - after[axis]!;
  });
  return margins;
}

const emitPad: Emitter = (block, unit) => {
  const node = unit.nodes[0]!;
  const result = unit.outputs[0]!;
  const source = node.inputs[0]!;
  const target = block.target(result);
  const inner = slicePlace(target, node.attributes['before'] as readonly number[], source.shape);
  for (const margin of marginsOf(node, target)) block.fill(margin, node.attributes['value'] as number, node.scope);
  if (!block.delivered.has(partKey(source, inner))) block.deliver(source, inner, node.scope);
  block.finish(result, [target], node.scope);
};

/** Asks the producers of a concatenation's or a padded value's parts to write them in place. */
export function requestParts(block: Block, unit: Unit): void {
  const node = unit.nodes[0]!;
  if (unit.kind !== 'node' || (node.operation !== 'concat' && node.operation !== 'pad')) return;
  const result = unit.outputs[0]!;
  if (!block.requested(result).some(isInjective)) block.assign(result, block.fresh(result.shape, result.type));
  const target = block.target(result);
  const parts = node.operation === 'concat'
    ? concatParts(node, target)
    : [slicePlace(target, node.attributes['before'] as readonly number[], node.inputs[0]!.shape)];
  node.inputs.forEach((value, i) => {
    if (block.request(value, parts[i]!)) block.delivered.add(partKey(value, parts[i]!));
  });
}

const emitRandom: Emitter = (block, unit) => {
  const { distribution, stream } = unit.nodes[0]!.attributes as { distribution: keyof typeof distributions; stream: number };
  emitKernel(block, unit, 'random', [block.place(unit.inputs[0]!)], denseWritable, { attributes: [distributions[distribution], stream] });
};

const emitters: Readonly<Record<string, Emitter>> = {
  matmul: emitMatmul,
  reduceSum: emitReduction('sum'), reduceMax: emitReduction('max'), reduceMin: emitReduction('min'),
  sumSquares: (block, unit) => {
    const place = block.place(unit.inputs[0]!);
    emitKernel(block, unit, 'reduce', [place], isInjective, { attributes: [reduceKinds.squares, place.dimensions.length] });
  },
  concat: emitConcat, pad: emitPad, random: emitRandom,
  gather: (block, unit) => {
    const table = block.place(unit.inputs[0]!);
    emitKernel(block, unit, 'gather', [table, block.place(unit.inputs[1]!)], rowsWritable, { indexLimit: table.dimensions[0]! });
  },
  scatterAdd: (block, unit) => {
    const [indices, updates] = unit.inputs as [Value, Value];
    emitKernel(block, unit, 'scatterAdd', [block.place(indices), block.place(updates)], rowsWritable, { indexLimit: unit.outputs[0]!.shape[0]! });
  },
  firstRows: emitFirstRows,
  replaceRows: emitReplaceRows,
  oneHot: (block, unit) => emitKernel(block, unit, 'oneHot', [block.place(unit.inputs[0]!)], rowsWritable, { indexLimit: unit.outputs[0]!.shape[1]! }),
  argMax: (block, unit) => emitKernel(block, unit, 'argMax', [block.place(unit.inputs[0]!)], isInjective),
  iota: (block, unit) => emitKernel(block, unit, 'iota', [], isInjective),
  softmax: (block, unit) => {
    emitKernel(block, unit, 'softmax', [rowsOf(block, unit.inputs[0]!, unit.nodes[0]!.scope)], rowsWritable, { attributes: [softmaxKinds.softmax] });
  },
  logSoftmax: (block, unit) => {
    emitKernel(block, unit, 'softmax', [rowsOf(block, unit.inputs[0]!, unit.nodes[0]!.scope)], rowsWritable, { attributes: [softmaxKinds.logSoftmax] });
  },
  standardize: (block, unit) => {
    const { attributes, scope } = unit.nodes[0]!;
    const epsilon = bitsOf(attributes['epsilon'] as number, 'float32');
    emitKernel(block, unit, 'standardize', [rowsOf(block, unit.inputs[0]!, scope)], rowsOrVectorsWritable, { attributes: [epsilon] });
  },
  standardizeGradient: (block, unit) => {
    const [d, gain, y, scale] = unit.inputs as [Value, Value, Value, Value];
    const { scope } = unit.nodes[0]!;
    const factors = block.place(gain);
    const gains = factors.strides[0] === 0 ? factors : rowsOf(block, gain, scope);
    emitKernel(block, unit, 'standardizeGradient', [rowsOf(block, d, scope), gains, rowsOf(block, y, scope), block.place(scale)], rowsWritable);
  },
  softmaxCrossEntropy: (block, unit) => {
    const [logits, targets] = unit.inputs as [Value, Value];
    const reads = [rowsOf(block, logits, unit.nodes[0]!.scope), block.place(targets)];
    emitKernel(block, unit, 'crossEntropy', reads, denseWritable, { indexLimit: logits.shape[1]! });
  },
  softmaxCrossEntropyBoth: emitCrossEntropyBoth,
  softmaxCrossEntropyGradient: (block, unit) => {
    const [logits, logNormalizer, targets, upstream] = unit.inputs as [Value, Value, Value, Value];
    const { scope } = unit.nodes[0]!;
    const reads = [rowsOf(block, logits, scope), block.contiguous(block.place(logNormalizer), scope), block.place(targets), block.place(upstream)];
    emitKernel(block, unit, 'crossEntropyGradient', reads, rowsWritable, { indexLimit: logits.shape[1]! });
  },
};

function emitFirstRows(block: Block, unit: Unit): void {
  const { attributes, scope } = unit.nodes[0]!;
  const rows = attributes['rows'] as number;
  const writes = unit.outputs.map((value) => block.target(value));
  block.emit({ opcode: 'firstRows', reads: [block.place(unit.inputs[0]!)], writes: [...writes, block.fresh([rows], 'int32')], attributes: [], scope, indexLimit: rows });
  for (const value of unit.outputs) block.finish(value, writes, scope);
}

/** Rows are written into the table where it lies if that is where the result belongs, else into a copy. */
function emitReplaceRows(block: Block, unit: Unit): void {
  const [table, owners, rows] = unit.inputs as [Value, Value, Value];
  const { scope } = unit.nodes[0]!;
  const reads = [block.place(owners), block.place(rows)];
  const source = block.place(table);
  const target = block.target(unit.outputs[0]!, rowsWritable);
  block.copyInto(source, target, scope);
  block.emit({ opcode: 'replaceRows', reads, writes: [target], attributes: [], scope, indexLimit: table.shape[0]! });
  block.finish(unit.outputs[0]!, [target], scope);
}

function emitCrossEntropyBoth(block: Block, unit: Unit): void {
  const [logits, targets, upstream] = unit.inputs as [Value, Value, Value];
  const { scope } = unit.nodes[0]!;
  const reads = [rowsOf(block, logits, scope), block.place(targets), block.place(upstream)];
  const writable: Writable = (place) => (place.dimensions.length === 1 ? denseWritable(place) : rowsWritable(place));
  emitKernel(block, unit, 'crossEntropyBoth', reads, writable, { indexLimit: logits.shape[1]! });
}

/**
 * Writes the instruction of a node that is neither elementwise nor a scan.
 * @throws ERR_BPTT_GRAPH for an operation that has no kernel.
 */
export function emitNode(block: Block, unit: Unit): void {
  const { operation } = unit.nodes[0]!;
  const emitter = emitters[operation];
  if (!emitter) throw new BpttError('ERR_BPTT_GRAPH', `operation "${operation}" has no kernel`, { received: operation });
  emitter(block, unit);
}
