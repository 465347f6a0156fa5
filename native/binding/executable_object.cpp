#include "binding/executable_object.h"

#include "binding/errors.h"

namespace bptt {

Napi::Function ExecutableObject::define(Napi::Env env) {
  return DefineClass(env, "Executable",
                     {InstanceMethod<&ExecutableObject::run>("run"), InstanceMethod<&ExecutableObject::runAsync>("runAsync"),
                      InstanceMethod<&ExecutableObject::cancel>("cancel")});
}

ExecutableObject::ExecutableObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ExecutableObject>(info), addon_(Addon::of(info.Env())), runnable_(addon_.takePending()) {
  if (!runnable_) throw errorOf(info.Env(), "ERR_BPTT_TYPE", "Executable: made by Program.bind() only");
  bytes_ = static_cast<int64_t>(runnable_->executable().nativeBytes());
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes_);
}

ExecutableObject::~ExecutableObject() {
  if (bytes_ != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), -bytes_);
}

void ExecutableObject::acquire(Napi::Env env) {
  const char* obstacle = runnable_->acquire();
  if (obstacle != nullptr) throw errorOf(env, "ERR_BPTT_BUSY", std::string("run: ") + obstacle);
}

Napi::Value ExecutableObject::run(const Napi::CallbackInfo& info) {
  acquire(info.Env());
  const RunResult result = runnable_->run(addon_.pool(), nullptr);
  runnable_->release();
  if (result.status != RunStatus::ok) throw runErrorOf(info.Env(), result);
  return info.Env().Undefined();
}

Napi::Value ExecutableObject::runAsync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RunQueue& queue = addon_.queue(env);
  ResultCopies copies(runnable_->executable(), info[0]);
  acquire(env);
  cancel_ = std::make_shared<std::atomic<bool>>(false);
  return queue.push(runnable_, std::move(copies), cancel_);
}

Napi::Value ExecutableObject::cancel(const Napi::CallbackInfo& info) {
  if (cancel_) cancel_->store(true);
  return info.Env().Undefined();
}

}  // namespace bptt
