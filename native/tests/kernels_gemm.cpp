// Packing and the matrix product against one chain of multiply-adds per element, which the kernel must equal bit for bit.
#include <string.h>

#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

ptrdiff_t packedSize(const KernelTable& table, ptrdiff_t depth, ptrdiff_t columns) {
  const ptrdiff_t lanes = table.lanes;
  const ptrdiff_t whole = columns / table.panelWidth, rest = columns % table.panelWidth;
  return depth * (whole * table.panelWidth + (rest + lanes - 1) / lanes * lanes);
}

ptrdiff_t panelsOf(const KernelTable& table, ptrdiff_t columns) { return (columns + table.panelWidth - 1) / table.panelWidth; }

void checkPack(const KernelTable& table, ptrdiff_t depth, ptrdiff_t columns, ptrdiff_t rowStride, ptrdiff_t columnStride, Flush flush) {
  Numbers numbers(9);
  GuardedFloats source((depth - 1) * rowStride + (columns - 1) * columnStride + 1, flush), packed(packedSize(table, depth, columns), flush);
  for (ptrdiff_t i = 0; i < source.size(); ++i) source[i] = numbers.between(-1, 1);
  const ptrdiff_t panels = panelsOf(table, columns), half = panels / 2;
  PackArguments arguments = {source.data(), rowStride, columnStride, depth, columns, packed.data(), half, panels, depth, 0};
  table.pack(arguments);
  arguments.panelBegin = 0;
  arguments.panelEnd = half;
  table.pack(arguments);
  bool good = true;
  const float* at = packed.data();
  for (ptrdiff_t p = 0; p < panels; ++p) {
    const ptrdiff_t left = columns - p * table.panelWidth;
    const ptrdiff_t width = left >= table.panelWidth ? table.panelWidth : (left + table.lanes - 1) / table.lanes * table.lanes;
    for (ptrdiff_t k = 0; k < depth; ++k) {
      for (ptrdiff_t j = 0; j < width; ++j) {
        const float expected = j < left ? source[k * rowStride + (p * table.panelWidth + j) * columnStride] : 0.0f;
        good = good && sameBits(*at++, expected);
      }
    }
  }
  CHECK_NOTE(good && at == packed.data() + packed.size(), "(%s: %td x %td, strides %td %td)", table.name, depth, columns, rowStride, columnStride);
}

}  // namespace

void testPack(const KernelTable& table) {
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t depth : {1, 3, 16, 17, 40}) {
      for (const ptrdiff_t columns : {1, 2, 15, 16, 17, 33, 63, 64, 65, 130}) {
        checkPack(table, depth, columns, columns, 1, flush);
        checkPack(table, depth, columns, columns + 3, 1, flush);
        checkPack(table, depth, columns, 1, depth, flush);
        checkPack(table, depth, columns, 1, depth + 2, flush);
        checkPack(table, depth, columns, 2, 2 * depth + 1, flush);
      }
    }
  }
}

namespace {

struct Shape {
  ptrdiff_t rows, depth, columns;
};

enum class Initial { kNone, kMatrix, kBias, kPerRow, kScalar, kItself };

struct Case {
  Shape shape;
  Initial initial;
  bool transposedA;
  ptrdiff_t cExtra;
};

// A product with everything it needs in guarded memory.
class Product {
 public:
  Product(const KernelTable& table, const Case& the, Flush flush)
      : table_(table), case_(the), a_(aSize(the), flush), b_(the.shape.depth * the.shape.columns + 1, flush),
        packed_(packedSize(table, the.shape.depth, the.shape.columns), flush), c_(cSize(the), flush), initial_(cSize(the), flush),
        scratch_(static_cast<ptrdiff_t>(table.gemmScratchBytes / sizeof(float)), Flush::kEnd) {
    Numbers numbers(static_cast<uint64_t>(the.shape.rows * 31 + the.shape.depth * 7 + the.shape.columns));
    for (GuardedFloats* field : {&a_, &b_, &initial_}) {
      for (ptrdiff_t i = 0; i < field->size(); ++i) (*field)[i] = numbers.between(-1, 1);
    }
    const PackArguments pack = {b_.data(), the.shape.columns, 1, the.shape.depth, the.shape.columns, packed_.data(), 0, panels(), the.shape.depth, 0};
    table.pack(pack);
    reset();
  }

