// Softmax, log-softmax and cross entropy against double precision.
#include <math.h>

#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

struct Row {
  double logNormalizer;
  std::vector<double> probability;
};

Row exactRow(const float* x, ptrdiff_t columns) {
  double largest = -INFINITY, sum = 0;
  for (ptrdiff_t j = 0; j < columns; ++j) largest = x[j] > largest ? x[j] : largest;
  for (ptrdiff_t j = 0; j < columns; ++j) sum += exp(x[j] - largest);
  Row row;
  row.logNormalizer = largest + log(sum);
  for (ptrdiff_t j = 0; j < columns; ++j) row.probability.push_back(exp(x[j] - row.logNormalizer));
  return row;
}

void fillLogits(GuardedFloats& x, Numbers& numbers, float size) {
  for (ptrdiff_t i = 0; i < x.size(); ++i) x[i] = numbers.between(-size, size);
}

// x − m is rounded once before exp, which an error of half a unit of x multiplies into |x|·2^-24; hence the second term.
double allowance(double truth, float size) { return fabs(truth) * 6e-7 + fabs(truth) * size * 1.3e-7 + 1e-44; }

void checkSoftmax(const KernelTable& table, ptrdiff_t rows, ptrdiff_t columns, float size, bool inPlace, Flush flush) {
  Numbers numbers(static_cast<uint64_t>(rows * 7 + columns));
  const ptrdiff_t stride = columns + 1, length = (rows - 1) * stride + columns;
  for (int32_t kind = 0; kind < 2; ++kind) {
    GuardedFloats in(length, flush), out(length, flush);
    fillLogits(in, numbers, size);
    const std::vector<float> before(in.data(), in.data() + length);
    float* to = inPlace ? in.data() : out.data();
    table.softmax({in.data(), stride, to, stride, rows, columns, kind});
    bool good = true;
    for (ptrdiff_t r = 0; r < rows; ++r) {
      const Row exact = exactRow(before.data() + r * stride, columns);
      for (ptrdiff_t j = 0; j < columns; ++j) {
        const double probability = exact.probability[static_cast<size_t>(j)];
        const double truth = kind == 0 ? probability : before[static_cast<size_t>(r * stride + j)] - exact.logNormalizer;
        const double allowed = kind == 0 ? allowance(truth, size) : 3e-7 * (2 * size + log(static_cast<double>(columns)) + 1);
        good = good && fabs(to[r * stride + j] - truth) <= allowed;
      }
      if (r + 1 == rows) continue;
      const ptrdiff_t gap = r * stride + columns;
      good = good && (inPlace ? sameBits(to[gap], before[static_cast<size_t>(gap)]) : isUntouched(to[gap]));
    }
    CHECK_NOTE(good, "(%s kind %d: %td x %td, size %g)", table.name, kind, rows, columns, size);
  }
}

}  // namespace

void testSoftmax(const KernelTable& table) {
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t columns : {1, 2, 3, 15, 16, 17, 31, 32, 33, 65, 1000, 1024, 1029, 3000}) {
      for (const float size : {1.0f, 30.0f}) {
        checkSoftmax(table, 3, columns, size, false, flush);
        checkSoftmax(table, 2, columns, size, true, flush);
      }
    }
  }
  std::vector<float> x(40, 0.0f), out(40);
  x[3] = 1e30f;
  table.softmax({x.data(), 40, out.data(), 40, 1, 40, 0});
  CHECK(out[3] == 1 && out[0] == 0);
  x[3] = -INFINITY;
  table.softmax({x.data(), 40, out.data(), 40, 1, 40, 0});
  CHECK(out[3] == 0 && unitsOff(out[0], 1.0 / 39) <= 3);
  table.softmax({x.data(), 40, out.data(), 40, 1, 40, 1});
  CHECK(out[3] == -INFINITY && unitsOff(out[0], -log(39.0)) <= 3);
  x[20] = NAN;
  for (int32_t kind = 0; kind < 2; ++kind) {
    table.softmax({x.data(), 40, out.data(), 40, 1, 40, kind});
    CHECK(out[0] != out[0] && out[39] != out[39]);
  }
}

