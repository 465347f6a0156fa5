// A program bound to its storages, with an arena of its own: what can be run.
//
// An executable keeps its program and storages alive; the kernel table must outlive it (tables live as long as the process). It is run by one
// thread at a time, with or without the help of a pool; different executables may run at once as far as no storage is written by one and used
// by another. The owner sees to both, with leases. Binding allocates everything; a run allocates only when the pool has another number
// of threads than at the last one.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/sequence.h"
#include "engine/storage.h"
#include "engine/team_choice.h"
#include "engine/thread_pool.h"

namespace bptt {

class Executable {
 public:
  using Storages = std::vector<std::shared_ptr<Storage>>;

  struct Bound {
    std::unique_ptr<Executable> executable;  // null when binding failed
    bool outOfMemory = false;
    std::string error;
  };
  // Wants as many storages as the program has, each with the elements it asks for.
  static Bound bind(std::shared_ptr<const Program> program, Storages storages, const KernelTable& table);

  // Runs the program once. `cancel` may be null, or becomes true at any time from any thread; it is looked at between instructions and
  // between steps, up to the first instruction that writes to a storage other than the last: a cancelled run has changed no variable.
  // Storages that the program writes get a new version even when the run fails; after an index out of range their content is undefined.
  RunResult run(ThreadPool& pool, const std::atomic<bool>* cancel);

  const Program& program() const { return *program_; }
  const Storages& storages() const { return storages_; }
  bool ranTogether() const { return ranTogether_; }  // whether the pool made the last run
  size_t nativeBytes() const;  // of the arena and the working memory

 private:
  Executable(std::shared_ptr<const Program> program, Storages storages, const KernelTable& table);
  bool prepare();
  bool planFor(int parts);
  void runTasks(size_t first, ThreadPool& pool, RunState& state);
  Worker workerOf(int index, RunState& state) const { return {index, 0, scratch_[static_cast<size_t>(index)].data(), &state}; }

  std::shared_ptr<const Program> program_;
  Storages storages_;
  const KernelTable& table_;
  AlignedMemory arena_;
  std::vector<AlignedMemory> blocks_;
  std::vector<float*> spaces_;
  std::vector<AlignedMemory> scratch_;  // one a thread
  Sequence sequence_;
  size_t prologueTasks_ = 0;
  uint64_t prologueVersion_ = 0;  // of storage 0 when the prologue ran last; 0: never
  int plannedSize_ = 0;           // of the pool, when the plan was made
  int plannedParts_ = 0;          // threads that there were
  TeamChoice choice_;
  bool ranTogether_ = false;
  double saved_[2] = {0, 0};      // nanoseconds that the team saves: over all tasks, and without the prologue
};

}  // namespace bptt
