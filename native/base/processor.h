// The few things that only the processor or the operating system can answer.
#pragma once
#include <cstdint>

namespace bptt {

// Processors that this process may run on (its affinity mask where the system has one), at least 1.
int availableCores();

// Tells the core that the thread is waiting in a loop, so that a sibling thread gets its share.
void pauseCore();

// Gives the rest of the time slice to any other thread that is ready.
void yieldThread();

// While it lives, denormal numbers of its thread are read and written as zero; afterwards the thread's floating-point mode is what it was.
// Belongs to the thread that made it.
class DenormalsFlushed {
 public:
  DenormalsFlushed();
  ~DenormalsFlushed();
  DenormalsFlushed(const DenormalsFlushed&) = delete;
  DenormalsFlushed& operator=(const DenormalsFlushed&) = delete;

 private:
  uint64_t previous_;
};

}  // namespace bptt
