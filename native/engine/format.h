// The numbers of the program format, version 2: docs/program-format.md says what they mean, lib/compiler/format.ts holds the same.
#pragma once
#include <cstdint>

namespace bptt::format {

constexpr uint32_t magic = 0x54545042;
constexpr uint32_t version = 2;

enum HeaderWord : uint32_t {
  headerMagic = 0,
  headerVersion = 1,
  headerTotalWords = 2,
  headerStorages = 3,
  headerArenaLow = 4,
  headerArenaHigh = 5,
  headerOperandOffset = 6,
  headerOperandCount = 7,
  headerMapOffset = 8,
  headerMapWords = 9,
  headerCodeOffset = 10,
  headerCodeWords = 11,
  headerConstantOffset = 12,
  headerConstantWords = 13,
  headerStorageOffset = 14,
  headerStorageCount = 15,
  headerPrologue = 16,
  headerFirstZero = 17,
  headerWords = 24,
};

enum StorageWord : uint32_t { storageSizeLow = 0, storageSizeHigh = 1, storageAccess = 2, storageWords = 3 };
enum Access : uint32_t { accessRead = 1, accessWrite = 2, accessBoth = 3 };

enum OperandWord : uint32_t {
  operandSpace = 0,
  operandOffsetLow = 1,
  operandOffsetHigh = 2,
  operandType = 3,
  operandRank = 4,
  operandDimensions = 5,
  operandStrides = 11,
  operandStepStrideLow = 17,
  operandStepStrideHigh = 18,
  operandStepShift = 19,
  operandStepSlots = 20,
  operandFirstZero = 21,
  operandWords = 24,
};

constexpr uint32_t maximumRank = 6;

enum Space : uint32_t { spaceArena = 0, spaceConstants = 1, spaceFirstStorage = 2 };
enum class ElementType : uint32_t { float32 = 0, int32 = 1, boolean = 2 };

enum class Opcode : uint32_t {
  map = 1,
  pack = 2,
  gemm = 3,
  reduce = 4,
  gather = 5,
  scatterAdd = 6,
  softmax = 7,
  crossEntropy = 8,
  crossEntropyGradient = 9,
  random = 10,
  oneHot = 11,
  argMax = 12,
  scan = 13,
  iota = 14,
  packStep = 15,
  sumPacked = 16,
  crossEntropyBoth = 17,
  firstRows = 18,
  replaceRows = 19,
  standardize = 20,
  standardizeGradient = 21,
};

enum InstructionWord : uint32_t { instructionOpcode = 0, instructionWords = 1, instructionOperands = 2, instructionHeader = 3 };

constexpr int64_t packedColumns = 64;  // packed operands are sized in whole groups of this many columns

enum MapWord : uint32_t { mapInstructions = 0, mapConstants = 1, mapRegisters = 2, mapHeader = 3, mapInstructionWords = 5 };
enum MapLimit : uint32_t {
  maximumInputs = 24,
  maximumOutputs = 16,
  maximumRegisters = 32,
  maximumConstants = 32,
  maximumMapInstructions = 256,
  mapInputBase = 64,  // of sources; of destinations the same number is the first output
  mapConstantBase = 128,
  mapWrittenBase = 192,  // sources from here on are outputs that an earlier instruction of the entry has written
};
constexpr uint32_t mapOperations = 51;

}  // namespace bptt::format
