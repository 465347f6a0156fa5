#include "engine/decode.h"

#include "engine/decode_parts.h"

namespace bptt {
namespace {

using namespace format;

int64_t wide(uint32_t low, uint32_t high) { return static_cast<int64_t>((static_cast<uint64_t>(high) << 32) | low); }

class Decoder {
 public:
  Decoder(const uint32_t* words, size_t count, const DecodeLimits& limits) : words_(words), count_(count), limits_(limits) {}

  Fault run(Program& program) {
    Fault fault = header();
    if (fault.empty()) fault = sections();
    if (fault.empty()) fault = arena(program);
    if (fault.empty()) fault = storages(program);
    if (fault.empty()) program.constants.assign(section(headerConstantOffset), section(headerConstantOffset) + words_[headerConstantWords]);
    if (fault.empty()) fault = operands(program);
    if (fault.empty()) fault = decodeMaps(section(headerMapOffset), words_[headerMapWords], program.maps);
    if (fault.empty()) fault = decodeCode(section(headerCodeOffset), words_[headerCodeWords], limits_, program);
    if (fault.empty()) fault = prologue(program);
    if (fault.empty()) narrowWritten(program);
    return fault;
  }

 private:
  const uint32_t* section(HeaderWord offset) const { return words_ + words_[offset]; }

  Fault header() const {
    if (count_ < headerWords) return textOf("the header takes ", +headerWords, " words, received ", count_);
    if (words_[headerMagic] != magic) return textOf("word 0: magic is ", words_[headerMagic], ", expected ", magic);
    if (words_[headerVersion] != version) return textOf("word 1: version is ", words_[headerVersion], ", expected ", version);
    if (words_[headerTotalWords] != count_) return textOf("word 2: total is ", words_[headerTotalWords], " words, received ", count_);
    for (uint32_t word = headerFirstZero; word < headerWords; word++) {
      if (words_[word] != 0) return textOf("word ", word, ": is ", words_[word], ", expected 0");
    }
    if (words_[headerStorageCount] != words_[headerStorages]) {
      return textOf("word 15: storage table of ", words_[headerStorageCount], " entries, word 3 says ", words_[headerStorages]);
    }
    return {};
  }

  Fault sections() const {
    const struct {
      const char* name;
      HeaderWord offset, size;
      uint64_t unit;
    } order[] = {{"storage table", headerStorageOffset, headerStorageCount, storageWords},
                 {"operand table", headerOperandOffset, headerOperandCount, operandWords},
                 {"map table", headerMapOffset, headerMapWords, 1},
                 {"code", headerCodeOffset, headerCodeWords, 1},
                 {"constants", headerConstantOffset, headerConstantWords, 1}};
    uint64_t next = headerWords;
    for (const auto& section : order) {
      if (words_[section.offset] != next) {
        return textOf("word ", +section.offset, ": the ", section.name, " begins at word ", words_[section.offset], ", expected ", next);
      }
      next += words_[section.size] * section.unit;
      if (next > count_) return textOf("word ", +section.size, ": the ", section.name, " ends at word ", next, " of ", count_);
    }
    if (next != count_) return textOf("word 13: the constants end at word ", next, " of ", count_);
    return {};
  }

  Fault arena(Program& program) const {
    program.arenaElements = wide(words_[headerArenaLow], words_[headerArenaHigh]);
    if (program.arenaElements >= 0 && program.arenaElements <= limits_.elements) return {};
    return textOf("word 4: an arena of ", program.arenaElements, " elements, at most ", limits_.elements);
  }

  Fault storages(Program& program) const {
    const uint32_t* entry = section(headerStorageOffset);
    for (uint32_t index = 0; index < words_[headerStorageCount]; index++, entry += storageWords) {
      const int64_t elements = wide(entry[storageSizeLow], entry[storageSizeHigh]);
      const uint32_t access = entry[storageAccess];
      if (elements < 0 || elements > limits_.elements) {
        return textOf("storage ", index, ": ", elements, " elements, at most ", limits_.elements);
      }
      if (access < accessRead || access > accessBoth) return textOf("storage ", index, ": access is ", access, ", expected 1, 2 or 3");
      program.storages.push_back({elements, (access & accessRead) != 0, (access & accessWrite) != 0});
    }
    return {};
  }

  Fault operands(Program& program) const {
    const uint32_t* entry = section(headerOperandOffset);
    program.operands.reserve(words_[headerOperandCount]);
    for (uint32_t id = 0; id < words_[headerOperandCount]; id++, entry += operandWords) {
      Operand operand;
      const Fault fault = operandFrom(entry, operand);
      if (!fault.empty()) return textOf("operand ", id, ": ", fault);
      program.operands.push_back(operand);
    }
    return {};
  }

