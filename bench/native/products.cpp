// The matrix product: gemm ROWS DEPTH COLUMNS TRANSPOSED PACKED REPETITIONS. TRANSPOSED reads the left side down its columns, as weight gradients do;
// PACKED leaves the packing of the right side out of the time.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "bench.h"

namespace bptt {
namespace bench {

namespace {

struct Product {
  ptrdiff_t rows = 0, depth = 0, columns = 0;
  int transposed = 0, packed = 0, repetitions = 0;
};

ptrdiff_t packedSize(const KernelTable& table, const Product& p) {
  const ptrdiff_t whole = p.columns / table.panelWidth, rest = p.columns % table.panelWidth;
  return p.depth * (whole * table.panelWidth + (rest + table.lanes - 1) / table.lanes * table.lanes);
}

// A few hundred elements against sums in double.
double differenceOf(const Product& p, Floats& a, Floats& b, Floats& c) {
  double largest = 1e-30, worst = 0;
  const ptrdiff_t total = p.rows * p.columns, step = std::max<ptrdiff_t>(1, total / 389);
  for (ptrdiff_t i = 0; i < total; i += step) {
    const ptrdiff_t row = i / p.columns, column = i % p.columns;
    double sum = 0;
    for (ptrdiff_t k = 0; k < p.depth; ++k) {
      const ptrdiff_t at = p.transposed ? k * p.rows + row : row * p.depth + k;
      sum += static_cast<double>(a[static_cast<size_t>(at)]) * b[static_cast<size_t>(k * p.columns + column)];
    }
    largest = std::max(largest, std::fabs(sum));
    worst = std::max(worst, std::fabs(sum - c[static_cast<size_t>(i)]));
  }
  return worst / largest;
}

}  // namespace

Answer runProduct(const KernelTable& table, std::istringstream& words) {
  Product p;
  if (!(words >> p.rows >> p.depth >> p.columns >> p.transposed >> p.packed >> p.repetitions) || p.rows < 1 || p.depth < 1 || p.columns < 1) {
    throw std::runtime_error("expected gemm ISA ROWS DEPTH COLUMNS TRANSPOSED PACKED REPETITIONS");
  }
  Floats a(static_cast<size_t>(p.rows * p.depth)), b(static_cast<size_t>(p.depth * p.columns));
  Floats packed(static_cast<size_t>(packedSize(table, p))), c(static_cast<size_t>(p.rows * p.columns));
  Numbers numbers(7);
  numbers.fill(a.data(), a.size());
  numbers.fill(b.data(), b.size());
  const ptrdiff_t panels = (p.columns + table.panelWidth - 1) / table.panelWidth;
  PackArguments pack = {};
  pack.source = b.data();
  pack.rowStride = p.columns;
  pack.columnStride = 1;
  pack.depth = p.depth;
  pack.columns = p.columns;
  pack.packed = packed.data();
  pack.packedDepth = p.depth;
  pack.panelEnd = panels;
  GemmArguments gemm = {};
  gemm.a = a.data();
  gemm.aRowStride = p.transposed ? 1 : p.depth;
  gemm.aDepthStride = p.transposed ? p.rows : 1;
  gemm.packed = packed.data();
  gemm.c = c.data();
  gemm.cRowStride = p.columns;
  gemm.rows = p.rows;
  gemm.depth = p.depth;
  gemm.columns = p.columns;
  gemm.panelEnd = panels;
  Floats scratch(table.gemmScratchBytes / sizeof(float));
  gemm.scratch = scratch.data();
  table.pack(pack);
  table.gemm(gemm);
  Answer answer;
  answer.difference = differenceOf(p, a, b, c);
  for (int i = 0; i < p.repetitions; ++i) {
    const auto start = Clock::now();
    if (!p.packed) table.pack(pack);
    table.gemm(gemm);
    answer.milliseconds.push_back(millisecondsSince(start));
  }
  return answer;
}

}  // namespace bench
}  // namespace bptt
