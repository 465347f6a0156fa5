#include "binding/program_object.h"

#include <cstring>
#include <vector>

#include "binding/addon.h"
#include "binding/errors.h"
#include "binding/storage_object.h"

namespace bptt {
namespace {

// The bytes of an ArrayBuffer or of the part of one that a view shows, copied to where nobody else can change them.
std::vector<uint32_t> wordsOf(Napi::Value value) {
  const Napi::Env env = value.Env();
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  if (value.IsArrayBuffer()) {
    auto buffer = value.As<Napi::ArrayBuffer>();
    bytes = static_cast<const uint8_t*>(buffer.Data());
    count = buffer.ByteLength();
  } else if (value.IsTypedArray()) {
    auto view = value.As<Napi::TypedArray>();
    void* data = nullptr;
    napi_get_typedarray_info(env, view, nullptr, nullptr, &data, nullptr, nullptr);  // the address includes the view's offset
    bytes = static_cast<const uint8_t*>(data);
    count = view.ByteLength();
  } else if (value.IsDataView()) {
    auto view = value.As<Napi::DataView>();
    bytes = static_cast<const uint8_t*>(view.Data());
    count = view.ByteLength();
  } else {
    throw errorOf(env, "ERR_BPTT_TYPE", "Program: expected an ArrayBuffer or a view of one");
  }
  if (count % sizeof(uint32_t) != 0) {
    throw errorOf(env, "ERR_BPTT_PROGRAM", "program: " + std::to_string(count) + " bytes are no whole number of words");
  }
  if (bytes == nullptr) count = 0;  // detached
  std::vector<uint32_t> words(count / sizeof(uint32_t));
  if (count > 0) std::memcpy(words.data(), bytes, count);
  return words;
}

}  // namespace

Napi::Function ProgramObject::define(Napi::Env env) {
  return DefineClass(env, "Program", {InstanceMethod<&ProgramObject::bind>("bind")});
}

ProgramObject::ProgramObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ProgramObject>(info) {
  const std::vector<uint32_t> words = wordsOf(info[0]);
  DecodeResult decoded = decode(words.data(), words.size());
  if (!decoded.program) throw errorOf(info.Env(), "ERR_BPTT_PROGRAM", decoded.error);
  program_ = std::move(decoded.program);
}

Napi::Value ProgramObject::bind(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) throw errorOf(env, "ERR_BPTT_TYPE", "bind: expected an array of storages");
  const auto list = info[0].As<Napi::Array>();
  const uint32_t count = list.Length();
  if (count != program_->storages.size()) {
    throw errorOf(env, "ERR_BPTT_TYPE",
                  "bind: expected " + std::to_string(program_->storages.size()) + " storages, received " + std::to_string(count));
  }
  Executable::Storages storages;
  for (uint32_t index = 0; index < count; index++) {
    const Napi::Value value = list.Get(index);
    std::shared_ptr<Storage> storage = StorageObject::from(value);
    if (!storage) throw errorOf(env, "ERR_BPTT_TYPE", "bind: element " + std::to_string(index) + " is not a Storage");
    storages.push_back(std::move(storage));
  }
  Addon& addon = Addon::of(env);
  Executable::Bound bound = Executable::bind(program_, std::move(storages), addon.table());
  if (!bound.executable) throw errorOf(env, bound.outOfMemory ? "ERR_BPTT_MEMORY" : "ERR_BPTT_RANGE", "bind: " + bound.error);
  return addon.makeExecutable(env, std::make_shared<Runnable>(std::move(bound.executable)));
}

}  // namespace bptt
