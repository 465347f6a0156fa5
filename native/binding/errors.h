// The errors that the binding throws: JavaScript Errors with a `code`, and for a failed run what failed.
#pragma once
#include <napi.h>

#include <string>

#include "engine/task.h"

namespace bptt {

// An Error with that code. Throw it (`throw errorOf(…)`): the wrapper around every entry turns it into a JavaScript exception.
Napi::Error errorOf(Napi::Env env, const char* code, const std::string& message);

// What a run that did not end well is told as: { code, status, instruction, details: [index, row] }.
Napi::Error runErrorOf(Napi::Env env, const RunResult& result);

}  // namespace bptt
