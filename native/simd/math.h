// exp, log and their kin, written once over the vector header that was included before this one.
//
// Errors, in units in the last place of the true result, over all floats (measured by the kernel tests):
//   exponential 1, logarithm 1, sigmoid 3, tanh 3, exponentialMinusOne 3, logarithmOnePlus 3, softplus 3.
// On SSE2, which rounds every product, the same bounds hold. tanh is odd bit for bit. ±0, ±inf and NaN give what the mathematics
// says; subnormal arguments and results are exact to the same bounds unless the caller has told the processor to flush them, but for
// sigmoid, whose results below the smallest normal number are 0.
// The rounding mode must be to nearest.
#pragma once

namespace bptt {
namespace BPTT_ISA {
namespace {

// x = count·ln 2 + rest with |rest| ≤ ln 2 / 2. ln 2 is taken off in two steps; the first constant is short, so that its product is exact.
struct ReducedExponent {
  Vector count;       // a whole number
  Vector rest;
  Integers biased;    // count in its low bits
};

BPTT_INLINE ReducedExponent reduceExponent(Vector x) {
  const Vector shifter = broadcast(12582912.0f);  // 1.5·2^23: adding it rounds to a whole number
  const Vector shifted = multiplyAdd(x, broadcast(1.44269502e0f), shifter);
  ReducedExponent reduced;
  reduced.biased = bitsOf(shifted);
  reduced.count = subtract(shifted, shifter);
  reduced.rest = negatedMultiplyAdd(reduced.count, broadcast(0.693359375f), x);
  reduced.rest = negatedMultiplyAdd(reduced.count, broadcast(-2.12194440e-4f), reduced.rest);
  return reduced;
}

// 2^count for the counts of normal numbers.
BPTT_INLINE Vector powerOfTwo(const ReducedExponent& reduced) {
  return vectorOf(addInts(shiftLeft<23>(reduced.biased), broadcastInt(0x3F800000)));
}

// e^r − 1 for |r| ≤ ln 2 / 2, relative error 2^-25.7.
BPTT_INLINE Vector smallExponentialMinusOne(Vector r) {
  Vector p = multiplyAdd(broadcast(1.388239092e-3f), r, broadcast(8.367173374e-3f));
  p = multiplyAdd(p, r, broadcast(4.166721925e-2f));
  p = multiplyAdd(p, r, broadcast(1.666653901e-1f));
  p = multiplyAdd(p, r, broadcast(4.999999702e-1f));
  return multiplyAdd(multiply(r, r), p, r);
}

// The same to 2^-28.6: what it takes for exp to stay within one unit.
BPTT_INLINE Vector finerExponentialMinusOne(Vector r) {
  Vector p = multiplyAdd(broadcast(1.984595583e-4f), r, broadcast(1.394164166e-3f));
  p = multiplyAdd(p, r, broadcast(8.333391510e-3f));
  p = multiplyAdd(p, r, broadcast(4.166634753e-2f));
  p = multiplyAdd(p, r, broadcast(1.666666567e-1f));
  p = multiplyAdd(p, r, broadcast(0.5f));
  return multiplyAdd(multiply(r, r), p, r);
}

// Beyond the clamps the result is 0 or infinity anyway.
BPTT_INLINE Vector exponential(Vector x) {
  const ReducedExponent reduced = reduceExponent(clamp(x, broadcast(-104.0f), broadcast(89.0f)));
  return scale(add(broadcast(1.0f), finerExponentialMinusOne(reduced.rest)), reduced.count);
}

// e^x / (1 + e^x): the numerator keeps the relative accuracy of the left tail. From 40 on the quotient is 1; below the logarithm of the
// smallest normal number it is 0, whatever the power then holds.
BPTT_INLINE Vector sigmoid(Vector x) {
  const ReducedExponent reduced = reduceExponent(atMost(x, broadcast(40.0f)));
  const Vector power = powerOfTwo(reduced);
  const Vector e = multiplyAdd(power, smallExponentialMinusOne(reduced.rest), power);
  return select(less(x, broadcast(-87.33654f)), broadcast(0.0f), divide(e, add(broadcast(1.0f), e)));
}

// (e^2a − 1) / (e^2a + 1) on a = |x|; e^2a − 1 is kept whole, so that nothing cancels near 0. From 10 on the quotient is 1.
BPTT_INLINE Vector tanh(Vector x) {
  const Vector magnitude = atMost(absolute(x), broadcast(10.0f));
  const ReducedExponent reduced = reduceExponent(add(magnitude, magnitude));
  const Vector power = powerOfTwo(reduced);
  const Vector e = multiplyAdd(power, smallExponentialMinusOne(reduced.rest), subtract(power, broadcast(1.0f)));
  return withSignOf(divide(e, add(e, broadcast(2.0f))), x);
}

// e^x − 1 = 2·(2^(n−1)·(e^r − 1) + (2^(n−1) − 1/2)): the halved power does not overflow before the result does.
BPTT_INLINE Vector exponentialMinusOne(Vector x) {
  const ReducedExponent reduced = reduceExponent(clamp(x, broadcast(-25.0f), broadcast(89.0f)));
  const Vector half = vectorOf(addInts(shiftLeft<23>(reduced.biased), broadcastInt(0x3F000000)));
  const Vector sum = multiplyAdd(half, smallExponentialMinusOne(reduced.rest), subtract(half, broadcast(0.5f)));
  return select(less(absolute(x), broadcast(1e-8f)), x, add(sum, sum));
}

// x = 2^exponent·mantissa with the mantissa in [√½, √2), for positive finite x.
struct Mantissa {
  Vector exponent;
  Vector mantissa;
};

BPTT_INLINE Mantissa splitMantissa(Vector x) {
  const Mask subnormal = less(x, broadcast(1.17549435e-38f));
  const Integers bits = bitsOf(select(subnormal, multiply(x, broadcast(8388608.0f)), x));
  const Integers exponent = shiftRightSigned<23>(subtractInts(bits, broadcastInt(0x3F3504F3)));
  Mantissa split;
  split.mantissa = vectorOf(subtractInts(bits, shiftLeft<23>(exponent)));
  split.exponent = subtract(toFloats(exponent), select(subnormal, broadcast(23.0f), broadcast(0.0f)));
  return split;
}

// log(1 + f) = f − f²/2 + f³·q(f). The exponent's share enters in two parts, the small one first.
BPTT_INLINE Vector logarithmOfPositive(Vector x) {
  const Mantissa split = splitMantissa(x);
  const Vector f = subtract(split.mantissa, broadcast(1.0f)), square = multiply(f, f);
  Vector q = multiplyAdd(broadcast(6.746591628e-2f), f, broadcast(-1.167563871e-1f));
  q = multiplyAdd(q, f, broadcast(1.188817769e-1f));
  q = multiplyAdd(q, f, broadcast(-1.240559220e-1f));
  q = multiplyAdd(q, f, broadcast(1.421955079e-1f));
  q = multiplyAdd(q, f, broadcast(-1.666799635e-1f));
  q = multiplyAdd(q, f, broadcast(2.000211924e-1f));
  q = multiplyAdd(q, f, broadcast(-2.500000894e-1f));
  q = multiplyAdd(q, f, broadcast(3.333331347e-1f));
  Vector small = multiply(multiply(square, f), q);
  small = multiplyAdd(split.exponent, broadcast(-2.12194440e-4f), small);
  small = negatedMultiplyAdd(broadcast(0.5f), square, small);
  // f + small, and what its rounding lost, so that only the last addition costs half a unit.
  const Vector large = multiply(split.exponent, broadcast(0.693359375f));
  const Vector sum = add(large, f);
  const Vector lost = add(subtract(f, subtract(sum, large)), small);
  return select(equal(large, broadcast(0.0f)), add(f, small), add(sum, lost));
}

BPTT_INLINE Vector notANumber() { return vectorOf(broadcastInt(0x7FC00000)); }
BPTT_INLINE Vector infinity() { return vectorOf(broadcastInt(0x7F800000)); }

BPTT_INLINE Vector logarithm(Vector x) {
  const Vector zero = broadcast(0.0f);
  const Vector special = select(equal(x, zero), negate(infinity()), select(less(x, zero), notANumber(), x));
  return select(both(less(zero, x), less(x, infinity())), logarithmOfPositive(x), special);
}

// log(1 + x) as the logarithm of the rounded sum and a correction for what the sum lost.
BPTT_INLINE Vector logarithmOnePlus(Vector x) {
  const Vector one = broadcast(1.0f), minusOne = broadcast(-1.0f);
  const Vector sum = add(one, x), kept = subtract(sum, one);
  const Vector lost = add(subtract(one, subtract(sum, kept)), subtract(x, kept));
  const Vector usual = add(logarithmOfPositive(sum), divide(lost, sum));
  const Vector special = select(equal(x, minusOne), negate(infinity()), select(less(x, minusOne), notANumber(), x));
  const Mask tiny = less(absolute(x), broadcast(1e-8f));
  return select(both(both(less(minusOne, x), less(x, infinity())), inverse(tiny)), usual, special);
}

// log(1 + e^x) = max(x, 0) + log(1 + e^−|x|), which neither overflows nor cancels.
BPTT_INLINE Vector softplus(Vector x) {
  return add(maximum(x, broadcast(0.0f)), logarithmOnePlus(exponential(negate(absolute(x)))));
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
