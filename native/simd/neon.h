// The vector header for NEON of 64-bit ARM: 4 floats, masks as vectors of all-ones lanes, fused multiply-add.
// Every header of this folder offers the same names with the same meaning; simd/README.md says what each function promises.
#pragma once
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "inline.h"

namespace bptt {
namespace neon {
namespace {

using Vector = float32x4_t;
using Integers = int32x4_t;
using Mask = uint32x4_t;
constexpr int kLanes = 4;
constexpr int kTileAccumulators = 24;

BPTT_INLINE Mask firstLanes(ptrdiff_t count) {
  const int32x4_t numbers = vcombine_s32(vcreate_s32(0x0000000100000000ull), vcreate_s32(0x0000000300000002ull));
  return vcgtq_s32(vdupq_n_s32(static_cast<int32_t>(count)), numbers);
}

BPTT_INLINE Vector load(const float* from) { return vld1q_f32(from); }
BPTT_INLINE void store(float* to, Vector x) { vst1q_f32(to, x); }
BPTT_INLINE Vector loadFirst(const float* from, ptrdiff_t count) {
  if (count >= 4) return load(from);
  Vector x = vdupq_n_f32(0.0f);
  if (count >= 1) x = vld1q_lane_f32(from, x, 0);
  if (count >= 2) x = vld1q_lane_f32(from + 1, x, 1);
  if (count >= 3) x = vld1q_lane_f32(from + 2, x, 2);
  return x;
}
BPTT_INLINE void storeFirst(float* to, Vector x, ptrdiff_t count) {
  if (count >= 4) return store(to, x);
  if (count >= 1) vst1q_lane_f32(to, x, 0);
  if (count >= 2) vst1q_lane_f32(to + 1, x, 1);
  if (count >= 3) vst1q_lane_f32(to + 2, x, 2);
}
BPTT_INLINE Vector broadcast(float x) { return vdupq_n_f32(x); }
BPTT_INLINE Integers broadcastInt(int32_t x) { return vdupq_n_s32(x); }
BPTT_INLINE Integers bitsOf(Vector x) { return vreinterpretq_s32_f32(x); }
BPTT_INLINE Vector vectorOf(Integers x) { return vreinterpretq_f32_s32(x); }

BPTT_INLINE Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
BPTT_INLINE Vector subtract(Vector a, Vector b) { return vsubq_f32(a, b); }
BPTT_INLINE Vector multiply(Vector a, Vector b) { return vmulq_f32(a, b); }
BPTT_INLINE Vector divide(Vector a, Vector b) { return vdivq_f32(a, b); }
BPTT_INLINE Vector squareRoot(Vector a) { return vsqrtq_f32(a); }
BPTT_INLINE Vector negate(Vector x) { return vnegq_f32(x); }
BPTT_INLINE Vector multiplyAdd(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
BPTT_INLINE Vector multiplySubtract(Vector a, Vector b, Vector c) { return vfmaq_f32(vnegq_f32(c), a, b); }
BPTT_INLINE Vector negatedMultiplyAdd(Vector a, Vector b, Vector c) { return vfmsq_f32(c, a, b); }
BPTT_INLINE Vector productError(Vector a, Vector b, Vector product) { return multiplySubtract(a, b, product); }

BPTT_INLINE Mask less(Vector a, Vector b) { return vcltq_f32(a, b); }
BPTT_INLINE Mask lessOrEqual(Vector a, Vector b) { return vcleq_f32(a, b); }
BPTT_INLINE Mask equal(Vector a, Vector b) { return vceqq_f32(a, b); }
BPTT_INLINE Mask lessInts(Integers a, Integers b) { return vcltq_s32(a, b); }
BPTT_INLINE Mask equalInts(Integers a, Integers b) { return vceqq_s32(a, b); }
BPTT_INLINE Mask both(Mask a, Mask b) { return vandq_u32(a, b); }
BPTT_INLINE Mask either(Mask a, Mask b) { return vorrq_u32(a, b); }
BPTT_INLINE Mask inverse(Mask a) { return vmvnq_u32(a); }
BPTT_INLINE bool anyTrue(Mask a) { return vmaxvq_u32(a) != 0; }
BPTT_INLINE Vector select(Mask mask, Vector yes, Vector no) { return vbslq_f32(mask, yes, no); }

BPTT_INLINE Integers addInts(Integers a, Integers b) { return vaddq_s32(a, b); }
BPTT_INLINE Integers subtractInts(Integers a, Integers b) { return vsubq_s32(a, b); }
BPTT_INLINE Integers multiplyInts(Integers a, Integers b) { return vmulq_s32(a, b); }
BPTT_INLINE Integers andInts(Integers a, Integers b) { return vandq_s32(a, b); }
BPTT_INLINE Integers orInts(Integers a, Integers b) { return vorrq_s32(a, b); }
BPTT_INLINE Integers exclusiveOrInts(Integers a, Integers b) { return veorq_s32(a, b); }
template <int N>
BPTT_INLINE Integers shiftLeft(Integers a) { return vshlq_n_s32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRight(Integers a) {
  return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), N));
}
template <int N>
BPTT_INLINE Integers shiftRightSigned(Integers a) { return vshrq_n_s32(a, N); }

BPTT_INLINE void multiplyWide(Integers a, Integers b, Integers& high, Integers& low) {
  const uint32x4_t left = vreinterpretq_u32_s32(a), right = vreinterpretq_u32_s32(b);
  const uint32x4_t lower = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(left), vget_low_u32(right)));
  const uint32x4_t upper = vreinterpretq_u32_u64(vmull_high_u32(left, right));
  low = vreinterpretq_s32_u32(vuzp1q_u32(lower, upper));
  high = vreinterpretq_s32_u32(vuzp2q_u32(lower, upper));
}

