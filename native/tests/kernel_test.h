// What the kernel tests share: checks that count instead of stopping, memory that faults on the first byte beyond it, and distances in units
// in the last place.
//
// Every test is a function of one table, listed once in kernel_main.cpp, and so runs for every instruction set the machine has.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <vector>

#include "../isa/table.h"

namespace bptt {
namespace tests {

struct Counts {
  long passed;
  long failed;
};
extern Counts counts;

// How many arguments the accuracy tests try: every `argumentStep`-th bit pattern of a float.
extern uint32_t argumentStep;

// Prints at most a few failures of one place, so that a broken kernel does not bury its cause.
void report(bool good, const char* file, int line, const char* text, const char* detail);

#define CHECK(condition) ::bptt::tests::report((condition), __FILE__, __LINE__, #condition, "")
#define CHECK_NOTE(condition, ...)                                                \
  do {                                                                            \
    const bool good_ = (condition);                                               \
    char note_[256] = "";                                                         \
    if (!good_) snprintf(note_, sizeof note_, __VA_ARGS__);                       \
    ::bptt::tests::report(good_, __FILE__, __LINE__, #condition, note_);          \
  } while (0)

// Floats that end right before an inaccessible page (flush kEnd) or begin right after one (kBegin); the other side has a page as well. Filled with
// a NaN of a recognisable pattern, so that reading what was never written shows.
enum class Flush { kEnd, kBegin };
constexpr Flush kBothFlushes[] = {Flush::kEnd, Flush::kBegin};

class GuardedFloats {
 public:
  GuardedFloats(ptrdiff_t count, Flush flush);
  ~GuardedFloats();
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  float* data() { return data_; }
  const float* data() const { return data_; }
  ptrdiff_t size() const { return count_; }
  float& operator[](ptrdiff_t i) { return data_[i]; }
  float operator[](ptrdiff_t i) const { return data_[i]; }
  void fillWithPattern();

 private:
  float* data_;
  ptrdiff_t count_;
  void* pages_;
  size_t bytes_;
};

// The pattern of untouched memory.
bool isUntouched(float x);

// A small generator of its own: the tests must not depend on the kernel under test, nor differ between standard libraries.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252ull) {}
  uint32_t word();
  float between(float low, float high);

 private:
  uint64_t state_;
};

uint32_t bitsOfFloat(float x);
float floatOfBits(uint32_t bits);
bool sameBits(float a, float b);
// The same bits, or both NaN.
bool sameValue(float a, float b);

// How many units in the last place of the true value `got` is off; 0 when both are NaN or the same infinity, and huge when only one is.
double unitsOff(float got, double truth);

// Scratch for map, aligned as it asks, with the table's size exactly.
class MapScratch {
 public:
  explicit MapScratch(const KernelTable& table);
  void* data() { return data_; }

 private:
  std::vector<unsigned char> memory_;
  void* data_;
};

// Runs one opcode over contiguous arrays; b and c may be null when the opcode does not use them.
void runOpcode(const KernelTable& table, int op, const float* a, const float* b, const float* c, float* out, ptrdiff_t count);

// One multiply-add the way this table's instruction set rounds it.
float multiplyAddOf(const KernelTable& table, float a, float b, float c);

void testDetection(const KernelTable& table);
void testMathAccuracy(const KernelTable& table);
void testMathSpecialValues(const KernelTable& table);
void testPower(const KernelTable& table);
void testMapOpcodes(const KernelTable& table);
void testMapShapes(const KernelTable& table);
void testMapAliasing(const KernelTable& table);
void testMapPrograms(const KernelTable& table);
void testPack(const KernelTable& table);
void testGemm(const KernelTable& table);
void testGemmSplits(const KernelTable& table);
void testReduce(const KernelTable& table);
void testColumnSum(const KernelTable& table);
void testSoftmax(const KernelTable& table);
void testCrossEntropy(const KernelTable& table);
void testStandardize(const KernelTable& table);
void testRandom(const KernelTable& table);
void testArgMax(const KernelTable& table);

}  // namespace tests
}  // namespace bptt
