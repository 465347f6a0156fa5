// From instructions to tasks, one file per family of opcodes.
#pragma once
#include <memory>
#include <vector>

#include "base/aligned_memory.h"
#include "engine/task.h"

namespace bptt {

// What tasks are made from. Everything referred to must outlive them.
struct TaskContext {
  const Program& program;
  const KernelTable& table;
  const std::vector<float*>& spaces;   // by space number
  std::vector<AlignedMemory>& blocks;  // working memory that tasks ask for is kept here
  bool insideScan = false;             // rows must then stay the first dimension of every task
  Steps steps;                         // of the scan around, one outside

  Place place(const Instruction& instruction, size_t index) const {
    const Operand& operand = program.operands[instruction.operands[index]];
    return {spaces[operand.space] + operand.offset, &operand};
  }
};

// Whether a place, rows first, moves on in memory from step to step.
bool farBlockOf(const Place& place, FarBlock& block);

using TaskList = std::vector<std::unique_ptr<Task>>;

// Appends the tasks of one instruction. False when there is no memory for their working space.
bool appendTasks(const TaskContext& context, const Instruction& instruction, TaskList& tasks);

std::unique_ptr<Task> makeMapTask(const TaskContext& context, const Instruction& instruction);
std::unique_ptr<Task> makePackTask(const TaskContext& context, const Instruction& instruction);  // pack, packStep, sumPacked
std::unique_ptr<Task> makeGemmTask(const TaskContext& context, const Instruction& instruction);
std::unique_ptr<Task> makePackingProductTask(const TaskContext& context, const Instruction& instruction);  // of a right operand that is not packed
bool appendReduceTasks(const TaskContext& context, const Instruction& instruction, TaskList& tasks);
std::unique_ptr<Task> makeRowTask(const TaskContext& context, const Instruction& instruction);      // softmax, standardize, argMax, random, iota
std::unique_ptr<Task> makeIndexedTask(const TaskContext& context, const Instruction& instruction);  // gather, scatterAdd, oneHot, crossEntropy…
bool appendScanTask(const TaskContext& context, const Instruction& instruction, TaskList& tasks);

// What one thread is assumed to do in a nanosecond; only scheduling depends on it.
inline double productNanoseconds(const KernelTable& table, double multiplications) { return multiplications * 0.16 / table.lanes; }
inline double vectorNanoseconds(const KernelTable& table, double elements, double cycles) { return elements / table.lanes * cycles * 0.25; }

// Panels of a packed operand.
inline int64_t panelsOf(const KernelTable& table, int64_t columns) { return (columns + table.panelWidth - 1) / table.panelWidth; }

// Elements of a row of a panel with so many columns left, zeros included.
inline int64_t panelColumns(const KernelTable& table, int64_t left) {
  return left >= table.panelWidth ? table.panelWidth : (left + table.lanes - 1) / table.lanes * table.lanes;
}

// An element that another thread may be changing is read exactly once, so that what was checked is what is used.
inline int32_t readIndex(const float* place) { return *reinterpret_cast<const volatile int32_t*>(place); }

}  // namespace bptt
