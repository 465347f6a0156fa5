#include <algorithm>

#include "engine/tasks.h"

namespace bptt {
namespace {

int64_t panelsOf(const KernelTable& table, int64_t columns) { return (columns + table.panelWidth - 1) / table.panelWidth; }

class PackTask final : public Task {
 public:
  PackTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), source_(context.place(instruction, 0)), packed_(context.place(instruction, 1)),
        batched_(source_.rank() == 3 ? 1 : 0) {
    rows = batched_ ? source_.dimension(0) : 1;
    units = panelsOf(table_, source_.dimension(batched_ + 1));
    nanoseconds = 0.3 * static_cast<double>(source_.operand->elements());
  }

  void runRows(Range range, const Worker& worker) const override { run(range, {0, units}, worker); }
  void runUnits(Range range, const Worker& worker) const override { run({0, rows}, range, worker); }

 private:
  void run(Range batches, Range panels, const Worker& worker) const {
    PackArguments call{};
    call.rowStride = source_.stride(batched_);
    call.columnStride = source_.stride(batched_ + 1);
    call.depth = source_.dimension(batched_);
    call.columns = source_.dimension(batched_ + 1);
    call.panelBegin = panels.begin;
    call.panelEnd = panels.end;
    for (int64_t batch = batches.begin; batch < batches.end; batch++) {
      call.source = source_.at(worker.step) + (batched_ ? batch * source_.stride(0) : 0);
      call.packed = packed_.at(worker.step) + (batched_ ? batch * packed_.stride(0) : 0);
      table_.pack(call);
    }
  }

  const KernelTable& table_;
  Place source_, packed_;
  int32_t batched_;
};

class GemmTask final : public Task {
 public:
  GemmTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), a_(context.place(instruction, 0)), packed_(context.place(instruction, 1)), c_(context.place(instruction, 2)),
        depth_(instruction.attributes[0]), batched_(c_.rank() == 3 ? 1 : 0) {
    if (instruction.attributes[1] == 1) initial_ = context.place(instruction, 3);
    matrixRows_ = c_.dimension(batched_);
    columns_ = c_.dimension(batched_ + 1);
    rows = batched_ ? c_.dimension(0) : matrixRows_;
    units = panelsOf(table_, columns_);
    // A product of few rows is bound by reading the panels, not by arithmetic.
    const auto busyRows = static_cast<double>(std::max<int64_t>(matrixRows_, 3));
    nanoseconds = productNanoseconds(table_, (batched_ ? static_cast<double>(rows) : 1.0) * busyRows * static_cast<double>(columns_) *
                                                 static_cast<double>(depth_));
  }

  // Few rows fill the kernel's tiles only when they are not split.
  Axis axis(int parts) const override {
    const int64_t enough = batched_ ? parts : 12 * static_cast<int64_t>(parts);
    if (rows >= enough) return Axis::rows;
    if (units >= parts) return Axis::units;
    return Task::axis(parts);
  }

  void runRows(Range range, const Worker& worker) const override {
    if (batched_) return run(range, {0, matrixRows_}, {0, units}, worker);
    run({0, 1}, range, {0, units}, worker);
  }
  void runUnits(Range range, const Worker& worker) const override { run({0, batched_ ? rows : 1}, {0, matrixRows_}, range, worker); }

 private:
  void run(Range batches, Range matrixRows, Range panels, const Worker& worker) const {
    GemmArguments call{};
    call.aRowStride = a_.stride(batched_);
    call.aDepthStride = a_.stride(batched_ + 1);
    call.cRowStride = c_.stride(batched_);
    call.rows = matrixRows.count();
    call.depth = depth_;
    call.columns = columns_;
    call.panelBegin = panels.begin;
    call.panelEnd = panels.end;
    call.scratch = worker.scratch;
    if (initial_.operand != nullptr) {
      call.initialRowStride = initial_.stride(batched_);
      call.initialColumnStride = initial_.stride(batched_ + 1) == 0 && columns_ > 1 ? 0 : 1;
    }
    for (int64_t batch = batches.begin; batch < batches.end; batch++) {
      call.a = start(a_, batch, matrixRows.begin, worker);
      call.c = start(c_, batch, matrixRows.begin, worker);
      call.packed = packed_.at(worker.step) + (batched_ ? batch * packed_.stride(0) : 0);
      call.initial = initial_.operand == nullptr ? nullptr : start(initial_, batch, matrixRows.begin, worker);
      table_.gemm(call);
    }
  }

  float* start(const Place& place, int64_t batch, int64_t row, const Worker& worker) const {
    return place.at(worker.step) + (batched_ ? batch * place.stride(0) : 0) + row * place.stride(batched_);
  }

  const KernelTable& table_;
  Place a_, packed_, c_, initial_;
  int64_t depth_, matrixRows_, columns_;
  int32_t batched_;
};

}  // namespace

std::unique_ptr<Task> makePackTask(const TaskContext& context, const Instruction& instruction) {
  return std::make_unique<PackTask>(context, instruction);
}

std::unique_ptr<Task> makeGemmTask(const TaskContext& context, const Instruction& instruction) {
  return std::make_unique<GemmTask>(context, instruction);
}

}  // namespace bptt
