// What a processor can do at best with one instruction set: the measures that kernels are compared with.
#pragma once
#include <stddef.h>

namespace bptt {
namespace bench {

struct Peaks {
  const char* name;
  int lanes;
  // Runs `count` times twelve independent multiply-adds of whole vectors. Gives a number that depends on all of them.
  float (*multiplyAdds)(long count);
  // Copies `count` floats, a multiple of 64, from one aligned block to another.
  void (*copy)(const float* from, float* to, ptrdiff_t count);
};

// Null for a name that this build does not have. Whether the processor runs it is for isa/detect.h to say.
const Peaks* peaksNamed(const char* name);

}  // namespace bench
}  // namespace bptt
