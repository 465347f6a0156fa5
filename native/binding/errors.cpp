#include "binding/errors.h"

namespace bptt {

Napi::Error errorOf(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

Napi::Error runErrorOf(Napi::Env env, const RunResult& result) {
  const std::string where = "instruction " + std::to_string(result.instruction) + ": ";
  Napi::Error error = [&] {
    switch (result.status) {
      case RunStatus::indexOutOfRange:
        return errorOf(env, "ERR_BPTT_RANGE",
                       where + "index " + std::to_string(result.details[0]) + " in row " + std::to_string(result.details[1]) + " is out of range");
      case RunStatus::cancelled: return errorOf(env, "ERR_BPTT_ABORTED", "the run was cancelled");
      default: return errorOf(env, "ERR_BPTT_MEMORY", where + "out of memory");
    }
  }();
  Napi::Array details = Napi::Array::New(env, 2);
  for (uint32_t index = 0; index < 2; index++) details.Set(index, Napi::Number::New(env, static_cast<double>(result.details[index])));
  error.Set("status", Napi::Number::New(env, static_cast<double>(result.status)));
  error.Set("instruction", Napi::Number::New(env, result.instruction));
  error.Set("details", details);
  return error;
}

}  // namespace bptt
