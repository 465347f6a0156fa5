// bptt_kernel_tests [--isa NAME] [--thorough]: every kernel on every instruction set this machine runs, or on the named one. Exit code 77 says
// that the machine lacks it (to be counted as skipped), 1 that a check failed. --thorough tries forty times more arguments of the
// functions.
#include <string.h>

#include "../isa/detect.h"
#include "kernel_test.h"

namespace {

using namespace bptt;
using namespace bptt::tests;

struct Test {
  const char* name;
  void (*run)(const KernelTable& table);
};

const Test kTests[] = {
    {"detection", testDetection},       {"math accuracy", testMathAccuracy}, {"math special values", testMathSpecialValues},
    {"power", testPower},               {"map opcodes", testMapOpcodes},     {"map shapes", testMapShapes},
    {"map aliasing", testMapAliasing},  {"map programs", testMapPrograms},   {"pack", testPack},
    {"gemm", testGemm},                 {"gemm splits", testGemmSplits},     {"reduce", testReduce},
    {"column sum", testColumnSum},      {"softmax", testSoftmax},            {"cross entropy", testCrossEntropy},
    {"standardize", testStandardize},   {"random", testRandom},             {"arg max", testArgMax},
};

void runAll(const KernelTable& table) {
  for (const Test& test : kTests) {
    const Counts before = counts;
    test.run(table);
    const long failed = counts.failed - before.failed;
    printf("%-7s %-20s %ld checks%s\n", table.name, test.name, counts.passed - before.passed + failed, failed != 0 ? ", FAILED" : "");
  }
}

bool isKnown(const char* name) {
  for (const char* known : {"avx512", "avx2", "sse2", "neon", "scalar"}) {
    if (strcmp(known, name) == 0) return true;
  }
  return false;
}

}  // namespace

int main(int argumentCount, char** arguments) {
  const char* wanted = nullptr;
  for (int i = 1; i < argumentCount; ++i) {
    if (strcmp(arguments[i], "--thorough") == 0) {
      argumentStep = 499;
    } else if (strcmp(arguments[i], "--isa") == 0 && i + 1 < argumentCount) {
      wanted = arguments[++i];
    } else {
      fprintf(stderr, "usage: %s [--isa NAME] [--thorough]\n", arguments[0]);
      return 2;
    }
  }
  if (wanted != nullptr) {
    if (!isKnown(wanted)) {
      fprintf(stderr, "no instruction set is called %s\n", wanted);
      return 2;
    }
    const KernelTable* table = tableNamed(wanted);
    if (table == nullptr) {
      printf("SKIP: this machine or build lacks %s\n", wanted);
      return 77;
    }
    runAll(*table);
  } else {
    const KernelTable* tables[8];
    const int count = availableTables(tables, 8);
    for (int i = 0; i < count; ++i) runAll(*tables[i]);
  }
  printf("%ld passed, %ld failed\n", counts.passed, counts.failed);
  return counts.failed == 0 && counts.passed > 0 ? 0 : 1;
}
