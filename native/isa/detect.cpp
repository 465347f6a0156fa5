// This file is compiled for the baseline processor: it decides what the rest may use.
#include "detect.h"

#include <string.h>

#if defined(__x86_64__) || defined(_M_X64)
#define BPTT_X64 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define BPTT_ARM64 1
#endif

namespace bptt {

namespace scalar {
const KernelTable& table();
}
#if defined(BPTT_X64)
namespace sse2 {
const KernelTable& table();
}
namespace avx2 {
const KernelTable& table();
}
namespace avx512 {
const KernelTable& table();
}
#elif defined(BPTT_ARM64)
namespace neon {
const KernelTable& table();
}
#endif

namespace {

struct Candidate {
  const KernelTable& (*table)();
  bool (*runs)();
};

bool always() { return true; }

#if defined(BPTT_X64)

struct Registers {
  uint32_t a, b, c, d;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers out = {0, 0, 0, 0};
#if defined(_MSC_VER)
  int values[4];
  __cpuid(values, 0);
  if (static_cast<uint32_t>(values[0]) < leaf) return out;
  __cpuidex(values, static_cast<int>(leaf), static_cast<int>(subleaf));
  out = {static_cast<uint32_t>(values[0]), static_cast<uint32_t>(values[1]), static_cast<uint32_t>(values[2]),
         static_cast<uint32_t>(values[3])};
#else
  __get_cpuid_count(leaf, subleaf, &out.a, &out.b, &out.c, &out.d);
#endif
  return out;
}

bool bit(uint32_t word, int place) { return (word >> place) & 1u; }

// The register states that the operating system saves when it switches threads (XCR0). Without OSXSAVE the question itself is illegal.
uint64_t savedStates() {
  if (!bit(cpuid(1, 0).c, 27)) return 0;
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool runsAvx2() {
  const uint64_t vectorStates = 0x6;  // the low and the high halves of ymm
  if ((savedStates() & vectorStates) != vectorStates) return false;
  const Registers first = cpuid(1, 0), extended = cpuid(7, 0);
  return bit(first.c, 28) && bit(first.c, 12) && bit(extended.b, 5);  // AVX, FMA, AVX2
}

bool runsAvx512() {
  const uint64_t vectorStates = 0xE6;  // also the mask registers, the upper halves of zmm0–15, and zmm16–31
  if (!runsAvx2() || (savedStates() & vectorStates) != vectorStates) return false;
  const uint32_t b = cpuid(7, 0).b;
  return bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);  // F, DQ, BW, VL
}

const Candidate kCandidates[] = {
    {&avx512::table, &runsAvx512}, {&avx2::table, &runsAvx2}, {&sse2::table, &always}, {&scalar::table, &always}};
#elif defined(BPTT_ARM64)
const Candidate kCandidates[] = {{&neon::table, &always}, {&scalar::table, &always}};
#else
const Candidate kCandidates[] = {{&scalar::table, &always}};
#endif

constexpr int kCandidateCount = static_cast<int>(sizeof(kCandidates) / sizeof(kCandidates[0]));
const char* const kKnownNames[] = {"avx512", "avx2", "sse2", "neon", "scalar"};

struct Available {
  const KernelTable* tables[kCandidateCount];
  int count;
};

Available findAvailable() {
  Available found = {};
  for (const Candidate& candidate : kCandidates) {
    if (candidate.runs()) found.tables[found.count++] = &candidate.table();
  }
  return found;
}

const Available& available() {
  static const Available found = findAvailable();
  return found;
}

// Where a name stands in the order of strength; the number of names when it is none of them.
int rankOf(const char* name) {
  int rank = 0;
  for (const char* known : kKnownNames) {
    if (strcmp(known, name) == 0) break;
    ++rank;
  }
  return rank;
}

}  // namespace

int availableTables(const KernelTable** out, int capacity) {
  const Available& found = available();
  for (int i = 0; i < found.count && i < capacity; ++i) out[i] = found.tables[i];
  return found.count;
}

const KernelTable* tableNamed(const char* name) {
  if (name == nullptr) return nullptr;
  const Available& found = available();
  for (int i = 0; i < found.count; ++i) {
    if (strcmp(found.tables[i]->name, name) == 0) return found.tables[i];
  }
  return nullptr;
}

const KernelTable* defaultTable(const char* environmentValue, bool* recognised) {
  const Available& found = available();
  if (recognised != nullptr) *recognised = true;
  if (environmentValue == nullptr || *environmentValue == '\0') return found.tables[0];
  const int wanted = rankOf(environmentValue);
  if (wanted == static_cast<int>(sizeof(kKnownNames) / sizeof(kKnownNames[0]))) {
    if (recognised != nullptr) *recognised = false;
    return found.tables[0];
  }
  for (int i = 0; i < found.count; ++i) {
    if (rankOf(found.tables[i]->name) >= wanted) return found.tables[i];
  }
  return found.tables[found.count - 1];
}

}  // namespace bptt
