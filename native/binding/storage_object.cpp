#include "binding/storage_object.h"

#include <cmath>

#include "binding/addon.h"
#include "binding/errors.h"
#include "binding/external_buffer.h"

namespace bptt {
namespace {

constexpr napi_type_tag tag = {0x6f2a1c5d9be84e07, 0xa1d34c6f0b7e9258};
constexpr double maximumElements = 1099511627776.0;

}  // namespace

Napi::Function StorageObject::define(Napi::Env env) {
  return DefineClass(env, "Storage",
                     {InstanceAccessor<&StorageObject::version>("version"), InstanceMethod<&StorageObject::touch>("touch")});
}

StorageObject::StorageObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<StorageObject>(info) {
  const Napi::Env env = info.Env();
  const double elements = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : -1;
  if (!(elements >= 0 && elements <= maximumElements) || elements != std::floor(elements)) {
    throw errorOf(env, "ERR_BPTT_RANGE",
                  "Storage: expected a whole number of elements from 0 to " + std::to_string(static_cast<int64_t>(maximumElements)));
  }
  const auto count = static_cast<size_t>(elements);
  const double most = std::floor(Addon::of(env).mostBytesShown() / sizeof(float));
  if (elements > most) {
    throw errorOf(env, "ERR_BPTT_MEMORY",
                  "Storage: expected at most " + std::to_string(static_cast<int64_t>(most)) +
                      " elements, which is what this Node can show as one block, received " + std::to_string(count) + "; choose fewer");
  }
  storage_ = Storage::allocate(static_cast<int64_t>(elements));
  if (!storage_) throw errorOf(env, "ERR_BPTT_MEMORY", "Storage: no memory for " + std::to_string(count) + " elements");
  const Napi::ArrayBuffer buffer = externalBuffer(env, storage_);
  Napi::Object self = info.This().As<Napi::Object>();
  self.TypeTag(&tag);
  self.DefineProperties({Napi::PropertyDescriptor::Value("elements", Napi::Number::New(env, elements), napi_enumerable),
                         Napi::PropertyDescriptor::Value("floats", Napi::Float32Array::New(env, count, buffer, 0), napi_enumerable),
                         Napi::PropertyDescriptor::Value("ints", Napi::Int32Array::New(env, count, buffer, 0), napi_enumerable)});
  bytes_ = static_cast<int64_t>(count * sizeof(float));
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes_);
}

StorageObject::~StorageObject() {
  if (bytes_ != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), -bytes_);
}

std::shared_ptr<Storage> StorageObject::from(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&tag)) return nullptr;
  return Unwrap(value.As<Napi::Object>())->storage_;
}

Napi::Value StorageObject::version(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(storage_->version()));
}

Napi::Value StorageObject::touch(const Napi::CallbackInfo& info) {
  storage_->touch();
  return info.Env().Undefined();
}

}  // namespace bptt
