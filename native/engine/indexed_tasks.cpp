// Tasks whose addresses depend on data: an index is read once, checked, and only then used.
#include <algorithm>
#include <cstring>

#include "engine/tasks.h"

namespace bptt {
namespace {

void copyRow(const float* from, int64_t fromStride, float* to, int64_t toStride, int64_t count) {
  if (fromStride == 1 && toStride == 1) {
    std::memmove(to, from, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  // As integers, so that the bits of an int32 that looks like a denormal or a signalling NaN arrive unchanged.
  const auto* source = reinterpret_cast<const int32_t*>(from);
  auto* target = reinterpret_cast<int32_t*>(to);
  for (int64_t column = 0; column < count; column++) target[column * toStride] = source[column * fromStride];
}

class GatherTask final : public Task {
 public:
  GatherTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.place(instruction, 0)), indices_(context.place(instruction, 1)), output_(context.place(instruction, 2)) {
    rows = indices_.dimension(0);
    nanoseconds = static_cast<double>(rows) * (10 + 0.2 * static_cast<double>(table_.dimension(1)));
  }

  void runRows(Range range, const Worker& worker) const override {
    const float* table = table_.at(worker.step);
    const float* indices = indices_.at(worker.step);
    float* output = output_.at(worker.step);
    const int64_t classes = table_.dimension(0), columns = table_.dimension(1);
    for (int64_t row = range.begin; row < range.end; row++) {
      const int64_t index = readIndex(indices + row * indices_.stride(0));
      if (index < 0 || index >= classes) return worker.state->failIndex(instruction, index, row);
      copyRow(table + index * table_.stride(0), table_.stride(1), output + row * output_.stride(0), output_.stride(1), columns);
    }
  }

 private:
  Place table_, indices_, output_;
};

class ScatterAddTask final : public Task {
 public:
  ScatterAddTask(const TaskContext& context, const Instruction& instruction)
      : indices_(context.place(instruction, 0)), updates_(context.place(instruction, 1)), output_(context.place(instruction, 2)) {
    rows = output_.dimension(0);  // classes: every thread looks at all indices and adds what falls into its range
    units = (output_.dimension(1) + unitColumns - 1) / unitColumns;
    nanoseconds = 0.25 * static_cast<double>(output_.operand->elements()) + 0.3 * static_cast<double>(updates_.operand->elements());
  }

  // Frequent classes make ranges of classes uneven; columns are even where there are enough of them.
  Axis axis(int parts) const override { return units >= parts ? Axis::units : Task::axis(parts); }

  void runRows(Range range, const Worker& worker) const override { run(range, {0, output_.dimension(1)}, worker); }
  void runUnits(Range range, const Worker& worker) const override {
    run({0, rows}, {range.begin * unitColumns, std::min(output_.dimension(1), range.end * unitColumns)}, worker);
  }

 private:
  static constexpr int64_t unitColumns = 16;

  void run(Range classes, Range columns, const Worker& worker) const {
    const float* indices = indices_.at(worker.step);
    const float* updates = updates_.at(worker.step);
    float* output = output_.at(worker.step);
    for (int64_t row = classes.begin; row < classes.end; row++) clear(output + row * output_.stride(0), columns);
    for (int64_t row = 0; row < indices_.dimension(0); row++) {
      const int64_t index = readIndex(indices + row * indices_.stride(0));
      if (index < 0 || index >= rows) return worker.state->failIndex(instruction, index, row);
      if (index < classes.begin || index >= classes.end) continue;
      add(updates + row * updates_.stride(0), output + index * output_.stride(0), columns);
    }
  }

  void clear(float* row, Range columns) const {
    if (output_.stride(1) == 1) {
      std::memset(row + columns.begin, 0, static_cast<size_t>(columns.count()) * sizeof(float));
      return;
    }
    for (int64_t column = columns.begin; column < columns.end; column++) row[column * output_.stride(1)] = 0;
  }

  void add(const float* update, float* row, Range columns) const {
    const int64_t from = updates_.stride(1), to = output_.stride(1);
    if (from == 1 && to == 1) {
      for (int64_t column = columns.begin; column < columns.end; column++) row[column] += update[column];
    } else {
      for (int64_t column = columns.begin; column < columns.end; column++) row[column * to] += update[column * from];
    }
  }

  Place indices_, updates_, output_;
};

// Which rows are the first of their index. Of each index `memory` keeps where it was first seen; what lay there before cannot mislead,
// since it is believed only where that place names the same index. Each row depends on all rows before it, so that one thread does them.
class FirstRowsTask final : public Task {
 public:
  FirstRowsTask(const TaskContext& context, const Instruction& instruction)
      : indices_(context.place(instruction, 0)), owners_(context.place(instruction, 1)), places_(context.place(instruction, 2)),
        memory_(context.place(instruction, 3)) {
    rows = 1;
    nanoseconds = 5 * static_cast<double>(indices_.dimension(0));
  }

  void runRows(Range range, const Worker& worker) const override {
    if (range.empty()) return;
    const float* indices = indices_.at(worker.step);
    auto* owners = reinterpret_cast<int32_t*>(owners_.at(worker.step));
    auto* places = reinterpret_cast<int32_t*>(places_.at(worker.step));
    auto* memory = reinterpret_cast<int32_t*>(memory_.at(worker.step));
    const int64_t classes = memory_.dimension(0);
    for (int64_t row = 0; row < indices_.dimension(0); row++) {
      const int32_t index = readIndex(indices + row * indices_.stride(0));
      if (index < 0 || index >= classes) return worker.state->failIndex(instruction, index, row);
      int32_t& seen = memory[index * memory_.stride(0)];
      const int32_t earlier = seen;
      const bool known = earlier >= 0 && earlier < row && owners[earlier * owners_.stride(0)] == index;
      if (!known) seen = static_cast<int32_t>(row);
      owners[row * owners_.stride(0)] = known ? -1 : index;
      places[row * places_.stride(0)] = known ? earlier : static_cast<int32_t>(row);
    }
  }

 private:
  Place indices_, owners_, places_, memory_;
};

class ReplaceRowsTask final : public Task {
 public:
  ReplaceRowsTask(const TaskContext& context, const Instruction& instruction)
      : owners_(context.place(instruction, 0)), replacements_(context.place(instruction, 1)), table_(context.place(instruction, 2)) {
    rows = table_.dimension(0);  // as in scatterAdd, so that rows with the same owner are written in order by one thread
    nanoseconds = static_cast<double>(owners_.dimension(0)) * (5 + 0.2 * static_cast<double>(table_.dimension(1)));
  }

  void runRows(Range range, const Worker& worker) const override {
    const float* owners = owners_.at(worker.step);
    const float* replacements = replacements_.at(worker.step);
    float* table = table_.at(worker.step);
    for (int64_t row = 0; row < owners_.dimension(0); row++) {
      const int64_t owner = readIndex(owners + row * owners_.stride(0));
      if (owner < -1 || owner >= rows) return worker.state->failIndex(instruction, owner, row);
      if (owner < range.begin || owner >= range.end) continue;
      copyRow(replacements + row * replacements_.stride(0), replacements_.stride(1), table + owner * table_.stride(0),
              table_.stride(1), table_.dimension(1));
    }
  }

 private:
  Place owners_, replacements_, table_;
};

class OneHotTask final : public Task {
 public:
  OneHotTask(const TaskContext& context, const Instruction& instruction)
      : indices_(context.place(instruction, 0)), output_(context.place(instruction, 1)) {
    rows = indices_.dimension(0);
    const float one = 1.0f;
    if (output_.operand->type == format::ElementType::float32) std::memcpy(&one_, &one, sizeof one_);
    nanoseconds = 0.2 * static_cast<double>(output_.operand->elements());
  }

  void runRows(Range range, const Worker& worker) const override {
    const float* indices = indices_.at(worker.step);
    const int64_t classes = output_.dimension(1);
    for (int64_t row = range.begin; row < range.end; row++) {
      const int64_t index = readIndex(indices + row * indices_.stride(0));
      if (index < 0 || index >= classes) return worker.state->failIndex(instruction, index, row);
      auto* output = reinterpret_cast<int32_t*>(output_.at(worker.step) + row * output_.stride(0));
      for (int64_t column = 0; column < classes; column++) output[column * output_.stride(1)] = 0;
      output[index * output_.stride(1)] = one_;
    }
  }

 private:
  Place indices_, output_;
  int32_t one_ = 1;  // the bits of one in the output's type
};

// Hands the kernel at most checkedIndices targets at a time, from a copy that no one else can change after the check.
class TargetTask : public Task {
 public:
  void runRows(Range range, const Worker& worker) const final {
    int32_t* checked = checkedIndicesOf(table_, worker.scratch);
    const float* targets = targets_.at(worker.step);
    for (int64_t begin = range.begin; begin < range.end; begin += checkedIndices) {
      const Range block{begin, std::min(range.end, begin + checkedIndices)};
      for (int64_t row = block.begin; row < block.end; row++) {
        const int32_t index = readIndex(targets + row * targets_.stride(0));
        if (index < 0 || index >= classes_) return worker.state->failIndex(instruction, index, row);
        checked[row - block.begin] = index;
      }
      runBlock(block, checked, worker);
    }
  }

 protected:
  TargetTask(const KernelTable& table, const Place& logits, const Place& targets)
      : table_(table), logits_(logits), targets_(targets), classes_(logits.dimension(1)) {
    rows = logits.dimension(0);
    nanoseconds = vectorNanoseconds(table, static_cast<double>(logits.operand->elements()), 14);
  }

  virtual void runBlock(Range block, const int32_t* targets, const Worker& worker) const = 0;

  const KernelTable& table_;
  Place logits_, targets_;
  int64_t classes_;
};

class CrossEntropyTask final : public TargetTask {
 public:
  CrossEntropyTask(const TaskContext& context, const Instruction& instruction)
      : TargetTask(context.table, context.place(instruction, 0), context.place(instruction, 1)), loss_(context.place(instruction, 2)),
        logNormalizer_(context.place(instruction, 3)) {}

 private:
  void runBlock(Range block, const int32_t* targets, const Worker& worker) const override {
    CrossEntropyArguments call{};
    call.logits = logits_.at(worker.step) + block.begin * logits_.stride(0);
    call.logitsRowStride = logits_.stride(0);
    call.targets = targets;
    call.targetStride = 1;
    call.loss = loss_.at(worker.step) + block.begin;
    call.logNormalizer = logNormalizer_.at(worker.step) + block.begin;
    call.rows = block.count();
    call.columns = classes_;
    table_.crossEntropy(call);
  }

  Place loss_, logNormalizer_;
};

class CrossEntropyGradientTask final : public TargetTask {
 public:
  CrossEntropyGradientTask(const TaskContext& context, const Instruction& instruction)
      : TargetTask(context.table, context.place(instruction, 0), context.place(instruction, 2)), logNormalizer_(context.place(instruction, 1)),
        upstream_(context.place(instruction, 3)), output_(context.place(instruction, 4)) {}

 private:
  void runBlock(Range block, const int32_t* targets, const Worker& worker) const override {
    CrossEntropyGradientArguments call{};
    call.logits = logits_.at(worker.step) + block.begin * logits_.stride(0);
    call.logitsRowStride = logits_.stride(0);
    call.logNormalizer = logNormalizer_.at(worker.step) + block.begin;
    call.targets = targets;
    call.targetStride = 1;
    call.upstream = upstream_.at(worker.step) + block.begin * upstream_.stride(0);
    call.upstreamStride = upstream_.stride(0);
    call.out = output_.at(worker.step) + block.begin * output_.stride(0);
    call.outRowStride = output_.stride(0);
    call.rows = block.count();
    call.columns = classes_;
    table_.crossEntropyGradient(call);
  }

  Place logNormalizer_, upstream_, output_;
};

// Loss and gradient of a few rows at a time, so that the gradient finds the logits in the cache.
class CrossEntropyBothTask final : public TargetTask {
 public:
  CrossEntropyBothTask(const TaskContext& context, const Instruction& instruction)
      : TargetTask(context.table, context.place(instruction, 0), context.place(instruction, 1)), upstream_(context.place(instruction, 2)),
        loss_(context.place(instruction, 3)), logNormalizer_(context.place(instruction, 4)), output_(context.place(instruction, 5)) {
    nanoseconds *= 2;
  }

 private:
  static constexpr int64_t elementsAtOnce = 32768;

  void runBlock(Range block, const int32_t* targets, const Worker& worker) const override {
    const int64_t atOnce = std::max<int64_t>(1, elementsAtOnce / classes_);
    for (int64_t begin = block.begin; begin < block.end; begin += atOnce) {
      runRowsOf({begin, std::min(block.end, begin + atOnce)}, targets + (begin - block.begin), worker.step);
    }
  }

  void runRowsOf(Range rows, const int32_t* targets, int64_t step) const {
    const float* logits = logits_.at(step) + rows.begin * logits_.stride(0);
    float* logNormalizer = logNormalizer_.at(step) + rows.begin;
    table_.crossEntropy({logits, logits_.stride(0), targets, 1, loss_.at(step) + rows.begin, logNormalizer, rows.count(), classes_});
    table_.crossEntropyGradient({logits, logits_.stride(0), logNormalizer, targets, 1, upstream_.at(step) + rows.begin * upstream_.stride(0),
                                 upstream_.stride(0), output_.at(step) + rows.begin * output_.stride(0), output_.stride(0), rows.count(), classes_});
  }

  Place upstream_, loss_, logNormalizer_, output_;
};

}  // namespace

std::unique_ptr<Task> makeIndexedTask(const TaskContext& context, const Instruction& instruction) {
  switch (instruction.opcode) {
    case format::Opcode::gather: return std::make_unique<GatherTask>(context, instruction);
    case format::Opcode::scatterAdd: return std::make_unique<ScatterAddTask>(context, instruction);
    case format::Opcode::firstRows: return std::make_unique<FirstRowsTask>(context, instruction);
    case format::Opcode::replaceRows: return std::make_unique<ReplaceRowsTask>(context, instruction);
    case format::Opcode::oneHot: return std::make_unique<OneHotTask>(context, instruction);
    case format::Opcode::crossEntropy: return std::make_unique<CrossEntropyTask>(context, instruction);
    case format::Opcode::crossEntropyBoth: return std::make_unique<CrossEntropyBothTask>(context, instruction);
    default: return std::make_unique<CrossEntropyGradientTask>(context, instruction);
  }
}

}  // namespace bptt
