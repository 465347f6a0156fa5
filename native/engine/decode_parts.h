// The pieces of decode(), each a file with one job. They return what is wrong, or an empty text.
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/decode.h"
#include "engine/program.h"

namespace bptt {

using Fault = std::string;

inline void appendText(std::string& text, const char* part) { text += part; }
inline void appendText(std::string& text, const std::string& part) { text += part; }
template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
void appendText(std::string& text, Number part) {
  text += std::to_string(part);
}

// "operand 3 has rank 7": the parts one after another.
template <typename... Parts>
std::string textOf(const Parts&... parts) {
  std::string text;
  (appendText(text, parts), ...);
  return text;
}

// The map table: entries lie one after another from its first word to its last.
Fault decodeMaps(const uint32_t* table, size_t count, std::vector<MapProgram>& maps);

// The code section, into program.instructions. The operand and map tables are decoded already.
Fault decodeCode(const uint32_t* code, size_t count, const DecodeLimits& limits, Program& program);

// Where an instruction stands.
struct Surroundings {
  bool insideScan;
  int64_t steps;  // 1 outside
  bool rowwise;   // the scan is of mode 1
  int64_t rows;   // its rows
};

// One instruction other than scan: its operands' ranks, dimensions, types and strides, and that they stay in their spaces for every step.
Fault checkInstruction(const Program& program, const Instruction& instruction, const Surroundings& around);

// The body of a mode 1 scan: what is shared by all rows must not be written in it.
Fault checkRowwiseBody(const Program& program, const Instruction& scan);

// What an instruction does with its operands; the answers for an instruction whose operand count is right.
bool isOutput(const Instruction& instruction, size_t index);
// Whether a product's right operand is an ordinary matrix.
bool hasUnpackedRight(const Program& program, const Instruction& instruction);
bool isSharedByRows(const Instruction& instruction, const Program& program, size_t index);

// Lowest and highest element of the space that an operand touches over all its indices and the steps 0 … steps − 1, both relative to
// the space. False when the numbers do not fit 64 bits.
struct Extent {
  int64_t lowest, highest;
};
bool extentOf(const Operand& operand, int64_t steps, Extent& extent);

}  // namespace bptt
