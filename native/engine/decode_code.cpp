#include <algorithm>

#include "base/checked.h"
#include "engine/decode_parts.h"

namespace bptt {
namespace {

using namespace format;

struct OpcodeTraits {
  uint32_t leastOperands, mostOperands, attributes;
};

// By opcode; the attributes of a scan are followed by its body.
constexpr OpcodeTraits traits[] = {{0, 0, 0}, {1, maximumInputs + maximumOutputs, 2},
                                   {2, 2, 0}, {3, 4, 3},
                                   {2, 2, 2}, {3, 3, 0},
                                   {3, 3, 0}, {2, 2, 1},
                                   {4, 4, 0}, {5, 5, 0},
                                   {2, 2, 2}, {2, 2, 0},
                                   {2, 2, 0}, {0, 0, 5},
                                   {1, 1, 0}, {2, 2, 0},
                                   {2, 2, 1}, {6, 6, 0},
                                   {4, 4, 0}, {3, 3, 0},
                                   {3, 3, 1}, {5, 5, 0}};
constexpr uint32_t opcodes = sizeof traits / sizeof *traits;

enum ScanAttribute { scanSteps, scanReverse, scanMode, scanRows, scanBody };

class CodeDecoder {
 public:
  CodeDecoder(const DecodeLimits& limits, Program& program) : limits_(limits), program_(program) {}

  Fault run(const uint32_t* code, size_t count) {
    for (size_t position = 0; position < count;) {
      Instruction instruction;
      instruction.number = static_cast<uint32_t>(program_.instructions.size());
      const Fault fault = one(code + position, count - position, instruction, {false, 1, false, 0});
      if (!fault.empty()) return textOf("instruction ", instruction.number, ": ", fault);
      position += code[position + instructionWords];
      program_.instructions.push_back(std::move(instruction));
    }
    return {};
  }

 private:
  Fault one(const uint32_t* words, size_t available, Instruction& instruction, const Surroundings& around) {
    Fault fault = frame(words, available, instruction);
    if (!fault.empty()) return fault;
    if (instruction.opcode == Opcode::scan) {
      fault = around.insideScan ? Fault("scans do not nest") : scan(words, instruction);
    } else {
      if (instruction.opcode == Opcode::map) fault = findMap(instruction);
      if (fault.empty()) fault = checkInstruction(program_, instruction, around);
      if (fault.empty()) fault = addWork(instruction, around.steps);
    }
    return fault.empty() ? fault : textOf(opcodeName(instruction.opcode), ": ", fault);
  }

  // The words that every instruction begins with, its operand ids and its attributes.
  Fault frame(const uint32_t* words, size_t available, Instruction& instruction) const {
    if (available < instructionHeader) return "the code ends inside an instruction";
    const uint32_t opcode = words[instructionOpcode], size = words[instructionWords], operands = words[instructionOperands];
    if (opcode == 0 || opcode >= opcodes) return textOf("opcode ", opcode, " is unknown");
    instruction.opcode = static_cast<Opcode>(opcode);
    const OpcodeTraits& expected = traits[opcode];
    if (size > available) return textOf(opcodeName(instruction.opcode), " of ", size, " words where ", available, " are left");
    if (operands < expected.leastOperands || operands > expected.mostOperands) {
      return textOf(opcodeName(instruction.opcode), " with ", operands, " operands");
    }
    const uint32_t least = instructionHeader + operands + expected.attributes;
    if (instruction.opcode == Opcode::scan ? size < least : size != least) {
      return textOf(opcodeName(instruction.opcode), " of ", size, " words, expected ", least);
    }
    const uint32_t* ids = words + instructionHeader;
    instruction.operands.assign(ids, ids + operands);
    instruction.attributes.assign(ids + operands, ids + operands + expected.attributes);
    for (const uint32_t id : instruction.operands) {
      if (id >= program_.operands.size()) return textOf("operand id ", id, " of ", program_.operands.size());
    }
    return {};
  }

  Fault findMap(Instruction& instruction) const {
    const auto found = std::lower_bound(program_.maps.begin(), program_.maps.end(), instruction.attributes[0],
                                        [](const MapProgram& map, uint32_t word) { return map.word < word; });
    if (found == program_.maps.end() || found->word != instruction.attributes[0]) {
      return textOf("no map entry begins at word ", instruction.attributes[0]);
    }
    instruction.map = static_cast<uint32_t>(found - program_.maps.begin());
    return {};
  }

  Fault scan(const uint32_t* words, Instruction& instruction) {
    const std::vector<uint32_t>& attributes = instruction.attributes;
    const int64_t steps = attributes[scanSteps];
    if (steps < 1 || steps > limits_.steps) return textOf(steps, " steps, expected 1 to ", limits_.steps);
    if (attributes[scanReverse] > 1) return textOf("reverse is ", attributes[scanReverse]);
    if (attributes[scanMode] > 1) return textOf("mode is ", attributes[scanMode]);
    if (attributes[scanRows] > INT32_MAX) return textOf(attributes[scanRows], " rows");
    const Surroundings inside{true, steps, attributes[scanMode] == 1, attributes[scanRows]};
    const uint32_t* body = words + instructionHeader + traits[static_cast<uint32_t>(Opcode::scan)].attributes;
    size_t left = static_cast<size_t>(words + words[instructionWords] - body);
    for (uint32_t index = 0; index < attributes[scanBody]; index++) {
      Instruction next;
      next.number = instruction.number;
      const Fault fault = one(body, left, next, inside);
      if (!fault.empty()) return textOf("body instruction ", index, ": ", fault);
      left -= body[instructionWords];
      body += body[instructionWords];
      instruction.body.push_back(std::move(next));
    }
    if (left != 0) return textOf(left, " words are left after the body");
    return inside.rowwise ? checkRowwiseBody(program_, instruction) : Fault();
  }

  Fault addWork(const Instruction& instruction, int64_t steps) {
    Checked work(0);
    for (const uint32_t id : instruction.operands) work = work + Checked(program_.operands[id].elements());
    if (instruction.opcode == Opcode::gemm) {
      work = work + Checked(program_.operands[instruction.operands[2]].elements()) * Checked(instruction.attributes[0]);
    }
    work_ = work_ + work * Checked(steps);
    return work_.valid() && work_.value() <= limits_.work ? Fault() : Fault("more work than the limit allows");
  }

  const DecodeLimits& limits_;
  Program& program_;
  Checked work_{0};
};

}  // namespace

Fault decodeCode(const uint32_t* code, size_t count, const DecodeLimits& limits, Program& program) {
  return CodeDecoder(limits, program).run(code, count);
}

}  // namespace bptt
