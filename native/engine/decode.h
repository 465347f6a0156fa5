// From untrusted words to a Program.
//
// The words may come from anywhere. Either every one of them makes sense and the result can be run without reading or writing outside its
// spaces, or decode() says which one does not. It does not throw except std::bad_alloc, its memory is proportional to the program and its
// time to the program's length.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/program.h"

namespace bptt {

// What a program may ask for at most. The defaults leave room for any real model; a fuzz target or a server sets smaller ones.
struct DecodeLimits {
  int64_t elements = int64_t{1} << 40;  // of the arena, of a storage, and of one operand's index space
  int64_t steps = int64_t{1} << 31;     // of one scan
  int64_t work = INT64_MAX;             // elements of all operands of all instructions, times the steps of their scans
};

struct DecodeResult {
  std::shared_ptr<const Program> program;  // null when the words are wrong
  std::string error;                       // which word or instruction, and what is the matter
};

// Reads `count` words, which the result does not refer to afterwards.
DecodeResult decode(const uint32_t* words, size_t count, const DecodeLimits& limits = {});

}  // namespace bptt
