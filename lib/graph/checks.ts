import { BpttError, describe, formatShape } from '../errors.ts';
import type { ElementType, Shape, Value } from './value.ts';

/** "float32 [50, 32]": how messages print what came. */
export function formatValue(value: { readonly type: ElementType; readonly shape: Shape }): string {
  return `${value.type} ${formatShape(value.shape)}`;
}

export function isValue(candidate: unknown): candidate is Value {
  return typeof candidate === 'object' && candidate !== null && 'node' in candidate && 'shape' in candidate && 'type' in candidate;
}

/** @throws ERR_BPTT_TYPE when `candidate` is not a value of a graph. */
export function requireValue(owner: string, what: string, candidate: unknown): asserts candidate is Value {
  if (isValue(candidate)) return;
  throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected ${what} to be a value of a graph, received ${describe(candidate)}; wrap numbers with constant()`,
    { expected: 'Value', received: candidate });
}

/** @throws ERR_BPTT_TYPE when the value's element type is not among `types`. */
export function requireType(owner: string, what: string, value: Value, types: readonly ElementType[]): void {
  if (types.includes(value.type)) return;
  throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected ${what} of type ${types.join(' or ')}, received ${formatValue(value)}; convert it with cast()`,
    { expected: types, received: value.type });
}

/** @throws ERR_BPTT_SHAPE when the value's rank is not `rank`. */
export function requireRank(owner: string, what: string, value: Value, rank: number): void {
  if (value.shape.length === rank) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected ${what} of rank ${rank}, received ${formatValue(value)}; reshape it first`,
    { expected: rank, received: value.shape });
}

/** @throws ERR_BPTT_SHAPE saying which shape was expected, which came, and what to do about it. */
export function shapeError(owner: string, expected: string, received: Shape, cure = ''): BpttError {
  return new BpttError('ERR_BPTT_SHAPE', `${owner}: expected ${expected}, received ${formatShape(received)}${cure && `; ${cure}`}`, { expected, received });
}

/** Every size a whole number of at least 1. @throws ERR_BPTT_SHAPE */
export function requireShape(owner: string, shape: Shape): void {
  if (Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 1)) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected a shape of whole numbers of at least 1, received ${Array.isArray(shape) ? formatShape(shape) : describe(shape)}`,
    { expected: 'sizes of at least 1', received: shape });
}

/** Negative axes count from the end. @throws ERR_BPTT_RANGE for an axis outside of the rank. */
export function resolveAxis(owner: string, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && resolved >= 0 && resolved < rank) return resolved;
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected an axis from ${-rank} to ${rank - 1} of a value of rank ${rank}, received ${describe(axis)}`,
    { expected: [-rank, rank - 1], received: axis });
}

/** Ascending axes, each once. @throws ERR_BPTT_RANGE for an axis outside of the rank or given twice. */
export function resolveAxes(owner: string, axes: readonly number[], rank: number): number[] {
  const resolved = axes.map((axis) => resolveAxis(owner, axis, rank)).sort((a, b) => a - b);
  if (new Set(resolved).size === resolved.length) return resolved;
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected each axis once, received ${formatShape(axes)}`, { expected: 'distinct axes', received: axes });
}