  void reset() {
    c_.fillWithPattern();
    if (case_.initial != Initial::kItself) return;
    for (ptrdiff_t r = 0; r < case_.shape.rows; ++r) {
      memcpy(&c_[r * cStride()], &initial_[r * cStride()], static_cast<size_t>(case_.shape.columns) * sizeof(float));
    }
  }

  void useScratch(bool use) { withScratch_ = use; }
  void useFetches(bool use) { withFetches_ = use; }
  ptrdiff_t panels() const { return panelsOf(table_, case_.shape.columns); }

  void run(ptrdiff_t rowBegin, ptrdiff_t rowEnd, ptrdiff_t panelBegin, ptrdiff_t panelEnd) {
    GemmArguments g = {};
    g.aRowStride = aRowStride();
    g.aDepthStride = aDepthStride();
    g.a = a_.data() + rowBegin * g.aRowStride;
    g.packed = packed_.data();
    g.cRowStride = cStride();
    g.c = c_.data() + rowBegin * g.cRowStride;
    g.initialRowStride = case_.initial == Initial::kBias || case_.initial == Initial::kScalar ? 0 : cStride();
    g.initialColumnStride = case_.initial == Initial::kPerRow || case_.initial == Initial::kScalar ? 0 : 1;
    if (case_.initial != Initial::kNone) {
      g.initial = (case_.initial == Initial::kItself ? c_.data() : initial_.data()) + rowBegin * g.initialRowStride;
    }
    g.rows = rowEnd - rowBegin;
    g.depth = case_.shape.depth;
    g.columns = case_.shape.columns;
    g.panelBegin = panelBegin;
    g.panelEnd = panelEnd;
    const FetchRun runs[] = {{packed_.data(), 1}, {c_.data(), 40}, {a_.data(), 100000}};  // the last goes beyond its memory
    g.fetches = runs;
    g.fetchCount = withFetches_ ? 3 : 0;
    g.scratch = withScratch_ ? scratch_.data() : nullptr;
    table_.gemm(g);
  }

  float expected(ptrdiff_t r, ptrdiff_t j) const {
    const bool oneRow = case_.initial == Initial::kBias || case_.initial == Initial::kScalar;
    const bool oneColumn = case_.initial == Initial::kPerRow || case_.initial == Initial::kScalar;
    float sum = case_.initial == Initial::kNone ? 0.0f : initial_[(oneRow ? 0 : r * cStride()) + (oneColumn ? 0 : j)];
    for (ptrdiff_t k = 0; k < case_.shape.depth; ++k) {
      sum = multiplyAddOf(table_, a_[r * aRowStride() + k * aDepthStride()], b_[k * case_.shape.columns + j], sum);
    }
    return sum;
  }

  // All of c is right and the gaps between its rows are untouched.
  bool isRight() const {
    bool good = true;
    for (ptrdiff_t i = 0; i < c_.size(); ++i) {
      const ptrdiff_t r = i / cStride(), j = i % cStride();
      good = good && (j < case_.shape.columns ? sameBits(c_[i], expected(r, j)) : isUntouched(c_[i]));
    }
    return good;
  }

  std::vector<float> result() const { return std::vector<float>(c_.data(), c_.data() + c_.size()); }

 private:
  static ptrdiff_t aSize(const Case& the) { return the.shape.rows * the.shape.depth + 1; }
  static ptrdiff_t cSize(const Case& the) { return (the.shape.rows - 1) * (the.shape.columns + the.cExtra) + the.shape.columns; }
  ptrdiff_t aRowStride() const { return case_.transposedA ? 1 : case_.shape.depth; }
  ptrdiff_t aDepthStride() const { return case_.transposedA ? case_.shape.rows : 1; }
  ptrdiff_t cStride() const { return case_.shape.columns + case_.cExtra; }

