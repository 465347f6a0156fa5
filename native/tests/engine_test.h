// What the engine tests share: checks that count, an assembler for programs, and a way to run one on any number of threads.
#pragma once
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/decode.h"
#include "engine/executable.h"

namespace bptt::tests {

struct Tally {
  long passed = 0, failed = 0;
};
extern Tally tally;
void count(bool good, const char* file, int line, const std::string& what);

#define CHECK(condition) ::bptt::tests::count((condition), __FILE__, __LINE__, #condition)
#define CHECK_TEXT(condition, text) ::bptt::tests::count((condition), __FILE__, __LINE__, text)

using Words = std::vector<uint32_t>;

struct OperandSpec {
  uint32_t space;
  int64_t offset;
  std::vector<uint32_t> dimensions;
  format::ElementType type = format::ElementType::float32;
  std::vector<int32_t> strides = {};  // row-major when empty
  int64_t stepStride = 0;
  int32_t stepShift = 0;
  uint32_t stepSlots = 0;
};

constexpr uint32_t arena = format::spaceArena;
constexpr auto int32 = format::ElementType::int32;

// Builds programs word by word; nothing is checked, so that wrong ones can be built too.
class Assembler {
 public:
  int64_t arenaElements = 0;
  uint32_t prologue = 0;
  Words constants;

  uint32_t storage(int64_t elements, uint32_t access = format::accessBoth);  // its space
  uint32_t operand(const OperandSpec& spec);                                 // its id
  uint32_t map(uint32_t registers, const std::vector<float>& constantValues, const std::vector<Words>& code);  // its entry
  static Words instruction(format::Opcode opcode, const Words& operands, const Words& attributes = {});
  void add(format::Opcode opcode, const Words& operands, const Words& attributes = {});
  void scan(uint32_t steps, bool reverse, uint32_t mode, uint32_t rows, const std::vector<Words>& body);
  Words words() const;

 private:
  Words storages_, operands_, maps_, code_;
  uint32_t operandCount_ = 0;
};

// Storages with contents, bound to a program and run.
class Machine {
 public:
  Machine(const KernelTable& table, const Words& words);

  bool good() const { return executable_ != nullptr; }
  const std::string& error() const { return error_; }
  float* floats(size_t storage) { return storages_[storage]->data(); }
  int32_t* ints(size_t storage) { return reinterpret_cast<int32_t*>(storages_[storage]->data()); }
  Storage& storage(size_t index) { return *storages_[index]; }
  RunResult run(ThreadPool& pool, const std::atomic<bool>* cancel = nullptr) { return executable_->run(pool, cancel); }
  RunResult run(int threads = 1);

 private:
  Executable::Storages storages_;
  std::unique_ptr<Executable> executable_;
  std::string error_;
};

// The word that holds a float.
uint32_t bitsOf(float value);

// Numbers between −1 and 1 that depend on the seed alone.
std::vector<float> randomFloats(size_t count, uint32_t seed);
void fillRandom(float* place, size_t count, uint32_t seed);
bool nearly(double value, double expected, double tolerance);

void testOpcodes(const KernelTable& table);
void testReductions(const KernelTable& table);
void testIndices(const KernelTable& table);
void testScans(const KernelTable& table);
void testRuns(const KernelTable& table);
void testDecodeRejects(const KernelTable& table);
void testDecodeMutations(const KernelTable& table);
void testPool(const KernelTable& table);
void testPlacement(const KernelTable& table);
void testTeamChoice(const KernelTable& table);

// A recurrent layer, tanh(x·W + h·U), forwards over all steps and a second scan in reverse; storage 0 parameters, 1 inputs and outputs.
struct RecurrentShape {
  uint32_t steps, rows, inputs, units;
};
Words recurrentProgram(const RecurrentShape& shape, uint32_t mode);
// The same layer forwards alone, whose loop computes the products of its inputs three steps ahead, those of its states with U two steps behind (q, after h),
// and packs its states, whose column sums come last.
Words spanningProgram(const RecurrentShape& shape, uint32_t mode);
// One instruction of every kind, each in its simplest right form.
Words everyOpcodeProgram();

}  // namespace bptt::tests
