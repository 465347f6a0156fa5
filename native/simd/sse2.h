// The vector header for SSE2, the floor of x86-64: 4 floats, masks as vectors of all-ones lanes.
// There is no fused multiply-add: multiplyAdd rounds twice here, so that results differ in their last bits from the other instruction sets.
// Every header of this folder offers the same names with the same meaning; simd/README.md says what each function promises.
#pragma once
#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "inline.h"

namespace bptt {
namespace sse2 {
namespace {

using Vector = __m128;
using Integers = __m128i;
using Mask = __m128;
constexpr int kLanes = 4;
constexpr int kTileAccumulators = 8;

BPTT_INLINE Mask firstLanes(ptrdiff_t count) {
  return _mm_castsi128_ps(_mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(count)), _mm_setr_epi32(0, 1, 2, 3)));
}

BPTT_INLINE Vector load(const float* from) { return _mm_loadu_ps(from); }
BPTT_INLINE void store(float* to, Vector x) { _mm_storeu_ps(to, x); }
BPTT_INLINE Vector loadFirst(const float* from, ptrdiff_t count) {
  if (count >= 4) return load(from);
  if (count <= 0) return _mm_setzero_ps();
  const Vector first = _mm_load_ss(from);
  if (count == 1) return first;
  const Vector two = _mm_unpacklo_ps(first, _mm_load_ss(from + 1));
  return count == 2 ? two : _mm_movelh_ps(two, _mm_load_ss(from + 2));
}
BPTT_INLINE void storeFirst(float* to, Vector x, ptrdiff_t count) {
  if (count >= 4) return store(to, x);
  if (count >= 1) _mm_store_ss(to, x);
  if (count >= 2) _mm_store_ss(to + 1, _mm_shuffle_ps(x, x, 0x55));
  if (count >= 3) _mm_store_ss(to + 2, _mm_movehl_ps(x, x));
}
BPTT_INLINE Vector broadcast(float x) { return _mm_set1_ps(x); }
BPTT_INLINE Integers broadcastInt(int32_t x) { return _mm_set1_epi32(x); }
BPTT_INLINE Integers bitsOf(Vector x) { return _mm_castps_si128(x); }
BPTT_INLINE Vector vectorOf(Integers x) { return _mm_castsi128_ps(x); }

BPTT_INLINE Vector add(Vector a, Vector b) { return _mm_add_ps(a, b); }
BPTT_INLINE Vector subtract(Vector a, Vector b) { return _mm_sub_ps(a, b); }
BPTT_INLINE Vector multiply(Vector a, Vector b) { return _mm_mul_ps(a, b); }
BPTT_INLINE Vector divide(Vector a, Vector b) { return _mm_div_ps(a, b); }
BPTT_INLINE Vector squareRoot(Vector a) { return _mm_sqrt_ps(a); }
BPTT_INLINE Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
BPTT_INLINE Vector multiplySubtract(Vector a, Vector b, Vector c) { return _mm_sub_ps(_mm_mul_ps(a, b), c); }
BPTT_INLINE Vector negatedMultiplyAdd(Vector a, Vector b, Vector c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }

// Exact by splitting each factor into two halves of 12 bits, whose products need no rounding.
BPTT_INLINE Vector productError(Vector a, Vector b, Vector product) {
  const __m128 upperBits = _mm_castsi128_ps(_mm_set1_epi32(static_cast<int32_t>(0xFFFFF000u)));
  const Vector aHigh = _mm_and_ps(a, upperBits), aLow = _mm_sub_ps(a, aHigh);
  const Vector bHigh = _mm_and_ps(b, upperBits), bLow = _mm_sub_ps(b, bHigh);
  const Vector rest = _mm_sub_ps(_mm_mul_ps(aHigh, bHigh), product);
  return _mm_add_ps(_mm_add_ps(_mm_add_ps(rest, _mm_mul_ps(aHigh, bLow)), _mm_mul_ps(aLow, bHigh)), _mm_mul_ps(aLow, bLow));
}

BPTT_INLINE Mask less(Vector a, Vector b) { return _mm_cmplt_ps(a, b); }
BPTT_INLINE Mask lessOrEqual(Vector a, Vector b) { return _mm_cmple_ps(a, b); }
BPTT_INLINE Mask equal(Vector a, Vector b) { return _mm_cmpeq_ps(a, b); }
BPTT_INLINE Mask lessInts(Integers a, Integers b) { return _mm_castsi128_ps(_mm_cmplt_epi32(a, b)); }
BPTT_INLINE Mask equalInts(Integers a, Integers b) { return _mm_castsi128_ps(_mm_cmpeq_epi32(a, b)); }
BPTT_INLINE Mask both(Mask a, Mask b) { return _mm_and_ps(a, b); }
BPTT_INLINE Mask either(Mask a, Mask b) { return _mm_or_ps(a, b); }
BPTT_INLINE Mask inverse(Mask a) { return _mm_xor_ps(a, _mm_castsi128_ps(_mm_set1_epi32(-1))); }
BPTT_INLINE bool anyTrue(Mask a) { return _mm_movemask_ps(a) != 0; }
BPTT_INLINE Vector select(Mask mask, Vector yes, Vector no) {
  return _mm_or_ps(_mm_and_ps(mask, yes), _mm_andnot_ps(mask, no));
}

BPTT_INLINE void multiplyWide(Integers a, Integers b, Integers& high, Integers& low) {
  const Integers even = _mm_mul_epu32(a, b);
  const Integers odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
  const Integers lowerBits = _mm_set_epi32(0, -1, 0, -1);
  low = _mm_or_si128(_mm_and_si128(even, lowerBits), _mm_slli_epi64(odd, 32));
  high = _mm_or_si128(_mm_srli_epi64(even, 32), _mm_andnot_si128(lowerBits, odd));
}

BPTT_INLINE Integers addInts(Integers a, Integers b) { return _mm_add_epi32(a, b); }
BPTT_INLINE Integers subtractInts(Integers a, Integers b) { return _mm_sub_epi32(a, b); }
BPTT_INLINE Integers multiplyInts(Integers a, Integers b) {
  Integers high, low;
  multiplyWide(a, b, high, low);
  return low;
}
BPTT_INLINE Integers andInts(Integers a, Integers b) { return _mm_and_si128(a, b); }
BPTT_INLINE Integers orInts(Integers a, Integers b) { return _mm_or_si128(a, b); }
BPTT_INLINE Integers exclusiveOrInts(Integers a, Integers b) { return _mm_xor_si128(a, b); }
template <int N>
BPTT_INLINE Integers shiftLeft(Integers a) { return _mm_slli_epi32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRight(Integers a) { return _mm_srli_epi32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRightSigned(Integers a) { return _mm_srai_epi32(a, N); }

BPTT_INLINE Vector absolute(Vector x) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), x); }
BPTT_INLINE Vector negate(Vector x) { return _mm_xor_ps(_mm_set1_ps(-0.0f), x); }
BPTT_INLINE Vector withSignOf(Vector magnitude, Vector sign) {
  return _mm_or_ps(magnitude, _mm_and_ps(_mm_set1_ps(-0.0f), sign));
}
// The instructions return their second operand when either is NaN.
BPTT_INLINE Vector maximum(Vector a, Vector b) { return select(_mm_cmpunord_ps(a, a), a, _mm_max_ps(a, b)); }
BPTT_INLINE Vector minimum(Vector a, Vector b) { return select(_mm_cmpunord_ps(a, a), a, _mm_min_ps(a, b)); }
BPTT_INLINE Vector atMost(Vector x, Vector high) { return _mm_min_ps(high, x); }
BPTT_INLINE Vector clamp(Vector x, Vector low, Vector high) { return _mm_min_ps(high, _mm_max_ps(low, x)); }