namespace {

struct Batch {
  ptrdiff_t rows, columns, stride;
  GuardedFloats logits;
  std::vector<int32_t> targets;
  Batch(ptrdiff_t r, ptrdiff_t c, Numbers& numbers, Flush flush) : rows(r), columns(c), stride(c + 3), logits((r - 1) * (c + 3) + c, flush) {
    fillLogits(logits, numbers, 8.0f);
    for (ptrdiff_t i = 0; i < 2 * rows; ++i) targets.push_back(static_cast<int32_t>(numbers.word() % static_cast<uint32_t>(columns)));
  }
};

void checkLoss(const KernelTable& table, Batch& batch, GuardedFloats& loss, GuardedFloats& normalizer) {
  table.crossEntropy({batch.logits.data(), batch.stride, batch.targets.data(), 2, loss.data(), normalizer.data(), batch.rows, batch.columns});
  bool good = true;
  for (ptrdiff_t r = 0; r < batch.rows; ++r) {
    const Row exact = exactRow(&batch.logits[r * batch.stride], batch.columns);
    const double truth = exact.logNormalizer - batch.logits[r * batch.stride + batch.targets[static_cast<size_t>(2 * r)]];
    good = good && fabs(loss[r] - truth) <= 4e-7 * (truth + 1) && fabs(normalizer[r] - exact.logNormalizer) <= 1e-6 * 12;
  }
  CHECK_NOTE(good, "(%s: %td x %td)", table.name, batch.rows, batch.columns);
}

void checkLossGradient(const KernelTable& table, Batch& batch, const GuardedFloats& normalizer, Flush flush) {
  GuardedFloats gradient(batch.logits.size(), flush), upstream(batch.rows, flush);
  for (ptrdiff_t r = 0; r < batch.rows; ++r) upstream[r] = 0.25f * static_cast<float>(r + 1);
  table.crossEntropyGradient({batch.logits.data(), batch.stride, normalizer.data(), batch.targets.data(), 2, upstream.data(), 1, gradient.data(),
                              batch.stride, batch.rows, batch.columns});
  bool good = true;
  for (ptrdiff_t r = 0; r < batch.rows; ++r) {
    const Row exact = exactRow(&batch.logits[r * batch.stride], batch.columns);
    for (ptrdiff_t j = 0; j < batch.columns; ++j) {
      const double oneHot = j == batch.targets[static_cast<size_t>(2 * r)] ? 1 : 0;
      const double truth = (exact.probability[static_cast<size_t>(j)] - oneHot) * upstream[r];
      good = good && fabs(gradient[r * batch.stride + j] - truth) <= 3e-6 * (exact.probability[static_cast<size_t>(j)] + oneHot) * upstream[r];
    }
    if (r + 1 < batch.rows) good = good && isUntouched(gradient[r * batch.stride + batch.columns]);
  }
  CHECK_NOTE(good, "(%s: %td x %td)", table.name, batch.rows, batch.columns);
  // In place, the same bits.
  const std::vector<float> separate(gradient.data(), gradient.data() + gradient.size());
  table.crossEntropyGradient({batch.logits.data(), batch.stride, normalizer.data(), batch.targets.data(), 2, upstream.data(), 1,
                              batch.logits.data(), batch.stride, batch.rows, batch.columns});
  bool same = true;
  for (ptrdiff_t i = 0; i < batch.logits.size(); ++i) {
    same = same && (i % batch.stride >= batch.columns || sameBits(batch.logits[i], separate[static_cast<size_t>(i)]));
  }
  CHECK_NOTE(same, "(%s: %td x %td in place)", table.name, batch.rows, batch.columns);
}

}  // namespace

void testCrossEntropy(const KernelTable& table) {
  Numbers numbers(21);
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t rows : {1, 4}) {
      for (const ptrdiff_t columns : {1, 2, 15, 16, 17, 65, 1023, 1024, 2100}) {
        Batch batch(rows, columns, numbers, flush);
        GuardedFloats loss(rows, flush), normalizer(rows, flush);
        checkLoss(table, batch, loss, normalizer);
        checkLossGradient(table, batch, normalizer, flush);
      }
    }
  }
  // A confident prediction: the loss is far below the rounding of its logits.
  const float logits[2] = {1000.0f, 990.0f};
  const int32_t target = 0;
  float loss, normalizer;
  table.crossEntropy({logits, 2, &target, 1, &loss, &normalizer, 1, 2});
  CHECK_NOTE(fabs(loss - log1p(exp(-10.0))) <= 2e-7, "(%s: %g)", table.name, loss);
}

}  // namespace tests
}  // namespace bptt