BPTT_INLINE Vector absolute(Vector x) { return vabsq_f32(x); }
BPTT_INLINE Vector withSignOf(Vector magnitude, Vector sign) {
  return vectorOf(orInts(bitsOf(magnitude), andInts(bitsOf(sign), vdupq_n_s32(INT32_MIN))));
}
BPTT_INLINE Vector maximum(Vector a, Vector b) { return vmaxq_f32(a, b); }
BPTT_INLINE Vector minimum(Vector a, Vector b) { return vminq_f32(a, b); }
BPTT_INLINE Vector atMost(Vector x, Vector high) { return vminq_f32(high, x); }
BPTT_INLINE Vector clamp(Vector x, Vector low, Vector high) { return vminq_f32(high, vmaxq_f32(low, x)); }

BPTT_INLINE Vector roundToEven(Vector x) { return vrndnq_f32(x); }
BPTT_INLINE Vector roundDown(Vector x) { return vrndmq_f32(x); }
BPTT_INLINE Integers truncateToInts(Vector x) { return vcvtq_s32_f32(x); }
BPTT_INLINE Vector toFloats(Integers x) { return vcvtq_f32_s32(x); }

// In two halves, so that neither power of two leaves the normal range and a subnormal result is rounded once.
BPTT_INLINE Vector scale(Vector x, Vector exponent) {
  const Integers bias = vdupq_n_s32(127);
  const Integers whole = vcvtq_s32_f32(exponent);
  const Integers half = vshrq_n_s32(whole, 1);
  const Integers first = vshlq_n_s32(vaddq_s32(half, bias), 23);
  const Integers second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
  return vmulq_f32(vmulq_f32(x, vectorOf(first)), vectorOf(second));
}

BPTT_INLINE void transposeBlock(const float* from, ptrdiff_t fromStride, float* to, ptrdiff_t toStride) {
  const float32x4x2_t even = vtrnq_f32(load(from), load(from + fromStride));
  const float32x4x2_t odd = vtrnq_f32(load(from + 2 * fromStride), load(from + 3 * fromStride));
  store(to, vcombine_f32(vget_low_f32(even.val[0]), vget_low_f32(odd.val[0])));
  store(to + toStride, vcombine_f32(vget_low_f32(even.val[1]), vget_low_f32(odd.val[1])));
  store(to + 2 * toStride, vcombine_f32(vget_high_f32(even.val[0]), vget_high_f32(odd.val[0])));
  store(to + 3 * toStride, vcombine_f32(vget_high_f32(even.val[1]), vget_high_f32(odd.val[1])));
}

}  // namespace
}  // namespace neon
}  // namespace bptt
