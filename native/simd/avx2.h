// The vector header for AVX2 with FMA: 8 floats, masks as vectors of all-ones lanes, fused multiply-add.
// Every header of this folder offers the same names with the same meaning; simd/README.md says what each function promises.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "inline.h"

namespace bptt {
namespace avx2 {
namespace {

using Vector = __m256;
using Integers = __m256i;
using Mask = __m256;
constexpr int kLanes = 8;
constexpr int kTileAccumulators = 12;

BPTT_INLINE Integers laneNumbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
BPTT_INLINE Integers firstLaneBits(ptrdiff_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), laneNumbers());
}
BPTT_INLINE Mask firstLanes(ptrdiff_t count) { return _mm256_castsi256_ps(firstLaneBits(count)); }

BPTT_INLINE Vector load(const float* from) { return _mm256_loadu_ps(from); }
BPTT_INLINE void store(float* to, Vector x) { _mm256_storeu_ps(to, x); }
BPTT_INLINE Vector loadFirst(const float* from, ptrdiff_t count) { return _mm256_maskload_ps(from, firstLaneBits(count)); }
BPTT_INLINE void storeFirst(float* to, Vector x, ptrdiff_t count) { _mm256_maskstore_ps(to, firstLaneBits(count), x); }
BPTT_INLINE Vector broadcast(float x) { return _mm256_set1_ps(x); }
BPTT_INLINE Integers broadcastInt(int32_t x) { return _mm256_set1_epi32(x); }
BPTT_INLINE Integers bitsOf(Vector x) { return _mm256_castps_si256(x); }
BPTT_INLINE Vector vectorOf(Integers x) { return _mm256_castsi256_ps(x); }

BPTT_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
BPTT_INLINE Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
BPTT_INLINE Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
BPTT_INLINE Vector divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }
BPTT_INLINE Vector squareRoot(Vector a) { return _mm256_sqrt_ps(a); }
BPTT_INLINE Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
BPTT_INLINE Vector multiplySubtract(Vector a, Vector b, Vector c) { return _mm256_fmsub_ps(a, b, c); }
BPTT_INLINE Vector negatedMultiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fnmadd_ps(a, b, c); }
BPTT_INLINE Vector productError(Vector a, Vector b, Vector product) { return _mm256_fmsub_ps(a, b, product); }

BPTT_INLINE Mask less(Vector a, Vector b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
BPTT_INLINE Mask lessOrEqual(Vector a, Vector b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
BPTT_INLINE Mask equal(Vector a, Vector b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
BPTT_INLINE Mask lessInts(Integers a, Integers b) { return _mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a)); }
BPTT_INLINE Mask equalInts(Integers a, Integers b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
BPTT_INLINE Mask both(Mask a, Mask b) { return _mm256_and_ps(a, b); }
BPTT_INLINE Mask either(Mask a, Mask b) { return _mm256_or_ps(a, b); }
BPTT_INLINE Mask inverse(Mask a) { return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
BPTT_INLINE bool anyTrue(Mask a) { return _mm256_movemask_ps(a) != 0; }
BPTT_INLINE Vector select(Mask mask, Vector yes, Vector no) { return _mm256_blendv_ps(no, yes, mask); }

BPTT_INLINE Integers addInts(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
BPTT_INLINE Integers subtractInts(Integers a, Integers b) { return _mm256_sub_epi32(a, b); }
BPTT_INLINE Integers multiplyInts(Integers a, Integers b) { return _mm256_mullo_epi32(a, b); }
BPTT_INLINE Integers andInts(Integers a, Integers b) { return _mm256_and_si256(a, b); }
BPTT_INLINE Integers orInts(Integers a, Integers b) { return _mm256_or_si256(a, b); }
BPTT_INLINE Integers exclusiveOrInts(Integers a, Integers b) { return _mm256_xor_si256(a, b); }
template <int N>
BPTT_INLINE Integers shiftLeft(Integers a) { return _mm256_slli_epi32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRight(Integers a) { return _mm256_srli_epi32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRightSigned(Integers a) { return _mm256_srai_epi32(a, N); }

BPTT_INLINE void multiplyWide(Integers a, Integers b, Integers& high, Integers& low) {
  const Integers even = _mm256_mul_epu32(a, b);
  const Integers odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

BPTT_INLINE Vector absolute(Vector x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
BPTT_INLINE Vector negate(Vector x) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), x); }
BPTT_INLINE Vector withSignOf(Vector magnitude, Vector sign) {
  return _mm256_or_ps(magnitude, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}
// The instructions return their second operand when either is NaN.
BPTT_INLINE Vector maximum(Vector a, Vector b) {
  return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
BPTT_INLINE Vector minimum(Vector a, Vector b) {
  return _mm256_blendv_ps(_mm256_min_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
BPTT_INLINE Vector atMost(Vector x, Vector high) { return _mm256_min_ps(high, x); }
BPTT_INLINE Vector clamp(Vector x, Vector low, Vector high) { return _mm256_min_ps(high, _mm256_max_ps(low, x)); }

BPTT_INLINE Vector roundToEven(Vector x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
BPTT_INLINE Vector roundDown(Vector x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
BPTT_INLINE Integers truncateToInts(Vector x) { return _mm256_cvttps_epi32(x); }
BPTT_INLINE Vector toFloats(Integers x) { return _mm256_cvtepi32_ps(x); }

// In two halves, so that neither power of two leaves the normal range and a subnormal result is rounded once.
BPTT_INLINE Vector scale(Vector x, Vector exponent) {
  const Integers bias = _mm256_set1_epi32(127);
  const Integers whole = _mm256_cvtps_epi32(exponent);
  const Integers half = _mm256_srai_epi32(whole, 1);
  const Integers first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const Integers second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return _mm256_mul_ps(_mm256_mul_ps(x, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
}

BPTT_INLINE void transposeBlock(const float* from, ptrdiff_t fromStride, float* to, ptrdiff_t toStride) {
  Vector pairs[8], quads[8];
  for (int i = 0; i < 8; i += 2) {
    const Vector first = load(from + i * fromStride), second = load(from + (i + 1) * fromStride);
    pairs[i] = _mm256_unpacklo_ps(first, second);
    pairs[i + 1] = _mm256_unpackhi_ps(first, second);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int half = 0; half < 2; ++half) {
      const __m256d first = _mm256_castps_pd(pairs[i + half]), second = _mm256_castps_pd(pairs[i + 2 + half]);
      quads[i + 2 * half] = _mm256_castpd_ps(_mm256_unpacklo_pd(first, second));
      quads[i + 2 * half + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(first, second));
    }
  }
  // quads[4g + j] holds, in its 128-bit half h, column 4h + j of rows 4g … 4g + 3.
  for (int j = 0; j < 4; ++j) {
    store(to + j * toStride, _mm256_permute2f128_ps(quads[j], quads[4 + j], 0x20));
    store(to + (4 + j) * toStride, _mm256_permute2f128_ps(quads[j], quads[4 + j], 0x31));
  }
}

}  // namespace
}  // namespace avx2
}  // namespace bptt
