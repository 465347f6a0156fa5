#include "binding/addon.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/finite.h"
#include "base/processor.h"
#include "binding/errors.h"
#include "binding/executable_object.h"
#include "binding/external_buffer.h"
#include "binding/program_object.h"
#include "binding/storage_object.h"
#include "engine/format.h"
#include "isa/detect.h"

#define BPTT_TEXT_OF(token) #token
#define BPTT_TEXT(macro) BPTT_TEXT_OF(macro)

namespace bptt {
namespace {

// BPTT_THREADS where it is a whole number from 1 to the maximum, else one thread a core.
int initialThreads() {
  if (const char* text = std::getenv("BPTT_THREADS")) {
    char* end = nullptr;
    const long count = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && count >= 1 && count <= ThreadPool::maximumThreads) return static_cast<int>(count);
  }
  return std::min(availableCores(), ThreadPool::maximumThreads);
}

}  // namespace

Addon::Addon(Napi::Env env, Napi::Object exports)
    : table_(defaultTable(std::getenv("BPTT_ISA"), &isaRecognised_)), mostBytesShown_(mostBufferBytes(env)), pool_(initialThreads()) {
  DefineAddon(exports, {InstanceMethod("info", &Addon::info), InstanceMethod("setThreads", &Addon::setThreads),
                        InstanceMethod("copyFinite", &Addon::copyFinite)});
  exports.Set("Storage", StorageObject::define(env));
  exports.Set("Program", ProgramObject::define(env));
  executableClass_ = Napi::Persistent(ExecutableObject::define(env));
}

RunQueue& Addon::queue(Napi::Env env) {
  if (!queue_) queue_ = std::make_unique<RunQueue>(env, pool_);
  return *queue_;
}

Napi::Object Addon::makeExecutable(Napi::Env env, std::shared_ptr<Runnable> runnable) {
  Napi::EscapableHandleScope scope(env);
  pending_ = std::move(runnable);
  return scope.Escape(executableClass_.New({})).As<Napi::Object>();
}

Napi::Value Addon::info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const KernelTable* tables[8];
  const int count = std::min(availableTables(tables, 8), 8);
  Napi::Array names = Napi::Array::New(env, static_cast<size_t>(count));
  for (int index = 0; index < count; index++) names.Set(static_cast<uint32_t>(index), Napi::String::New(env, tables[index]->name));
  const char* requested = std::getenv("BPTT_ISA");
  Napi::Object result = Napi::Object::New(env);
  result.Set("version", Napi::String::New(env, BPTT_TEXT(BPTT_VERSION)));
  result.Set("format", Napi::Number::New(env, format::version));
  result.Set("isa", Napi::String::New(env, table_->name));
  result.Set("isas", names);
  result.Set("isaRequested", requested == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, requested)));
  result.Set("isaRecognised", Napi::Boolean::New(env, isaRecognised_));
  result.Set("cores", Napi::Number::New(env, availableCores()));
  result.Set("threads", Napi::Number::New(env, pool_.size()));
  return result;
}

Napi::Value Addon::setThreads(const Napi::CallbackInfo& info) {
  const double count = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(count >= 1 && count <= ThreadPool::maximumThreads) || count != std::floor(count)) {
    throw errorOf(info.Env(), "ERR_BPTT_RANGE", "setThreads: expected a whole number from 1 to " + std::to_string(ThreadPool::maximumThreads) +
                                                    ", received " + info[0].ToString().Utf8Value());
  }
  pool_.request(static_cast<int>(count));
  return info.Env().Undefined();
}

Napi::Value Addon::copyFinite(const Napi::CallbackInfo& info) {
  void* places[2];
  size_t counts[2];
  for (size_t index = 0; index < 2; index++) {
    napi_typedarray_type type = napi_uint8_array;
    const bool known = info[index].IsTypedArray() &&
                       napi_get_typedarray_info(info.Env(), info[index], &type, &counts[index], &places[index], nullptr, nullptr) == napi_ok;
    if (!known || type != napi_float32_array) throw errorOf(info.Env(), "ERR_BPTT_TYPE", "copyFinite: expected two Float32Arrays");
  }
  if (counts[0] != counts[1]) throw errorOf(info.Env(), "ERR_BPTT_SHAPE", "copyFinite: expected two arrays of the same length");
  const bool finite = bptt::copyFinite(static_cast<const float*>(places[0]), static_cast<float*>(places[1]), counts[0]);
  return Napi::Boolean::New(info.Env(), finite);
}

}  // namespace bptt

using BpttAddon = bptt::Addon;
NODE_API_ADDON(BpttAddon)
