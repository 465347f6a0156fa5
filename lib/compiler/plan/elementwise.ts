import { BpttError } from '../../errors.ts';
import type { ElementType, Node } from '../../graph/value.ts';
import type { MapOperationName } from '../format.ts';

const floatOperations: Readonly<Record<string, MapOperationName>> = {
  add: 'add', subtract: 'subtract', multiply: 'multiply', divide: 'divide', maximum: 'maximum', minimum: 'minimum', power: 'power', negate: 'negate', exp: 'exp',
  log: 'log', sqrt: 'sqrt', absolute: 'absolute', sign: 'sign', floor: 'floor', sine: 'sine', cosine: 'cosine', tanh: 'tanh', sigmoid: 'sigmoid', relu: 'relu',
  softplus: 'softplus', expMinusOne: 'expMinusOne', logOnePlus: 'logOnePlus', reciprocal: 'reciprocal', less: 'less', lessEqual: 'lessEqual', equal: 'equal',
  select: 'select', and: 'and', or: 'or', not: 'not', isFinite: 'isFinite', sigmoidGradient: 'sigmoidGradient', tanhGradient: 'tanhGradient',
  reluGradient: 'reluGradient',
};

/** Operations whose meaning differs by type, for int32 (and bool, which is int32 0 or 1). */
const integerOperations: Readonly<Record<string, MapOperationName>> = {
  add: 'addInt', subtract: 'subtractInt', multiply: 'multiplyInt', maximum: 'maximumInt', minimum: 'minimumInt', less: 'lessInt', lessEqual: 'lessEqualInt',
  equal: 'equalInt',
};

/** By type of the input, then of the result. Every type is 4 bytes, so that a cast to the same kind is a copy. */
const casts: Readonly<Record<ElementType, Readonly<Record<ElementType, MapOperationName>>>> = {
  float32: { float32: 'copy', int32: 'castFloatToInt', bool: 'castFloatToBool' },
  int32: { float32: 'castIntToFloat', int32: 'copy', bool: 'castIntToBool' },
  bool: { float32: 'castIntToFloat', int32: 'copy', bool: 'copy' },
};

/** Whether an operation works element by element: a map computes it. */
export function isElementwise(operation: string): boolean {
  return operation === 'cast' || operation in floatOperations;
}

/**
 * The map operation that means what an elementwise node means.
 * @throws ERR_BPTT_GRAPH for a node that is not elementwise.
 */
export function mapOperationOf(node: Node): MapOperationName {
  const type = node.inputs[0]!.type;
  if (node.operation === 'cast') return casts[type][node.outputs[0]!.type];
  const name = (type === 'float32' ? undefined : integerOperations[node.operation]) ?? floatOperations[node.operation];
  if (!name) throw new BpttError('ERR_BPTT_GRAPH', `operation "${node.operation}" is not elementwise`, { received: node.operation });
  return name;
}
