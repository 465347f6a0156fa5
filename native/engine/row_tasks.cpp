#include <algorithm>
#include <cstring>

#include "engine/tasks.h"

namespace bptt {
namespace {

class SoftmaxTask final : public Task {
 public:
  SoftmaxTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), input_(context.place(instruction, 0)), output_(context.place(instruction, 1)),
        kind_(static_cast<int32_t>(instruction.attributes[0])) {
    rows = input_.dimension(0);
    nanoseconds = vectorNanoseconds(table_, static_cast<double>(input_.operand->elements()), 14);
  }

  void runRows(Range range, const Worker& worker) const override {
    SoftmaxArguments call{};
    call.in = input_.at(worker.step) + range.begin * input_.stride(0);
    call.inRowStride = input_.stride(0);
    call.out = output_.at(worker.step) + range.begin * output_.stride(0);
    call.outRowStride = output_.stride(0);
    call.rows = range.count();
    call.columns = input_.dimension(1);
    call.kind = kind_;
    table_.softmax(call);
  }

 private:
  const KernelTable& table_;
  Place input_, output_;
  int32_t kind_;
};

class StandardizeTask final : public Task {
 public:
  StandardizeTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), input_(context.place(instruction, 0)), output_(context.place(instruction, 1)), scale_(context.place(instruction, 2)) {
    std::memcpy(&epsilon_, &instruction.attributes[0], sizeof epsilon_);
    rows = input_.dimension(0);
    nanoseconds = vectorNanoseconds(table_, static_cast<double>(input_.operand->elements()), 7);
  }

  void runRows(Range range, const Worker& worker) const override {
    StandardizeArguments call{};
    call.in = input_.at(worker.step) + range.begin * input_.stride(0);
    call.inRowStride = input_.stride(0);
    call.out = output_.at(worker.step) + range.begin * output_.stride(0);
    call.outRowStride = output_.stride(0);
    call.scale = scale_.at(worker.step) + range.begin * scale_.stride(0);
    call.scaleStride = scale_.stride(0);
    call.rows = range.count();
    call.columns = input_.dimension(1);
    call.epsilon = epsilon_;
    table_.standardize(call);
  }

  void findFar(const Steps&, std::vector<FarBlock>& blocks) const override {
    FarBlock block;
    for (const Place& place : {input_, output_}) {
      if (farBlockOf(place, block)) blocks.push_back(block);
      if (output_.base == input_.base) break;
    }
  }

 private:
  const KernelTable& table_;
  Place input_, output_, scale_;
  float epsilon_ = 0;
};

class StandardizeGradientTask final : public Task {
 public:
  StandardizeGradientTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), d_(context.place(instruction, 0)), gain_(context.place(instruction, 1)), y_(context.place(instruction, 2)),
        scale_(context.place(instruction, 3)), output_(context.place(instruction, 4)) {
    rows = d_.dimension(0);
    nanoseconds = vectorNanoseconds(table_, static_cast<double>(d_.operand->elements()), 9);
  }

  void runRows(Range range, const Worker& worker) const override {
    StandardizeGradientArguments call{};
    call.d = d_.at(worker.step) + range.begin * d_.stride(0);
    call.dRowStride = d_.stride(0);
    call.gain = gain_.at(worker.step);
    call.gainStride = gain_.stride(0);
    call.y = y_.at(worker.step) + range.begin * y_.stride(0);
    call.yRowStride = y_.stride(0);
    call.scale = scale_.at(worker.step) + range.begin * scale_.stride(0);
    call.scaleStride = scale_.stride(0);
    call.out = output_.at(worker.step) + range.begin * output_.stride(0);
    call.outRowStride = output_.stride(0);
    call.rows = range.count();
    call.columns = d_.dimension(1);
    table_.standardizeGradient(call);
  }

  void findFar(const Steps&, std::vector<FarBlock>& blocks) const override {
    FarBlock block;
    for (const Place& place : {d_, y_}) {
      if (farBlockOf(place, block)) blocks.push_back(block);
    }
    if (output_.base != d_.base && output_.base != y_.base && farBlockOf(output_, block)) blocks.push_back(block);
  }

 private:
  const KernelTable& table_;
  Place d_, gain_, y_, scale_, output_;
};

