// What each opcode demands of its operands.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>

#include "base/checked.h"
#include "engine/decode_parts.h"

namespace bptt {
namespace {

using namespace format;

constexpr ElementType float32 = ElementType::float32;
constexpr ElementType int32 = ElementType::int32;

const char* typeName(ElementType type) {
  return type == ElementType::float32 ? "float32" : type == ElementType::int32 ? "int32" : "bool";
}

// The operands of one instruction and the first thing found wrong with them; after that every further demand is ignored.
class Demands {
 public:
  Demands(const Program& program, const Instruction& instruction) : program_(program), instruction_(instruction) {}

  const Operand& operand(size_t index) const { return program_.operands[instruction_.operands[index]]; }
  int64_t dimension(size_t index, int32_t axis) const { return operand(index).dimensions[axis]; }
  size_t count() const { return instruction_.operands.size(); }
  const Fault& fault() const { return fault_; }

  template <typename... Parts>
  void fail(const Parts&... parts) {
    if (fault_.empty()) fault_ = textOf(parts...);
  }

  void rank(size_t index, int32_t rank) {
    if (operand(index).rank != rank) fail("operand ", index, " has rank ", operand(index).rank, ", expected ", rank);
  }
  void type(size_t index, ElementType type) {
    if (operand(index).type != type) fail("operand ", index, " is ", typeName(operand(index).type), ", expected ", typeName(type));
  }
  void size(size_t index, int32_t axis, int64_t size) {
    if (dimension(index, axis) != size) fail("operand ", index, ": dimension ", axis, " is ", dimension(index, axis), ", expected ", size);
  }
  void stride(size_t index, int32_t axis, int64_t stride) {
    const Operand& it = operand(index);
    if (it.dimensions[axis] > 1 && it.strides[axis] != stride) {
      fail("operand ", index, ": stride ", axis, " is ", it.strides[axis], ", expected ", stride);
    }
  }
  void matrix(size_t index, ElementType element, int64_t rows, int64_t columns) {
    rank(index, 2);
    type(index, element);
    size(index, 0, rows);
    size(index, 1, columns);
  }
  void vector(size_t index, ElementType element, int64_t rows) {
    rank(index, 1);
    type(index, element);
    size(index, 0, rows);
  }
  void contiguous(size_t index) {
    int64_t expected = 1;
    for (int32_t axis = operand(index).rank - 1; axis >= 0; axis--) {
      stride(index, axis, expected);
      expected *= dimension(index, axis);
    }
  }