  Fault operandFrom(const uint32_t* entry, Operand& operand) const {
    operand.space = entry[operandSpace];
    operand.offset = wide(entry[operandOffsetLow], entry[operandOffsetHigh]);
    operand.type = static_cast<ElementType>(entry[operandType]);
    operand.rank = static_cast<int32_t>(entry[operandRank]);
    operand.stepStride = wide(entry[operandStepStrideLow], entry[operandStepStrideHigh]);
    operand.stepShift = static_cast<int32_t>(entry[operandStepShift]);
    operand.stepSlots = entry[operandStepSlots];
    if (operand.space >= uint64_t{spaceFirstStorage} + words_[headerStorages]) {
      return textOf("space ", operand.space, " with ", words_[headerStorages], " storages");
    }
    if (operand.offset < 0) return textOf("offset ", operand.offset, " is negative");
    if (entry[operandType] > 2) return textOf("type is ", entry[operandType], ", expected 0, 1 or 2");
    if (entry[operandRank] > maximumRank) return textOf("rank is ", entry[operandRank], ", at most ", maximumRank);
    for (uint32_t word = operandFirstZero; word < operandWords; word++) {
      if (entry[word] != 0) return textOf("word ", word, " is ", entry[word], ", expected 0");
    }
    return dimensionsFrom(entry, operand);
  }

  Fault dimensionsFrom(const uint32_t* entry, Operand& operand) const {
    int64_t elements = 1;
    for (uint32_t axis = 0; axis < maximumRank; axis++) {
      const uint32_t dimension = entry[operandDimensions + axis];
      const auto stride = static_cast<int32_t>(entry[operandStrides + axis]);
      const bool used = axis < entry[operandRank];
      if (!used && (dimension != 1 || stride != 0)) return textOf("the unused dimension ", axis, " is ", dimension, " with stride ", stride);
      if (dimension < 1 || dimension > INT32_MAX) return textOf("dimension ", axis, " is ", dimension);
      if (elements > limits_.elements / dimension) return textOf("more than ", limits_.elements, " elements");
      elements *= dimension;
      operand.dimensions[axis] = dimension;
      operand.strides[axis] = stride;
    }
    return {};
  }

  Fault prologue(Program& program) const {
    program.prologue = words_[headerPrologue];
    if (program.prologue > program.instructions.size()) {
      return textOf("word 16: a prologue of ", program.prologue, " instructions of ", program.instructions.size());
    }
    if (program.prologue > 0 && program.storages.empty()) return "word 16: a prologue without a storage";
    return {};
  }

  // A storage that may be written but never is keeps its version, and may be read by others meanwhile.
  static void narrowWritten(Program& program) {
    std::vector<bool> written(program.storages.size(), false);
    markWritten(program, program.instructions, written);
    for (size_t index = 0; index < written.size(); index++) program.storages[index].written = written[index];
  }

  static void markWritten(const Program& program, const std::vector<Instruction>& instructions, std::vector<bool>& written) {
    for (const Instruction& instruction : instructions) {
      for (size_t index = 0; index < instruction.operands.size(); index++) {
        const uint32_t space = program.operands[instruction.operands[index]].space;
        if (space >= spaceFirstStorage && isOutput(instruction, index)) written[space - spaceFirstStorage] = true;
      }
      markWritten(program, instruction.body, written);
    }
  }

  const uint32_t* words_;
  size_t count_;
  const DecodeLimits& limits_;
};

}  // namespace

DecodeResult decode(const uint32_t* words, size_t count, const DecodeLimits& limits) {
  const auto program = std::make_shared<Program>();
  Fault fault = Decoder(words, count, limits).run(*program);
  if (!fault.empty()) return {nullptr, "program: " + fault};
  return {program, {}};
}

const char* opcodeName(Opcode opcode) {
  static const char* const names[] = {"?",        "map",     "pack",         "gemm",                 "reduce",
                                      "gather",   "scatterAdd", "softmax",   "crossEntropy",         "crossEntropyGradient",
                                      "random",   "oneHot",  "argMax",       "scan",                 "iota",
                                      "packStep", "sumPacked", "crossEntropyBoth", "firstRows",           "replaceRows",
                                      "standardize", "standardizeGradient"};
  const auto index = static_cast<uint32_t>(opcode);
  return index < sizeof names / sizeof *names ? names[index] : names[0];
}

}  // namespace bptt
