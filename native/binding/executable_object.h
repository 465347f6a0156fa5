// JavaScript's Executable, which Program.bind() makes: a program with its storages, its arena and its leases.
//
// run() computes on the calling thread (and the pool) and throws when the run fails; runAsync() gives a promise and computes on the environment's run queue;
// cancel() stops what runAsync() began. A second run before the first has ended, or one that shares a storage which either writes, is ERR_BPTT_BUSY.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/addon.h"

namespace bptt {

class ExecutableObject : public Napi::ObjectWrap<ExecutableObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit ExecutableObject(const Napi::CallbackInfo& info);
  ~ExecutableObject() override;

 private:
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value runAsync(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  void acquire(Napi::Env env);

  Addon& addon_;
  std::shared_ptr<Runnable> runnable_;
  CancelFlag cancel_;  // of the run that runAsync() began last
  int64_t bytes_ = 0;  // told to the garbage collector
};

}  // namespace bptt
