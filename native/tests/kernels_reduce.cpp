// Reductions: sums against double precision and against the order that is promised, maxima and minima with NaN and infinities.
#include <math.h>

#include "../isa/detect.h"
#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

// The promised order, one element after the other.
float blockSum(const float* x, ptrdiff_t count) {
  float partials[32] = {};
  for (ptrdiff_t i = 0; i < count; ++i) partials[i % 32] += x[i];
  for (int half = 16; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) partials[i] += partials[i + half];
  }
  return partials[0];
}

// Sums of 2^k blocks each, largest groups first; then from the smallest group up.
float pairwise(const std::vector<float>& blocks, size_t begin, size_t end) {
  if (end - begin == 0) return 0;
  if (end - begin == 1) return blocks[begin];
  size_t half = 1;
  while (half * 2 < end - begin) half *= 2;
  return pairwise(blocks, begin, begin + half) + pairwise(blocks, begin + half, end);
}

float promisedSum(const std::vector<float>& x) {
  std::vector<float> blocks;
  const ptrdiff_t count = static_cast<ptrdiff_t>(x.size());
  for (ptrdiff_t i = 0; i < count; i += 1024) blocks.push_back(blockSum(x.data() + i, count - i < 1024 ? count - i : 1024));
  return pairwise(blocks, 0, blocks.size());
}

struct Placement {
  ptrdiff_t rowStride, outerStride, innerStride;
};

void checkReduce(const KernelTable& table, ptrdiff_t rows, ptrdiff_t outer, ptrdiff_t inner, const Placement& at, Flush flush) {
  Numbers numbers(static_cast<uint64_t>(rows + outer * 3 + inner * 5));
  const ptrdiff_t size = (rows - 1) * at.rowStride + (outer - 1) * at.outerStride + (inner - 1) * at.innerStride + 1;
  GuardedFloats in(size, flush), out((rows - 1) * 2 + 1, flush);
  for (ptrdiff_t i = 0; i < size; ++i) in[i] = numbers.between(-1, 3);
  for (int32_t kind = 0; kind < 4; ++kind) {
    out.fillWithPattern();
    table.reduce({in.data(), at.rowStride, at.outerStride, at.innerStride, rows, outer, inner, out.data(), 2, kind});
    bool good = true;
    for (ptrdiff_t r = 0; r < rows; ++r) {
      std::vector<float> x, squares;
      float largest = -INFINITY, smallest = INFINITY;
      for (ptrdiff_t e = 0; e < outer * inner; ++e) {
        x.push_back(in[r * at.rowStride + e / inner * at.outerStride + e % inner * at.innerStride]);
        squares.push_back(x.back() * x.back());
        largest = fmaxf(largest, x.back());
        smallest = fminf(smallest, x.back());
      }
      const float expected = kind == 0 ? promisedSum(x) : kind == 1 ? largest : kind == 2 ? smallest : promisedSum(squares);
      good = good && out[2 * r] == expected && (r + 1 == rows || isUntouched(out[2 * r + 1]));
    }
    CHECK_NOTE(good, "(%s kind %d: %td rows of %td x %td)", table.name, kind, rows, outer, inner);
  }
}

void checkSpecials(const KernelTable& table) {
  for (const ptrdiff_t count : {1, 5, 16, 33, 1500}) {
    for (ptrdiff_t place = 0; place < count; place += 1 + count / 7) {
      std::vector<float> x(static_cast<size_t>(count), 1.0f);
      for (const float special : {NAN, INFINITY, -INFINITY}) {
        x[static_cast<size_t>(place)] = special;
        float sum, largest, smallest;
        table.reduce({x.data(), 0, 0, 1, 1, 1, count, &sum, 0, 0});
        table.reduce({x.data(), 0, 0, 1, 1, 1, count, &largest, 0, 1});
        table.reduce({x.data(), 0, 0, 1, 1, 1, count, &smallest, 0, 2});
        CHECK(sameValue(sum, special));
        CHECK(sameValue(largest, special != special ? NAN : special > 0 || count == 1 ? special : 1.0f));
        CHECK(sameValue(smallest, special != special ? NAN : special < 0 || count == 1 ? special : 1.0f));
      }
    }
  }
  float none[3] = {7, 7, 7};
  for (int32_t kind = 0; kind < 3; ++kind) table.reduce({none, 0, 0, 1, 1, 1, 0, none + kind, 0, kind});
  CHECK(none[0] == 0 && none[1] == -INFINITY && none[2] == INFINITY);
}

}  // namespace

void testReduce(const KernelTable& table) {
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t count : {1, 3, 15, 16, 17, 31, 32, 33, 64, 1000, 1023, 1024, 1025, 2048, 5000}) {
      checkReduce(table, 3, 1, count, {count + 1, 0, 1}, flush);
      checkReduce(table, 2, 1, count, {1, 0, 3}, flush);
      checkReduce(table, 2, count, 1, {count * 2, 2, 1}, flush);
      checkReduce(table, 2, 3, count, {4 * count, count, 1}, flush);
      checkReduce(table, 2, 7, count, {9, count + 20, 1}, flush);
    }
  }
  checkSpecials(table);
  // A long sum keeps its precision: a plain chain would be off by hundreds of units.
  std::vector<float> tenths(1 << 20, 0.1f);
  float sum = 0;
  table.reduce({tenths.data(), 0, 0, 1, 1, 1, 1 << 20, &sum, 0, 0});
  CHECK_NOTE(unitsOff(sum, static_cast<double>(0.1f) * (1 << 20)) <= 4, "(%s: %.9g)", table.name, sum);
}

void testColumnSum(const KernelTable& table) {
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t rows : {1, 2, 7, 1024, 1025, 5200}) {
      for (const ptrdiff_t columns : {1, 3, 15, 16, 17, 63, 64, 65, 70}) {
        Numbers numbers(static_cast<uint64_t>(rows + columns));
        const ptrdiff_t stride = columns + 2;
        GuardedFloats in((rows - 1) * stride + columns, flush), out(columns, flush), parts(columns, flush);
        for (ptrdiff_t i = 0; i < in.size(); ++i) in[i] = numbers.between(-1, 2);
        table.columnSum({in.data(), stride, rows, 0, columns, out.data()});
        for (ptrdiff_t j = 0; j < columns; j += 5) {
          table.columnSum({in.data(), stride, rows, j, j + 5 < columns ? j + 5 : columns, parts.data()});
        }
        bool good = true;
        for (ptrdiff_t j = 0; j < columns; ++j) {
          std::vector<float> blocks;
          for (ptrdiff_t begin = 0; begin < rows; begin += 1024) {
            float sum = in[begin * stride + j];
            for (ptrdiff_t r = begin + 1; r < rows && r < begin + 1024; ++r) sum += in[r * stride + j];
            blocks.push_back(sum);
          }
          good = good && sameBits(out[j], pairwise(blocks, 0, blocks.size())) && sameBits(parts[j], out[j]);
        }
        CHECK_NOTE(good, "(%s: %td x %td)", table.name, rows, columns);
      }
    }
  }
  float untouchedRows[4] = {5, 5, 5, 5};
  table.columnSum({untouchedRows, 4, 0, 0, 4, untouchedRows});
  CHECK(untouchedRows[0] == 0 && untouchedRows[3] == 0);
}

}  // namespace tests
}  // namespace bptt