 private:
  const Program& program_;
  const Instruction& instruction_;
  Fault fault_;
};

void demandMap(Demands& demands, const Instruction& instruction, const Program& program) {
  const MapProgram& map = program.maps[instruction.map];
  const uint32_t inputs = instruction.attributes[1];
  const auto operands = static_cast<uint32_t>(demands.count());
  if (inputs > maximumInputs || inputs >= operands) return demands.fail(inputs, " inputs of ", operands, " operands");
  const uint32_t outputs = operands - inputs;
  if (outputs > maximumOutputs) return demands.fail(outputs, " outputs, at most ", +maximumOutputs);
  if (static_cast<uint32_t>(map.inputsNeeded) > inputs) return demands.fail("the map entry reads ", map.inputsNeeded, " inputs of ", inputs);
  if (static_cast<uint32_t>(map.outputsWritten) != outputs) {
    return demands.fail("the map entry writes ", map.outputsWritten, " outputs of ", outputs);
  }
  for (size_t index = 1; index < operands; index++) {
    demands.rank(index, demands.operand(0).rank);
    for (int32_t axis = 0; axis < demands.operand(0).rank; axis++) demands.size(index, axis, demands.dimension(0, axis));
  }
}

void demandPacked(Demands& demands, size_t index, int32_t batched, int64_t depth, int64_t columns) {
  demands.rank(index, 1 + batched);
  demands.type(index, float32);
  demands.stride(index, batched, 1);
  const int64_t groups = (columns + packedColumns - 1) / packedColumns;
  const Checked needed = Checked(depth) * Checked(groups * packedColumns);
  if (!needed.valid() || demands.dimension(index, batched) < needed.value()) {
    demands.fail("operand ", index, " holds ", demands.dimension(index, batched), " elements, a packed [", depth, ", ", columns, "] takes ",
                 needed.value());
  }
}

void demandPack(Demands& demands) {
  const int32_t batched = demands.operand(0).rank == 3 ? 1 : 0;
  demands.rank(0, 2 + batched);
  demands.type(0, float32);
  demandPacked(demands, 1, batched, demands.dimension(0, batched), demands.dimension(0, batched + 1));
  if (batched) demands.size(1, 0, demands.dimension(0, 0));
}

void demandPackStep(Demands& demands, const Surroundings& around) {
  if (!around.insideScan) return demands.fail("stands outside of scans");
  demands.rank(0, 2);
  demands.type(0, float32);
  if (demands.operand(1).stepStride != 0) demands.fail("operand 1 moves with the step");
  const Checked depth = Checked(demands.dimension(0, 0)) * Checked(around.steps);
  if (!depth.valid()) return demands.fail("the rows of all steps are too many");
  demandPacked(demands, 1, 0, depth.value(), demands.dimension(0, 1));
}

void demandSumPacked(Demands& demands, const Instruction& instruction) {
  demands.rank(1, 1);
  demands.type(1, float32);
  demands.stride(1, 0, 1);
  demandPacked(demands, 0, 0, instruction.attributes[0], demands.dimension(1, 0));
}

void demandGemm(Demands& demands, const Instruction& instruction, const Surroundings& around) {
  const int32_t batched = demands.operand(2).rank == 3 ? 1 : 0;
  const int64_t rows = demands.dimension(2, batched), columns = demands.dimension(2, batched + 1);
  const int64_t depth = instruction.attributes[0];
  const uint32_t initialMode = instruction.attributes[1];
  const auto span = static_cast<int32_t>(instruction.attributes[2]);
  const bool unpacked = !batched && demands.operand(1).rank == 2;  // hasUnpackedRight, of operands not yet known to be matrices
  if (span != 0 && (!around.insideScan || batched || span > around.steps || -static_cast<int64_t>(span) > around.steps)) {
    return demands.fail("a span of ", span, " visits, expected 0 outside of scans and for batches, else at most the number of steps");
  }
  if (initialMode > 1 || demands.count() != 3 + initialMode) {
    return demands.fail("initialMode ", initialMode, " with ", demands.count(), " operands");
  }
  for (size_t index = 0; index < demands.count(); index++) {
    if (index == 1) continue;
    demands.rank(index, 2 + batched);
    demands.type(index, float32);
    if (batched) demands.size(index, 0, demands.dimension(2, 0));
    demands.size(index, batched, rows);
    demands.size(index, batched + 1, index == 0 ? depth : columns);
  }
  demands.stride(2, batched + 1, 1);
  if (initialMode == 1 && demands.operand(3).strides[batched + 1] != 0) demands.stride(3, batched + 1, 1);
  if (unpacked && around.insideScan) return demands.fail("operand 1 is not packed inside a scan");
  if (unpacked) return demands.matrix(1, float32, depth, columns);
  demandPacked(demands, 1, batched, depth, columns);
  if (batched) demands.size(1, 0, demands.dimension(2, 0));
}

void demandReduce(Demands& demands, const Instruction& instruction) {
  const uint32_t kind = instruction.attributes[0], reduced = instruction.attributes[1];
  const int32_t rank = demands.operand(0).rank;
  if (kind > 3) demands.fail("kind is ", kind, ", expected 0, 1, 2 or 3");
  if (reduced > static_cast<uint32_t>(rank)) return demands.fail(reduced, " reduced dimensions of ", rank);
  const int32_t kept = rank - static_cast<int32_t>(reduced);
  demands.rank(1, kept);
  for (size_t index = 0; index < 2; index++) demands.type(index, float32);
  for (int32_t axis = 0; axis < kept; axis++) demands.size(1, axis, demands.dimension(0, axis));
}

void demandGather(Demands& demands) {
  demands.rank(0, 2);
  demands.vector(1, int32, demands.dimension(1, 0));
  demands.matrix(2, demands.operand(0).type, demands.dimension(1, 0), demands.dimension(0, 1));
}

void demandScatterAdd(Demands& demands) {
  demands.vector(0, int32, demands.dimension(0, 0));
  demands.matrix(1, float32, demands.dimension(0, 0), demands.dimension(2, 1));
  demands.matrix(2, float32, demands.dimension(2, 0), demands.dimension(1, 1));
}

void demandFirstRows(Demands& demands) {
  for (size_t index = 0; index < 3; index++) demands.vector(index, int32, demands.dimension(0, 0));
  demands.vector(3, int32, demands.dimension(3, 0));
}

void demandReplaceRows(Demands& demands) {
  demands.vector(0, int32, demands.dimension(0, 0));
  demands.matrix(1, float32, demands.dimension(0, 0), demands.dimension(2, 1));
  demands.matrix(2, float32, demands.dimension(2, 0), demands.dimension(1, 1));
}

void demandSoftmax(Demands& demands, const Instruction& instruction) {
  if (instruction.attributes[0] > 1) demands.fail("kind is ", instruction.attributes[0], ", expected 0 or 1");
  for (size_t index = 0; index < 2; index++) {
    demands.matrix(index, float32, demands.dimension(0, 0), demands.dimension(0, 1));
    demands.stride(index, 1, 1);
  }
}

void demandCrossEntropy(Demands& demands) {
  const int64_t rows = demands.dimension(0, 0);
  demands.matrix(0, float32, rows, demands.dimension(0, 1));
  demands.stride(0, 1, 1);
  demands.vector(1, int32, rows);
  for (size_t index = 2; index < 4; index++) {
    demands.vector(index, float32, rows);
    demands.stride(index, 0, 1);
  }
}

void demandCrossEntropyGradient(Demands& demands) {
  const int64_t rows = demands.dimension(0, 0);
  for (const size_t index : {size_t{0}, size_t{4}}) {
    demands.matrix(index, float32, rows, demands.dimension(0, 1));
    demands.stride(index, 1, 1);
  }
  demands.vector(1, float32, rows);
  demands.stride(1, 0, 1);
  demands.vector(2, int32, rows);
  demands.vector(3, float32, rows);
}

void demandCrossEntropyBoth(Demands& demands) {
  const int64_t rows = demands.dimension(0, 0);
  for (const size_t index : {size_t{0}, size_t{5}}) {
    demands.matrix(index, float32, rows, demands.dimension(0, 1));
    demands.stride(index, 1, 1);
  }
  demands.vector(1, int32, rows);
  demands.vector(2, float32, rows);
  for (size_t index = 3; index < 5; index++) {
    demands.vector(index, float32, rows);
    demands.stride(index, 0, 1);
  }
}

void demandStandardize(Demands& demands, const Instruction& instruction) {
  float epsilon;
  std::memcpy(&epsilon, &instruction.attributes[0], sizeof epsilon);
  if (!(epsilon >= 0 && epsilon <= std::numeric_limits<float>::max())) demands.fail("epsilon is ", epsilon, ", expected a finite number of at least 0");
  for (size_t index = 0; index < 2; index++) {
    demands.matrix(index, float32, demands.dimension(0, 0), demands.dimension(0, 1));
    demands.stride(index, 1, 1);
  }
  demands.vector(2, float32, demands.dimension(0, 0));
}

void demandStandardizeGradient(Demands& demands) {
  for (const size_t index : {size_t{0}, size_t{2}, size_t{4}}) {
    demands.matrix(index, float32, demands.dimension(0, 0), demands.dimension(0, 1));
    demands.stride(index, 1, 1);
  }
  demands.vector(1, float32, demands.dimension(0, 1));
  if (demands.operand(1).strides[0] != 0) demands.stride(1, 0, 1);
  demands.vector(3, float32, demands.dimension(0, 0));
}

void demandRandom(Demands& demands, const Instruction& instruction) {
  if (instruction.attributes[0] > 1) demands.fail("distribution is ", instruction.attributes[0], ", expected 0 or 1");
  demands.vector(0, int32, demands.dimension(0, 0) == 3 ? 3 : 2);
  demands.type(1, float32);
  demands.contiguous(1);
}

void demandOneHot(Demands& demands) {
  demands.vector(0, int32, demands.dimension(0, 0));
  demands.rank(1, 2);
  demands.size(1, 0, demands.dimension(0, 0));
}

void demandArgMax(Demands& demands) {
  demands.matrix(0, float32, demands.dimension(0, 0), demands.dimension(0, 1));
  demands.vector(1, int32, demands.dimension(0, 0));
}

void demandShapes(Demands& demands, const Program& program, const Instruction& instruction, const Surroundings& around) {
  switch (instruction.opcode) {
    case Opcode::map: return demandMap(demands, instruction, program);
    case Opcode::pack: return demandPack(demands);
    case Opcode::gemm: return demandGemm(demands, instruction, around);
    case Opcode::reduce: return demandReduce(demands, instruction);
    case Opcode::gather: return demandGather(demands);
    case Opcode::scatterAdd: return demandScatterAdd(demands);
    case Opcode::firstRows: return demandFirstRows(demands);
    case Opcode::replaceRows: return demandReplaceRows(demands);
    case Opcode::softmax: return demandSoftmax(demands, instruction);
    case Opcode::crossEntropy: return demandCrossEntropy(demands);
    case Opcode::crossEntropyGradient: return demandCrossEntropyGradient(demands);
    case Opcode::crossEntropyBoth: return demandCrossEntropyBoth(demands);
    case Opcode::standardize: return demandStandardize(demands, instruction);
    case Opcode::standardizeGradient: return demandStandardizeGradient(demands);
    case Opcode::random: return demandRandom(demands, instruction);
    case Opcode::oneHot: return demandOneHot(demands);
    case Opcode::argMax: return demandArgMax(demands);
    case Opcode::packStep: return demandPackStep(demands, around);
    case Opcode::sumPacked: return demandSumPacked(demands, instruction);
    case Opcode::iota: return demands.vector(0, int32, demands.dimension(0, 0));
    case Opcode::scan: return;
  }
}

int64_t spaceElements(const Program& program, uint32_t space) {
  if (space == spaceArena) return program.arenaElements;
  if (space == spaceConstants) return static_cast<int64_t>(program.constants.size());
  return program.storages[space - spaceFirstStorage].elements;
}

void demandPlaces(Demands& demands, const Program& program, const Instruction& instruction, const Surroundings& around) {
  for (size_t index = 0; index < demands.count(); index++) {
    const Operand& operand = demands.operand(index);
    const bool output = isOutput(instruction, index);
    if (!around.insideScan && operand.stepStride != 0) demands.fail("operand ", index, " has a step stride outside a scan");
    Extent extent;
    const int64_t size = spaceElements(program, operand.space);
    if (!extentOf(operand, around.steps, extent)) {
      demands.fail("operand ", index, ": its addresses overflow");
    } else if (extent.lowest < 0 || extent.highest >= size) {
      demands.fail("operand ", index, " touches elements ", extent.lowest, " to ", extent.highest, " of space ", operand.space, " with ", size);
    }
    if (operand.space == spaceConstants) {
      if (output) demands.fail("operand ", index, " writes to the constants");
    } else if (operand.space >= spaceFirstStorage) {
      const StorageNeed& need = program.storages[operand.space - spaceFirstStorage];
      if (output && !need.written) demands.fail("operand ", index, " writes to storage ", operand.space - spaceFirstStorage, ", which is read only");
    }
    for (int32_t axis = 0; output && axis < operand.rank; axis++) {
      if (operand.dimensions[axis] > 1 && operand.strides[axis] == 0) demands.fail("operand ", index, ": an output that repeats dimension ", axis);
    }
  }
}

void demandRows(Demands& demands, const Program& program, const Instruction& instruction, const Surroundings& around) {
  if (instruction.opcode == Opcode::scatterAdd) demands.fail("adds rows into each other inside a scan of mode 1");
  if (instruction.opcode == Opcode::firstRows || instruction.opcode == Opcode::replaceRows) demands.fail("looks at all rows inside a scan of mode 1");
  for (size_t index = 0; index < demands.count(); index++) {
    if (isSharedByRows(instruction, program, index)) continue;
    if (demands.operand(index).rank < 1) demands.fail("operand ", index, " has no rows inside a scan of mode 1");
    demands.size(index, 0, around.rows);
  }
}

}  // namespace

bool isOutput(const Instruction& instruction, size_t index) {
  switch (instruction.opcode) {
    case Opcode::map: return index >= instruction.attributes[1];
    case Opcode::pack: case Opcode::packStep: case Opcode::sumPacked: case Opcode::reduce: case Opcode::softmax: case Opcode::random: case Opcode::oneHot: case Opcode::argMax:
      return index == 1;
    case Opcode::gemm: case Opcode::gather: case Opcode::scatterAdd: case Opcode::replaceRows: return index == 2;
    case Opcode::firstRows: case Opcode::standardize: return index >= 1;
    case Opcode::crossEntropy: return index >= 2;
    case Opcode::crossEntropyGradient: return index == 4;
    case Opcode::crossEntropyBoth: return index >= 3;
    case Opcode::standardizeGradient: return index == 4;
    case Opcode::iota: return index == 0;
    case Opcode::scan: return false;
  }
  return false;
}

bool hasUnpackedRight(const Program& program, const Instruction& instruction) {
  const auto rank = [&](size_t operand) { return program.operands[instruction.operands[operand]].rank; };
  return rank(1) == 2 && rank(2) == 2;
}

bool isSharedByRows(const Instruction& instruction, const Program& program, size_t index) {
  const auto rank = [&](size_t operand) { return program.operands[instruction.operands[operand]].rank; };
  switch (instruction.opcode) {
    case Opcode::gemm: return index == 1 && rank(1) == 1;
    case Opcode::pack: return rank(0) == 2;
    case Opcode::packStep: return index == 1;
    case Opcode::sumPacked: return true;
    case Opcode::gather: case Opcode::random: return index == 0;
    case Opcode::standardizeGradient: return index == 1;
    default: return false;
  }
}

Fault checkInstruction(const Program& program, const Instruction& instruction, const Surroundings& around) {
  Demands demands(program, instruction);
  demandShapes(demands, program, instruction, around);
  if (demands.fault().empty()) demandPlaces(demands, program, instruction, around);
  if (demands.fault().empty() && around.rowwise) demandRows(demands, program, instruction, around);
  return demands.fault();
}

namespace {

using Ranges = std::map<int64_t, int64_t>;  // lowest element → highest, apart from each other

void addRange(Ranges& ranges, Extent added) {
  auto next = ranges.upper_bound(added.lowest);
  if (next != ranges.begin() && std::prev(next)->second >= added.lowest) --next;
  while (next != ranges.end() && next->first <= added.highest) {
    added = {std::min(added.lowest, next->first), std::max(added.highest, next->second)};
    next = ranges.erase(next);
  }
  ranges[added.lowest] = added.highest;
}

bool touches(const Ranges& ranges, const Extent& extent) {
  const auto next = ranges.upper_bound(extent.highest);
  return next != ranges.begin() && std::prev(next)->second >= extent.lowest;
}

// What a packStep fills belongs to it alone: nothing else in the body may touch it.
Fault checkPackedSteps(const Program& program, const Instruction& scan) {
  for (const Instruction& pack : scan.body) {
    if (pack.opcode != Opcode::packStep) continue;
    const Operand& packed = program.operands[pack.operands[1]];
    Extent filled, extent;
    extentOf(packed, scan.attributes[0], filled);
    for (const Instruction& other : scan.body) {
      for (size_t index = 0; index < other.operands.size(); index++) {
        const Operand& operand = program.operands[other.operands[index]];
        if (&other == &pack && index == 1) continue;
        extentOf(operand, scan.attributes[0], extent);
        if (operand.space == packed.space && extent.lowest <= filled.highest && filled.lowest <= extent.highest) {
          return textOf(opcodeName(other.opcode), " touches in operand ", index, " what a packStep of the same scan of mode 1 fills");
        }
      }
    }
  }
  return {};
}

}  // namespace

Fault checkRowwiseBody(const Program& program, const Instruction& scan) {
  const int64_t steps = scan.attributes[0];
  std::map<uint32_t, Ranges> written;  // by space
  const auto forEachOperand = [&](auto&& visit) {
    for (const Instruction& instruction : scan.body) {
      for (size_t index = 0; index < instruction.operands.size(); index++) {
        const Operand& operand = program.operands[instruction.operands[index]];
        Extent extent;
        extentOf(operand, steps, extent);
        visit(instruction, index, operand, extent);
      }
    }
  };
  forEachOperand([&](const Instruction& instruction, size_t index, const Operand& operand, const Extent& extent) {
    if (isOutput(instruction, index)) addRange(written[operand.space], extent);
  });
  Fault fault = checkPackedSteps(program, scan);
  forEachOperand([&](const Instruction& instruction, size_t index, const Operand& operand, const Extent& extent) {
    const bool ownRows = instruction.opcode == Opcode::packStep;  // of the packed rows each thread writes its own
    if (!fault.empty() || ownRows || !isSharedByRows(instruction, program, index)) return;
    if (touches(written[operand.space], extent)) {
      fault = textOf(opcodeName(instruction.opcode), " shares its operand ", index, " between rows, and the same scan of mode 1 writes there");
    }
  });
  return fault;
}

}  // namespace bptt
