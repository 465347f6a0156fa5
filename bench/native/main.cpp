// bptt_bench: reads commands from standard input, one a line, and answers each with one line of JSON.
//
//   list                                      the instruction sets of this machine, the fastest first
//   peak ISA THREADS MILLISECONDS             {"gflops"}
//   copy ISA THREADS BYTES MILLISECONDS       {"gigabytes"} a second, read and written
//   gemm ISA ROWS DEPTH COLUMNS TRANSPOSED PACKED REPETITIONS
//   map ISA NAME ELEMENTS REPETITIONS         {"milliseconds":[…],"difference"}
//
// A command that makes no sense is answered with {"error"}.
#include <cstdio>
#include <iostream>
#include <stdexcept>

#include "base/processor.h"
#include "bench.h"
#include "isa/detect.h"

namespace {

using namespace bptt;
using namespace bptt::bench;

const KernelTable& tableOf(const std::string& isa) {
  const KernelTable* table = tableNamed(isa.c_str());
  if (table == nullptr) throw std::runtime_error("this machine lacks " + isa);
  return *table;
}

void printList() {
  const KernelTable* tables[8];
  const int count = availableTables(tables, 8);
  std::printf("{\"isas\":[");
  for (int i = 0; i < count; ++i) std::printf("%s\"%s\"", i > 0 ? "," : "", tables[i]->name);
  std::printf("]}\n");
}

void printAnswer(const Answer& answer) {
  std::printf("{\"milliseconds\":[");
  for (size_t i = 0; i < answer.milliseconds.size(); ++i) std::printf("%s%.9g", i > 0 ? "," : "", answer.milliseconds[i]);
  std::printf("],\"difference\":%.9g}\n", answer.difference);
}

void runCommand(const std::string& line) {
  std::istringstream words(line);
  std::string command, isa;
  words >> command;
  if (command == "list") return printList();
  words >> isa;
  const KernelTable& table = tableOf(isa);
  if (command == "gemm") return printAnswer(runProduct(table, words));
  if (command == "map") return printAnswer(runMap(table, words));
  int threads = 0;
  double bytes = 0, milliseconds = 0;
  words >> threads;
  if (command == "copy") words >> bytes;
  words >> milliseconds;
  if (!words || threads < 1 || threads > 256 || milliseconds > 10000) throw std::runtime_error("not understood: " + line);
  if (command == "peak") {
    std::printf("{\"gflops\":%.9g}\n", peakFlops(isa.c_str(), threads, milliseconds) / 1e9);
  } else if (command == "copy") {
    std::printf("{\"gigabytes\":%.9g}\n", copyBandwidth(isa.c_str(), threads, static_cast<size_t>(bytes), milliseconds) / 1e9);
  } else {
    throw std::runtime_error("unknown command " + command);
  }
}

}  // namespace

int main() {
  const DenormalsFlushed flushed;
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.empty()) continue;
    try {
      runCommand(line);
    } catch (const std::exception& error) {
      std::printf("{\"error\":\"%s\"}\n", error.what());
    }
    std::fflush(stdout);
  }
}
