import { constant, elementCount, fillOf, sameShape } from '../../graph/index.ts';
import type { Shape, Value } from '../../graph/index.ts';
import type { Application, Maker } from './rules.ts';

const inputOf = (value: Value): Value => value.node.inputs[0]!;
const isA = (value: Value, operation: string): boolean => value.node.operation === operation;

function shapeAfter({ operation, attributes, inputs }: Application): Shape {
  const x = inputs[0]!;
  switch (operation) {
    case 'transpose': return (attributes['permutation'] as readonly number[]).map((axis) => x.shape[axis]!);
    case 'slice': return attributes['size'] as Shape;
    case 'reverse': return x.shape;
    default: return attributes['shape'] as Shape;
  }
}

/** A shape without its leading sizes of 1. */
function withoutLeadingOnes(shape: Shape): Shape {
  let begin = 0;
  while (begin < shape.length && shape[begin] === 1) begin++;
  return shape.slice(begin);
}

function simplifyReshape(x: Value, shape: Shape, scope: string, maker: Maker): Value | undefined {
  if (isA(x, 'reshape')) return maker.make('reshape', [inputOf(x)], { shape }, scope);
  const last = x.shape.length - 1;
  // Columns of a matrix whose rows are shaped anew: the reshape goes first, so that columns cut from one value stay recognisable.
  if (isA(x, 'slice') && last >= 1 && shape.length >= 2 && shape[shape.length - 1] === x.shape[last]) {
    const { begin, size } = x.node.attributes as unknown as { begin: readonly number[]; size: Shape };
    const source = inputOf(x);
    if (size.every((count, axis) => axis === last || count === source.shape[axis])) {
      const whole = maker.make('reshape', [source], { shape: [...shape.slice(0, -1), source.shape[last]!] }, scope);
      return maker.make('slice', [whole], { begin: shape.map((_, axis) => (axis === shape.length - 1 ? begin[last]! : 0)), size: shape }, scope);
    }
  }
  return undefined;
}

function simplifyTranspose(x: Value, permutation: readonly number[], scope: string, maker: Maker): Value | undefined {
  if (permutation.every((axis, i) => axis === i)) return x;
  if (!isA(x, 'transpose')) return undefined;
  const inner = x.node.attributes['permutation'] as readonly number[];
  return maker.make('transpose', [inputOf(x)], { permutation: permutation.map((axis) => inner[axis]!) }, scope);
}

function simplifyBroadcast(x: Value, shape: Shape, scope: string, maker: Maker): Value | undefined {
  if (isA(x, 'broadcast')) return maker.make('broadcast', [inputOf(x)], { shape }, scope);
  if (isA(x, 'reshape') && sameShape(withoutLeadingOnes(x.shape), withoutLeadingOnes(inputOf(x).shape))) {
    if (inputOf(x).shape.length <= shape.length) return maker.make('broadcast', [inputOf(x)], { shape }, scope);
  }
  return undefined;
}

function sliceOfConcat(x: Value, begin: readonly number[], size: Shape, scope: string, maker: Maker): Value | undefined {
  const axis = x.node.attributes['axis'] as number;
  const [from, to] = [begin[axis]!, begin[axis]! + size[axis]!];
  let start = 0;
  const parts: Value[] = [];
  for (const part of x.node.inputs) {
    const end = start + part.shape[axis]!;
    const [low, high] = [Math.max(from, start), Math.min(to, end)];
    if (low < high) {
      const partBegin = begin.map((own, i) => (i === axis ? low - start : own));
      parts.push(maker.make('slice', [part], { begin: partBegin, size: size.map((own, i) => (i === axis ? high - low : own)) }, scope));
    }
    start = end;
  }
  return parts.length === 1 ? parts[0]! : maker.make('concat', parts, { axis }, scope);
}

function sliceOfPad(x: Value, begin: readonly number[], size: Shape, scope: string, maker: Maker): Value | undefined {
  const { before, value } = x.node.attributes as unknown as { before: readonly number[]; value: number };
  const source = inputOf(x);
  const inner = begin.map((start, axis) => start - before[axis]!);
  if (inner.every((start, axis) => start >= 0 && start + size[axis]! <= source.shape[axis]!)) return maker.make('slice', [source], { begin: inner, size }, scope);
  const outside = inner.some((start, axis) => start + size[axis]! <= 0 || start >= source.shape[axis]!);
  return outside ? constant(value, size, x.type) : undefined;
}

function sliceOfBroadcast(x: Value, begin: readonly number[], size: Shape, scope: string, maker: Maker): Value {
  const source = inputOf(x);
  const lead = x.shape.length - source.shape.length;
  const partBegin = source.shape.map((own, i) => (own === 1 ? 0 : begin[i + lead]!));
  const part = maker.make('slice', [source], { begin: partBegin, size: source.shape.map((own, i) => (own === 1 ? 1 : size[i + lead]!)) }, scope);
  return maker.make('broadcast', [part], { shape: size }, scope);
}

function simplifySlice(x: Value, begin: readonly number[], size: Shape, scope: string, maker: Maker): Value | undefined {
  if (sameShape(size, x.shape)) return x;
  if (isA(x, 'slice')) {
    const inner = x.node.attributes['begin'] as readonly number[];
    return maker.make('slice', [inputOf(x)], { begin: begin.map((start, axis) => start + inner[axis]!), size }, scope);
  }
  if (isA(x, 'concat')) return sliceOfConcat(x, begin, size, scope, maker);
  if (isA(x, 'pad')) return sliceOfPad(x, begin, size, scope, maker);
  return isA(x, 'broadcast') ? sliceOfBroadcast(x, begin, size, scope, maker) : undefined;
}

function simplifyReverse(x: Value, axes: readonly number[], scope: string, maker: Maker): Value | undefined {
  const effective = axes.filter((axis) => x.shape[axis] !== 1);
  if (effective.length === 0) return x;
  if (!isA(x, 'reverse')) return undefined;
  const inner = x.node.attributes['axes'] as readonly number[];
  const once = [...effective.filter((axis) => !inner.includes(axis)), ...inner.filter((axis) => !effective.includes(axis))].sort((a, b) => a - b);
  return once.length === 0 ? inputOf(x) : maker.make('reverse', [inputOf(x)], { axes: once }, scope);
}

/** Views of views as one view, views of constants as constants, views that change nothing as nothing. */
export function simplifyView(application: Application, maker: Maker): Value | undefined {
  const { operation, attributes, scope } = application;
  const x = application.inputs[0]!;
  const shape = shapeAfter(application);
  const number = fillOf(x);
  if (number !== undefined && elementCount(shape) > 0) return constant(number, shape, x.type);
  if (operation !== 'transpose' && operation !== 'reverse' && operation !== 'slice' && sameShape(shape, x.shape)) return x;
  switch (operation) {
    case 'reshape': return simplifyReshape(x, shape, scope, maker);
    case 'transpose': return simplifyTranspose(x, attributes['permutation'] as readonly number[], scope, maker);
    case 'broadcast': return simplifyBroadcast(x, shape, scope, maker);
    case 'slice': return simplifySlice(x, attributes['begin'] as readonly number[], shape, scope, maker);
    default: return simplifyReverse(x, attributes['axes'] as readonly number[], scope, maker);
  }
}
