#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/placement.h"
#include "base/processor.h"
#include "engine_test.h"

namespace bptt::tests {
namespace {

using Clock = std::chrono::steady_clock;

template <typename Condition>
bool within(std::chrono::seconds patience, Condition condition) {
  for (const Clock::time_point end = Clock::now() + patience; Clock::now() < end; std::this_thread::yield()) {
    if (condition()) return true;
  }
  return condition();
}

// A thread that does nothing but say where it is and where it may be, awake or after a sleep.
struct Wanderer {
  Placement placement;
  std::atomic<bool> stopping{false}, sleepy{false};
  std::atomic<int> cores{0}, notes{0};
  std::thread thread{[this] {
    while (!stopping) {
      placement.note();
      cores = availableCores();
      notes++;
      sleepy ? std::this_thread::sleep_for(std::chrono::milliseconds(2)) : std::this_thread::yield();
    }
  }};

  ~Wanderer() {
    stopping = true;
    thread.join();
  }

  // Where it is after it has looked around twice.
  int now() {
    const int before = notes;
    within(std::chrono::seconds(20), [&] { return notes - before >= 2; });
    return placement.processor();
  }
};

}  // namespace

void testPlacement(const KernelTable&) {
  const int all = availableCores();
  Wanderer wanderer;
  if (currentProcessor() < 0) {
    CHECK(wanderer.now() == -1);
    return;
  }
  for (const bool sleepy : {false, true}) {
    wanderer.sleepy = sleepy;
    for (int round = 0; round < 20; round++) {
      const int here = wanderer.now();
      CHECK(here >= 0);
      ProcessorSet taken;
      taken.set(static_cast<size_t>(here));
      wanderer.placement.keepAway(taken);
      const int there = wanderer.now();
      CHECK(all == 1 ? there == here : there != here);
      CHECK(wanderer.cores == std::max(1, all - 1));
      wanderer.placement.release();
      wanderer.now();
      CHECK(wanderer.cores == all);
    }
  }
  wanderer.placement.keepAway(ProcessorSet{}.set());  // there is nowhere to go
  wanderer.now();
  CHECK(wanderer.cores == all);
  wanderer.placement.release();
  Placement nobody;
  nobody.keepAway(ProcessorSet{}.set(0));
  CHECK(nobody.processor() == -1 && availableCores() == all);
}

}  // namespace bptt::tests
