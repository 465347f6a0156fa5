// Opcodes whose addresses come from data: right results, and errors for every index that is out of range.
#include <algorithm>
#include <cmath>

#include "engine_test.h"

namespace bptt::tests {

using namespace format;

namespace {

constexpr uint32_t rows = 700, classes = 53, width = 40;

Words indexedProgram() {
  Assembler a;
  const uint32_t in = a.storage(classes * width + rows * classes + rows * width + rows), io = a.storage(rows + rows * width + classes * width + 4 * rows + 2 * rows * classes);
  const uint32_t table = a.operand({in, 0, {classes, width}}), logits = a.operand({in, classes * width, {rows, classes}});
  const uint32_t updates = a.operand({in, classes * width + rows * classes, {rows, width}});
  const uint32_t upstream = a.operand({in, classes * width + rows * classes + rows * width, {rows}});
  int64_t next = 0;
  const auto place = [&](std::vector<uint32_t> dimensions, ElementType type = ElementType::float32) {
    const int64_t offset = next;
    int64_t elements = 1;
    for (const uint32_t size : dimensions) elements *= size;
    next += elements;
    return a.operand({io, offset, std::move(dimensions), type});
  };
  const uint32_t indices = place({rows}, int32), gathered = place({rows, width}), sums = place({classes, width});
  const uint32_t loss = place({rows}), normalizer = place({rows}), gradient = place({rows, classes});
  a.add(Opcode::gather, {table, indices, gathered});
  a.add(Opcode::scatterAdd, {indices, updates, sums});
  a.add(Opcode::crossEntropy, {logits, indices, loss, normalizer});
  a.add(Opcode::crossEntropyGradient, {logits, normalizer, indices, upstream, gradient});
  const uint32_t bothLoss = place({rows}), bothNormalizer = place({rows}), bothGradient = place({rows, classes});
  a.add(Opcode::crossEntropyBoth, {logits, indices, upstream, bothLoss, bothNormalizer, bothGradient});
  return a.words();
}

void checkValues(Machine& machine) {
  const float* table = machine.floats(0);
  const float* logits = table + classes * width;
  const float* updates = logits + rows * classes;
  const float* upstream = updates + rows * width;
  const int32_t* indices = machine.ints(1);
  const float* gathered = machine.floats(1) + rows;
  const float* sums = gathered + rows * width;
  const float* loss = sums + classes * width;
  const float* gradient = loss + 2 * rows;
  std::vector<double> expected(classes * width);
  bool gather = true, scatter = true, entropy = true;
  for (uint32_t row = 0; row < rows; row++) {
    double normalizer = 0;
    for (uint32_t column = 0; column < classes; column++) normalizer += std::exp(double{logits[row * classes + column]});
    entropy = entropy && nearly(loss[row], std::log(normalizer) - logits[row * classes + static_cast<uint32_t>(indices[row])], 1e-5);
    for (uint32_t column = 0; column < classes; column++) {
      const double hot = static_cast<int32_t>(column) == indices[row] ? 1 : 0;
      const double value = (std::exp(double{logits[row * classes + column]}) / normalizer - hot) * upstream[row];
      entropy = entropy && nearly(gradient[row * classes + column], value, 1e-5);
    }
    for (uint32_t column = 0; column < width; column++) {
      const uint32_t from = static_cast<uint32_t>(indices[row]) * width + column;
      gather = gather && gathered[row * width + column] == table[from];
      expected[from] += updates[row * width + column];
    }
  }
  for (size_t index = 0; index < expected.size(); index++) scatter = scatter && nearly(sums[index], expected[index], 1e-5);
  CHECK(gather);
  CHECK(scatter);
  CHECK(entropy);
  CHECK(std::equal(loss, gradient + rows * classes, gradient + rows * classes));  // both at once: the same bits
}

void fill(Machine& machine) {
  fillRandom(machine.floats(0), static_cast<size_t>(machine.storage(0).elements()), 9);
  for (uint32_t row = 0; row < rows; row++) machine.ints(1)[row] = static_cast<int32_t>(row * row % classes);
}

// Sums of repeated rows in the first of them, then written into a table: against a plain loop, whatever lay in the memory before.
void checkRows(const KernelTable& table) {
  constexpr uint32_t many = 900;
  Assembler a;
  const uint32_t io = a.storage(3 * rows + many + 2 * rows * width + many * width);
  const uint32_t indices = a.operand({io, 0, {rows}, int32}), owners = a.operand({io, rows, {rows}, int32}), places = a.operand({io, 2 * rows, {rows}, int32});
  const uint32_t memory = a.operand({io, 3 * rows, {many}, int32}), updates = a.operand({io, 3 * rows + many, {rows, width}});
  const uint32_t combined = a.operand({io, 3 * rows + many + rows * width, {rows, width}}), target = a.operand({io, 3 * rows + many + 2 * rows * width, {many, width}});
  a.add(Opcode::firstRows, {indices, owners, places, memory});
  a.add(Opcode::scatterAdd, {places, updates, combined});
  a.add(Opcode::replaceRows, {owners, combined, target});
  for (const int threads : {1, 2, 4}) {
    Machine machine(table, a.words());
    CHECK_TEXT(machine.good(), machine.error());
    const auto elements = static_cast<size_t>(machine.storage(0).elements());
    fillRandom(machine.floats(0), elements, 5);
    for (uint32_t row = 0; row < rows; row++) machine.ints(0)[row] = static_cast<int32_t>(row * row % many);
    for (uint32_t index = 0; index < many; index++) machine.ints(0)[3 * rows + index] = static_cast<int32_t>(index * 7 % rows);  // misleading
    std::vector<float> expected(machine.floats(0) + elements - many * width, machine.floats(0) + elements);
    for (uint32_t row = 0; row < rows; row++) {
      std::fill_n(expected.begin() + machine.ints(0)[row] * static_cast<int32_t>(width), width, 0.0f);
    }
    for (uint32_t row = 0; row < rows; row++) {
      for (uint32_t column = 0; column < width; column++) {
        expected[static_cast<uint32_t>(machine.ints(0)[row]) * width + column] += machine.floats(0)[3 * rows + many + row * width + column];
      }
    }
    CHECK(machine.run(threads).status == RunStatus::ok);
    CHECK(std::memcmp(expected.data(), machine.floats(0) + elements - many * width, expected.size() * sizeof(float)) == 0);
  }
}

void checkBadIndex(const KernelTable& table, Opcode opcode, int32_t index) {
  Assembler a;
  const uint32_t io = a.storage(4096);
  const uint32_t indices = a.operand({io, 0, {8}, int32}), wide = a.operand({io, 16, {8, 5}}), vector = a.operand({io, 64, {8}}), other = a.operand({io, 80, {8}});
  const uint32_t classTable = a.operand({io, 128, {5, 5}}), out = a.operand({io, 256, {8, 5}});
  a.add(Opcode::iota, {a.operand({io, 1024, {8}, int32})});
  switch (opcode) {
    case Opcode::gather: a.add(opcode, {classTable, indices, out}); break;
    case Opcode::scatterAdd: a.add(opcode, {indices, wide, classTable}); break;
    case Opcode::firstRows: a.add(opcode, {indices, a.operand({io, 512, {8}, int32}), a.operand({io, 520, {8}, int32}), a.operand({io, 528, {5}, int32})}); break;
    case Opcode::replaceRows: a.add(opcode, {indices, wide, classTable}); break;
    case Opcode::oneHot: a.add(opcode, {indices, out}); break;
    case Opcode::crossEntropy: a.add(opcode, {wide, indices, vector, other}); break;
    case Opcode::crossEntropyBoth: a.add(opcode, {wide, indices, vector, other, a.operand({io, 96, {8}}), out}); break;
    default: a.add(opcode, {wide, vector, indices, other, out}); break;
  }
  Machine machine(table, a.words());
  CHECK_TEXT(machine.good(), machine.error());
  machine.ints(0)[6] = index;
  const RunResult result = machine.run(2);
  const bool right = result.status == RunStatus::indexOutOfRange && result.instruction == 1 && result.details[0] == index && result.details[1] == 6;
  CHECK_TEXT(right, std::string(opcodeName(opcode)) + " with index " + std::to_string(index));
}

}  // namespace

void testIndices(const KernelTable& table) {
  std::vector<float> first;
  for (const int threads : {1, 2, 4}) {
    Machine machine(table, indexedProgram());
    CHECK_TEXT(machine.good(), machine.error());
    fill(machine);
    CHECK(machine.run(threads).status == RunStatus::ok);
    const auto elements = static_cast<size_t>(machine.storage(1).elements());
    if (first.empty()) first.assign(machine.floats(1), machine.floats(1) + elements);
    CHECK(std::memcmp(first.data(), machine.floats(1), elements * sizeof(float)) == 0);
    checkValues(machine);
  }
  checkRows(table);
  for (const Opcode opcode : {Opcode::gather, Opcode::scatterAdd, Opcode::oneHot, Opcode::crossEntropy, Opcode::crossEntropyGradient,
                              Opcode::crossEntropyBoth, Opcode::firstRows, Opcode::replaceRows}) {
    const int32_t below = opcode == Opcode::replaceRows ? -2 : -1;  // -1 says that a row is left out
    for (const int32_t index : {below, 5, INT32_MIN, INT32_MAX}) checkBadIndex(table, opcode, index);
  }
}

}  // namespace bptt::tests
