#include "engine/sequence.h"

#include "engine/thread_pool.h"

namespace bptt {
namespace {

constexpr double barrierNanoseconds = 350;
constexpr size_t mostPending = 64;  // more tasks without a barrier between are not compared, they get one

bool conflict(const Task& a, const Task& b) {
  for (const Touched& one : a.touched) {
    for (const Touched& other : b.touched) {
      if ((one.written || other.written) && one.begin < other.end && other.begin < one.end) return true;
    }
  }
  return false;
}

}  // namespace

void Sequence::plan(int parts, bool repeated) {
  plan_.assign(tasks.size(), {});
  for (size_t index = 0; index < tasks.size(); index++) plan_[index].plan = tasks[index]->plan(parts);
  std::vector<size_t> pending;
  markBarriers(pending);
  if (repeated) markBarriers(pending);  // what the end of one pass leaves pending meets the beginning of the next
}

void Sequence::markBarriers(std::vector<size_t>& pending) {
  for (size_t index = 0; index < tasks.size(); index++) {
    if (!plan_[index].barrierBefore) plan_[index].barrierBefore = mustMeet(pending, index);
    if (plan_[index].barrierBefore) pending.clear();
    pending.push_back(index);
  }
}

bool Sequence::mustMeet(const std::vector<size_t>& pending, size_t next) const {
  if (pending.size() >= mostPending) return true;
  for (const size_t before : pending) {
    const bool sameThread = !plan_[before].plan.together && !plan_[next].plan.together;  // both on thread 0
    if (!sameThread && conflict(*tasks[before], *tasks[next])) return true;
  }
  return false;
}

double Sequence::saved(size_t first) const {
  double sum = 0;
  for (size_t index = first; index < plan_.size(); index++) {
    sum += plan_[index].plan.saved - (plan_[index].barrierBefore ? barrierNanoseconds : 0);
  }
  return sum;
}

double Sequence::nanoseconds() const {
  double sum = 0;
  for (const auto& task : tasks) sum += task->nanoseconds;
  return sum;
}

void Sequence::runAlone(size_t first, const Worker& worker) const {
  for (size_t index = first; index < tasks.size(); index++) {
    if (index == commitBefore) worker.state->commit();
    if (worker.state->stopped()) return;
    tasks[index]->runAlone(worker);
  }
}

// All threads stand between the two barriers while one of them decides for all.
void Sequence::commitTogether(const Worker& worker, const Team& team) const {
  team.barrier->meet(worker.index == 0);
  if (worker.index == 0) worker.state->commit();
  team.barrier->meet(worker.index == 0);
}

void Sequence::runTogether(size_t first, const Worker& worker, const Team& team) const {
  for (size_t index = first; index < tasks.size(); index++) {
    if (index == commitBefore) commitTogether(worker, team);
    else if (plan_[index].barrierBefore) team.barrier->meet(worker.index == 0);
    const bool together = plan_[index].plan.together;
    // A scan must be entered by all even when it is skipped: there are barriers inside.
    if (together) tasks[index]->runTogether(worker, team);
    else if (worker.index == 0 && !worker.state->stopped()) tasks[index]->runAlone(worker);
  }
}

}  // namespace bptt
