#include <algorithm>

#include "engine/tasks.h"

namespace bptt {
namespace {

constexpr int64_t unitColumns = 64;
constexpr size_t maximumOperands = format::maximumInputs + format::maximumOutputs;

// The operands' common index space with adjacent dimensions merged where every operand allows it. There are always at least two axes: the
// last is the kernel's columns, the one before it the kernel's rows.
struct MergedAxes {
  int32_t count = 0;
  int64_t sizes[format::maximumRank + 2];
  int64_t strides[format::maximumRank + 2][maximumOperands];

  void push(int64_t size) {
    sizes[count] = size;
    std::fill(strides[count], strides[count] + maximumOperands, 0);
    count++;
  }

  bool canMerge(int32_t outer, size_t operands) const {
    for (size_t index = 0; index < operands; index++) {
      if (strides[outer][index] != sizes[outer + 1] * strides[outer + 1][index]) return false;
    }
    return true;
  }

  void merge(int32_t outer) {
    sizes[outer + 1] *= sizes[outer];
    for (int32_t axis = outer; axis + 1 < count; axis++) {
      sizes[axis] = sizes[axis + 1];
      std::copy(strides[axis + 1], strides[axis + 1] + maximumOperands, strides[axis]);
    }
    count--;
  }
};

class MapTask final : public Task {
 public:
  MapTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), map_(context.program.maps[instruction.map]), inputs_(static_cast<int32_t>(instruction.attributes[1])) {
    for (size_t index = 0; index < instruction.operands.size(); index++) places_.push_back(context.place(instruction, index));
    mergeAxes(context.insideScan);
    rows = rowsAreColumns_ ? axes_.sizes[1] : axes_.sizes[0];
    units = rowsAreColumns_ ? 0 : (axes_.sizes[axes_.count - 1] + unitColumns - 1) / unitColumns;
    const auto elements = static_cast<double>(places_[0].operand->elements());
    nanoseconds = vectorNanoseconds(table_, elements, map_.cyclesPerVector + static_cast<double>(places_.size()));
  }

  void runRows(Range range, const Worker& worker) const override {
    const int64_t columns = axes_.sizes[axes_.count - 1];
    if (rowsAreColumns_) return run({0, 1}, range, worker);
    if (rowsMerge_) return runFlat(range, worker);
    run(range, {0, columns}, worker);
  }

  void runUnits(Range range, const Worker& worker) const override {
    const int64_t columns = axes_.sizes[axes_.count - 1];
    run({0, axes_.sizes[0]}, {range.begin * unitColumns, std::min(columns, range.end * unitColumns)}, worker);
  }

  // Not what is at the next step where this one wrote.
  void findFar(const Steps& steps, std::vector<FarBlock>& blocks) const override {
    for (size_t index = 0; index < places_.size(); index++) {
      FarBlock block;
      if (!farBlockOf(places_[index], block)) continue;
      const auto isNext = [&](const Place& output) { return output.at(0) == block.base + steps.direction() * block.perStep; };
      if (std::none_of(places_.begin() + inputs_, places_.end(), isNext)) blocks.push_back(block);
    }
  }

 private:
  // Dimension 0 stays apart when row ranges of it will be asked for.
  void mergeAxes(bool keepRows) {
    const Operand& first = *places_[0].operand;
    for (int32_t axis = 0; axis < first.rank; axis++) {
      if (first.dimensions[axis] == 1 && !(keepRows && axis == 0)) continue;
      axes_.push(first.dimensions[axis]);
      for (size_t index = 0; index < places_.size(); index++) axes_.strides[axes_.count - 1][index] = places_[index].stride(axis);
    }
    for (int32_t axis = axes_.count - 2; axis >= (keepRows ? 1 : 0); axis--) {
      if (axes_.canMerge(axis, places_.size())) axes_.merge(axis);
    }
    rowsAreColumns_ = keepRows && axes_.count == 1;
    rowsMerge_ = axes_.count == 2 && axes_.canMerge(0, places_.size());
    if (axes_.count == 0) axes_.push(1);
    if (axes_.count == 1) {  // a leading axis of size 1
      axes_.push(axes_.sizes[0]);
      std::copy(axes_.strides[0], axes_.strides[0] + maximumOperands, axes_.strides[1]);
      axes_.sizes[0] = 1;
      std::fill(axes_.strides[0], axes_.strides[0] + maximumOperands, 0);
    }
  }

  MapArguments arguments(const MapOperand* operands, const Worker& worker) const {
    MapArguments arguments{};
    arguments.code = map_.code.data();
    arguments.codeLength = static_cast<int32_t>(map_.code.size());
    arguments.inputCount = inputs_;
    arguments.outputCount = static_cast<int32_t>(places_.size()) - inputs_;
    arguments.registerCount = map_.registerCount;
    arguments.constantCount = static_cast<int32_t>(map_.constants.size());
    arguments.constants = map_.constants.data();
    arguments.operands = operands;
    arguments.scratch = worker.scratch;
    return arguments;
  }

  void runFlat(Range range, const Worker& worker) const {
    MapOperand operands[maximumOperands];
    for (size_t index = 0; index < places_.size(); index++) {
      operands[index] = {places_[index].at(worker.step) + range.begin * axes_.strides[0][index], 0, axes_.strides[1][index]};
    }
    MapArguments call = arguments(operands, worker);
    call.rows = 1;
    call.columns = range.count() * axes_.sizes[1];
    table_.map(call);
  }

  void run(Range lead, Range columns, const Worker& worker) const {
    MapOperand operands[maximumOperands];
    const int32_t last = axes_.count - 1;
    for (size_t index = 0; index < places_.size(); index++) {
      float* start = places_[index].at(worker.step) + lead.begin * axes_.strides[0][index] + columns.begin * axes_.strides[last][index];
      operands[index] = {start, axes_.strides[last - 1][index], axes_.strides[last][index]};
    }
    MapArguments call = arguments(operands, worker);
    call.rows = axes_.count == 2 ? lead.count() : axes_.sizes[last - 1];
    call.columns = columns.count();
    if (axes_.count == 2) return table_.map(call);
    walkOuter(lead.count(), operands, call);
  }

  // Calls the kernel for every position of the axes before its two, the last of them fastest. `leading` positions of axis 0, at least one.
  void walkOuter(int64_t leading, MapOperand* operands, const MapArguments& call) const {
    int64_t positions[format::maximumRank] = {};
    for (;;) {
      table_.map(call);
      int32_t axis = axes_.count - 3;
      for (; axis >= 0; axis--) {
        move(operands, axis, 1);
        if (++positions[axis] < (axis == 0 ? leading : axes_.sizes[axis])) break;
        move(operands, axis, -positions[axis]);
        positions[axis] = 0;
      }
      if (axis < 0) return;
    }
  }

  void move(MapOperand* operands, int32_t axis, int64_t positions) const {
    for (size_t index = 0; index < places_.size(); index++) operands[index].data += positions * axes_.strides[axis][index];
  }

  const KernelTable& table_;
  const MapProgram& map_;
  int32_t inputs_;
  std::vector<Place> places_;
  MergedAxes axes_;
  bool rowsAreColumns_ = false;  // the only axis is the rows: a range of rows is a range of columns
  bool rowsMerge_ = false;       // a range of rows is one contiguous run in every operand
};

}  // namespace

std::unique_ptr<Task> makeMapTask(const TaskContext& context, const Instruction& instruction) {
  return std::make_unique<MapTask>(context, instruction);
}

}  // namespace bptt
