// Every opcode against its meaning in plain double arithmetic, on one thread and on several.
#include <algorithm>
#include <cmath>

#include "engine_test.h"

namespace bptt::tests {

using namespace format;

namespace {

// The contents of the last storage after a run on each of several thread counts must be the same bits; returns those of one thread.
std::vector<float> sameOnAnyThreads(const KernelTable& table, const Words& words, size_t elements, const std::function<void(Machine&)>& fill) {
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 4, 7}) {
    Machine machine(table, words);
    CHECK_TEXT(machine.good(), machine.error());
    if (!machine.good()) return std::vector<float>(elements);
    fill(machine);
    CHECK(machine.run(threads).status == RunStatus::ok);
    const float* out = machine.floats(1);
    if (first.empty()) first.assign(out, out + elements);
    CHECK_TEXT(std::memcmp(first.data(), out, elements * sizeof(float)) == 0, "other bits on " + std::to_string(threads) + " threads");
  }
  return first;
}

void checkMap(const KernelTable& table, const std::vector<uint32_t>& dimensions, const std::vector<int32_t>& inputStrides) {
  int64_t elements = 1, reach = 1;
  for (size_t axis = 0; axis < dimensions.size(); axis++) {
    elements *= dimensions[axis];
    reach += int64_t{dimensions[axis] - 1} * inputStrides[axis];
  }
  Assembler a;
  const uint32_t in = a.storage(reach), out = a.storage(elements);
  const uint32_t entry = a.map(1, {3.0f}, {{8, 0, 64, 64, 128}, {3, 64, 0, 128, 0}});
  a.add(Opcode::map, {a.operand({in, 0, dimensions, ElementType::float32, inputStrides}), a.operand({out, 0, dimensions})}, {entry, 1});
  const std::vector<float> input = randomFloats(static_cast<size_t>(reach), 5);
  const auto fill = [&](Machine& machine) { std::copy(input.begin(), input.end(), machine.floats(0)); };
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), static_cast<size_t>(elements), fill);
  bool good = true;
  for (int64_t index = 0; index < elements; index++) {
    int64_t rest = index, place = 0;
    for (size_t axis = dimensions.size(); axis-- > 0; rest /= dimensions[axis]) place += rest % dimensions[axis] * inputStrides[axis];
    const double x = input[static_cast<size_t>(place)];
    good = good && nearly(result[static_cast<size_t>(index)], 3 * (x * x + 3), 1e-6);
  }
  CHECK_TEXT(good, "map over " + std::to_string(dimensions.size()) + " dimensions");
}

// The same product of an operand that was packed and of one that was not.
void checkGemm(const KernelTable& table, uint32_t rows, uint32_t depth, uint32_t columns, bool transposed, uint32_t initialMode) {
  Assembler a, packing;
  const uint32_t wide = (columns + 63) / 64 * 64;
  const int64_t rightOffset = int64_t{rows} * depth, biasOffset = rightOffset + int64_t{depth} * columns;
  a.arenaElements = int64_t{depth} * wide;
  for (Assembler* assembler : {&a, &packing}) {
    const uint32_t in = assembler->storage(biasOffset + columns), out = assembler->storage(int64_t{rows} * columns);
    const auto matrix = [&](int64_t offset, uint32_t height, uint32_t width, std::vector<int32_t> strides) {
      return assembler->operand({in, offset, {height, width}, ElementType::float32, std::move(strides)});
    };
    const uint32_t left = matrix(0, rows, depth, transposed ? std::vector<int32_t>{1, static_cast<int32_t>(rows)} : std::vector<int32_t>{});
    uint32_t right = matrix(rightOffset, depth, columns, transposed ? std::vector<int32_t>{1, static_cast<int32_t>(depth)} : std::vector<int32_t>{});
    const uint32_t c = assembler->operand({out, 0, {rows, columns}}), bias = matrix(biasOffset, rows, columns, {0, 1});
    if (assembler == &a) {
      const uint32_t packed = a.operand({arena, 0, {depth * wide}});
      a.add(Opcode::pack, {right, packed});
      right = packed;
    }
    assembler->add(Opcode::gemm, initialMode == 0 ? Words{left, right, c} : Words{left, right, c, bias}, {depth, initialMode, 0});
  }
  const std::vector<float> input = randomFloats(static_cast<size_t>(biasOffset) + columns, rows + depth);
  const auto fill = [&](Machine& machine) { std::copy(input.begin(), input.end(), machine.floats(0)); };
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), size_t{rows} * columns, fill);
  bool good = true;
  for (uint32_t row = 0; row < rows; row++) {
    for (uint32_t column = 0; column < columns; column++) {
      double sum = initialMode == 0 ? 0 : input[static_cast<size_t>(biasOffset) + column];
      for (uint32_t k = 0; k < depth; k++) {
        const float x = transposed ? input[k * rows + row] : input[row * depth + k];
        const float y = input[static_cast<size_t>(rightOffset) + (transposed ? size_t{column} * depth + k : size_t{k} * columns + column)];
        sum += double{x} * y;
      }
      good = good && nearly(result[row * columns + column], sum, depth > 1000 ? 1e-4 : 2e-5);
    }
  }
  const std::string what = std::to_string(rows) + " x " + std::to_string(depth) + " x " + std::to_string(columns);
  CHECK_TEXT(good, "gemm " + what);
  CHECK_TEXT(result == sameOnAnyThreads(table, packing.words(), size_t{rows} * columns, fill), "gemm that packs, " + what);
}

