// Reductions. The way a reduction is computed depends on its shape alone, never on the number of threads:
// - sums over leading dimensions whose kept dimensions are contiguous add whole rows (column sums);
// - few results over many elements are reduced in chunks of fixed size first, then the chunks' results;
// - everything else is one kernel row per result.
#include <algorithm>

#include "engine/tasks.h"

namespace bptt {
namespace {

constexpr int64_t chunkElements = 8192;
constexpr int64_t fewResults = 16;
constexpr int64_t unitColumns = 64;

struct AxisOf {
  int64_t size, in, out;
};

// Adjacent axes merged where input and output allow it; axes of size 1 left out.
std::vector<AxisOf> mergedAxes(const Place& input, const Place& output, int32_t begin, int32_t end, bool kept, bool keepFirst) {
  std::vector<AxisOf> axes;
  for (int32_t axis = begin; axis < end; axis++) {
    const bool apart = keepFirst && axis == 0;
    if (input.dimension(axis) == 1 && !apart) continue;
    const AxisOf next{input.dimension(axis), input.stride(axis), kept ? output.stride(axis) : 0};
    const bool mergeable = !axes.empty() && !(keepFirst && axes.size() == 1) && axes.back().in == next.size * next.in &&
                           axes.back().out == next.size * next.out;
    if (mergeable) {
      axes.back() = {axes.back().size * next.size, next.in, next.out};
    } else {
      axes.push_back(next);
    }
  }
  return axes;
}

struct Reduction {
  Place input, output;
  int32_t kind;
  std::vector<AxisOf> kept, reduced;

  int64_t results() const { return product(kept); }
  int64_t elements() const { return product(reduced); }

  static int64_t product(const std::vector<AxisOf>& axes) {
    int64_t result = 1;
    for (const AxisOf& axis : axes) result *= axis.size;
    return result;
  }
};

constexpr int32_t kindSum = 0, kindSquares = 3;

// Of squares that were summed the sums are added.
int32_t kindOfParts(int32_t kind) { return kind == kindSquares ? kindSum : kind; }

float combine(int32_t kind, float a, float b) {
  if (kindOfParts(kind) == kindSum) return a + b;
  if (a != a || b != b) return a + b;  // NaN
  return kind == 1 ? std::max(a, b) : std::min(a, b);
}

// Adds values in the order of a binary counter: neighbours first, then neighbours of neighbours.
class PairwiseCombiner {
 public:
  explicit PairwiseCombiner(int32_t kind) : kind_(kind) {}

  void add(float value) {
    int level = 0;
    for (uint64_t rest = count_; rest & 1; rest >>= 1) value = combine(kind_, levels_[level++], value);
    levels_[level] = value;
    count_++;
  }

  float result() const {
    float value = 0;
    bool any = false;
    for (int level = 0; level < 64; level++) {
      if (!((count_ >> level) & 1)) continue;
      value = any ? combine(kind_, levels_[level], value) : levels_[level];
      any = true;
    }
    return value;
  }

 private:
  int32_t kind_;
  uint64_t count_ = 0;
  float levels_[64];
};

class ReduceTask final : public Task {
 public:
  ReduceTask(const KernelTable& table, Reduction reduction) : table_(table), it_(std::move(reduction)) {
    rows = it_.kept.empty() ? 1 : it_.kept[0].size;
    nanoseconds = vectorNanoseconds(table, static_cast<double>(it_.results() * it_.elements()), 3) + 5.0 * static_cast<double>(it_.results());
  }

  void runRows(Range range, const Worker& worker) const override {
    const float* in = it_.input.at(worker.step);
    float* out = it_.output.at(worker.step);
    if (it_.kept.size() <= 1) {
      const AxisOf lead = it_.kept.empty() ? AxisOf{1, 0, 0} : it_.kept[0];
      return reduceRows(in + range.begin * lead.in, out + range.begin * lead.out, {range.count(), lead.in, lead.out});
    }
    const AxisOf& lead = it_.kept[0];
    for (int64_t row = range.begin; row < range.end; row++) walkKept(1, in + row * lead.in, out + row * lead.out);
  }

 private:
  void walkKept(size_t axis, const float* in, float* out) const {
    const AxisOf& at = it_.kept[axis];
    if (axis + 1 == it_.kept.size()) return reduceRows(in, out, at);
    for (int64_t position = 0; position < at.size; position++) walkKept(axis + 1, in + position * at.in, out + position * at.out);
  }

