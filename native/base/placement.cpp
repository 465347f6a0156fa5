#include "base/placement.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bptt {

#if defined(__linux__)

namespace {

static_assert(CPU_SETSIZE == 1024, "ProcessorSet has the size of cpu_set_t");

bool readAllowed(int64_t thread, ProcessorSet& allowed) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(static_cast<pid_t>(thread), sizeof set, &set) != 0) return false;
  for (size_t processor = 0; processor < allowed.size(); processor++) allowed[processor] = CPU_ISSET(processor, &set);
  return true;
}

bool allow(int64_t thread, const ProcessorSet& allowed) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t processor = 0; processor < allowed.size(); processor++) {
    if (allowed[processor]) CPU_SET(processor, &set);
  }
  return sched_setaffinity(static_cast<pid_t>(thread), sizeof set, &set) == 0;
}

}  // namespace

int currentProcessor() {
  const int processor = sched_getcpu();
  return processor < static_cast<int>(ProcessorSet{}.size()) ? processor : -1;
}

void Placement::note() {
  if (thread_.load(std::memory_order_relaxed) == 0) thread_.store(syscall(SYS_gettid), std::memory_order_relaxed);
  processor_.store(currentProcessor(), std::memory_order_relaxed);
}

void Placement::keepAway(const ProcessorSet& processors) {
  const int64_t thread = thread_.load(std::memory_order_relaxed);
  if (away_ || thread == 0 || !readAllowed(thread, allowed_)) return;
  const ProcessorSet rest = allowed_ & ~processors;
  away_ = rest.any() && rest != allowed_ && allow(thread, rest);
}

void Placement::release() {
  if (!away_) return;
  allow(thread_.load(std::memory_order_relaxed), allowed_);
  away_ = false;
}

#else

int currentProcessor() { return -1; }
void Placement::note() {}
void Placement::keepAway(const ProcessorSet&) {}
void Placement::release() {}

#endif

}  // namespace bptt