void checkBatchedGemm(const KernelTable& table) {
  constexpr uint32_t batches = 5, rows = 3, depth = 7, columns = 70, wide = 128;
  Assembler a;
  const uint32_t in = a.storage(batches * (rows * depth + depth * columns)), out = a.storage(batches * rows * columns);
  a.arenaElements = batches * depth * wide;
  const uint32_t packed = a.operand({arena, 0, {batches, depth * wide}});
  a.add(Opcode::pack, {a.operand({in, batches * rows * depth, {batches, depth, columns}}), packed});
  a.add(Opcode::gemm, {a.operand({in, 0, {batches, rows, depth}}), packed, a.operand({out, 0, {batches, rows, columns}})}, {depth, 0, 0});
  const std::vector<float> input = randomFloats(batches * (rows * depth + depth * columns), 3);
  const auto fill = [&](Machine& machine) { std::copy(input.begin(), input.end(), machine.floats(0)); };
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), batches * rows * columns, fill);
  bool good = true;
  for (uint32_t index = 0; index < batches * rows * columns; index++) {
    const uint32_t batch = index / (rows * columns), row = index / columns % rows, column = index % columns;
    double sum = 0;
    for (uint32_t k = 0; k < depth; k++) {
      sum += double{input[(batch * rows + row) * depth + k]} * input[batches * rows * depth + (batch * depth + k) * columns + column];
    }
    good = good && nearly(result[index], sum, 1e-5);
  }
  CHECK_TEXT(good, "batched gemm");
}

void checkSoftmax(const KernelTable& table, uint32_t kind) {
  constexpr uint32_t rows = 301, classes = 77;
  Assembler a;
  const uint32_t in = a.storage(rows * classes), out = a.storage(rows * classes);
  a.add(Opcode::softmax, {a.operand({in, 0, {rows, classes}}), a.operand({out, 0, {rows, classes}})}, {kind});
  const std::vector<float> input = randomFloats(rows * classes, 8);
  const auto fill = [&](Machine& machine) { std::copy(input.begin(), input.end(), machine.floats(0)); };
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), rows * classes, fill);
  bool good = true;
  for (uint32_t row = 0; row < rows; row++) {
    double sum = 0;
    for (uint32_t column = 0; column < classes; column++) sum += std::exp(double{input[row * classes + column]});
    for (uint32_t column = 0; column < classes; column++) {
      const double x = input[row * classes + column];
      good = good && nearly(result[row * classes + column], kind == 0 ? std::exp(x) / sum : x - std::log(sum), 1e-5);
    }
  }
  CHECK_TEXT(good, "softmax");
}