  void reduceRows(const float* in, float* out, const AxisOf& rowsAxis) const {
    if (it_.reduced.size() <= 2) return kernel(in, out, rowsAxis);
    for (int64_t row = 0; row < rowsAxis.size; row++) {
      PairwiseCombiner combiner(it_.kind);
      walkReduced(0, in + row * rowsAxis.in, combiner);
      out[row * rowsAxis.out] = combiner.result();
    }
  }

  // The kernel takes two reduced axes; further ones are walked here.
  void walkReduced(size_t axis, const float* in, PairwiseCombiner& combiner) const {
    if (axis + 2 == it_.reduced.size()) {
      float part;
      kernel(in, &part, {1, 0, 0});
      return combiner.add(part);
    }
    const AxisOf& at = it_.reduced[axis];
    for (int64_t position = 0; position < at.size; position++) walkReduced(axis + 1, in + position * at.in, combiner);
  }

  void kernel(const float* in, float* out, const AxisOf& rowsAxis) const {
    const size_t count = it_.reduced.size();
    const AxisOf inner = count >= 1 ? it_.reduced[count - 1] : AxisOf{1, 0, 0};
    const AxisOf outer = count >= 2 ? it_.reduced[count - 2] : AxisOf{1, 0, 0};
    ReduceArguments call{};
    call.in = in;
    call.rowStride = rowsAxis.in;
    call.outerStride = outer.in;
    call.innerStride = inner.in;
    call.rows = rowsAxis.size;
    call.outer = outer.size;
    call.inner = inner.size;
    call.out = out;
    call.outStride = rowsAxis.out;
    call.kind = it_.kind;
    table_.reduce(call);
  }

  const KernelTable& table_;
  Reduction it_;
};

class ColumnSumTask final : public Task {
 public:
  ColumnSumTask(const KernelTable& table, const Reduction& reduction)
      : table_(table), input_(reduction.input), output_(reduction.output), columns_(reduction.kept[0].size), depth_(reduction.reduced[0].size),
        rowStride_(reduction.reduced[0].in) {
    units = (columns_ + unitColumns - 1) / unitColumns;
    nanoseconds = vectorNanoseconds(table, static_cast<double>(columns_ * depth_), 2);
  }

  void runRows(Range, const Worker& worker) const override { run({0, columns_}, worker); }
  void runUnits(Range range, const Worker& worker) const override {
    run({range.begin * unitColumns, std::min(columns_, range.end * unitColumns)}, worker);
  }

 private:
  void run(Range columns, const Worker& worker) const {
    ColumnSumArguments call{};
    call.in = input_.at(worker.step);
    call.rowStride = rowStride_;
    call.rows = depth_;
    call.columnBegin = columns.begin;
    call.columnEnd = columns.end;
    call.out = output_.at(worker.step);
    table_.columnSum(call);
  }

  const KernelTable& table_;
  Place input_, output_;
  int64_t columns_, depth_, rowStride_;
};

// The first half of a chunked reduction: rows are (result, chunk) pairs, each reduced into its own place of `partial`.
class ChunkTask final : public Task {
 public:
  ChunkTask(const KernelTable& table, Reduction reduction, int64_t chunks, int64_t chunkSize, float* partial)
      : table_(table), it_(std::move(reduction)), chunks_(chunks), chunkSize_(chunkSize), partial_(partial) {
    rows = it_.results() * chunks_;
    nanoseconds = vectorNanoseconds(table, static_cast<double>(it_.results() * it_.elements()), 3);
  }

  void runRows(Range range, const Worker& worker) const override {
    const AxisOf lead = it_.kept.empty() ? AxisOf{1, 0, 0} : it_.kept[0];
    const bool twoAxes = it_.reduced.size() == 2;
    const AxisOf split = it_.reduced[0];
    ReduceArguments call{};
    call.rows = 1;
    call.kind = it_.kind;
    for (int64_t row = range.begin; row < range.end; row++) {
      const int64_t begin = row % chunks_ * chunkSize_;
      const int64_t count = std::min(chunkSize_, split.size - begin);
      call.in = it_.input.at(worker.step) + row / chunks_ * lead.in + begin * split.in;
      call.outer = twoAxes ? count : 1;
      call.outerStride = twoAxes ? split.in : 0;
      call.inner = twoAxes ? it_.reduced[1].size : count;
      call.innerStride = twoAxes ? it_.reduced[1].in : split.in;
      call.out = partial_ + row;
      call.outStride = 1;
      table_.reduce(call);
    }
  }

