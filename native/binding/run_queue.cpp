#include "binding/run_queue.h"

#include "binding/errors.h"

namespace bptt {

RunQueue::RunQueue(Napi::Env env, ThreadPool& pool) : env_(env), pool_(pool) {
  const Napi::String name = Napi::String::New(env, "bptt.run");
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, onFinished, &notify_) != napi_ok) {
    throw Napi::Error::New(env);
  }
  napi_unref_threadsafe_function(env, notify_);
  thread_ = std::thread([this] { work(); });
  // Hooks run last in, first out: this one, younger than the function's own, joins the thread before the function goes away.
  napi_add_env_cleanup_hook(env, [](void* queue) { static_cast<RunQueue*>(queue)->stop(); }, this);
}

RunQueue::~RunQueue() { stop(); }

Napi::Promise RunQueue::push(std::shared_ptr<Runnable> runnable, ResultCopies copies, CancelFlag cancel) {
  auto job = std::make_unique<Job>(Job{std::move(runnable), std::move(copies), std::move(cancel), Napi::Promise::Deferred::New(env_), {}});
  const Napi::Promise promise = job->deferred.Promise();
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    waiting_.push_back(std::move(job));
  }
  if (outstanding_++ == 0) napi_ref_threadsafe_function(env_, notify_);
  wake_.notify_one();
  return promise;
}

void RunQueue::work() {
  std::unique_lock<std::mutex> guard(mutex_);
  for (;;) {
    wake_.wait(guard, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    std::unique_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    running_ = job->cancel;
    guard.unlock();
    job->result = job->runnable->run(pool_, job->cancel.get());
    if (job->result.status == RunStatus::ok) job->copies.make(pool_, job->runnable->executable().ranTogether());
    guard.lock();
    running_ = nullptr;
    finished_.push_back(std::move(job));
    if (stopping_) return;
    guard.unlock();
    napi_call_threadsafe_function(notify_, nullptr, napi_tsfn_nonblocking);
    guard.lock();
  }
}

void RunQueue::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stopping_ = true;
    if (running_) running_->store(true);
  }
  wake_.notify_one();
  thread_.join();
}

void RunQueue::onFinished(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is ending
  static_cast<RunQueue*>(context)->settleFinished(Napi::Env(env));
}

void RunQueue::settleFinished(Napi::Env env) {
  Jobs finished;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    finished.swap(finished_);
  }
  for (const std::unique_ptr<Job>& job : finished) {
    job->runnable->release();
    if (--outstanding_ == 0) napi_unref_threadsafe_function(env, notify_);
    try {
      if (job->result.status == RunStatus::ok) job->deferred.Resolve(env.Undefined());
      else job->deferred.Reject(runErrorOf(env, job->result).Value());
    } catch (const Napi::Error&) {
      // JavaScript cannot run any more: the environment is being terminated, and nobody is left to learn the result.
    }
  }
}

}  // namespace bptt
