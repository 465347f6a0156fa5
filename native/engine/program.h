// A decoded program: the same content as its words, in structures that the engine can trust.
//
// Only decode() makes one, and only when every word has been checked: ids are in range, shapes agree, and every operand stays inside its
// space for every index and every step. A Program is immutable, names no pointer and may be shared by any number of executables and threads.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "engine/format.h"
#include "isa/table.h"

namespace bptt {

struct StorageNeed {
  int64_t elements;  // at least
  bool read;
  bool written;  // by some instruction; the right to write alone does not count
};

struct Operand {
  uint32_t space;
  int64_t offset;
  format::ElementType type;
  int32_t rank;
  int64_t dimensions[format::maximumRank];
  int64_t strides[format::maximumRank];
  int64_t stepStride;
  int32_t stepShift;
  uint32_t stepSlots;

  int64_t elements() const;
  // Where the operand lies at step t, counted in elements from its place at slot 0.
  int64_t stepOffset(int64_t step) const;
};

// One entry of the map table.
struct MapProgram {
  uint32_t word;  // its number in instructions: the word offset in the table
  int32_t registerCount;
  int32_t inputsNeeded, outputsWritten;  // one more than the highest input read; outputs are written without gaps
  double cyclesPerVector;                // estimate, for scheduling only
  std::vector<uint32_t> constants;
  std::vector<MapInstruction> code;
};

struct Instruction {
  format::Opcode opcode;
  uint32_t number;  // of the top-level instruction that it is, or is part of
  std::vector<uint32_t> operands;
  std::vector<uint32_t> attributes;
  uint32_t map = 0;  // index into Program::maps
  std::vector<Instruction> body;  // of a scan
};

struct Program {
  std::vector<StorageNeed> storages;
  int64_t arenaElements = 0;
  std::vector<Operand> operands;
  std::vector<MapProgram> maps;
  std::vector<Instruction> instructions;
  std::vector<uint32_t> constants;
  uint32_t prologue = 0;
};

const char* opcodeName(format::Opcode opcode);

}  // namespace bptt
