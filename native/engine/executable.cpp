#include "engine/executable.h"

#include <algorithm>
#include <chrono>

#include "base/processor.h"
#include "engine/decode_parts.h"

namespace bptt {
namespace {

constexpr double wakingNanoseconds = 8000;  // what a team must save before it is called

// Whether an instruction writes to a storage other than the last one, which holds inputs and outputs.
bool writesVariables(const Program& program, const Instruction& instruction) {
  for (size_t index = 0; index < instruction.operands.size(); index++) {
    const uint32_t space = program.operands[instruction.operands[index]].space;
    const bool variable = space >= format::spaceFirstStorage && space + 1 < format::spaceFirstStorage + program.storages.size();
    if (variable && isOutput(instruction, index)) return true;
  }
  for (const Instruction& inner : instruction.body) {
    if (writesVariables(program, inner)) return true;
  }
  return false;
}

}  // namespace

Executable::Executable(std::shared_ptr<const Program> program, Storages storages, const KernelTable& table)
    : program_(std::move(program)), storages_(std::move(storages)), table_(table) {}

Executable::Bound Executable::bind(std::shared_ptr<const Program> program, Storages storages, const KernelTable& table) {
  if (storages.size() != program->storages.size()) {
    return {nullptr, false, textOf("the program takes ", program->storages.size(), " storages, received ", storages.size())};
  }
  for (size_t index = 0; index < storages.size(); index++) {
    if (storages[index]->elements() < program->storages[index].elements) {
      return {nullptr, false, textOf("storage ", index, " holds ", storages[index]->elements(), " elements, the program takes ",
                                     program->storages[index].elements)};
    }
  }
  std::unique_ptr<Executable> executable(new Executable(std::move(program), std::move(storages), table));
  if (!executable->prepare()) {
    return {nullptr, true, textOf("no memory for an arena of ", executable->program_->arenaElements, " elements")};
  }
  return {std::move(executable), false, {}};
}

bool Executable::prepare() {
  arena_ = AlignedMemory::allocate(static_cast<size_t>(program_->arenaElements) * sizeof(float));
  AlignedMemory constants = AlignedMemory::allocate(program_->constants.size() * sizeof(float));
  scratch_.push_back(AlignedMemory::allocate(scratchBytes(table_)));
  if (!arena_ || !constants || !scratch_[0]) return false;
  std::copy(program_->constants.begin(), program_->constants.end(), reinterpret_cast<uint32_t*>(constants.data()));
  spaces_ = {reinterpret_cast<float*>(arena_.data()), reinterpret_cast<float*>(constants.data())};
  blocks_.push_back(std::move(constants));
  for (const auto& storage : storages_) spaces_.push_back(storage->data());
  const TaskContext context{*program_, table_, spaces_, blocks_};
  for (const Instruction& instruction : program_->instructions) {
    const size_t before = sequence_.tasks.size();
    if (!appendTasks(context, instruction, sequence_.tasks)) return false;
    if (instruction.number < program_->prologue) prologueTasks_ = sequence_.tasks.size();
    else if (sequence_.commitBefore == Sequence::never && writesVariables(*program_, instruction)) sequence_.commitBefore = before;
  }
  return true;
}

size_t Executable::nativeBytes() const {
  size_t bytes = arena_.bytes();
  for (const AlignedMemory& block : blocks_) bytes += block.bytes();
  for (const AlignedMemory& block : scratch_) bytes += block.bytes();
  return bytes;
}

bool Executable::planFor(int parts) {
  while (scratch_.size() < static_cast<size_t>(parts)) {
    AlignedMemory block = AlignedMemory::allocate(scratchBytes(table_));
    if (!block) return false;
    scratch_.push_back(std::move(block));
  }
  if (plannedParts_ == parts) return true;
  sequence_.plan(parts, false);
  saved_[0] = sequence_.saved(0);
  saved_[1] = sequence_.saved(prologueTasks_);
  plannedParts_ = parts;
  return true;
}

RunResult Executable::run(ThreadPool& pool, const std::atomic<bool>* cancel) {
  const DenormalsFlushed flushed;
  RunState state(cancel);
  const uint64_t version = storages_.empty() ? 0 : storages_[0]->version();
  const bool again = prologueTasks_ > 0 && version == prologueVersion_;
  prologueVersion_ = 0;
  runTasks(again ? prologueTasks_ : 0, pool, state);
  const RunResult result = state.result();
  if (result.status == RunStatus::ok || again) prologueVersion_ = version;
  for (size_t index = 0; index < storages_.size(); index++) {
    if (program_->storages[index].written) storages_[index]->touch();
  }
  return result;
}

void Executable::runTasks(size_t first, ThreadPool& pool, RunState& state) {
  struct Call {
    const Executable& executable;
    size_t first;
    Team team;
    RunState& state;
  };
  ranTogether_ = false;
  const int size = pool.size();
  const bool planned = size == plannedSize_;
  const double& saved = saved_[first == 0 ? 0 : 1];
  const bool worthIt = !planned || saved > wakingNanoseconds;
  if (size == 1 || !worthIt) return sequence_.runAlone(first, workerOf(0, state));
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const auto ran = [&](int64_t waited) {
    using Nanoseconds = std::chrono::duration<double, std::nano>;
    const Clock::time_point now = Clock::now();
    if (!state.stopped()) choice_.ran(Nanoseconds(now - begin).count(), static_cast<double>(waited), Nanoseconds(now.time_since_epoch()).count());
  };
  if (planned && !choice_.team()) {
    sequence_.runAlone(first, workerOf(0, state));
    return ran(0);
  }
  // A pool that another run is using is not waited for: the bits are the same on one thread.
  if (!pool.tryLock()) return sequence_.runAlone(first, workerOf(0, state));
  const int parts = pool.start();
  plannedSize_ = planFor(parts) ? size : 0;
  if (plannedSize_ == 0 || parts == 1 || saved <= wakingNanoseconds) {
    sequence_.runAlone(first, workerOf(0, state));
  } else {
    Call call{*this, first, {parts, &pool.barrier()}, state};
    const int64_t waited = pool.run(parts, [](void* context, int index) {
      const Call& it = *static_cast<Call*>(context);
      it.executable.sequence_.runTogether(it.first, it.executable.workerOf(index, it.state), it.team);
    }, &call);
    ranTogether_ = true;
    if (planned) ran(waited + pool.barrier().waited());
  }
  pool.unlock();
}

}  // namespace bptt
