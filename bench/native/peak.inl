// The peaks of one instruction set. The translation unit defines BPTT_ISA and includes a header of native/simd before this text.

#include "peaks.h"

namespace bptt {
namespace BPTT_ISA {

namespace {

// Where an instruction set has no fused multiply-add, its peak is that of a multiplication and an addition: what imitates the fused one is slower.
BPTT_INLINE Vector multiplyThenAdd(Vector a, Vector b, Vector c) {
#ifdef BPTT_WITHOUT_FUSED
  return add(multiply(a, b), c);
#else
  return multiplyAdd(a, b, c);
#endif
}

constexpr int kChains = 12;  // enough to hide the latency of two multiply-adds a cycle, few enough for sixteen registers

float multiplyAdds(long count) {
  Vector chains[kChains];
  BPTT_UNROLL
  for (int i = 0; i < kChains; ++i) chains[i] = broadcast(static_cast<float>(i));
  const Vector factor = broadcast(0.999f), term = broadcast(0.001f);
  for (long turn = 0; turn < count; ++turn) {
    BPTT_UNROLL
    for (int i = 0; i < kChains; ++i) chains[i] = multiplyThenAdd(chains[i], factor, term);
  }
  Vector sum = chains[0];
  for (int i = 1; i < kChains; ++i) sum = add(sum, chains[i]);
  float lanes[kLanes];
  store(lanes, sum);
  float total = 0.0f;
  for (const float lane : lanes) total += lane;
  return total;
}

void copy(const float* from, float* to, ptrdiff_t count) {
  constexpr ptrdiff_t step = 4 * kLanes;
  for (ptrdiff_t i = 0; i + step <= count; i += step) {
    const Vector a = load(from + i), b = load(from + i + kLanes), c = load(from + i + 2 * kLanes), d = load(from + i + 3 * kLanes);
    store(to + i, a);
    store(to + i + kLanes, b);
    store(to + i + 2 * kLanes, c);
    store(to + i + 3 * kLanes, d);
  }
}

}  // namespace

#define BPTT_TEXT_OF(name) #name
#define BPTT_NAME_OF(name) BPTT_TEXT_OF(name)

const bench::Peaks& peaks() {
  static const bench::Peaks found = {BPTT_NAME_OF(BPTT_ISA), kLanes, &multiplyAdds, &copy};
  return found;
}

}  // namespace BPTT_ISA
}  // namespace bptt
