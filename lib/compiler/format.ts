/**
 * The numbers of the program format, version 2. docs/program-format.md says what they mean, native/engine/format.h holds the same; a test compares
 * the two.
 */
export const magic = 0x54545042;
export const version = 2;

export const headerWord = {
  magic: 0, version: 1, totalWords: 2, storages: 3, arenaLow: 4, arenaHigh: 5, operandOffset: 6, operandCount: 7, mapOffset: 8, mapWords: 9,
  codeOffset: 10, codeWords: 11, constantOffset: 12, constantWords: 13, storageOffset: 14, storageCount: 15, prologue: 16,
} as const;
export const headerWords = 24;

export const storageWords = 3;
export const access = { read: 1, write: 2, both: 3 } as const;

export const operandWord = {
  space: 0, offsetLow: 1, offsetHigh: 2, type: 3, rank: 4, dimensions: 5, strides: 11, stepStrideLow: 17, stepStrideHigh: 18, stepShift: 19, stepSlots: 20,
} as const;
export const operandWords = 24;
export const maximumRank = 6;

export const space = { arena: 0, constants: 1, firstStorage: 2 } as const;
export const elementTypes = { float32: 0, int32: 1, bool: 2 } as const;

export const opcode = {
  map: 1, pack: 2, gemm: 3, reduce: 4, gather: 5, scatterAdd: 6, softmax: 7, crossEntropy: 8, crossEntropyGradient: 9, random: 10, oneHot: 11, argMax: 12,
  scan: 13, iota: 14, packStep: 15, sumPacked: 16, crossEntropyBoth: 17, firstRows: 18, replaceRows: 19,
  standardize: 20, standardizeGradient: 21,
} as const;
export type OpcodeName = keyof typeof opcode;

/** Words before an instruction's operands: opcode, words of the instruction, number of operands. */
export const instructionHeader = 3;

/** Packed operands are sized in whole groups of this many columns. */
export const packedColumns = 64;

export const reduceKinds = { sum: 0, max: 1, min: 2, squares: 3 } as const;
export const softmaxKinds = { softmax: 0, logSoftmax: 1 } as const;
export const distributions = { uniform: 0, normal: 1 } as const;
export const scanModes = { general: 0, rows: 1 } as const;
export const initialModes = { zero: 0, operand: 1 } as const;

/** The map table: words before an entry's constants, words of an instruction, limits of an entry and where its sources and destinations begin. */
export const mapHeader = 3;
export const mapInstructionWords = 5;
export const mapLimits = { inputs: 24, outputs: 16, registers: 32, constants: 32, instructions: 256 } as const;
export const mapInputBase = 64;
export const mapOutputBase = 64;
export const mapConstantBase = 128;
/** Sources from here on are outputs that an earlier instruction of the entry has written. */
export const mapWrittenBase = 192;

export const mapOperation = {
  copy: 0, add: 1, subtract: 2, multiply: 3, divide: 4, maximum: 5, minimum: 6, power: 7, fusedMultiplyAdd: 8, negate: 9, exp: 10, log: 11, sqrt: 12,
  absolute: 13, sign: 14, floor: 15, sine: 16, cosine: 17, tanh: 18, sigmoid: 19, relu: 20, softplus: 21, sigmoidGradient: 22, tanhGradient: 23, less: 24,
  lessEqual: 25, equal: 26, select: 27, and: 28, or: 29, not: 30, isFinite: 31, castIntToFloat: 32, castFloatToInt: 33, addInt: 34, subtractInt: 35,
  multiplyInt: 36, maximumInt: 37, minimumInt: 38, lessInt: 39, lessEqualInt: 40, equalInt: 41, castIntToBool: 42, castFloatToBool: 43, reluGradient: 44,
  tanhGradientAdd: 45, fusedMultiplySubtract: 46, negatedMultiplyAdd: 47, expMinusOne: 48, logOnePlus: 49, reciprocal: 50,
} as const;
export type MapOperationName = keyof typeof mapOperation;

/** Words that a packed right operand [depth, columns] takes. */
export function packedSize(depth: number, columns: number): number {
  return depth * Math.ceil(columns / packedColumns) * packedColumns;
}
