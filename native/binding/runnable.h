// An executable with the leases that keep two runs from using it, or a storage that one of them writes, at once.
//
// Leases are taken and given back on the environment's own thread only; the run between may happen on any.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "engine/executable.h"

namespace bptt {

class Runnable {
 public:
  explicit Runnable(std::unique_ptr<Executable> executable) : executable_(std::move(executable)) {
    const Executable& it = *executable_;
    for (size_t index = 0; index < it.storages().size(); index++) addUse(it.storages()[index], it.program().storages[index].written);
  }

  // What is in the way of a run, or null after taking all leases.
  const char* acquire() {
    if (running_) return "the executable is running";
    for (const Use& use : uses_) {
      if (!use.storage->mayLease(use.written)) return "a storage of the executable is in use by another run";
    }
    for (const Use& use : uses_) use.storage->lease(use.written);
    running_ = true;
    return nullptr;
  }

  void release() {
    for (const Use& use : uses_) use.storage->release(use.written);
    running_ = false;
  }

  RunResult run(ThreadPool& pool, const std::atomic<bool>* cancel) { return executable_->run(pool, cancel); }
  const Executable& executable() const { return *executable_; }

 private:
  struct Use {
    std::shared_ptr<Storage> storage;
    bool written;
  };

  // A storage that is bound twice is leased once.
  void addUse(const std::shared_ptr<Storage>& storage, bool written) {
    for (Use& use : uses_) {
      if (use.storage != storage) continue;
      use.written = use.written || written;
      return;
    }
    uses_.push_back({storage, written});
  }

  std::unique_ptr<Executable> executable_;
  std::vector<Use> uses_;
  bool running_ = false;
};

}  // namespace bptt
