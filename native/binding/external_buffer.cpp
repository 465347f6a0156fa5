#include "binding/external_buffer.h"

#include <utility>

#include "binding/errors.h"

namespace bptt {
namespace {

// The limit of the oldest Node that the package runs on.
constexpr double leastKnownLimit = 4294967296.0;

// A member of an object, or undefined of what is none.
Napi::Value member(Napi::Value of, const char* name) { return of.IsObject() ? of.As<Napi::Object>().Get(name) : of.Env().Undefined(); }

// What Node's finalizer is given. It belongs to itself until the finalizer comes, and to externalBuffer() for as long as that runs: when
// Node makes no buffer the finalizer may have come already, may come later or never, and none of these may free anything twice.
struct Kept {
  std::shared_ptr<Storage> storage;
  std::shared_ptr<Kept> itself;
};

void letGo(napi_env, void*, void* hint) { const std::shared_ptr<Kept> last = std::move(static_cast<Kept*>(hint)->itself); }

}  // namespace

double mostBufferBytes(Napi::Env env) {
  const Napi::Value process = env.Global().Get("process");
  const Napi::Value builtin = member(process, "getBuiltinModule");
  if (!builtin.IsFunction()) return leastKnownLimit;
  const Napi::Value buffer = builtin.As<Napi::Function>().Call(process, {Napi::String::New(env, "buffer")});
  const Napi::Value limit = member(member(buffer, "constants"), "MAX_LENGTH");
  return limit.IsNumber() ? limit.As<Napi::Number>().DoubleValue() : leastKnownLimit;
}

Napi::ArrayBuffer externalBuffer(Napi::Env env, const std::shared_ptr<Storage>& storage) {
  const auto kept = std::make_shared<Kept>();
  kept->storage = storage;
  kept->itself = kept;
  const size_t bytes = static_cast<size_t>(storage->elements()) * sizeof(float);
  napi_value buffer = nullptr;
  // Not by Napi::ArrayBuffer::New(): when Node makes no buffer, that frees what it gave Node's finalizer, which may still come.
  const napi_status status = napi_create_external_arraybuffer(env, storage->data(), bytes, letGo, kept.get(), &buffer);
  if (status == napi_ok) return Napi::ArrayBuffer(env, buffer);
  kept->storage.reset();  // the memory does not wait for a finalizer; the empty rest does
  if (env.IsExceptionPending()) env.GetAndClearPendingException();
  throw errorOf(env, "ERR_BPTT_MEMORY", "Storage: this Node shows no block of " + std::to_string(bytes) + " bytes; choose fewer elements");
}

}  // namespace bptt
