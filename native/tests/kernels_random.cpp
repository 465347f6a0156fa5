// Random numbers against the generator as docs/program-format.md states it, and argMax.
#include <math.h>

#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

struct Block {
  uint32_t words[4];
};

Block philoxBlock(uint64_t index, uint32_t stream, uint32_t key0, uint32_t key1) {
  Block c = {{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), stream, 0}};
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
    const uint64_t first = 0xD2511F53ull * c.words[0], second = 0xCD9E8D57ull * c.words[2];
    c = {{static_cast<uint32_t>(second >> 32) ^ c.words[1] ^ key0, static_cast<uint32_t>(second),
          static_cast<uint32_t>(first >> 32) ^ c.words[3] ^ key1, static_cast<uint32_t>(first)}};
  }
  return c;
}

double expectedNumber(uint64_t i, int32_t distribution, uint32_t stream, const uint32_t (&key)[2]) {
  const Block block = philoxBlock(i / 4, stream, key[0], key[1]);
  if (distribution == 0) return (block.words[i % 4] >> 8) * ldexp(1.0, -24);
  const uint32_t w0 = block.words[i % 4 / 2 * 2], w1 = block.words[i % 4 / 2 * 2 + 1];
  const double u1 = ((w0 >> 8) + 1) * ldexp(1.0, -24), u2 = (w1 >> 8) * ldexp(1.0, -24);
  const double radius = sqrt(-2 * log(u1)), angle = 2 * 3.14159265358979323846 * u2;
  return radius * (i % 2 == 0 ? cos(angle) : sin(angle));
}

void checkRange(const KernelTable& table, uint64_t begin, uint64_t end, int32_t distribution, Flush flush) {
  const uint32_t key[2] = {0xA4093822u, 0x299F31D0u};
  const ptrdiff_t count = static_cast<ptrdiff_t>(end - begin);
  GuardedFloats memory(count, flush);
  // Element 0 lies before the buffer: the address is only ever computed.
  float* out = reinterpret_cast<float*>(reinterpret_cast<uintptr_t>(memory.data()) - static_cast<uintptr_t>(begin) * sizeof(float));
  if (begin % 2 == 0) table.random({{key[0], key[1]}, 17u, distribution, begin, end, out});
  else table.random({{key[0], key[1]}, 17u, distribution, begin, end, memory.data(), begin});
  bool good = true;
  for (ptrdiff_t i = 0; i < count; ++i) {
    const double truth = expectedNumber(begin + static_cast<uint64_t>(i), distribution, 17u, key);
    good = good && (distribution == 0 ? memory[i] == truth : fabs(memory[i] - truth) <= 4e-7 * (fabs(truth) + 1e-6) + 1e-15);
  }
  CHECK_NOTE(good, "(%s: elements %llu to %llu, distribution %d)", table.name, static_cast<unsigned long long>(begin),
             static_cast<unsigned long long>(end), distribution);
}

}  // namespace

void testRandom(const KernelTable& table) {
  // The published answer of Philox4x32-10 to a counter and key of zeros.
  const Block zeros = philoxBlock(0, 0, 0, 0);
  CHECK(zeros.words[0] == 0x6627E8D5u && zeros.words[1] == 0xE169C58Du && zeros.words[2] == 0xBC57AC4Cu && zeros.words[3] == 0x9B00DBD8u);
  const uint64_t carry = 4ull << 32;  // where the low word of the counter runs over
  for (const Flush flush : kBothFlushes) {
    for (int32_t distribution = 0; distribution < 2; ++distribution) {
      for (const uint64_t begin : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{63}, carry - 9, carry * 5 - 64}) {
        for (const uint64_t count : {1, 2, 5, 63, 64, 65, 300}) checkRange(table, begin, begin + count, distribution, flush);
      }
    }
  }
  const ptrdiff_t count = 200000;
  std::vector<float> normal(static_cast<size_t>(count));
  table.random({{1u, 2u}, 0u, 1, 0, static_cast<uint64_t>(count), normal.data()});
  double sum = 0, squares = 0;
  for (const float x : normal) {
    sum += x;
    squares += static_cast<double>(x) * x;
  }
  CHECK(fabs(sum / count) < 0.01 && fabs(squares / count - 1) < 0.02);
}

void testArgMax(const KernelTable& table) {
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t columns : {1, 2, 15, 16, 17, 40, 1000}) {
      for (const ptrdiff_t stride : {1, 3}) {
        const ptrdiff_t rows = 5, rowStride = columns * stride + 1;
        Numbers numbers(static_cast<uint64_t>(columns));
        GuardedFloats in((rows - 1) * rowStride + (columns - 1) * stride + 1, flush);
        for (ptrdiff_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(static_cast<int32_t>(numbers.word() % 9) - 4);
        if (columns > 2) in[rowStride + (columns / 2) * stride] = NAN;
        if (columns > 2) in[rowStride + (columns - 1) * stride] = NAN;
        for (ptrdiff_t j = 0; j < columns; ++j) in[2 * rowStride + j * stride] = -INFINITY;
        int32_t out[10];
        table.argMax({in.data(), rowStride, stride, out, 2, rows, columns});
        for (ptrdiff_t r = 0; r < rows; ++r) {
          ptrdiff_t best = 0;
          for (ptrdiff_t j = 1; j < columns; ++j) {
            const float x = in[r * rowStride + j * stride], old = in[r * rowStride + best * stride];
            if (old == old && (x > old || x != x)) best = j;
          }
          CHECK_NOTE(out[2 * r] == best, "(%s: row %td of %td: %d, not %td)", table.name, r, columns, out[2 * r], best);
        }
      }
    }
  }
}

}  // namespace tests
}  // namespace bptt