  const KernelTable& table_;
  Case case_;
  GuardedFloats a_, b_, packed_, c_, initial_, scratch_;
  bool withScratch_ = true;
  bool withFetches_ = false;
};

void checkGemm(const KernelTable& table, const Case& the, Flush flush) {
  Product product(table, the, flush);
  for (const bool scratch : {true, false}) {
    product.useScratch(scratch);
    product.useFetches(scratch == the.transposedA);
    product.reset();
    product.run(0, the.shape.rows, 0, product.panels());
    CHECK_NOTE(product.isRight(), "(%s: %td x %td x %td, initial %d, transposed %d, scratch %d)", table.name, the.shape.rows, the.shape.depth,
               the.shape.columns, static_cast<int>(the.initial), the.transposedA, scratch);
  }
}

}  // namespace

void testGemm(const KernelTable& table) {
  const Initial initials[] = {Initial::kNone, Initial::kMatrix, Initial::kBias, Initial::kPerRow, Initial::kScalar, Initial::kItself};
  const ptrdiff_t width = table.panelWidth, lanes = table.lanes;
  int turn = 0;
  for (const Flush flush : kBothFlushes) {
    for (ptrdiff_t rows = 1; rows <= 14; ++rows) {
      for (const ptrdiff_t columns : {ptrdiff_t{1}, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes - 1, width - 1, width, width + 1,
                                      2 * width + lanes + 1}) {
        if (columns < 1) continue;
        const Initial initial = initials[turn++ % 6];
        checkGemm(table, {{rows, 1 + turn % 19, columns}, initial, turn % 4 == 1, turn % 3}, flush);
      }
    }
    // Long enough to be cut into blocks of the depth and of rows.
    for (const Initial initial : initials) {
      checkGemm(table, {{3, 2100, 70}, initial, false, 1}, flush);
      checkGemm(table, {{5, 900, 33}, initial, true, 0}, flush);
      checkGemm(table, {{37, 1050, 3 * width - 1}, initial, true, 1}, flush);
      checkGemm(table, {{200, 20, 4 * width}, initial, true, 1}, flush);
      checkGemm(table, {{210, 3, 66}, initial, false, 2}, flush);
      checkGemm(table, {{2, 0, 20}, initial, false, 0}, flush);
      checkGemm(table, {{7, 1100, 4 * 64 + 1}, initial, true, 0}, flush);  // panels from far away
    }
    checkGemm(table, {{7, 1056, 2013}, Initial::kMatrix, false, 1}, flush);  // so many that they are fetched before what is asked for
  }
}

void testGemmSplits(const KernelTable& table) {
  const Case cases[] = {{{53, 130, 150}, Initial::kBias, false, 3}, {{31, 1500, 97}, Initial::kItself, false, 0}, {{40, 500, 70}, Initial::kMatrix, true, 0}};
  for (const Case& the : cases) {
    Product product(table, the, Flush::kEnd);
    product.run(0, the.shape.rows, 0, product.panels());
    const std::vector<float> whole = product.result();
    for (const ptrdiff_t rowsAtOnce : {1, 2, 5, 6, 7, 13, 25}) {
      for (const ptrdiff_t panelsAtOnce : {1, 2}) {
        product.reset();
        for (ptrdiff_t r = 0; r < the.shape.rows; r += rowsAtOnce) {
          const ptrdiff_t rowEnd = r + rowsAtOnce < the.shape.rows ? r + rowsAtOnce : the.shape.rows;
          for (ptrdiff_t p = 0; p < product.panels(); p += panelsAtOnce) {
            product.run(r, rowEnd, p, p + panelsAtOnce < product.panels() ? p + panelsAtOnce : product.panels());
          }
        }
        const std::vector<float> parts = product.result();
        CHECK_NOTE(memcmp(whole.data(), parts.data(), whole.size() * sizeof(float)) == 0, "(%s: %td rows and %td panels at once)", table.name,
                   rowsAtOnce, panelsAtOnce);
      }
    }
  }
}

}  // namespace tests
}  // namespace bptt
