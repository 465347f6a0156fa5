// An instruction made ready to run: addresses resolved, dimensions merged, kernel chosen.
//
// A task does its work in ranges of one of two axes: its rows, or its units (panels of a product, blocks of columns, classes). Any partition
// of either axis gives the same bits, because every output element is computed by one call in one order. Only plan() changes a task after
// it is made; many threads may run ranges of one task at once. No task allocates or throws while it runs.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "engine/program.h"
#include "isa/table.h"

namespace bptt {

struct Range {
  int64_t begin, end;
  int64_t count() const { return end - begin; }
  bool empty() const { return begin >= end; }
};

// The steps of a scan in the order of their visits; a reverse scan begins with the last.
struct Steps {
  int64_t count = 1;
  bool reverse = false;

  int64_t at(int64_t visit) const { return reverse ? count - 1 - visit : visit; }
  int64_t direction() const { return reverse ? -1 : 1; }
};

// The share of thread `index` of `parts`: equal to within one.
inline Range shareOf(int64_t extent, int parts, int index) { return {extent * index / parts, extent * (index + 1) / parts}; }

enum class RunStatus : int32_t { ok = 0, indexOutOfRange = 1, cancelled = 2, outOfMemory = 3 };

struct RunResult {
  RunStatus status = RunStatus::ok;
  uint32_t instruction = 0;  // top-level number
  int64_t details[2] = {0, 0};  // the index found, the row it stands in
};

// What the threads of one run share: whether to go on, and what went wrong first.
class RunState {
 public:
  explicit RunState(const std::atomic<bool>* cancel) : cancel_(cancel) {}

  bool stopped() const { return failed_.load(std::memory_order_relaxed) || cancelled(); }
  bool cancelled() const {
    return cancel_ != nullptr && !committed_.load(std::memory_order_relaxed) && cancel_->load(std::memory_order_relaxed);
  }

  // From here on a cancellation comes too late. Called by one thread while no other looks at the state.
  void commit() { committed_.store(!cancelled(), std::memory_order_relaxed); }

  // Of several failures the one with the lowest instruction and row is kept.
  void failIndex(uint32_t instruction, int64_t index, int64_t row) {
    const std::lock_guard<std::mutex> guard(mutex_);
    const bool first = result_.status == RunStatus::ok;
    if (!first && (instruction > result_.instruction || (instruction == result_.instruction && row >= result_.details[1]))) return;
    result_ = {RunStatus::indexOutOfRange, instruction, {index, row}};
    failed_.store(true, std::memory_order_relaxed);
  }

  // After all threads have returned.
  RunResult result() const {
    if (result_.status == RunStatus::ok && cancelled()) return {RunStatus::cancelled, 0, {0, 0}};
    return result_;
  }

 private:
  const std::atomic<bool>* cancel_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> committed_{false};
  std::mutex mutex_;
  RunResult result_;
};

// What one thread carries through a run.
struct Worker {
  int index;
  int64_t step;         // of the scan around, 0 outside
  std::byte* scratch;   // scratchBytes(table), the thread's own, 64-byte aligned
  RunState* state;
};

// An operand where it lies in memory.
struct Place {
  float* base = nullptr;  // of index 0 at slot 0
  const Operand* operand = nullptr;

  float* at(int64_t step) const { return base + operand->stepOffset(step); }
  int64_t dimension(int32_t axis) const { return operand->dimensions[axis]; }
  int64_t stride(int32_t axis) const { return operand->strides[axis]; }
  int32_t rank() const { return operand->rank; }
};

// Bytes from `begin` to `end` that a task may touch during a run.
struct Touched {
  uintptr_t begin, end;
  bool written;
};

// Memory of which a scan touches another part at every step. Every row of it is one run of elements, and follows the row before.
struct FarBlock {
  const float* base;  // at step 0
  int64_t perStep, perRow;
  int64_t rows;
};

enum class Axis { none, rows, units };

class Barrier;

// The threads that walk a list of tasks together.
struct Team {
  int parts;
  Barrier* barrier;
};

// What planning for a number of threads found about a task.
struct TaskPlan {
  bool together = false;  // all threads take part; otherwise thread 0 does the whole task
  double saved = 0;       // estimated nanoseconds less than on one thread
};

class Task {
 public:
  virtual ~Task() = default;

  virtual void runRows(Range rows, const Worker& worker) const = 0;
  virtual void runUnits(Range, const Worker&) const {}

  // Which axis `parts` threads should split; none when only one thread can work.
  virtual Axis axis(int parts) const;

  // Decides how `parts` threads would do the task. Called before a run, never during one.
  virtual TaskPlan plan(int parts);

  // The share of worker.index of the team, along axis(team.parts). Called by every thread of the team when plan() said together.
  virtual void runTogether(const Worker& worker, const Team& team) const;

  // The whole task on this thread.
  virtual void runAlone(const Worker& worker) const { runRows({0, rows}, worker); }

  // Appends what no step before has touched, of what it touches in a scan of these steps.
  virtual void findFar(const Steps&, std::vector<FarBlock>&) const {}

  // Whether it can bring memory into the cache while it computes.
  virtual bool fetches() const { return false; }
  // Has it do so with what a task touches so many visits later. Called before any run.
  virtual void fetch(const FarBlock&, int64_t) {}

  uint32_t instruction = 0;
  int64_t rows = 1;
  int64_t units = 0;
  double nanoseconds = 0;  // estimate of the whole work on one thread
  std::vector<Touched> touched;
};

// Bytes of scratch that a thread needs: a kernel's (one runs at a time), then room for a block of checked indices and for a piece of a packed operand.
constexpr int64_t checkedIndices = 256, packedPieceElements = 64 * 1024;
size_t scratchBytes(const KernelTable& table);
int32_t* checkedIndicesOf(const KernelTable& table, std::byte* scratch);
float* packedPieceOf(const KernelTable& table, std::byte* scratch);

}  // namespace bptt