void checkStandardize(const KernelTable& table) {
  constexpr uint32_t rows = 301, columns = 77, size = rows * columns;
  Assembler a;
  const uint32_t in = a.storage(2 * size + columns), out = a.storage(2 * size + 2 * rows);
  const uint32_t x = a.operand({in, 0, {rows, columns}}), d = a.operand({in, size, {rows, columns}}), gain = a.operand({in, 2 * size, {columns}});
  const uint32_t y = a.operand({out, 0, {rows, columns}}), scale = a.operand({out, 2 * size, {rows}, ElementType::float32, {2}});
  a.add(Opcode::standardize, {x, y, scale}, {bitsOf(0.25f)});
  a.add(Opcode::standardizeGradient, {d, gain, y, scale, a.operand({out, size, {rows, columns}})});
  const std::vector<float> input = randomFloats(2 * size + columns, 8);
  const auto fill = [&](Machine& machine) { std::copy(input.begin(), input.end(), machine.floats(0)); };
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), 2 * size + 2 * rows, fill);
  bool good = true;
  for (uint32_t row = 0; row < rows; row++) {
    const float *from = &input[row * columns], *flowing = &input[size + row * columns], *gains = &input[2 * size];
    double center = 0, variance = 0, mean = 0, slope = 0;
    for (uint32_t column = 0; column < columns; column++) center += double{from[column]} / columns;
    for (uint32_t column = 0; column < columns; column++) variance += std::pow(from[column] - center, 2) / columns;
    const double factor = 1 / std::sqrt(variance + 0.25);
    const auto standardized = [&](uint32_t column) { return (from[column] - center) * factor; };
    for (uint32_t column = 0; column < columns; column++) {
      mean += double{flowing[column]} * gains[column] / columns;
      slope += double{flowing[column]} * gains[column] * standardized(column) / columns;
    }
    good = good && nearly(result[2 * size + 2 * row], factor, 1e-5);
    for (uint32_t column = 0; column < columns; column++) {
      const double back = (double{flowing[column]} * gains[column] - mean - standardized(column) * slope) * factor;
      good = good && nearly(result[row * columns + column], standardized(column), 1e-5) && nearly(result[size + row * columns + column], back, 1e-5);
    }
  }
  CHECK_TEXT(good, "standardize");
}

void checkRandom(const KernelTable& table) {
  constexpr uint32_t rows = 37, columns = 1001;
  Assembler a;
  a.storage(1);
  const uint32_t out = a.storage((2 * rows + 2) * columns);
  a.constants = {11, 13, rows - 2};
  const uint32_t key = a.operand({spaceConstants, 0, {2}, int32});
  a.add(Opcode::random, {key, a.operand({out, 0, {rows, columns}})}, {0, 5});
  a.add(Opcode::random, {key, a.operand({out, rows * columns, {rows, columns}})}, {1, 5});
  a.add(Opcode::random, {a.operand({spaceConstants, 0, {3}, int32}), a.operand({out, 2 * rows * columns, {2, columns}})}, {0, 5});
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), (2 * rows + 2) * columns, [](Machine&) {});
  CHECK(std::equal(result.begin() + 2 * rows * columns, result.end(), result.begin() + (rows - 2) * columns));
  double uniform = 0, normal = 0, square = 0;
  bool inside = true;
  for (size_t index = 0; index < rows * columns; index++) {
    const double u = result[index], z = result[rows * columns + index];
    inside = inside && u >= 0 && u < 1;
    uniform += u;
    normal += z;
    square += z * z;
  }
  const double count = rows * columns;
  CHECK(inside && std::fabs(uniform / count - 0.5) < 0.01);
  CHECK(std::fabs(normal / count) < 0.02 && std::fabs(square / count - 1) < 0.03);
}

void checkSmallOnes(const KernelTable& table) {
  constexpr uint32_t rows = 9, classes = 6;
  Assembler a;
  const uint32_t in = a.storage(rows * classes), out = a.storage(200);
  const uint32_t best = a.operand({out, 0, {rows}, int32}), order = a.operand({out, 16, {rows}, int32, {2}});
  a.add(Opcode::argMax, {a.operand({in, 0, {rows, classes}}), best});
  a.add(Opcode::iota, {order});
  a.add(Opcode::oneHot, {best, a.operand({out, 40, {rows, classes}})});
  a.add(Opcode::oneHot, {best, a.operand({out, 100, {rows, classes}, ElementType::boolean})});
  Machine machine(table, a.words());
  CHECK_TEXT(machine.good(), machine.error());
  fillRandom(machine.floats(0), rows * classes, 4);
  CHECK(machine.run(2).status == RunStatus::ok);
  for (uint32_t row = 0; row < rows; row++) {
    const float* values = machine.floats(0) + row * classes;
    const auto expected = static_cast<int32_t>(std::max_element(values, values + classes) - values);
    CHECK(machine.ints(1)[row] == expected);
    CHECK(machine.ints(1)[16 + 2 * row] == static_cast<int32_t>(row));
    for (uint32_t column = 0; column < classes; column++) {
      const bool hot = static_cast<int32_t>(column) == expected;
      CHECK(machine.floats(1)[40 + row * classes + column] == (hot ? 1.0f : 0.0f));
      CHECK(machine.ints(1)[100 + row * classes + column] == (hot ? 1 : 0));
    }
  }
}

}  // namespace

