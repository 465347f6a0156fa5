// JavaScript's Storage: zeroed native memory that programs read and write.
//
// new Storage(elements) → { elements, floats, ints, version, touch() }. `floats` and `ints` are two views of the memory itself, alive as long as
// anything refers to them. JavaScript that writes through them calls touch() so that what was computed from the storage is computed anew, and
// does not write while a run that uses the storage is under way.
#pragma once
#include <napi.h>

#include <memory>

#include "engine/storage.h"

namespace bptt {

class StorageObject : public Napi::ObjectWrap<StorageObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit StorageObject(const Napi::CallbackInfo& info);
  ~StorageObject() override;

  // The storage behind a JavaScript value, or null when it is anything else.
  static std::shared_ptr<Storage> from(Napi::Value value);

 private:
  Napi::Value version(const Napi::CallbackInfo& info);
  Napi::Value touch(const Napi::CallbackInfo& info);

  std::shared_ptr<Storage> storage_;
  int64_t bytes_ = 0;  // told to the garbage collector
};

}  // namespace bptt
