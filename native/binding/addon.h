// What the .node gives to JavaScript, for one environment (the main thread or one worker thread).
//
// { info(), setThreads(count), copyFinite(from, to), Storage, Program }. Every environment has its own compute pool and run queue; between environments nothing is
// shared but constant tables. lib/runtime/native-module.ts describes the same surface in TypeScript.
#pragma once
#include <napi.h>

#include <memory>

#include "binding/run_queue.h"
#include "engine/executable.h"

namespace bptt {

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);

  static Addon& of(Napi::Env env) { return *env.GetInstanceData<Addon>(); }

  const KernelTable& table() const { return *table_; }
  double mostBytesShown() const { return mostBytesShown_; }  // by one ArrayBuffer
  ThreadPool& pool() { return pool_; }
  RunQueue& queue(Napi::Env env);  // started when first asked for

  // A new JavaScript Executable around `runnable`.
  Napi::Object makeExecutable(Napi::Env env, std::shared_ptr<Runnable> runnable);
  // For the constructor that makeExecutable() calls: hands the runnable over, or null when JavaScript called it.
  std::shared_ptr<Runnable> takePending() { return std::move(pending_); }

 private:
  Napi::Value info(const Napi::CallbackInfo& info);
  Napi::Value setThreads(const Napi::CallbackInfo& info);
  Napi::Value copyFinite(const Napi::CallbackInfo& info);

  bool isaRecognised_ = true;  // before the table: the choice of the table sets it
  const KernelTable* table_;
  double mostBytesShown_;
  ThreadPool pool_;
  std::unique_ptr<RunQueue> queue_;  // after the pool: goes first
  Napi::FunctionReference executableClass_;
  std::shared_ptr<Runnable> pending_;
};

}  // namespace bptt
