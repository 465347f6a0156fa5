#include "base/finite.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace bptt {
namespace {

constexpr size_t block = 2048;  // is still in the first cache when it is looked at
constexpr uint32_t exponent = 0x7f800000;

// All bits of the exponent are set in infinities and NaN alone. Without branches, so that compilers make vectors of it.
bool isFinite(const float* numbers, size_t count) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits;
    std::memcpy(&bits, numbers + index, sizeof(bits));
    found |= static_cast<uint32_t>((bits & exponent) == exponent);
  }
  return found == 0;
}

}  // namespace

bool copyFinite(const float* from, float* to, size_t count) {
  bool finite = true;
  for (size_t begin = 0; begin < count; begin += block) {
    const size_t size = std::min(block, count - begin);
    std::memmove(to + begin, from + begin, size * sizeof(float));
    finite = isFinite(to + begin, size) && finite;
  }
  return finite;
}

}  // namespace bptt
