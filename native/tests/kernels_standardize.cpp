// Standardized rows and what flows back through them: against double precision, and the same bits on every instruction set, for any split of the rows and in place.
#include <math.h>
#include <string.h>

#include "../isa/detect.h"
#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

struct Sizes {
  ptrdiff_t rows, columns, stride;
  ptrdiff_t length() const { return (rows - 1) * stride + columns; }
};

void fill(GuardedFloats& x, Numbers& numbers, float low, float high) {
  for (ptrdiff_t i = 0; i < x.size(); ++i) x[i] = numbers.between(low, high);
}

// The elements of the rows and nothing between them.
bool sameRows(const Sizes& sizes, const float* a, const float* b) {
  for (ptrdiff_t r = 0; r < sizes.rows; ++r) {
    if (memcmp(a + r * sizes.stride, b + r * sizes.stride, static_cast<size_t>(sizes.columns) * sizeof(float)) != 0) return false;
  }
  return true;
}

bool gapsUntouched(const Sizes& sizes, const float* out) {
  for (ptrdiff_t r = 0; r + 1 < sizes.rows; ++r) {
    for (ptrdiff_t j = sizes.columns; j < sizes.stride; ++j) {
      if (!isUntouched(out[r * sizes.stride + j])) return false;
    }
  }
  return true;
}

void runOn(const KernelTable& table, const Sizes& sizes, const float* in, float* out, float* scale, float epsilon) {
  table.standardize({in, sizes.stride, out, sizes.stride, scale, 2, sizes.rows, sizes.columns, epsilon});
}

void checkStandardize(const KernelTable& table, const Sizes& sizes, Flush flush) {
  constexpr float epsilon = 1e-3f;
  Numbers numbers(static_cast<uint64_t>(sizes.rows * 31 + sizes.columns));
  GuardedFloats in(sizes.length(), flush), out(sizes.length(), flush), other(sizes.length(), flush), scale(2 * sizes.rows - 1, flush), otherScale(2 * sizes.rows - 1, flush);
  fill(in, numbers, -1, 3);
  runOn(table, sizes, in.data(), out.data(), scale.data(), epsilon);
  bool good = true;
  for (ptrdiff_t r = 0; r < sizes.rows; ++r) {
    double center = 0, variance = 0;
    for (ptrdiff_t j = 0; j < sizes.columns; ++j) center += in[r * sizes.stride + j];
    center /= static_cast<double>(sizes.columns);
    for (ptrdiff_t j = 0; j < sizes.columns; ++j) variance += pow(in[r * sizes.stride + j] - center, 2);
    const double factor = 1 / sqrt(variance / static_cast<double>(sizes.columns) + epsilon);
    good = good && fabs(scale[2 * r] - factor) <= 2e-6 * factor && (r + 1 == sizes.rows || isUntouched(scale[2 * r + 1]));
    for (ptrdiff_t j = 0; j < sizes.columns; ++j) good = good && fabs(out[r * sizes.stride + j] - (in[r * sizes.stride + j] - center) * factor) <= 1e-6 * factor + 1e-5;
  }
  CHECK_NOTE(good && gapsUntouched(sizes, out.data()), "(%s: %td x %td)", table.name, sizes.rows, sizes.columns);
  runOn(*tableNamed("scalar"), sizes, in.data(), other.data(), otherScale.data(), epsilon);
  CHECK_NOTE(sameRows(sizes, out.data(), other.data()), "(%s: %td x %td has other bits than plain C++)", table.name, sizes.rows, sizes.columns);
  for (ptrdiff_t r = 0; r < sizes.rows; ++r) {
    runOn(table, {1, sizes.columns, sizes.stride}, in.data() + r * sizes.stride, other.data() + r * sizes.stride, otherScale.data() + 2 * r, epsilon);
    good = good && sameBits(scale[2 * r], otherScale[2 * r]);
  }
  CHECK_NOTE(good && sameRows(sizes, out.data(), other.data()), "(%s: %td x %td row by row)", table.name, sizes.rows, sizes.columns);
  runOn(table, sizes, in.data(), in.data(), otherScale.data(), epsilon);
  CHECK_NOTE(sameRows(sizes, out.data(), in.data()), "(%s: %td x %td in place)", table.name, sizes.rows, sizes.columns);
}

// Rows of d, y and the result, all of the same stride; factors of the rows two apart.
struct Backward {
  Sizes sizes;
  GuardedFloats d, y, gain, scale;
  ptrdiff_t gainStride;

  Backward(const Sizes& s, ptrdiff_t stride, Flush flush)
      : sizes(s), d(s.length(), flush), y(s.length(), flush), gain(stride == 0 ? 1 : s.columns, flush), scale(2 * s.rows - 1, flush), gainStride(stride) {
    Numbers numbers(static_cast<uint64_t>(s.rows * 17 + s.columns + stride));
    fill(d, numbers, -1, 2);
    fill(y, numbers, -2, 2);
    fill(gain, numbers, 0.5f, 2);
    fill(scale, numbers, 0.5f, 3);
  }