 private:
  const KernelTable& table_;
  Reduction it_;
  int64_t chunks_, chunkSize_;
  float* partial_;
};

// The second half: the partial results of each result, in one kernel row.
class CombineTask final : public Task {
 public:
  CombineTask(const KernelTable& table, const Reduction& reduction, int64_t chunks, const float* partial)
      : table_(table), output_(reduction.output), kind_(kindOfParts(reduction.kind)), chunks_(chunks), partial_(partial) {
    results_ = reduction.results();
    outStride_ = reduction.kept.empty() ? 0 : reduction.kept[0].out;
    nanoseconds = static_cast<double>(chunks * results_);
  }

  Axis axis(int) const override { return Axis::none; }

  void runRows(Range, const Worker& worker) const override {
    ReduceArguments call{};
    call.in = partial_;
    call.rowStride = chunks_;
    call.innerStride = 1;
    call.rows = results_;
    call.outer = 1;
    call.inner = chunks_;
    call.out = output_.at(worker.step);
    call.outStride = outStride_;
    call.kind = kind_;
    table_.reduce(call);
  }

 private:
  const KernelTable& table_;
  Place output_;
  int32_t kind_;
  int64_t chunks_, results_, outStride_;
  const float* partial_;
};

bool appendChunked(const TaskContext& context, const Reduction& reduction, TaskList& tasks) {
  const int64_t inner = reduction.reduced.size() == 2 ? reduction.reduced[1].size : 1;
  const int64_t chunkSize = std::max<int64_t>(1, chunkElements / inner);
  const int64_t chunks = (reduction.reduced[0].size + chunkSize - 1) / chunkSize;
  const size_t bytes = static_cast<size_t>(chunks * reduction.results()) * sizeof(float);
  AlignedMemory memory = AlignedMemory::allocate(bytes);
  if (!memory) return false;
  auto* partial = reinterpret_cast<float*>(memory.data());
  const auto address = reinterpret_cast<uintptr_t>(partial);
  context.blocks.push_back(std::move(memory));
  tasks.push_back(std::make_unique<ChunkTask>(context.table, reduction, chunks, chunkSize, partial));
  tasks.back()->touched.push_back({address, address + bytes, true});
  tasks.push_back(std::make_unique<CombineTask>(context.table, reduction, chunks, partial));
  tasks.back()->touched.push_back({address, address + bytes, false});
  return true;
}

}  // namespace

bool appendReduceTasks(const TaskContext& context, const Instruction& instruction, TaskList& tasks) {
  Reduction reduction;
  reduction.input = context.place(instruction, 0);
  reduction.output = context.place(instruction, 1);
  reduction.kind = static_cast<int32_t>(instruction.attributes[0]);
  const int32_t kept = reduction.output.rank(), rank = reduction.input.rank();
  reduction.kept = mergedAxes(reduction.input, reduction.output, 0, kept, true, context.insideScan && kept > 0);
  reduction.reduced = mergedAxes(reduction.input, reduction.output, kept, rank, false, false);
  const bool alone = !context.insideScan;  // rows need not stay rows
  const bool columns = alone && reduction.kind == kindSum && reduction.kept.size() == 1 && reduction.reduced.size() == 1 &&
                       reduction.kept[0].in == 1 && reduction.kept[0].out == 1;
  const bool chunked = alone && reduction.kept.size() <= 1 && !reduction.reduced.empty() && reduction.reduced.size() <= 2 &&
                       reduction.results() <= fewResults && reduction.elements() > 2 * chunkElements && reduction.reduced[0].size > 1;
  if (columns) {
    tasks.push_back(std::make_unique<ColumnSumTask>(context.table, reduction));
    return true;
  }
  if (chunked) return appendChunked(context, reduction, tasks);
  tasks.push_back(std::make_unique<ReduceTask>(context.table, std::move(reduction)));
  return true;
}

}  // namespace bptt
