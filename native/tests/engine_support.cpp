#include <cmath>

#include "engine_test.h"

namespace bptt::tests {

using namespace format;

Tally tally;

void count(bool good, const char* file, int line, const std::string& what) {
  good ? tally.passed++ : tally.failed++;
  if (!good && tally.failed <= 40) std::printf("%s:%d: %s\n", file, line, what.c_str());
}

namespace {

void append(Words& words, int64_t value) {
  words.push_back(static_cast<uint32_t>(value));
  words.push_back(static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32));
}

void append(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

}  // namespace

uint32_t Assembler::storage(int64_t elements, uint32_t access) {
  append(storages_, elements);
  storages_.push_back(access);
  return spaceFirstStorage + static_cast<uint32_t>(storages_.size() / storageWords) - 1;
}

uint32_t Assembler::operand(const OperandSpec& spec) {
  const size_t rank = spec.dimensions.size();
  operands_.push_back(spec.space);
  append(operands_, spec.offset);
  operands_.push_back(static_cast<uint32_t>(spec.type));
  operands_.push_back(static_cast<uint32_t>(rank));
  for (size_t axis = 0; axis < maximumRank; axis++) operands_.push_back(axis < rank ? spec.dimensions[axis] : 1);
  std::vector<int32_t> strides = spec.strides;
  if (strides.empty()) {
    strides.assign(rank, 1);
    for (size_t axis = rank; axis-- > 1;) strides[axis - 1] = strides[axis] * static_cast<int32_t>(spec.dimensions[axis]);
  }
  for (size_t axis = 0; axis < maximumRank; axis++) operands_.push_back(axis < rank ? static_cast<uint32_t>(strides[axis]) : 0);
  append(operands_, spec.stepStride);
  append(operands_, Words{static_cast<uint32_t>(spec.stepShift), spec.stepSlots, 0, 0, 0});
  return operandCount_++;
}

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

uint32_t Assembler::map(uint32_t registers, const std::vector<float>& constantValues, const std::vector<Words>& code) {
  const auto entry = static_cast<uint32_t>(maps_.size());
  append(maps_, Words{static_cast<uint32_t>(code.size()), static_cast<uint32_t>(constantValues.size()), registers});
  for (const float value : constantValues) maps_.push_back(bitsOf(value));
  for (const Words& one : code) append(maps_, one);
  return entry;
}

Words Assembler::instruction(Opcode opcode, const Words& operands, const Words& attributes) {
  Words words{static_cast<uint32_t>(opcode), static_cast<uint32_t>(3 + operands.size() + attributes.size()), static_cast<uint32_t>(operands.size())};
  append(words, operands);
  append(words, attributes);
  return words;
}

void Assembler::add(Opcode opcode, const Words& operands, const Words& attributes) { append(code_, instruction(opcode, operands, attributes)); }

void Assembler::scan(uint32_t steps, bool reverse, uint32_t mode, uint32_t rows, const std::vector<Words>& body) {
  Words attributes{steps, reverse ? 1u : 0u, mode, rows, static_cast<uint32_t>(body.size())};
  for (const Words& one : body) append(attributes, one);
  append(code_, instruction(Opcode::scan, {}, attributes));
}

Words Assembler::words() const {
  Words header(headerWords, 0);
  const Words* sections[] = {&storages_, &operands_, &maps_, &code_, &constants};
  const HeaderWord offsets[] = {headerStorageOffset, headerOperandOffset, headerMapOffset, headerCodeOffset, headerConstantOffset};
  uint32_t total = headerWords;
  for (int section = 0; section < 5; section++) {
    header[offsets[section]] = total;
    header[offsets[section] + 1] = static_cast<uint32_t>(sections[section]->size());
    total += static_cast<uint32_t>(sections[section]->size());
  }
  header[headerMagic] = magic;
  header[headerVersion] = version;
  header[headerTotalWords] = total;
  header[headerStorages] = header[headerStorageCount] = static_cast<uint32_t>(storages_.size() / storageWords);
  header[headerOperandCount] = operandCount_;
  header[headerArenaLow] = static_cast<uint32_t>(arenaElements);
  header[headerArenaHigh] = static_cast<uint32_t>(static_cast<uint64_t>(arenaElements) >> 32);
  header[headerPrologue] = prologue;
  for (const Words* section : sections) append(header, *section);
  return header;
}

Machine::Machine(const KernelTable& table, const Words& words) {
  DecodeResult decoded = decode(words.data(), words.size());
  error_ = decoded.error;
  if (!decoded.program) return;
  for (const StorageNeed& need : decoded.program->storages) storages_.push_back(Storage::allocate(need.elements));
  Executable::Bound bound = Executable::bind(decoded.program, storages_, table);
  error_ = bound.error;
  executable_ = std::move(bound.executable);
}

RunResult Machine::run(int threads) {
  ThreadPool pool(threads);
  return run(pool);
}

std::vector<float> randomFloats(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  uint32_t state = seed * 2654435761u + 12345u;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int32_t>(state) >> 8) / 8388608.0f;
  }
  return values;
}

void fillRandom(float* place, size_t count, uint32_t seed) {
  const std::vector<float> values = randomFloats(count, seed);
  std::copy(values.begin(), values.end(), place);
}

bool nearly(double value, double expected, double tolerance) { return std::fabs(value - expected) <= tolerance * std::max(1.0, std::fabs(expected)); }

}  // namespace bptt::tests
