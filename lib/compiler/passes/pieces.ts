import { constant, fillOf, sameShape } from '../../graph/index.ts';
import type { Shape, Value } from '../../graph/index.ts';
import type { Application, Maker } from './rules.ts';

/** Part of an axis with what stands there. */
interface Piece {
  readonly begin: number;
  readonly size: number;
  readonly value: Value;
}

/** A value that is 0 along one axis except where its pieces stand. */
interface Pieces {
  readonly axis: number;
  readonly list: readonly Piece[];
}

/** A run of neighbouring indices of one axis of a value, all of the other axes. */
export interface Run {
  readonly source: Value;
  readonly axis: number;
  readonly begin: number;
  readonly size: number;
}

/** What a slice along a single axis takes, or undefined for any other value. */
export function runOf(value: Value): Run | undefined {
  if (value.node.operation !== 'slice') return undefined;
  const source = value.node.inputs[0]!;
  const cut = source.shape.map((_, axis) => axis).filter((axis) => value.shape[axis] !== source.shape[axis]);
  const axis = cut[0];
  if (cut.length !== 1 || axis === undefined) return undefined;
  return { source, axis, begin: (value.node.attributes['begin'] as readonly number[])[axis]!, size: value.shape[axis]! };
}

function piecesOf(value: Value): Pieces | undefined {
  const { operation, attributes, inputs } = value.node;
  if (operation === 'pad' && attributes['value'] === 0) {
    const { before, after } = attributes as unknown as { before: readonly number[]; after: readonly number[] };
    const axes = before.map((_, axis) => axis).filter((axis) => before[axis]! + after[axis]! > 0);
    const axis = axes[0];
    if (axes.length !== 1 || axis === undefined) return undefined;
    return { axis, list: [{ begin: before[axis]!, size: inputs[0]!.shape[axis]!, value: inputs[0]! }] };
  }
  if (operation !== 'concat' || !inputs.some((part) => fillOf(part) === 0)) return undefined;
  const axis = attributes['axis'] as number;
  let begin = 0;
  const list: Piece[] = [];
  for (const part of inputs) {
    if (fillOf(part) !== 0) list.push({ begin, size: part.shape[axis]!, value: part });
    begin += part.shape[axis]!;
  }
  return { axis, list };
}

/** Pieces side by side, zeros between them. */
function assemble(pieces: Pieces, shape: Shape, type: Value['type'], scope: string, maker: Maker): Value {
  const { axis, list } = pieces;
  const zeros = (size: number): Value => constant(0, shape.map((own, i) => (i === axis ? size : own)), type);
  const parts: Value[] = [];
  let end = 0;
  for (const piece of list) {
    if (piece.begin > end) parts.push(zeros(piece.begin - end));
    parts.push(piece.value);
    end = piece.begin + piece.size;
  }
  if (end < shape[axis]!) parts.push(zeros(shape[axis]! - end));
  return parts.length === 1 ? parts[0]! : maker.make('concat', parts, { axis }, scope);
}

/** The sum of two values that are 0 almost everywhere along one axis: their pieces side by side. */
export function sumOfPieces({ inputs, scope }: Application, maker: Maker): Value | undefined {
  const [a, b] = inputs as [Value, Value];
  const [left, right] = [piecesOf(a), piecesOf(b)];
  if (!left || !right || left.axis !== right.axis) return undefined;
  const list = [...left.list];
  for (const piece of right.list) {
    const same = list.findIndex((other) => other.begin === piece.begin && other.size === piece.size);
    if (same >= 0) list[same] = { ...piece, value: maker.make('add', [list[same]!.value, piece.value], {}, scope) };
    else if (list.some((other) => other.begin < piece.begin + piece.size && piece.begin < other.begin + other.size)) return undefined;
    else list.push(piece);
  }
  list.sort((x, y) => x.begin - y.begin);
  return assemble({ axis: left.axis, list }, a.shape, a.type, scope, maker);
}

/** Neighbours that continue each other become one: parts of one value, nested concatenations, equal constants. */
function joined(parts: readonly Value[], axis: number, scope: string, maker: Maker): Value[] {
  const list: Value[] = [];
  for (const part of parts) {
    const last = list[list.length - 1];
    const merged = last && joinTwo(last, part, axis, scope, maker);
    if (merged) list[list.length - 1] = merged;
    else list.push(part);
  }
  return list;
}

function joinTwo(a: Value, b: Value, axis: number, scope: string, maker: Maker): Value | undefined {
  const shape = a.shape.map((own, i) => (i === axis ? own + b.shape[i]! : own));
  const number = fillOf(a);
  if (number !== undefined && number === fillOf(b)) return constant(number, shape, a.type);
  if (a.node.operation !== 'slice' || b.node.operation !== 'slice' || a.node.inputs[0] !== b.node.inputs[0]) return undefined;
  const beginOf = (value: Value): readonly number[] => value.node.attributes['begin'] as readonly number[];
  const continues = beginOf(b).every((start, i) => start === beginOf(a)[i]! + (i === axis ? a.shape[i]! : 0));
  return continues ? maker.make('slice', [a.node.inputs[0]!], { begin: beginOf(a), size: shape }, scope) : undefined;
}

/** Repeated values side by side: the values side by side, repeated. */
function concatOfBroadcasts(parts: readonly Value[], axis: number, shape: Shape, scope: string, maker: Maker): Value | undefined {
  const first = parts[0]!;
  if (!parts.every((part) => part.node.operation === 'broadcast')) return undefined;
  const sources = parts.map((part) => part.node.inputs[0]!);
  const rank = sources[0]!.shape.length;
  const own = axis - (first.shape.length - rank);
  const fits = own >= 0 && sources.every((source, i) => source.shape.length === rank && source.shape[own] === parts[i]!.shape[axis]
    && source.shape.every((size, k) => k === own || size === sources[0]!.shape[k]));
  return fits ? maker.make('broadcast', [maker.make('concat', sources, { axis: own }, scope)], { shape }, scope) : undefined;
}

export function simplifyConcat({ inputs, attributes, scope }: Application, maker: Maker): Value | undefined {
  const axis = attributes['axis'] as number;
  const flat = inputs.flatMap((part) => (part.node.operation === 'concat' && part.node.attributes['axis'] === axis ? part.node.inputs : [part]));
  const parts = joined(flat, axis, scope, maker);
  if (parts.length === 1) return parts[0]!;
  const shape = inputs[0]!.shape.map((own, i) => (i === axis ? inputs.reduce((sum, part) => sum + part.shape[i]!, 0) : own));
  const repeated = concatOfBroadcasts(parts, axis, shape, scope, maker);
  if (repeated) return repeated;
  const same = parts.length === inputs.length && parts.every((part, i) => part === inputs[i]);
  return same ? undefined : maker.make('concat', parts, { axis }, scope);
}

export function simplifyPad({ inputs, attributes, scope }: Application, maker: Maker): Value | undefined {
  const x = inputs[0]!;
  const { before, after, value } = attributes as unknown as { before: readonly number[]; after: readonly number[]; value: number };
  const shape = x.shape.map((own, axis) => before[axis]! + own + after[axis]!);
  if (sameShape(shape, x.shape)) return x;
  if (fillOf(x) === value) return constant(value, shape, x.type);
  if (x.node.operation !== 'pad' || x.node.attributes['value'] !== value) return undefined;
  const inner = x.node.attributes as unknown as { before: readonly number[]; after: readonly number[] };
  const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((count, axis) => count + b[axis]!);
  return maker.make('pad', [x.node.inputs[0]!], { before: sum(before, inner.before), after: sum(after, inner.after), value }, scope);
}
