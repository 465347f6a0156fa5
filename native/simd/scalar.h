// The vector header without vectors: one float in ordinary registers, for machines that none of the others fits, and the base that the
// others are tested against. Its translation unit is compiled without automatic vectorisation, so that it stays what it looks like.
// multiplyAdd is the hardware's where there is one; elsewhere it adds in double, whose exact product leaves one more rounding than a
// true fused multiply-add can have: at most a sliver over half a unit, and far cheaper than an emulation call.
// Every header of this folder offers the same names with the same meaning; simd/README.md says what each function promises.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "inline.h"

namespace bptt {
namespace scalar {
namespace {

using Vector = float;
using Integers = int32_t;
using Mask = bool;
constexpr int kLanes = 1;
constexpr int kTileAccumulators = 8;

BPTT_INLINE Mask firstLanes(ptrdiff_t count) { return count > 0; }

BPTT_INLINE Vector load(const float* from) { return *from; }
BPTT_INLINE void store(float* to, Vector x) { *to = x; }
BPTT_INLINE Vector loadFirst(const float* from, ptrdiff_t count) { return count > 0 ? *from : 0.0f; }
BPTT_INLINE void storeFirst(float* to, Vector x, ptrdiff_t count) {
  if (count > 0) *to = x;
}
BPTT_INLINE Vector broadcast(float x) { return x; }
BPTT_INLINE Integers broadcastInt(int32_t x) { return x; }
BPTT_INLINE Integers bitsOf(Vector x) {
  Integers bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
BPTT_INLINE Vector vectorOf(Integers x) {
  Vector value;
  memcpy(&value, &x, sizeof value);
  return value;
}

BPTT_INLINE Vector add(Vector a, Vector b) { return a + b; }
BPTT_INLINE Vector subtract(Vector a, Vector b) { return a - b; }
BPTT_INLINE Vector multiply(Vector a, Vector b) { return a * b; }
BPTT_INLINE Vector divide(Vector a, Vector b) { return a / b; }
BPTT_INLINE Vector multiplyAdd(Vector a, Vector b, Vector c) {
#if defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  return static_cast<float>(static_cast<double>(a) * b + c);
#endif
}
BPTT_INLINE Vector multiplySubtract(Vector a, Vector b, Vector c) { return multiplyAdd(a, b, -c); }
BPTT_INLINE Vector negatedMultiplyAdd(Vector a, Vector b, Vector c) { return multiplyAdd(-a, b, c); }
BPTT_INLINE Vector productError(Vector a, Vector b, Vector product) {
  return static_cast<float>(static_cast<double>(a) * b - product);
}

BPTT_INLINE Mask less(Vector a, Vector b) { return a < b; }
BPTT_INLINE Mask lessOrEqual(Vector a, Vector b) { return a <= b; }
BPTT_INLINE Mask equal(Vector a, Vector b) { return a == b; }
BPTT_INLINE Mask lessInts(Integers a, Integers b) { return a < b; }
BPTT_INLINE Mask equalInts(Integers a, Integers b) { return a == b; }
BPTT_INLINE Mask both(Mask a, Mask b) { return a && b; }
BPTT_INLINE Mask either(Mask a, Mask b) { return a || b; }
BPTT_INLINE Mask inverse(Mask a) { return !a; }
BPTT_INLINE bool anyTrue(Mask a) { return a; }
BPTT_INLINE Vector select(Mask mask, Vector yes, Vector no) { return mask ? yes : no; }

// Integers wrap around, which in C++ only unsigned ones may.
BPTT_INLINE Integers wrapped(uint32_t x) { return static_cast<Integers>(x); }
BPTT_INLINE uint32_t raw(Integers x) { return static_cast<uint32_t>(x); }
BPTT_INLINE Integers addInts(Integers a, Integers b) { return wrapped(raw(a) + raw(b)); }
BPTT_INLINE Integers subtractInts(Integers a, Integers b) { return wrapped(raw(a) - raw(b)); }
BPTT_INLINE Integers multiplyInts(Integers a, Integers b) { return wrapped(raw(a) * raw(b)); }
BPTT_INLINE Integers andInts(Integers a, Integers b) { return a & b; }
BPTT_INLINE Integers orInts(Integers a, Integers b) { return a | b; }
BPTT_INLINE Integers exclusiveOrInts(Integers a, Integers b) { return a ^ b; }
template <int N>
BPTT_INLINE Integers shiftLeft(Integers a) { return wrapped(raw(a) << N); }
template <int N>
BPTT_INLINE Integers shiftRight(Integers a) { return wrapped(raw(a) >> N); }
template <int N>
BPTT_INLINE Integers shiftRightSigned(Integers a) { return a >> N; }

BPTT_INLINE void multiplyWide(Integers a, Integers b, Integers& high, Integers& low) {
  const uint64_t product = static_cast<uint64_t>(raw(a)) * raw(b);
  low = wrapped(static_cast<uint32_t>(product));
  high = wrapped(static_cast<uint32_t>(product >> 32));
}

BPTT_INLINE Vector absolute(Vector x) { return vectorOf(bitsOf(x) & INT32_MAX); }
BPTT_INLINE Vector negate(Vector x) { return -x; }
BPTT_INLINE Vector withSignOf(Vector magnitude, Vector sign) { return vectorOf(bitsOf(magnitude) | (bitsOf(sign) & INT32_MIN)); }
BPTT_INLINE Vector maximum(Vector a, Vector b) { return a != a ? a : a > b ? a : b; }
BPTT_INLINE Vector minimum(Vector a, Vector b) { return a != a ? a : a < b ? a : b; }
BPTT_INLINE Vector atMost(Vector x, Vector high) { return x > high ? high : x; }
BPTT_INLINE Vector clamp(Vector x, Vector low, Vector high) { return x < low ? low : x > high ? high : x; }

// Adding and taking away 2^23 rounds at the units; a number beyond it, or NaN, is its own rounding.
BPTT_INLINE Vector roundToEven(Vector x) {
  const Vector magnitude = absolute(x), unit = 8388608.0f;
  return magnitude < unit ? withSignOf((magnitude + unit) - unit, x) : x;
}
BPTT_INLINE Vector roundDown(Vector x) {
  const Vector rounded = roundToEven(x);
  return withSignOf(absolute(x < rounded ? rounded - 1.0f : rounded), x);
}
BPTT_INLINE Integers truncateToInts(Vector x) {
  return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<Integers>(x) : INT32_MIN;
}
BPTT_INLINE Vector toFloats(Integers x) { return static_cast<Vector>(x); }
#if defined(__GNUC__)
BPTT_INLINE Vector squareRoot(Vector a) { return __builtin_sqrtf(a); }
#else
BPTT_INLINE Vector squareRoot(Vector a) { return sqrtf(a); }
#endif

// In two halves, so that neither power of two leaves the normal range and a subnormal result is rounded once.
BPTT_INLINE Vector scale(Vector x, Vector exponent) {
  const Integers whole = truncateToInts(exponent), half = shiftRightSigned<1>(whole);
  const Vector first = vectorOf(shiftLeft<23>(addInts(half, 127)));
  return x * first * vectorOf(shiftLeft<23>(addInts(subtractInts(whole, half), 127)));
}

BPTT_INLINE void transposeBlock(const float* from, ptrdiff_t, float* to, ptrdiff_t) { *to = *from; }

}  // namespace
}  // namespace scalar
}  // namespace bptt
