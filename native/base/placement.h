// Which processor a thread runs on, and how to part threads that share one. Only Linux tells; elsewhere nothing is known and nothing is moved.
#pragma once
#include <atomic>
#include <bitset>
#include <cstdint>

namespace bptt {

using ProcessorSet = std::bitset<1024>;

// The processor of the calling thread, below the size of a ProcessorSet, or -1 where it is not known.
int currentProcessor();

// Where one thread is. The thread itself calls note(), one other thread the rest.
class Placement {
 public:
  // From time to time: the thread is the calling one, and here.
  void note();

  // The last that was noted, or -1.
  int processor() const { return processor_.load(std::memory_order_relaxed); }

  // The thread leaves those processors, or wakes up on another one. Nothing happens where it may run on no other.
  void keepAway(const ProcessorSet& processors);

  // It may again run wherever it might before; that does not move it by itself.
  void release();

 private:
  std::atomic<int> processor_{-1};
#if defined(__linux__)
  std::atomic<int64_t> thread_{0};
  ProcessorSet allowed_;
  bool away_ = false;
#endif
};

}  // namespace bptt
