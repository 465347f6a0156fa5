// bptt_engine_tests [--isa NAME]: the decoder, the tasks and the scheduler, on the fastest instruction set or the named one. Exit code 77 when
// the machine lacks it, 1 when a check failed.
#include "engine_test.h"
#include "isa/detect.h"

// An arena that is too large is one of the cases: the allocator shall answer, not stop the program.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

int main(int argumentCount, char** arguments) {
  using namespace bptt;
  using namespace bptt::tests;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what was said before a crash is not lost
  const bool named = argumentCount == 3 && std::strcmp(arguments[1], "--isa") == 0;
  if (argumentCount != 1 && !named) {
    std::fprintf(stderr, "usage: %s [--isa NAME]\n", arguments[0]);
    return 2;
  }
  const KernelTable* table = named ? tableNamed(arguments[2]) : defaultTable(nullptr, nullptr);
  if (table == nullptr) {
    std::printf("SKIP: this machine or build lacks %s\n", arguments[2]);
    return 77;
  }
  const struct {
    const char* name;
    void (*run)(const KernelTable&);
  } tests[] = {{"opcodes", testOpcodes},  {"reductions", testReductions},          {"indices", testIndices},
               {"scans", testScans},      {"runs", testRuns},                      {"decoder refuses", testDecodeRejects},
               {"pool", testPool},        {"team choice", testTeamChoice},            {"placement", testPlacement},
               {"decoder survives", testDecodeMutations}};
  for (const auto& test : tests) {
    const Tally before = tally;
    test.run(*table);
    const long failed = tally.failed - before.failed;
    std::printf("%-7s %-18s %ld checks%s\n", table->name, test.name, tally.passed - before.passed + failed, failed > 0 ? ", FAILED" : "");
  }
  std::printf("%ld passed, %ld failed\n", tally.passed, tally.failed);
  return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}
