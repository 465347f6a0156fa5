#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel_test.h"

namespace bptt {
namespace tests {

Counts counts = {0, 0};
uint32_t argumentStep = 20011;

void report(bool good, const char* file, int line, const char* text, const char* detail) {
  if (good) {
    ++counts.passed;
    return;
  }
  static int lastLine = 0, repeats = 0;
  repeats = line == lastLine ? repeats + 1 : 0;
  lastLine = line;
  ++counts.failed;
  if (repeats < 5) fprintf(stderr, "%s:%d: %s does not hold %s\n", file, line, text, detail);
}

namespace {
constexpr uint32_t kUntouched = 0x7FBADBADu;
}

bool isUntouched(float x) { return bitsOfFloat(x) == kUntouched; }

GuardedFloats::GuardedFloats(ptrdiff_t count, Flush flush) : count_(count) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t wanted = static_cast<size_t>(count) * sizeof(float), inside = (wanted + page - 1) / page * page + page;
  bytes_ = inside + 2 * page;
  pages_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages_ == MAP_FAILED) abort();
  unsigned char* first = static_cast<unsigned char*>(pages_);
  if (mprotect(first, page, PROT_NONE) != 0 || mprotect(first + page + inside, page, PROT_NONE) != 0) abort();
  unsigned char* begin = flush == Flush::kBegin ? first + page : first + page + inside - wanted;
  data_ = reinterpret_cast<float*>(begin);
  fillWithPattern();
}

GuardedFloats::~GuardedFloats() { munmap(pages_, bytes_); }

void GuardedFloats::fillWithPattern() {
  for (ptrdiff_t i = 0; i < count_; ++i) memcpy(&data_[i], &kUntouched, sizeof kUntouched);
}

uint32_t Numbers::word() {
  state_ ^= state_ << 13;
  state_ ^= state_ >> 7;
  state_ ^= state_ << 17;
  return static_cast<uint32_t>(state_ >> 32);
}

float Numbers::between(float low, float high) {
  return low + (high - low) * static_cast<float>(word() >> 8) * (1.0f / 16777216.0f);
}

uint32_t bitsOfFloat(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

float floatOfBits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

bool sameBits(float a, float b) { return bitsOfFloat(a) == bitsOfFloat(b); }
bool sameValue(float a, float b) { return (a != a && b != b) || sameBits(a, b); }

double unitsOff(float got, double truth) {
  if (truth != truth) return got != got ? 0 : HUGE_VAL;
  if (got != got) return HUGE_VAL;
  const float nearest = static_cast<float>(truth);
  if (isinf(got) || isinf(nearest)) {
    if (got == nearest) return 0;
    // From the largest float to infinity is one step.
    const bool neighbours = fabsf(got) >= 3.40282347e38f && fabsf(nearest) >= 3.40282347e38f && (got > 0) == (nearest > 0);
    return neighbours ? 1 : HUGE_VAL;
  }
  const int exponent = truth == 0 || ilogb(truth) < -126 ? -126 : ilogb(truth);
  return fabs(got - truth) / ldexp(1.0, exponent - 23);
}

MapScratch::MapScratch(const KernelTable& table) : memory_(table.mapScratchBytes + 64) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.data());
  data_ = reinterpret_cast<void*>((address + 63) / 64 * 64);
}

void runOpcode(const KernelTable& table, int op, const float* a, const float* b, const float* c, float* out, ptrdiff_t count) {
  MapScratch scratch(table);
  const MapInstruction code = {op, 64, 64, b != nullptr ? 65 : 0, c != nullptr ? 66 : 0};
  const int inputs = 1 + (b != nullptr) + (c != nullptr);
  const float* sources[3] = {a, b, c};
  MapOperand operands[4];
  for (int i = 0; i < inputs; ++i) operands[i] = {const_cast<float*>(sources[i]), count, 1};
  operands[inputs] = {out, count, 1};
  MapArguments arguments = {};
  arguments.code = &code;
  arguments.codeLength = 1;
  arguments.inputCount = inputs;
  arguments.outputCount = 1;
  arguments.operands = operands;
  arguments.rows = 1;
  arguments.columns = count;
  arguments.scratch = scratch.data();
  table.map(arguments);
}

float multiplyAddOf(const KernelTable& table, float a, float b, float c) {
  if (strcmp(table.name, "sse2") == 0) {
    const volatile float product = a * b;
    return product + c;
  }
#if !defined(__FP_FAST_FMAF)
  if (strcmp(table.name, "scalar") == 0) return static_cast<float>(static_cast<double>(a) * b + c);
#endif
  return fmaf(a, b, c);
}

}  // namespace tests
}  // namespace bptt
