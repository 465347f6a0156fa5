// The time loop. Three ways to run it, with the same bits:
// - alone: one thread walks all steps;
// - by rows (mode 1): each thread walks all steps of an equal share of the rows and never waits for another;
// - by instructions: all threads walk the steps together and split every instruction, with barriers between.
#include <algorithm>

#include "engine/sequence.h"
#include "engine/thread_pool.h"

namespace bptt {
namespace {

class ScanTask final : public Task {
 public:
  ScanTask(const Instruction& instruction, Sequence body)
      : steps_{instruction.attributes[0], instruction.attributes[1] == 1}, rowwise_(instruction.attributes[2] == 1), body_(std::move(body)) {
    rows = rowwise_ ? std::max<int64_t>(1, instruction.attributes[3]) : 1;
    nanoseconds = static_cast<double>(steps_.count) * body_.nanoseconds();
    for (const auto& task : body_.tasks) touched.insert(touched.end(), task->touched.begin(), task->touched.end());
  }

  TaskPlan plan(int parts) override {
    body_.plan(parts, true);
    const double byInstructions = static_cast<double>(steps_.count) * body_.saved(0);
    const double byRows = rowwise_ && rows >= 2 ? savedByRows(parts) : 0;
    byRows_ = byRows >= byInstructions;
    const double saved = std::max(byRows, byInstructions);
    constexpr double leastSaved = 3000;
    return saved > leastSaved ? TaskPlan{true, saved} : TaskPlan{};
  }

  void runRows(Range range, const Worker& worker) const override {
    Worker walker = worker;
    for (int64_t visit = 0; visit < steps_.count; visit++) {
      walker.step = steps_.at(visit);
      for (const auto& task : body_.tasks) {
        if (worker.state->stopped()) return;
        task->runRows(range, walker);
      }
    }
  }

  void runTogether(const Worker& worker, const Team& team) const override {
    if (byRows_) return Task::runTogether(worker, team);
    Worker walker = worker;
    for (int64_t visit = 0; visit < steps_.count; visit++) {
      walker.step = steps_.at(visit);
      body_.runTogether(0, walker, team);
    }
  }

  void runAlone(const Worker& worker) const override {
    Worker walker = worker;
    for (int64_t visit = 0; visit < steps_.count && !worker.state->stopped(); visit++) {
      walker.step = steps_.at(visit);
      body_.runAlone(0, walker);
    }
  }

  Axis axis(int) const override { return Axis::rows; }

 private:
  // A product of fewer than about 8 rows reads the weights slower than it multiplies, and every thread reads all of them.
  double savedByRows(int parts) const {
    const auto pieces = static_cast<double>(std::min<int64_t>(parts, rows));
    const double share = std::min(1.0, static_cast<double>(rows) / (8.0 * pieces));
    return nanoseconds * (1 - 1 / pieces) * (share == 1 ? 1.2 : 0.4 + 0.6 * share);  // no barriers: preferred when rows suffice
  }

  Steps steps_;
  bool rowwise_;
  bool byRows_ = false;
  Sequence body_;
};

// Has the largest product of a body fetch what the other tasks will find far away. Nothing is far where all steps fit into the second-level cache.
void planFetches(const TaskList& tasks, const Steps& steps) {
  const auto less = [](const auto& a, const auto& b) { return (a->fetches() ? a->nanoseconds : 0) < (b->fetches() ? b->nanoseconds : 0); };
  const auto largest = std::max_element(tasks.begin(), tasks.end(), less);
  if (largest == tasks.end() || !(*largest)->fetches()) return;
  constexpr int64_t cacheElements = 256 * 1024;
  std::vector<FarBlock> before, after;
  for (auto task = tasks.begin(); task != tasks.end(); ++task) (*task)->findFar(steps, task < largest ? before : after);
  int64_t elements = 0;
  for (const auto* blocks : {&before, &after}) {
    for (const FarBlock& block : *blocks) elements += block.perRow * block.rows * steps.count;
  }
  if (elements <= cacheElements) return;
  for (const FarBlock& block : after) (*largest)->fetch(block, 0);
  for (const FarBlock& block : before) (*largest)->fetch(block, 1);
}

}  // namespace

bool appendScanTask(const TaskContext& context, const Instruction& instruction, TaskList& tasks) {
  Sequence body;
  TaskContext inside = context;
  inside.insideScan = true;
  inside.steps = {instruction.attributes[0], instruction.attributes[1] == 1};
  for (const Instruction& next : instruction.body) {
    if (!appendTasks(inside, next, body.tasks)) return false;
  }
  planFetches(body.tasks, inside.steps);
  tasks.push_back(std::make_unique<ScanTask>(instruction, std::move(body)));
  return true;
}

}  // namespace bptt
