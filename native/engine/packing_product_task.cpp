#include <algorithm>

#include "engine/tasks.h"

namespace bptt {
namespace {

// A product whose right operand is an ordinary matrix: pieces of it are packed into the thread's own scratch memory and multiplied at once, while
// they are in the cache. The packed matrix itself never goes through memory. Bits are those of a product of a packed operand.
class PackingProductTask final : public Task {
 public:
  PackingProductTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), a_(context.place(instruction, 0)), b_(context.place(instruction, 1)), c_(context.place(instruction, 2)),
        depth_(instruction.attributes[0]), columns_(c_.dimension(1)) {
    if (instruction.attributes[1] == 1) initial_ = context.place(instruction, 3);
    rows = c_.dimension(0);
    units = panelsOf(table_, columns_);
    nanoseconds = productNanoseconds(table_, static_cast<double>(std::max<int64_t>(rows, 3)) * static_cast<double>(columns_) * static_cast<double>(depth_)) +
                  packNanoseconds * static_cast<double>(depth_ * columns_);
  }

  // Threads with panels of their own pack each piece once; those with rows of their own pack all of them. But no thread should wait for another that has
  // a panel more, or one more that is full.
  Axis axis(int parts) const override {
    if (units >= 8 * static_cast<int64_t>(parts) || columns_ % (parts * static_cast<int64_t>(table_.panelWidth)) == 0) return Axis::units;
    return Task::axis(parts);
  }

  void runRows(Range range, const Worker& worker) const override { run(range, {0, units}, worker); }
  void runUnits(Range range, const Worker& worker) const override { run({0, rows}, range, worker); }

 private:
  void run(Range some, Range panels, const Worker& worker) const {
    if (some.empty() || panels.empty()) return;
    const int64_t width = table_.panelWidth, step = worker.step;
    // Deep products of few columns go through all of them at once, so that the left operand is read once.
    const int64_t shallow = std::clamp<int64_t>(packedPieceElements / (panels.count() * width), leastDepth, mostDepth);
    const int64_t deepest = depth_ <= mostDepth ? std::max<int64_t>(depth_, 1) : shallow;
    const int64_t together = packedPieceElements / (deepest * width);
    GemmArguments product = productOf(some, worker);
    for (int64_t k = 0; k == 0 || k < depth_; k += deepest) {
      product.depth = std::min(deepest, depth_ - k);
      product.a = a_.at(step) + some.begin * a_.stride(0) + k * a_.stride(1);
      for (int64_t panel = panels.begin; panel < panels.end; panel += together) {
        const int64_t count = std::min(together, panels.end - panel), column = panel * width;
        product.columns = std::min(count * width, columns_ - column);
        product.panelEnd = count;
        product.packed = pack(k, product.depth, column, product.columns, worker);
        product.c = c_.at(step) + some.begin * c_.stride(0) + column;
        begin(product, k, some.begin, column, step);
        table_.gemm(product);
      }
    }
  }

  GemmArguments productOf(Range some, const Worker& worker) const {
    GemmArguments product{};
    product.aRowStride = a_.stride(0);
    product.aDepthStride = a_.stride(1);
    product.cRowStride = c_.stride(0);
    product.rows = some.count();
    product.scratch = worker.scratch;
    return product;
  }

  const float* pack(int64_t k, int64_t depth, int64_t column, int64_t columns, const Worker& worker) const {
    PackArguments piece{};
    piece.source = b_.at(worker.step) + k * b_.stride(0) + column * b_.stride(1);
    piece.rowStride = b_.stride(0);
    piece.columnStride = b_.stride(1);
    piece.depth = piece.packedDepth = depth;
    piece.columns = columns;
    piece.packed = packedPieceOf(table_, worker.scratch);
    piece.panelEnd = panelsOf(table_, columns);
    table_.pack(piece);
    return piece.packed;
  }

  // What the sums begin with: the instruction's initial value, and further down what has been summed so far.
  void begin(GemmArguments& product, int64_t k, int64_t row, int64_t column, int64_t step) const {
    if (k > 0) {
      product.initial = product.c;
      product.initialRowStride = product.cRowStride;
      product.initialColumnStride = 1;
      return;
    }
    if (initial_.operand == nullptr) {
      product.initial = nullptr;
      return;
    }
    product.initialRowStride = initial_.stride(0);
    product.initialColumnStride = initial_.stride(1) == 0 && columns_ > 1 ? 0 : 1;
    product.initial = initial_.at(step) + row * product.initialRowStride + column * product.initialColumnStride;
  }

  static constexpr int64_t leastDepth = 256, mostDepth = 1024;
  static constexpr double packNanoseconds = 0.1;  // an element

  const KernelTable& table_;
  Place a_, b_, c_, initial_;
  int64_t depth_, columns_;
};

}  // namespace

std::unique_ptr<Task> makePackingProductTask(const TaskContext& context, const Instruction& instruction) {
  return std::make_unique<PackingProductTask>(context, instruction);
}

}  // namespace bptt
