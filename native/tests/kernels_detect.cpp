#include <string.h>

#include "../isa/detect.h"
#include "kernel_test.h"

namespace bptt {
namespace tests {

void testDetection(const KernelTable& table) {
  const KernelTable* tables[8];
  const int count = availableTables(tables, 8);
  CHECK(count >= 1 && count <= 8);
  CHECK(availableTables(nullptr, 0) == count);
  CHECK(strcmp(tables[count - 1]->name, "scalar") == 0);
  CHECK(tableNamed(table.name) == &table);
  CHECK(tableNamed(nullptr) == nullptr);
  CHECK(tableNamed("pentium") == nullptr);

  bool recognised = false;
  CHECK(defaultTable(nullptr, &recognised) == tables[0] && recognised);
  CHECK(defaultTable("", nullptr) == tables[0]);
  CHECK(defaultTable(table.name, &recognised) == &table && recognised);
  CHECK(defaultTable("pentium", &recognised) == tables[0] && !recognised);
  // A name above the machine gives the best there is, never an illegal instruction.
  CHECK(defaultTable("avx512", &recognised) == tables[0] && recognised);
  CHECK(strcmp(defaultTable("scalar", nullptr)->name, "scalar") == 0);

  CHECK(table.lanes >= 1 && table.panelWidth >= table.lanes && 64 % table.panelWidth == 0);
  CHECK(table.mapScratchBytes > 0);
  CHECK(table.map && table.pack && table.gemm && table.reduce && table.columnSum && table.softmax && table.standardize && table.standardizeGradient);
  CHECK(table.crossEntropy && table.crossEntropyGradient && table.random && table.argMax);
}

}  // namespace tests
}  // namespace bptt
