// A list of tasks that one thread runs in order, or a team walks together.
//
// Walking together, every thread goes through the whole list: of a split task each does its share, of any other thread 0 does all. Threads
// meet at a barrier before a task that touches what another thread may have written, or writes what another may still read, since the last
// barrier; the plan says where. A run that fails or is cancelled skips the tasks that are left but still meets at every barrier, so that no
// thread waits for one that has gone.
//
// Before task `commitBefore` the run commits: a cancellation that has not been seen by then is not seen at all.
#pragma once
#include <cstddef>

#include "engine/tasks.h"

namespace bptt {

class Sequence {
 public:
  static constexpr size_t never = static_cast<size_t>(-1);

  TaskList tasks;
  size_t commitBefore = never;

  // Places the barriers for `parts` threads. `repeated` when the list runs more than once in a row, as a scan's body does.
  void plan(int parts, bool repeated);

  // Estimates for one pass, barriers counted, in nanoseconds less than on one thread.
  double saved(size_t first) const;
  double nanoseconds() const;

  // Tasks from `first` on, once.
  void runAlone(size_t first, const Worker& worker) const;
  void runTogether(size_t first, const Worker& worker, const Team& team) const;

 private:
  struct Step {
    bool barrierBefore = false;
    TaskPlan plan;
  };
  void commitTogether(const Worker& worker, const Team& team) const;
  void markBarriers(std::vector<size_t>& pending);
  bool mustMeet(const std::vector<size_t>& pending, size_t next) const;

  std::vector<Step> plan_;
};

}  // namespace bptt
