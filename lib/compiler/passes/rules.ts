import { constant, elementCount, fillOf, operationNamed } from '../../graph/index.ts';
import type { Attributes, Node, Shape, Tensor, Value } from '../../graph/index.ts';
import { isElementwise } from '../plan/elementwise.ts';
import { simplifyConcat, simplifyPad, sumOfPieces } from './pieces.ts';
import { simplifyView } from './view-rules.ts';

/** An application that is to be simplified: a node that may not exist yet. */
export interface Application {
  readonly operation: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly scope: string;
}

/** Makes simplified nodes. */
export interface Maker {
  /** No gradient will be taken any more. */
  readonly final: boolean;
  make(operation: string, inputs: readonly Value[], attributes: Attributes, scope: string): Value;
}

/** Constants larger than this are left to the engine. */
const largestFold = 4096;
const notFolded = new Set(['constant', 'argument', 'input', 'variable', 'scan', 'random', 'iota', 'gather', 'scatterAdd', 'oneHot', 'softmaxCrossEntropy', 'broadcast']);

function tensorOf(value: Value, single: boolean): Tensor {
  const { data } = value.node.attributes as unknown as { data: Float64Array | Int32Array };
  if (single) return { shape: [], type: value.type, data };
  return operationNamed('constant').reference(value.node, [], { evaluate: () => [] })[0]!;
}

/** The value of a node whose inputs are all known. */
export function foldConstants(node: Node): Value | undefined {
  if (node.inputs.length === 0 || node.outputs.length !== 1 || notFolded.has(node.operation)) return undefined;
  if (node.inputs.some((value) => value.node.operation !== 'constant')) return undefined;
  const result = node.outputs[0]!;
  const single = isElementwise(node.operation) && node.inputs.every((value) => fillOf(value) !== undefined);
  if (!single && [result, ...node.inputs].some((value) => elementCount(value.shape) > largestFold)) return undefined;
  const tensors = node.inputs.map((value) => tensorOf(value, single));
  const { data } = operationNamed(node.operation).reference(node, tensors, { evaluate: () => [] })[0]!;
  return single ? constant(data[0]!, result.shape, result.type) : constant(data, result.shape, result.type);
}

type Rule = (application: Application, maker: Maker) => Value | undefined;

const isFill = (value: Value | undefined, number: number): boolean => value !== undefined && fillOf(value) === number;
const inputOf = (value: Value): Value => value.node.inputs[0]!;
const isA = (value: Value | undefined, operation: string): value is Value => value?.node.operation === operation;

const rules: Readonly<Record<string, Rule>> = {
  add(application, maker) {
    const [a, b] = application.inputs as [Value, Value];
    if (isFill(a, 0)) return b;
    if (isFill(b, 0)) return a;
    if (isA(b, 'negate')) return maker.make('subtract', [a, inputOf(b)], {}, application.scope);
    if (isA(a, 'negate')) return maker.make('subtract', [b, inputOf(a)], {}, application.scope);
    return sumOfPieces(application, maker);
  },
  subtract({ inputs, scope }, maker) {
    const [a, b] = inputs as [Value, Value];
    if (isFill(b, 0)) return a;
    return isA(b, 'negate') ? maker.make('add', [a, inputOf(b)], {}, scope) : undefined;
  },
  multiply({ inputs, scope }, maker) {
    const [a, b] = inputs as [Value, Value];
    if (isFill(a, 1)) return b;
    if (isFill(b, 1)) return a;
    if (a.type !== 'float32') return undefined;
    if (isFill(a, -1)) return maker.make('negate', [b], {}, scope);
    return isFill(b, -1) ? maker.make('negate', [a], {}, scope) : undefined;
  },
  divide({ inputs, scope }, maker) {
    const [a, b] = inputs as [Value, Value];
    if (isFill(b, 1)) return a;
    const divisor = fillOf(b);
    const exact = divisor !== undefined && divisor !== 0 && Number.isInteger(Math.log2(Math.abs(divisor)));
    return exact ? maker.make('multiply', [a, constant(1 / divisor, b.shape)], {}, scope) : undefined;
  },
  negate: ({ inputs }) => (isA(inputs[0], 'negate') ? inputOf(inputs[0]) : undefined),
  not: ({ inputs }) => (isA(inputs[0], 'not') ? inputOf(inputs[0]) : undefined),
  select({ inputs, scope }, maker) {
    const [condition, a, b] = inputs as [Value, Value, Value];
    const known = fillOf(condition);
    if (known !== undefined) return known ? a : b;
    if (a === b) return a;
    return isA(condition, 'not') ? maker.make('select', [inputOf(condition), b, a], {}, scope) : undefined;
  },
  stopGradient: ({ inputs }, maker) => (maker.final ? inputs[0] : undefined),
  reshape: simplifyView, transpose: simplifyView, broadcast: simplifyView, slice: simplifyView, reverse: simplifyView,
  concat: simplifyConcat,
  pad: simplifyPad,
  matmul: simplifyProduct,
  reduceSum: simplifySum,
};

/** A transpose that exchanges the last two axes and leaves the others. */
function isSwap(value: Value): boolean {
  if (!isA(value, 'transpose')) return false;
  const permutation = value.node.attributes['permutation'] as readonly number[];
  const rank = permutation.length;
  return permutation.every((axis, i) => axis === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
}

function simplifyProduct({ inputs, attributes, scope }: Application, maker: Maker): Value | undefined {
  const [a, b] = inputs as [Value, Value];
  const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
  if (isSwap(a)) return maker.make('matmul', [inputOf(a), b], { transposeA: !transposeA, transposeB }, scope);
  if (isSwap(b)) return maker.make('matmul', [a, inputOf(b)], { transposeA, transposeB: !transposeB }, scope);
  return undefined;
}

function withoutAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

function simplifySum({ inputs, attributes, scope }: Application, maker: Maker): Value | undefined {
  const x = inputs[0]!;
  const axes = attributes['axes'] as readonly number[];
  if (axes.every((axis) => x.shape[axis] === 1)) return maker.make('reshape', [x], { shape: withoutAxes(x.shape, axes) }, scope);
  if (!isA(x, 'reduceSum')) return undefined;
  const inner = x.node.attributes['axes'] as readonly number[];
  const kept = inputOf(x).shape.map((_, axis) => axis).filter((axis) => !inner.includes(axis));
  const all = [...inner, ...axes.map((axis) => kept[axis]!)].sort((left, right) => left - right);
  return maker.make('reduceSum', [inputOf(x)], { axes: all }, scope);
}

/** What an application is equal to, where that is simpler; undefined leaves it as it is. */
export function simplificationOf(application: Application, maker: Maker): Value | undefined {
  return rules[application.operation]?.(application, maker);
}
