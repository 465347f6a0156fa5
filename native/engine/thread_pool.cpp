#include "engine/thread_pool.h"

#include <algorithm>
#include <system_error>

namespace bptt {
namespace {

// A thread that gives way to one of another process comes back when that one's share of time is over, which may be milliseconds after a round has begun; one
// that sleeps is woken before it. So a thread that has been away for long goes to sleep at once in the next waits.
constexpr std::chrono::microseconds longYield{100};
constexpr int disturbedWaits = 64;

}  // namespace

ThreadPool::ThreadPool(int size) : size_(size) {}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  if (threads_.empty()) return;
  {
    const std::lock_guard<std::mutex> guard(sleep_);
    stopping_.store(true);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  placements_.clear();
  stopping_.store(false);
}

int ThreadPool::start() {
  const size_t wanted = static_cast<size_t>(size() - 1);
  if (threads_.size() > wanted) stop();
  try {
    const unsigned seen = round_.load();
    while (threads_.size() < wanted) {
      const int worker = static_cast<int>(threads_.size()) + 1;
      while (placements_.size() <= threads_.size()) placements_.emplace_back();
      Placement& placement = placements_[threads_.size()];
      threads_.emplace_back([this, worker, seen, &placement] { work(worker, seen, placement); });
    }
  } catch (const std::system_error&) {
    // Go on with those that could be had.
  }
  return static_cast<int>(threads_.size()) + 1;
}

int64_t ThreadPool::run(int parties, Function function, void* context) {
  if (parties <= 1) {
    function(context, 0);
    return 0;
  }
  function_ = function;
  context_ = context;
  parties_ = parties;
  barrier_.reset(parties);
  unfinished_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  const bool parted = part(parties);
  round_.fetch_add(1, std::memory_order_seq_cst);
  // A worker raises asleep_ before it looks at round_ for the last time, so one of the two sees the other.
  if (asleep_.load(std::memory_order_seq_cst) > 0) {
    const std::lock_guard<std::mutex> guard(sleep_);
    wake_.notify_all();
  }
  if (parted) {
    for (Placement& placement : placements_) placement.release();
  }
  function(context, 0);
  Waiting waiting;
  while (unfinished_.load(std::memory_order_acquire) != 0) waiting.pause();
  return waiting.yielded();
}

// Whether any two of a team's threads are on one processor: the younger one is then kept away from all that are taken.
bool ThreadPool::part(int parties) {
  const int own = currentProcessor();
  if (own < 0) return false;
  ProcessorSet taken;
  taken.set(static_cast<size_t>(own));
  bool parted = false;
  for (size_t index = 0; index < static_cast<size_t>(parties) - 1; index++) {
    const int processor = placements_[index].processor();
    if (processor < 0) continue;
    if (taken.test(static_cast<size_t>(processor))) {
      placements_[index].keepAway(taken);
      parted = true;
    }
    taken.set(static_cast<size_t>(processor));
  }
  return parted;
}

void ThreadPool::work(int worker, unsigned seen, Placement& placement) {
  const DenormalsFlushed flushed;
  int disturbed = 0;
  while (awaitRound(seen, placement, disturbed)) {
    seen++;
    if (worker < parties_) function_(context_, worker);
    placement.note();
    unfinished_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

// True when a round after `seen` has begun, false when the pool stops.
bool ThreadPool::awaitRound(unsigned seen, Placement& placement, int& disturbed) {
  using Clock = std::chrono::steady_clock;
  const auto begun = [&] { return round_.load(std::memory_order_seq_cst) != seen; };
  for (int spins = 0; spins < 2000; spins++) {
    if (begun()) return true;
    pauseCore();
  }
  disturbed = std::max(0, disturbed - 1);
  Clock::time_point now = Clock::now();
  const Clock::time_point sleepTime = now + std::chrono::milliseconds(2);
  while (disturbed == 0 && now < sleepTime) {
    if (begun()) return true;
    if (stopping_.load(std::memory_order_acquire)) return false;
    yieldThread();
    placement.note();
    const Clock::time_point before = now;
    now = Clock::now();
    if (now - before > longYield) disturbed = disturbedWaits;
  }
  std::unique_lock<std::mutex> guard(sleep_);
  asleep_.fetch_add(1, std::memory_order_seq_cst);
  wake_.wait(guard, [&] { return begun() || stopping_.load(std::memory_order_acquire); });
  asleep_.fetch_sub(1, std::memory_order_seq_cst);
  return begun();
}

}  // namespace bptt
