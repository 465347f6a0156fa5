// Threads that run one function together, and the barrier they meet at inside it.
//
// A pool is `size` threads, of which one is the caller of run(): the others are started at the first run that wants them and joined by
// the destructor. Between runs they spin for about 50 µs, then give way to others, and sleep after about 2 ms without work, so that the calls of a
// training loop find them awake and an idle process costs nothing; where others do take the processor, they sleep at once. Each has denormals flushed for
// its whole life.
//
// Threads of a team that are found on one processor are parted before a run: with other processes at work the system wakes a thread where its waker is and
// may leave the two together for seconds, each at half its speed, for neither looks busy while it gives way to the other.
//
// One run at a time: take the pool with tryLock() first. request() and size() may be called from any thread at any time; start() and run() only
// with the lock; the destructor wants no run in flight.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/placement.h"
#include "base/processor.h"

namespace bptt {

// Waits by spinning for about 50 µs, afterwards by giving way to other threads.
class Waiting {
 public:
  void pause() {
    if (count_ < 2000) {
      count_++;
      pauseCore();
    } else {
      if (count_ == 2000) {
        count_++;
        yielding_ = Clock::now();
      }
      yieldThread();
    }
  }

  // Nanoseconds since it began to give way; 0 when it has not.
  int64_t yielded() const {
    return count_ <= 2000 ? 0 : std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - yielding_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  int count_ = 0;
  Clock::time_point yielding_;
};

// Everybody who calls meet() returns when `parties` threads have called it. What they wrote before is then visible to all of them.
class Barrier {
 public:
  void reset(int parties) {
    parties_ = parties;
    waited_ = 0;
  }

  // One of the threads, always the same, passes `watched`: what it waits is added up.
  void meet(bool watched = false) {
    const unsigned round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == parties_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    Waiting waiting;
    while (round_.load(std::memory_order_acquire) == round) waiting.pause();
    if (watched) waited_ += waiting.yielded();
  }

  // Nanoseconds that the watched thread has given way at this barrier since the reset. For that thread.
  int64_t waited() const { return waited_; }

 private:
  int64_t waited_ = 0;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> round_{0};
  int parties_ = 1;
};

class ThreadPool {
 public:
  static constexpr int maximumThreads = 256;

  using Function = void (*)(void* context, int worker);

  explicit ThreadPool(int size);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // How many threads runs shall have from the next start() on, the caller included.
  int size() const { return size_.load(std::memory_order_relaxed); }
  void request(int size) { size_.store(size, std::memory_order_relaxed); }

  bool tryLock() { return busy_.try_lock(); }
  void unlock() { busy_.unlock(); }

  // Starts the missing threads, ends those too many. Returns how many there are, the caller included: fewer than size() when the system
  // has no more.
  int start();

  // Calls function(context, worker) for every worker 0 … parties − 1 at once, worker 0 being the caller, and returns when all have returned.
  // `parties` is at most what start() returned. The function must not throw. Gives the nanoseconds that the caller gave way to others, waiting for the end.
  int64_t run(int parties, Function function, void* context);

  Barrier& barrier() { return barrier_; }

 private:
  void work(int worker, unsigned seen, Placement& placement);
  bool awaitRound(unsigned seen, Placement& placement, int& disturbed);
  bool part(int parties);
  void stop();

  std::atomic<int> size_;
  std::mutex busy_;
  Barrier barrier_;
  std::vector<std::thread> threads_;
  std::deque<Placement> placements_;  // of the threads

  // One run: written before round_ is raised, read after it was seen raised.
  Function function_ = nullptr;
  void* context_ = nullptr;
  int parties_ = 0;
  alignas(64) std::atomic<unsigned> round_{0};
  alignas(64) std::atomic<int> unfinished_{0};
  std::atomic<bool> stopping_{false};

  std::atomic<int> asleep_{0};
  std::mutex sleep_;
  std::condition_variable wake_;
};

}  // namespace bptt