  void run(const KernelTable& table, ptrdiff_t begin, ptrdiff_t rows, float* out) const {
    const ptrdiff_t from = begin * sizes.stride;
    table.standardizeGradient({d.data() + from, sizes.stride, gain.data(), gainStride, y.data() + from, sizes.stride, scale.data() + 2 * begin, 2, out + from, sizes.stride, rows,
                               sizes.columns});
  }

  double scaled(ptrdiff_t r, ptrdiff_t j) const { return static_cast<double>(d[r * sizes.stride + j]) * gain[j * gainStride]; }

  bool isRight(const float* out) const {
    bool good = true;
    for (ptrdiff_t r = 0; r < sizes.rows; ++r) {
      double center = 0, slope = 0;
      for (ptrdiff_t j = 0; j < sizes.columns; ++j) {
        center += scaled(r, j) / static_cast<double>(sizes.columns);
        slope += scaled(r, j) * y[r * sizes.stride + j] / static_cast<double>(sizes.columns);
      }
      for (ptrdiff_t j = 0; j < sizes.columns; ++j) {
        const double truth = (scaled(r, j) - center - y[r * sizes.stride + j] * slope) * scale[2 * r];
        good = good && fabs(out[r * sizes.stride + j] - truth) <= 2e-5;
      }
    }
    return good;
  }
};

void checkGradient(const KernelTable& table, const Sizes& sizes, ptrdiff_t gainStride, Flush flush) {
  Backward backward(sizes, gainStride, flush);
  GuardedFloats out(sizes.length(), flush), other(sizes.length(), flush);
  backward.run(table, 0, sizes.rows, out.data());
  CHECK_NOTE(backward.isRight(out.data()) && gapsUntouched(sizes, out.data()), "(%s: %td x %td, gain stride %td)", table.name, sizes.rows, sizes.columns, gainStride);
  backward.run(*tableNamed("scalar"), 0, sizes.rows, other.data());
  CHECK_NOTE(sameRows(sizes, out.data(), other.data()), "(%s: %td x %td has other bits than plain C++)", table.name, sizes.rows, sizes.columns);
  for (ptrdiff_t r = 0; r < sizes.rows; ++r) backward.run(table, r, 1, other.data());
  CHECK_NOTE(sameRows(sizes, out.data(), other.data()), "(%s: %td x %td row by row)", table.name, sizes.rows, sizes.columns);
  for (float* place : {backward.d.data(), backward.y.data()}) {
    Backward again(sizes, gainStride, flush);
    again.run(table, 0, sizes.rows, place == backward.d.data() ? again.d.data() : again.y.data());
    CHECK_NOTE(sameRows(sizes, out.data(), place == backward.d.data() ? again.d.data() : again.y.data()), "(%s: %td x %td in place)", table.name, sizes.rows, sizes.columns);
  }
}

void checkSpecialRows(const KernelTable& table) {
  std::vector<float> in(20 * 40, 0.0f), out(in.size()), scale(40);
  for (ptrdiff_t i = 0; i < 40; ++i) in[static_cast<size_t>(i)] = 7;  // a row of equal numbers
  in[40 + 3] = NAN;
  in[80 + 3] = INFINITY;
  in[120] = 1;
  table.standardize({in.data(), 40, out.data(), 40, scale.data(), 2, 20, 40, 1e-5f});
  bool good = true;
  for (size_t i = 0; i < 40; ++i) good = good && out[i] == 0 && out[40 + i] != out[40 + i] && out[80 + i] != out[80 + i] && out[160 + i] == 0;
  CHECK_NOTE(good, "(%s)", table.name);
  CHECK(unitsOff(scale[0], 1 / sqrt(static_cast<double>(1e-5f))) <= 2 && scale[2] != scale[2]);
  CHECK(unitsOff(out[120], 0.975 / sqrt(0.975 * 0.025 + 1e-5)) <= 8);
}

}  // namespace

void testStandardize(const KernelTable& table) {
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t columns : {1, 2, 3, 15, 16, 17, 31, 32, 33, 65, 128, 1000, 1024, 1029, 5200}) {
      for (const ptrdiff_t rows : {1, 3, 15, 16, 17, 40}) {
        if (rows * columns > 40 * 1100) continue;
        checkStandardize(table, {rows, columns, columns + 3}, flush);
        checkGradient(table, {rows, columns, columns + 3}, 0, flush);
        checkGradient(table, {rows, columns, columns + 3}, 1, flush);
      }
    }
  }
  checkSpecialRows(table);
}

}  // namespace tests
}  // namespace bptt
