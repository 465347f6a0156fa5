// JavaScript's Program: checked words, ready to be bound.
//
// new Program(bytes) copies an ArrayBuffer or a view of one and decodes it, or throws ERR_BPTT_PROGRAM saying what is wrong. A program has no
// state: bind(storages) may be called any number of times and gives a new Executable each time.
#pragma once
#include <napi.h>

#include <memory>

#include "engine/decode.h"

namespace bptt {

class ProgramObject : public Napi::ObjectWrap<ProgramObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit ProgramObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value bind(const Napi::CallbackInfo& info);

  std::shared_ptr<const Program> program_;
};

}  // namespace bptt
