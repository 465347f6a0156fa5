#include <algorithm>
#include <cstdlib>

#include "engine/decode_parts.h"
#include "engine/tasks.h"

namespace bptt {
namespace {

// Which steps of a scan a product computes when it is visited: its own, or now and then those of several visits at once.
class VisitSpan {
 public:
  VisitSpan(const Steps& steps, int32_t span) : steps_(steps), size_(std::abs(static_cast<int64_t>(span))), ahead_(span > 0) {}

  bool single() const { return size_ == 0; }
  int64_t stepAt(int64_t visit) const { return steps_.at(visit); }
  // From the step of one visit to that of another, so many later.
  bool hasVisit(int64_t step, int64_t later) const { return steps_.at(step) + later < steps_.count; }
  int64_t stepLater(int64_t step, int64_t later) const { return step + steps_.direction() * later; }

  // Empty when other visits do the work of this one.
  Range visits(int64_t step) const {
    const int64_t visit = steps_.at(step);  // its own inverse
    const int64_t begin = visit - visit % size_, end = std::min(begin + size_, steps_.count);
    return visit == (ahead_ ? begin : end - 1) ? Range{begin, end} : Range{0, 0};
  }

 private:
  Steps steps_;
  int64_t size_;
  bool ahead_;
};

class GemmTask final : public Task {
 public:
  GemmTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), a_(context.place(instruction, 0)), packed_(context.place(instruction, 1)), c_(context.place(instruction, 2)),
        span_(context.steps, static_cast<int32_t>(instruction.attributes[2])), depth_(instruction.attributes[0]), batched_(c_.rank() == 3 ? 1 : 0) {
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

  // Few rows fill the kernel's tiles only when they are not split. A deep product of more columns than rows, as a weight gradient is, is bound by
  // reading its packed operand, of which each thread then reads its own panels alone.
  Axis axis(int parts) const override {
    const bool deep = !batched_ && depth_ > matrixRows_ && columns_ > matrixRows_;
    if (deep && units >= parts && (units % parts == 0 || units >= 4 * static_cast<int64_t>(parts))) return Axis::units;
    const int64_t enough = batched_ ? parts : 12 * static_cast<int64_t>(parts);
    if (rows >= enough) return Axis::rows;
    if (units >= parts) return Axis::units;
    return Task::axis(parts);
  }

  bool fetches() const override { return span_.single() && !batched_; }
  void fetch(const FarBlock& block, int64_t visitsLater) override {
    if (fetches_.size() < mostFetches) fetches_.push_back({block, visitsLater});
  }

  void runRows(Range range, const Worker& worker) const override {
    if (batched_) return run(range, {0, matrixRows_}, {0, units}, worker);
    run({0, 1}, range, {0, units}, worker);
  }
  void runUnits(Range range, const Worker& worker) const override { run({0, batched_ ? rows : 1}, {0, matrixRows_}, range, worker); }

 private:
  void run(Range batches, Range matrixRows, Range panels, const Worker& worker) const {
    GemmArguments call = argumentsFor(matrixRows, worker);
    call.panelBegin = panels.begin;
    call.panelEnd = panels.end;
    if (!span_.single()) return runSpan(matrixRows.begin, call, span_.visits(worker.step));
    FetchRun runs[mostFetches];
    call.fetches = runs;
    call.fetchCount = panels.count() == units ? fetchRuns(matrixRows, matrixRows_, worker.step, runs) : fetchRuns(panels, units, worker.step, runs);
    for (int64_t batch = batches.begin; batch < batches.end; batch++) multiply(call, batch, matrixRows.begin, worker.step);
  }

  // The part of the far blocks that range is of extent.
  ptrdiff_t fetchRuns(Range range, int64_t extent, int64_t step, FetchRun* runs) const {
    ptrdiff_t count = 0;
    for (const auto& [block, visitsLater] : fetches_) {
      if (!span_.hasVisit(step, visitsLater)) continue;
      const int64_t begin = block.rows * range.begin / extent, end = block.rows * range.end / extent;
      if (begin == end) continue;
      runs[count++] = {block.base + span_.stepLater(step, visitsLater) * block.perStep + begin * block.perRow, (end - begin) * block.perRow};
    }
    return count;
  }

  GemmArguments argumentsFor(Range matrixRows, const Worker& worker) const {
    GemmArguments call{};
    call.aRowStride = a_.stride(batched_);
    call.aDepthStride = a_.stride(batched_ + 1);
    call.cRowStride = c_.stride(batched_);
    call.rows = matrixRows.count();
    call.depth = depth_;
    call.columns = columns_;
    call.scratch = worker.scratch;
    if (initial_.operand != nullptr) {
      call.initialRowStride = initial_.stride(batched_);
      call.initialColumnStride = initial_.stride(batched_ + 1) == 0 && columns_ > 1 ? 0 : 1;
    }
    return call;
  }

  void multiply(GemmArguments& call, int64_t batch, int64_t row, int64_t step) const {
    call.a = start(a_, batch, row, step);
    call.c = start(c_, batch, row, step);
    call.packed = packed_.at(step) + (batched_ ? batch * packed_.stride(0) : 0);
    call.initial = initial_.operand == nullptr ? nullptr : start(initial_, batch, row, step);
    table_.gemm(call);
  }

  // As one product where the steps' rows lie one after another, else panel by panel, so that each panel is read from far away once.
  void runSpan(int64_t row, GemmArguments& call, Range visits) const {
    if (visits.empty()) return;
    const int64_t first = std::min(span_.stepAt(visits.begin), span_.stepAt(visits.end - 1));
    if (call.rows == matrixRows_ && follow(a_, first, visits.count()) && follow(c_, first, visits.count()) &&
        (initial_.operand == nullptr || follow(initial_, first, visits.count()))) {
      call.rows = matrixRows_ * visits.count();
      return multiply(call, 0, 0, first);
    }
    const Range panels{call.panelBegin, call.panelEnd};
    for (int64_t panel = panels.begin; panel < panels.end; panel++) {
      call.panelBegin = panel;
      call.panelEnd = panel + 1;
      for (int64_t visit = visits.begin; visit < visits.end; visit++) multiply(call, 0, row, span_.stepAt(visit));
    }
  }

  // Whether the rows of `count` steps from `first` on go on where those of the step before end.
  bool follow(const Place& place, int64_t first, int64_t count) const {
    const int64_t size = matrixRows_ * place.stride(0);
    for (int64_t index = 1; index < count; index++) {
      if (place.operand->stepOffset(first + index) - place.operand->stepOffset(first) != index * size) return false;
    }
    return true;
  }

  float* start(const Place& place, int64_t batch, int64_t row, int64_t step) const {
    return place.at(step) + (batched_ ? batch * place.stride(0) : 0) + row * place.stride(batched_);
  }

  const KernelTable& table_;
  Place a_, packed_, c_, initial_;
  VisitSpan span_;
  struct Fetch {
    FarBlock block;
    int64_t visitsLater;
  };
  static constexpr size_t mostFetches = 32;
  std::vector<Fetch> fetches_;
  int64_t depth_, matrixRows_, columns_;
  int32_t batched_;
};

}  // namespace

std::unique_ptr<Task> makeGemmTask(const TaskContext& context, const Instruction& instruction) {
  if (hasUnpackedRight(context.program, instruction)) return makePackingProductTask(context, instruction);
  return std::make_unique<GemmTask>(context, instruction);
}

}  // namespace bptt
