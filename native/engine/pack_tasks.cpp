#include <algorithm>

#include "engine/tasks.h"

namespace bptt {
namespace {

class PackTask final : public Task {
 public:
  PackTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), source_(context.place(instruction, 0)), packed_(context.place(instruction, 1)),
        batched_(source_.rank() == 3 ? 1 : 0) {
    rows = source_.dimension(0);  // of one matrix: steps of the depth
    units = panelsOf(table_, source_.dimension(batched_ + 1));
    nanoseconds = 0.3 * static_cast<double>(source_.operand->elements());
  }

  // Threads that have panels of their own write to memory that no other writes to.
  Axis axis(int parts) const override {
    if (!batched_ && units >= parts) return Axis::units;
    return Task::axis(parts);
  }

  void runRows(Range range, const Worker& worker) const override { run(range, {0, units}, worker); }
  void runUnits(Range range, const Worker& worker) const override { run({0, rows}, range, worker); }

 private:
  void run(Range some, Range panels, const Worker& worker) const {
    PackArguments call{};
    call.rowStride = source_.stride(batched_);
    call.columnStride = source_.stride(batched_ + 1);
    call.depth = call.packedDepth = source_.dimension(batched_);
    call.columns = source_.dimension(batched_ + 1);
    call.panelBegin = panels.begin;
    call.panelEnd = panels.end;
    call.source = source_.at(worker.step) + some.begin * source_.stride(0);
    call.packed = packed_.at(worker.step);
    if (!batched_) {
      call.depth = some.count();
      call.packedBegin = some.begin;
      return table_.pack(call);
    }
    for (int64_t batch = some.begin; batch < some.end; batch++, call.source += source_.stride(0)) {
      call.packed = packed_.at(worker.step) + batch * packed_.stride(0);
      table_.pack(call);
    }
  }

  const KernelTable& table_;
  Place source_, packed_;
  int32_t batched_;
};

// One step's rows of a packed operand that holds the rows of all steps.
class PackStepTask final : public Task {
 public:
  PackStepTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), source_(context.place(instruction, 0)), packed_(context.place(instruction, 1)), steps_(context.steps.count) {
    rows = source_.dimension(0);
    units = panelsOf(table_, source_.dimension(1));
    nanoseconds = 0.1 * static_cast<double>(source_.operand->elements());
  }

  void findFar(const Steps& steps, std::vector<FarBlock>& blocks) const override {
    const int64_t depth = steps.count * rows, columns = source_.dimension(1);
    for (int64_t panel = 0; panel < units; panel++) {
      const int64_t begin = panel * table_.panelWidth, width = panelColumns(table_, columns - begin);
      blocks.push_back({packed_.base + begin * depth, rows * width, width, rows});
    }
  }

  void runRows(Range range, const Worker& worker) const override { run(range, {0, units}, worker); }
  void runUnits(Range range, const Worker& worker) const override { run({0, rows}, range, worker); }

 private:
  void run(Range some, Range panels, const Worker& worker) const {
    PackArguments call{};
    call.source = source_.at(worker.step) + some.begin * source_.stride(0);
    call.rowStride = source_.stride(0);
    call.columnStride = source_.stride(1);
    call.depth = some.count();
    call.columns = source_.dimension(1);
    call.packed = packed_.base;
    call.panelBegin = panels.begin;
    call.panelEnd = panels.end;
    call.packedDepth = steps_ * rows;
    call.packedBegin = worker.step * rows + some.begin;
    table_.pack(call);
  }

  const KernelTable& table_;
  Place source_, packed_;
  int64_t steps_;
};

// Column sums of a packed matrix, in the order in which ColumnSumTask adds those of an ordinary one.
class SumPackedTask final : public Task {
 public:
  SumPackedTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), packed_(context.place(instruction, 0)), sums_(context.place(instruction, 1)), depth_(instruction.attributes[0]),
        columns_(sums_.dimension(0)) {
    units = panelsOf(table_, columns_);
    nanoseconds = vectorNanoseconds(table_, static_cast<double>(columns_ * depth_), 2);
  }

  void runRows(Range, const Worker& worker) const override { runUnits({0, units}, worker); }
  void runUnits(Range range, const Worker& worker) const override {
    for (int64_t panel = range.begin; panel < range.end; panel++) {
      const int64_t begin = panel * table_.panelWidth, left = columns_ - begin;
      ColumnSumArguments call{};
      call.in = packed_.at(worker.step) + begin * depth_;
      call.rowStride = panelColumns(table_, left);
      call.rows = depth_;
      call.columnEnd = std::min<int64_t>(table_.panelWidth, left);
      call.out = sums_.at(worker.step) + begin;
      table_.columnSum(call);
    }
  }

 private:
  const KernelTable& table_;
  Place packed_, sums_;
  int64_t depth_, columns_;
};

}  // namespace

std::unique_ptr<Task> makePackTask(const TaskContext& context, const Instruction& instruction) {
  if (instruction.opcode == format::Opcode::packStep) return std::make_unique<PackStepTask>(context, instruction);
  if (instruction.opcode == format::Opcode::sumPacked) return std::make_unique<SumPackedTask>(context, instruction);
  return std::make_unique<PackTask>(context, instruction);
}

}  // namespace bptt
