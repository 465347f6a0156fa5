// Native memory as JavaScript's ArrayBuffer.
#pragma once
#include <napi.h>

#include <memory>

#include "engine/storage.h"

namespace bptt {

// The most bytes that an ArrayBuffer of this Node can have: buffer.constants.MAX_LENGTH.
double mostBufferBytes(Napi::Env env);

// An ArrayBuffer that is the storage's memory and keeps the storage alive. Throws ERR_BPTT_MEMORY when Node makes none, and then keeps
// nothing of it.
Napi::ArrayBuffer externalBuffer(Napi::Env env, const std::shared_ptr<Storage>& storage);

}  // namespace bptt
