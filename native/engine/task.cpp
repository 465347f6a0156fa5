#include "engine/task.h"

#include <algorithm>

#include "engine/decode_parts.h"
#include "engine/tasks.h"

namespace bptt {

Axis Task::axis(int parts) const {
  if (rows >= parts) return Axis::rows;
  if (units >= parts) return Axis::units;
  if (rows <= 1 && units <= 1) return Axis::none;
  return rows >= units ? Axis::rows : Axis::units;
}

TaskPlan Task::plan(int parts) {
  constexpr double leastWork = 3000;  // below it, handing data from core to core costs what splitting saves
  const Axis split = axis(parts);
  if (split == Axis::none || nanoseconds < leastWork) return {};
  const auto pieces = static_cast<double>(std::min<int64_t>(parts, split == Axis::rows ? rows : units));
  return {true, nanoseconds * (1 - 1 / pieces)};
}

void Task::runTogether(const Worker& worker, const Team& team) const {
  const Axis split = axis(team.parts);
  const Range share = shareOf(split == Axis::rows ? rows : units, team.parts, worker.index);
  if (share.empty() || worker.state->stopped()) return;
  split == Axis::rows ? runRows(share, worker) : runUnits(share, worker);
}

namespace {

size_t kernelScratch(const KernelTable& table) {
  const size_t most = std::max(table.mapScratchBytes, table.gemmScratchBytes);
  return (most + AlignedMemory::alignment - 1) / AlignedMemory::alignment * AlignedMemory::alignment;
}

}  // namespace

size_t scratchBytes(const KernelTable& table) {
  return kernelScratch(table) + checkedIndices * sizeof(int32_t) + packedPieceElements * sizeof(float);
}

int32_t* checkedIndicesOf(const KernelTable& table, std::byte* scratch) { return reinterpret_cast<int32_t*>(scratch + kernelScratch(table)); }

float* packedPieceOf(const KernelTable& table, std::byte* scratch) {
  return reinterpret_cast<float*>(scratch + kernelScratch(table) + checkedIndices * sizeof(int32_t));
}

bool farBlockOf(const Place& place, FarBlock& block) {
  const Operand& operand = *place.operand;
  if (operand.stepSlots != 0 || operand.stepStride == 0 || operand.rank == 0 || operand.dimensions[0] == 0) return false;
  int64_t size = 1;
  for (int32_t axis = operand.rank - 1; axis >= 0; size *= operand.dimensions[axis--]) {
    if (operand.dimensions[axis] != 1 && operand.strides[axis] != size) return false;
  }
  block = {place.at(0), operand.stepStride, size / operand.dimensions[0], operand.dimensions[0]};
  return true;
}

namespace {

std::unique_ptr<Task> makeTask(const TaskContext& context, const Instruction& instruction) {
  using format::Opcode;
  switch (instruction.opcode) {
    case Opcode::map: return makeMapTask(context, instruction);
    case Opcode::pack: case Opcode::packStep: case Opcode::sumPacked: return makePackTask(context, instruction);
    case Opcode::gemm: return makeGemmTask(context, instruction);
    case Opcode::softmax: case Opcode::argMax: case Opcode::random: case Opcode::iota: case Opcode::standardize: case Opcode::standardizeGradient:
      return makeRowTask(context, instruction);
    default: return makeIndexedTask(context, instruction);
  }
}

void addTouched(const TaskContext& context, const Instruction& instruction, Task& task) {
  for (size_t index = 0; index < instruction.operands.size(); index++) {
    const Operand& operand = context.program.operands[instruction.operands[index]];
    Extent extent;
    extentOf(operand, context.steps.count, extent);
    const auto base = reinterpret_cast<uintptr_t>(context.spaces[operand.space]);
    task.touched.push_back({base + static_cast<uintptr_t>(extent.lowest) * sizeof(float),
                            base + static_cast<uintptr_t>(extent.highest + 1) * sizeof(float), isOutput(instruction, index)});
  }
}

}  // namespace

bool appendTasks(const TaskContext& context, const Instruction& instruction, TaskList& tasks) {
  const size_t before = tasks.size();
  if (instruction.opcode == format::Opcode::scan) {
    if (!appendScanTask(context, instruction, tasks)) return false;
  } else if (instruction.opcode == format::Opcode::reduce) {
    if (!appendReduceTasks(context, instruction, tasks)) return false;
  } else {
    tasks.push_back(makeTask(context, instruction));
  }
  for (size_t index = before; index < tasks.size(); index++) {
    tasks[index]->instruction = instruction.number;
    addTouched(context, instruction, *tasks[index]);
  }
  return true;
}

}  // namespace bptt
