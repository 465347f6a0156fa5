// Runs off the event loop: one thread an environment takes jobs in the order they came and settles their promises.
//
// All functions are called on the environment's own thread. While a job is outstanding the event loop is kept alive. When the environment
// ends (process.exit(), worker.terminate(), an uncaught error), running and waiting jobs are cancelled and the thread is joined; their
// promises are then never settled, and nothing of JavaScript is touched any more.
#pragma once
#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "binding/result_copies.h"
#include "binding/runnable.h"

namespace bptt {

using CancelFlag = std::shared_ptr<std::atomic<bool>>;

class RunQueue {
 public:
  RunQueue(Napi::Env env, ThreadPool& pool);
  ~RunQueue();
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  // Takes over a runnable whose leases the caller has acquired; they are released just before the promise is settled. The copies are made when the run has
  // ended well.
  Napi::Promise push(std::shared_ptr<Runnable> runnable, ResultCopies copies, CancelFlag cancel);

 private:
  struct Job {
    std::shared_ptr<Runnable> runnable;
    ResultCopies copies;
    CancelFlag cancel;
    Napi::Promise::Deferred deferred;
    RunResult result;
  };
  using Jobs = std::deque<std::unique_ptr<Job>>;

  void work();
  void stop();
  void settleFinished(Napi::Env env);
  static void onFinished(napi_env env, napi_value, void* context, void*);

  Napi::Env env_;
  ThreadPool& pool_;
  napi_threadsafe_function notify_ = nullptr;
  size_t outstanding_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  Jobs waiting_, finished_;
  CancelFlag running_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace bptt
