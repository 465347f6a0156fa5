// a^b, written once over the vector header; math.h comes first.
//
// The logarithm to base 2 is carried as a sum of two floats, since an error of it is multiplied by up to 150. Within 5 units in the last place.
// Special values are those of JavaScript's Math.pow: a^±0 is 1 for every a; NaN otherwise when a or b is NaN, when |a| is 1 and b infinite, and
// when a is negative and finite while b is no whole number; signs of zeros and infinities follow odd whole exponents.
#pragma once

namespace bptt {
namespace BPTT_ISA {
namespace {

struct TwoPart {
  Vector high, low;
};

// Exact: high + low = a + b.
BPTT_INLINE TwoPart exactSum(Vector a, Vector b) {
  TwoPart sum;
  sum.high = add(a, b);
  const Vector kept = subtract(sum.high, a);
  sum.low = add(subtract(a, subtract(sum.high, kept)), subtract(b, kept));
  return sum;
}

// log2 of a positive finite x, by 2/ln 2 · artanh((m − 1)/(m + 1)), whose quotient is also carried in two parts.
BPTT_INLINE TwoPart logarithmBaseTwo(Vector x) {
  const Mantissa split = splitMantissa(x);
  const Vector one = broadcast(1.0f);
  const Vector numerator = subtract(split.mantissa, one);
  const Vector denominator = add(split.mantissa, one);
  const Vector denominatorLow = subtract(split.mantissa, subtract(denominator, one));
  const Vector quotient = divide(numerator, denominator);
  const Vector product = multiply(quotient, denominator);
  const Vector remainder = subtract(subtract(subtract(numerator, product), productError(quotient, denominator, product)),
                                    multiply(quotient, denominatorLow));
  const Vector square = multiply(quotient, quotient);
  Vector series = multiplyAdd(broadcast(1.179130152e-1f), square, broadcast(1.426864266e-1f));
  series = multiplyAdd(series, square, broadcast(2.000016719e-1f));
  series = multiplyAdd(series, square, broadcast(3.333333135e-1f));
  const Vector correction = multiplyAdd(multiply(quotient, square), series, divide(remainder, denominator));
  const TwoPart artanh = exactSum(quotient, correction);
  const Vector factor = broadcast(2.885390043f);
  const Vector scaled = multiply(artanh.high, factor);
  Vector scaledLow = multiplyAdd(artanh.high, broadcast(3.851926067e-8f), productError(artanh.high, factor, scaled));
  scaledLow = multiplyAdd(artanh.low, factor, scaledLow);
  const TwoPart total = exactSum(split.exponent, scaled);
  return exactSum(total.high, add(total.low, scaledLow));
}

// 2^(high + low).
BPTT_INLINE Vector powerOfTwoParts(Vector high, Vector low) {
  const Vector limited = clamp(high, broadcast(-160.0f), broadcast(160.0f));
  const Vector count = roundToEven(limited);
  const Vector usable = select(less(absolute(high), broadcast(160.0f)), low, broadcast(0.0f));
  const Vector rest = multiply(add(subtract(limited, count), usable), broadcast(0.693147182f));
  return scale(add(broadcast(1.0f), smallExponentialMinusOne(rest)), count);
}

BPTT_INLINE Vector power(Vector a, Vector b) {
  const Vector zero = broadcast(0.0f), base = absolute(a), size = absolute(b);
  const Mask ordinary = both(less(zero, base), less(base, infinity()));
  TwoPart logarithm2 = logarithmBaseTwo(base);
  const Vector edge = select(equal(base, zero), negate(infinity()), base);
  logarithm2.high = select(ordinary, logarithm2.high, edge);
  logarithm2.low = select(ordinary, logarithm2.low, zero);
  const Vector high = multiply(b, logarithm2.high);
  const Vector low = multiplyAdd(b, logarithm2.low, productError(b, logarithm2.high, high));
  const Vector result = powerOfTwoParts(high, low);

  const Mask whole = equal(roundToEven(b), b);
  const Vector halved = multiply(b, broadcast(0.5f));
  // From 2^24 on every float is even, and so is the infinite.
  const Mask odd = both(both(whole, less(size, broadcast(16777216.0f))), inverse(equal(roundToEven(halved), halved)));
  const Vector sign = select(odd, a, zero);
  const Mask undefined = both(both(less(a, zero), less(base, infinity())), inverse(whole));
  const Vector defined = select(undefined, notANumber(), withSignOf(result, sign));
  return select(equal(b, zero), broadcast(1.0f), defined);
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
