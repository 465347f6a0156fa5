export type { Attributes, ElementType, Graph, Node, Shape, Value, Variable } from './value.ts';
export { elementCount, sameShape } from './value.ts';
export type { Operation, ReferenceContext, Tensor, ValueType } from './operation.ts';
export { apply, applyOne, defineOperation, operationNamed, operationNames, withScope } from './operation.ts';
export type { Operand } from './operations/broadcasting.ts';
export { broadcast, broadcastShapes } from './operations/broadcasting.ts';
export type { ConstantAttributes } from './operations/leaves.ts';
export { argument, constant, fillOf, input, iota, variable, zeros } from './operations/leaves.ts';
export {
  add, clip, divide, maximum, minimum, multiply, power, reluGradient, sigmoidGradient, square, subtract, tanhGradient,
} from './operations/arithmetic.ts';
export {
  absolute, complement, cosine, exp, expMinusOne, floor, log, logOnePlus, negate, reciprocal, relu, sigmoid, sign, sine, softplus, sqrt, tanh,
} from './operations/functions.ts';
export { and, cast, equal, greater, greaterEqual, isFinite, less, lessEqual, not, notEqual, or, select } from './operations/logic.ts';
export { at, expand, reshape, reverse, slice, sliceAxis, stopGradient, transpose } from './operations/views.ts';
export { concat, pad, split, stack } from './operations/copies.ts';
export type { MatmulOptions } from './operations/matmul.ts';
export { matmul } from './operations/matmul.ts';
export { argMax, max, mean, min, sum } from './operations/reductions.ts';
export { gather, oneHot, scatterAdd } from './operations/gather.ts';
export type { FirstRows } from './operations/rows.ts';
export { firstRows, replaceRows } from './operations/rows.ts';
export { logSoftmax, softmax } from './operations/softmax.ts';
export { standardize } from './operations/standardize.ts';
export { softmaxCrossEntropy } from './operations/cross-entropy.ts';
export type { RandomOptions } from './operations/random.ts';
export { random } from './operations/random.ts';
export type { ScanAttributes, ScanBody } from './operations/scan.ts';
export { scanAttributes, scanInputs } from './operations/scan.ts';
export type { OpenScan, ScanOptions, ScanResult } from './scan.ts';
export { closeScan, maskSteps, scan, zerosLike } from './scan.ts';
export type { GradientResult } from './gradient.ts';
export { gradient } from './gradient.ts';
export { createSubstitution, dependentNodes, dependsOn, rebuild, substitute, topologicalOrder, visitNodes } from './traverse.ts';