void testOpcodes(const KernelTable& table) {
  checkMap(table, {}, {});
  checkMap(table, {1}, {1});
  checkMap(table, {100000}, {1});
  checkMap(table, {1000, 65}, {65, 1});
  checkMap(table, {500, 65}, {130, 2});
  checkMap(table, {500, 65}, {0, 1});
  checkMap(table, {40, 7, 33}, {231, 33, 1});
  checkMap(table, {40, 7, 33}, {1, 40, 280});
  checkMap(table, {3, 5, 1, 7, 2, 9}, {1000, 100, 77, 10, 9, 1});
  for (const bool transposed : {false, true}) {
    for (const uint32_t initialMode : {0u, 1u}) {
      checkGemm(table, 1, 1, 1, transposed, initialMode);
      checkGemm(table, 3, 65, 1, transposed, initialMode);
      checkGemm(table, 4, 128, 515, transposed, initialMode);
      checkGemm(table, 131, 70, 130, transposed, initialMode);
      checkGemm(table, 13, 2300, 70, transposed, initialMode);
      checkGemm(table, 20, 700, 330, transposed, initialMode);
      checkGemm(table, 6, 300, 1200, transposed, initialMode);
      checkGemm(table, 6, 907, 40, transposed, initialMode);
    }
  }
  checkBatchedGemm(table);
  checkSoftmax(table, 0);
  checkSoftmax(table, 1);
  checkStandardize(table);
  checkRandom(table);
  checkSmallOnes(table);
}

namespace {

void checkReduce(const KernelTable& table, const std::vector<uint32_t>& dimensions, const std::vector<int32_t>& strides, uint32_t reduced, uint32_t kind) {
  int64_t reach = 1, kept = 1, inner = 1;
  for (size_t axis = 0; axis < dimensions.size(); axis++) {
    reach += int64_t{dimensions[axis] - 1} * strides[axis];
    (axis + reduced < dimensions.size() ? kept : inner) *= dimensions[axis];
  }
  Assembler a;
  const uint32_t in = a.storage(reach), out = a.storage(kept);
  const std::vector<uint32_t> keptDimensions(dimensions.begin(), dimensions.end() - reduced);
  a.add(Opcode::reduce, {a.operand({in, 0, dimensions, ElementType::float32, strides}), a.operand({out, 0, keptDimensions})}, {kind, reduced});
  const std::vector<float> input = randomFloats(static_cast<size_t>(reach), 21);
  const auto fill = [&](Machine& machine) { std::copy(input.begin(), input.end(), machine.floats(0)); };
  const std::vector<float> result = sameOnAnyThreads(table, a.words(), static_cast<size_t>(kept), fill);
  bool good = true;
  for (int64_t row = 0; row < kept; row++) {
    double sum = 0, magnitude = 0, highest = -2, lowest = 2;
    for (int64_t index = row * inner; index < (row + 1) * inner; index++) {
      int64_t rest = index, place = 0;
      for (size_t axis = dimensions.size(); axis-- > 0; rest /= dimensions[axis]) place += rest % dimensions[axis] * strides[axis];
      const double value = input[static_cast<size_t>(place)];
      sum += value;
      magnitude += std::fabs(value);
      highest = std::max(highest, value);
      lowest = std::min(lowest, value);
    }
    const double expected = kind == 0 ? sum : kind == 1 ? highest : lowest;
    good = good && std::fabs(result[static_cast<size_t>(row)] - expected) <= (kind == 0 ? 1e-6 * magnitude : 0);
  }
  CHECK_TEXT(good, "reduce of " + std::to_string(dimensions.size()) + " dimensions by " + std::to_string(reduced));
}

}  // namespace

void testReductions(const KernelTable& table) {
  for (const uint32_t kind : {0u, 1u, 2u}) {
    checkReduce(table, {1}, {1}, 1, kind);
    checkReduce(table, {300, 40}, {40, 1}, 1, kind);
    checkReduce(table, {300, 40}, {1, 300}, 1, kind);        // rows added
    checkReduce(table, {200, 30, 50}, {1, 10000, 200}, 2, kind);
    checkReduce(table, {200000}, {1}, 1, kind);              // chunks
    checkReduce(table, {400, 500}, {500, 1}, 2, kind);
    checkReduce(table, {400, 500}, {600, 1}, 2, kind);
    checkReduce(table, {3, 400, 70}, {40000, 100, 1}, 2, kind);
    checkReduce(table, {3, 5, 7, 6, 4}, {5000, 900, 100, 15, 2}, 3, kind);
    checkReduce(table, {9, 5, 4}, {100, 12, 3}, 0, kind);
  }
}

}  // namespace bptt::tests
