// The vector header for AVX-512 (F, BW, VL, DQ): 16 floats, masks in their own registers, fused multiply-add.
// Every header of this folder offers the same names with the same meaning; simd/README.md says what each function promises.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "inline.h"

namespace bptt {
namespace avx512 {
namespace {

using Vector = __m512;
using Integers = __m512i;
using Mask = __mmask16;
constexpr int kLanes = 16;
constexpr int kTileAccumulators = 24;

BPTT_INLINE Mask firstLanes(ptrdiff_t count) { return static_cast<Mask>((1u << count) - 1u); }

BPTT_INLINE Vector load(const float* from) { return _mm512_loadu_ps(from); }
BPTT_INLINE void store(float* to, Vector x) { _mm512_storeu_ps(to, x); }
BPTT_INLINE Vector loadFirst(const float* from, ptrdiff_t count) { return _mm512_maskz_loadu_ps(firstLanes(count), from); }
BPTT_INLINE void storeFirst(float* to, Vector x, ptrdiff_t count) { _mm512_mask_storeu_ps(to, firstLanes(count), x); }
BPTT_INLINE Vector broadcast(float x) { return _mm512_set1_ps(x); }
BPTT_INLINE Integers broadcastInt(int32_t x) { return _mm512_set1_epi32(x); }
BPTT_INLINE Integers bitsOf(Vector x) { return _mm512_castps_si512(x); }
BPTT_INLINE Vector vectorOf(Integers x) { return _mm512_castsi512_ps(x); }

BPTT_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
BPTT_INLINE Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
BPTT_INLINE Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
BPTT_INLINE Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
BPTT_INLINE Vector squareRoot(Vector a) { return _mm512_sqrt_ps(a); }
BPTT_INLINE Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
BPTT_INLINE Vector multiplySubtract(Vector a, Vector b, Vector c) { return _mm512_fmsub_ps(a, b, c); }
BPTT_INLINE Vector negatedMultiplyAdd(Vector a, Vector b, Vector c) { return _mm512_fnmadd_ps(a, b, c); }
BPTT_INLINE Vector productError(Vector a, Vector b, Vector product) { return _mm512_fmsub_ps(a, b, product); }

BPTT_INLINE Mask less(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
BPTT_INLINE Mask lessOrEqual(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
BPTT_INLINE Mask equal(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
BPTT_INLINE Mask lessInts(Integers a, Integers b) { return _mm512_cmplt_epi32_mask(a, b); }
BPTT_INLINE Mask equalInts(Integers a, Integers b) { return _mm512_cmpeq_epi32_mask(a, b); }
BPTT_INLINE Mask both(Mask a, Mask b) { return static_cast<Mask>(a & b); }
BPTT_INLINE Mask either(Mask a, Mask b) { return static_cast<Mask>(a | b); }
BPTT_INLINE Mask inverse(Mask a) { return static_cast<Mask>(~a); }
BPTT_INLINE bool anyTrue(Mask a) { return a != 0; }
BPTT_INLINE Vector select(Mask mask, Vector yes, Vector no) { return _mm512_mask_blend_ps(mask, no, yes); }

BPTT_INLINE Integers addInts(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
BPTT_INLINE Integers subtractInts(Integers a, Integers b) { return _mm512_sub_epi32(a, b); }
BPTT_INLINE Integers multiplyInts(Integers a, Integers b) { return _mm512_mullo_epi32(a, b); }
BPTT_INLINE Integers andInts(Integers a, Integers b) { return _mm512_and_si512(a, b); }
BPTT_INLINE Integers orInts(Integers a, Integers b) { return _mm512_or_si512(a, b); }
BPTT_INLINE Integers exclusiveOrInts(Integers a, Integers b) { return _mm512_xor_si512(a, b); }
template <int N>
BPTT_INLINE Integers shiftLeft(Integers a) { return _mm512_slli_epi32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRight(Integers a) { return _mm512_srli_epi32(a, N); }
template <int N>
BPTT_INLINE Integers shiftRightSigned(Integers a) { return _mm512_srai_epi32(a, N); }

BPTT_INLINE void multiplyWide(Integers a, Integers b, Integers& high, Integers& low) {
  const Integers even = _mm512_mul_epu32(a, b);
  const Integers odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
}

BPTT_INLINE Vector absolute(Vector x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x); }
BPTT_INLINE Vector negate(Vector x) { return _mm512_xor_ps(_mm512_set1_ps(-0.0f), x); }
BPTT_INLINE Vector withSignOf(Vector magnitude, Vector sign) {
  return _mm512_or_ps(magnitude, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}
// The instructions return their second operand when either is NaN.
BPTT_INLINE Vector maximum(Vector a, Vector b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), _mm512_max_ps(a, b), a);
}
BPTT_INLINE Vector minimum(Vector a, Vector b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), _mm512_min_ps(a, b), a);
}
BPTT_INLINE Vector atMost(Vector x, Vector high) { return _mm512_min_ps(high, x); }
BPTT_INLINE Vector clamp(Vector x, Vector low, Vector high) { return _mm512_min_ps(high, _mm512_max_ps(low, x)); }

BPTT_INLINE Vector roundToEven(Vector x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
BPTT_INLINE Vector roundDown(Vector x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
BPTT_INLINE Integers truncateToInts(Vector x) { return _mm512_cvttps_epi32(x); }
BPTT_INLINE Vector toFloats(Integers x) { return _mm512_cvtepi32_ps(x); }
BPTT_INLINE Vector scale(Vector x, Vector exponent) { return _mm512_scalef_ps(x, exponent); }

BPTT_INLINE void transposeBlock(const float* from, ptrdiff_t fromStride, float* to, ptrdiff_t toStride) {
  Vector pairs[16], quads[16], halves[16];
  for (int i = 0; i < 16; i += 2) {
    const Vector first = load(from + i * fromStride), second = load(from + (i + 1) * fromStride);
    pairs[i] = _mm512_unpacklo_ps(first, second);
    pairs[i + 1] = _mm512_unpackhi_ps(first, second);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int half = 0; half < 2; ++half) {
      const __m512d first = _mm512_castps_pd(pairs[i + half]), second = _mm512_castps_pd(pairs[i + 2 + half]);
      quads[i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(first, second));
      quads[i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(first, second));
    }
  }
  // quads[4g + j] holds, in its 128-bit quarter q, column 4q + j of rows 4g … 4g + 3.
  for (int j = 0; j < 4; ++j) {
    halves[j] = _mm512_shuffle_f32x4(quads[j], quads[4 + j], 0x88);
    halves[4 + j] = _mm512_shuffle_f32x4(quads[8 + j], quads[12 + j], 0x88);
    halves[8 + j] = _mm512_shuffle_f32x4(quads[j], quads[4 + j], 0xDD);
    halves[12 + j] = _mm512_shuffle_f32x4(quads[8 + j], quads[12 + j], 0xDD);
  }
  for (int j = 0; j < 4; ++j) {
    store(to + j * toStride, _mm512_shuffle_f32x4(halves[j], halves[4 + j], 0x88));
    store(to + (8 + j) * toStride, _mm512_shuffle_f32x4(halves[j], halves[4 + j], 0xDD));
    store(to + (4 + j) * toStride, _mm512_shuffle_f32x4(halves[8 + j], halves[12 + j], 0x88));
    store(to + (12 + j) * toStride, _mm512_shuffle_f32x4(halves[8 + j], halves[12 + j], 0xDD));
  }
}

}  // namespace
}  // namespace avx512
}  // namespace bptt