class ArgMaxTask final : public Task {
 public:
  ArgMaxTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), input_(context.place(instruction, 0)), output_(context.place(instruction, 1)) {
    rows = input_.dimension(0);
    nanoseconds = vectorNanoseconds(table_, static_cast<double>(input_.operand->elements()), 4);
  }

  void runRows(Range range, const Worker& worker) const override {
    ArgMaxArguments call{};
    call.in = input_.at(worker.step) + range.begin * input_.stride(0);
    call.rowStride = input_.stride(0);
    call.columnStride = input_.stride(1);
    call.out = reinterpret_cast<int32_t*>(output_.at(worker.step) + range.begin * output_.stride(0));
    call.outStride = output_.stride(0);
    call.rows = range.count();
    call.columns = input_.dimension(1);
    table_.argMax(call);
  }

 private:
  const KernelTable& table_;
  Place input_, output_;
};

class RandomTask final : public Task {
 public:
  RandomTask(const TaskContext& context, const Instruction& instruction)
      : table_(context.table), key_(context.place(instruction, 0)), output_(context.place(instruction, 1)),
        distribution_(static_cast<int32_t>(instruction.attributes[0])), stream_(instruction.attributes[1]) {
    elements_ = output_.operand->elements();
    rows = output_.rank() > 0 ? output_.dimension(0) : 1;
    units = (elements_ + unitElements - 1) / unitElements;
    nanoseconds = vectorNanoseconds(table_, static_cast<double>(elements_), distribution_ == 0 ? 30 : 60);
  }

  void runRows(Range range, const Worker& worker) const override {
    const int64_t perRow = elements_ / rows;
    run({range.begin * perRow, range.end * perRow}, worker);
  }
  void runUnits(Range range, const Worker& worker) const override {
    run({range.begin * unitElements, std::min(elements_, range.end * unitElements)}, worker);
  }
  Axis axis(int parts) const override { return units >= parts ? Axis::units : Task::axis(parts); }

 private:
  static constexpr int64_t unitElements = 1024;

  void run(Range range, const Worker& worker) const {
    RandomArguments call{};
    const float* key = key_.at(worker.step);
    call.key[0] = static_cast<uint32_t>(readIndex(key));
    call.key[1] = static_cast<uint32_t>(readIndex(key + key_.stride(0)));
    call.stream = stream_;
    call.distribution = distribution_;
    if (key_.dimension(0) == 3) {
      call.origin = static_cast<uint64_t>(static_cast<uint32_t>(readIndex(key + 2 * key_.stride(0)))) * static_cast<uint64_t>(elements_ / rows);
    }
    call.begin = call.origin + static_cast<uint64_t>(range.begin);
    call.end = call.origin + static_cast<uint64_t>(range.end);
    call.out = output_.at(worker.step);
    table_.random(call);
  }

  const KernelTable& table_;
  Place key_, output_;
  int32_t distribution_;
  uint32_t stream_;
  int64_t elements_;
};

class IotaTask final : public Task {
 public:
  IotaTask(const TaskContext& context, const Instruction& instruction) : output_(context.place(instruction, 0)) {
    rows = output_.dimension(0);
    nanoseconds = static_cast<double>(rows);
  }

  void runRows(Range range, const Worker& worker) const override {
    auto* output = reinterpret_cast<int32_t*>(output_.at(worker.step));
    for (int64_t row = range.begin; row < range.end; row++) output[row * output_.stride(0)] = static_cast<int32_t>(row);
  }

 private:
  Place output_;
};

}  // namespace

std::unique_ptr<Task> makeRowTask(const TaskContext& context, const Instruction& instruction) {
  switch (instruction.opcode) {
    case format::Opcode::softmax: return std::make_unique<SoftmaxTask>(context, instruction);
    case format::Opcode::standardize: return std::make_unique<StandardizeTask>(context, instruction);
    case format::Opcode::standardizeGradient: return std::make_unique<StandardizeGradientTask>(context, instruction);
    case format::Opcode::argMax: return std::make_unique<ArgMaxTask>(context, instruction);
    case format::Opcode::random: return std::make_unique<RandomTask>(context, instruction);
    default: return std::make_unique<IotaTask>(context, instruction);
  }
}

}  // namespace bptt