// Adding and taking away 2^23 rounds at the units; a number beyond it, or NaN, is its own rounding.
BPTT_INLINE Vector roundToEven(Vector x) {
  const Vector magnitude = absolute(x), unit = _mm_set1_ps(8388608.0f);
  const Vector rounded = withSignOf(_mm_sub_ps(_mm_add_ps(magnitude, unit), unit), x);
  return select(_mm_cmplt_ps(magnitude, unit), rounded, x);
}
BPTT_INLINE Vector roundDown(Vector x) {
  const Vector rounded = roundToEven(x);
  const Vector lowered = _mm_sub_ps(rounded, _mm_and_ps(_mm_cmplt_ps(x, rounded), _mm_set1_ps(1.0f)));
  return withSignOf(absolute(lowered), x);
}
BPTT_INLINE Integers truncateToInts(Vector x) { return _mm_cvttps_epi32(x); }
BPTT_INLINE Vector toFloats(Integers x) { return _mm_cvtepi32_ps(x); }

// In two halves, so that neither power of two leaves the normal range and a subnormal result is rounded once.
BPTT_INLINE Vector scale(Vector x, Vector exponent) {
  const Integers bias = _mm_set1_epi32(127);
  const Integers whole = _mm_cvtps_epi32(exponent);
  const Integers half = _mm_srai_epi32(whole, 1);
  const Integers first = _mm_slli_epi32(_mm_add_epi32(half, bias), 23);
  const Integers second = _mm_slli_epi32(_mm_add_epi32(_mm_sub_epi32(whole, half), bias), 23);
  return _mm_mul_ps(_mm_mul_ps(x, _mm_castsi128_ps(first)), _mm_castsi128_ps(second));
}

BPTT_INLINE void transposeBlock(const float* from, ptrdiff_t fromStride, float* to, ptrdiff_t toStride) {
  Vector a = load(from), b = load(from + fromStride), c = load(from + 2 * fromStride), d = load(from + 3 * fromStride);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  store(to, a);
  store(to + toStride, b);
  store(to + 2 * toStride, c);
  store(to + 3 * toStride, d);
}

}  // namespace
}  // namespace sse2
}  // namespace bptt
