// Sine and cosine, written once over the vector header; math.h and power.h come first.
//
// Within 2 units in the last place for every finite argument, however large; ±inf and NaN give NaN. Up to 10^5 the argument is reduced by the
// lanes together; beyond, which real programs reach by accident only, lane by lane in integers.
#pragma once
#include <string.h>

namespace bptt {
namespace BPTT_ISA {
namespace {

// The argument less the nearest multiple of π/2, in two parts, and that multiple modulo 4.
struct ReducedAngle {
  Vector high, low;
  Integers quadrant;
};

// π/2 is taken off in three parts of 24 bits, each product exact, so that even next to a multiple of π/2 the rest is good to its last place.
BPTT_INLINE ReducedAngle reduceModerateAngle(Vector x) {
  const Vector count = roundToEven(multiply(x, broadcast(6.366197467e-1f)));
  const Vector first = broadcast(1.570796371f), second = broadcast(-4.371138829e-8f);
  const Vector product = multiply(count, first);
  const Vector difference = subtract(x, product);
  const Vector secondProduct = multiply(count, second);
  const TwoPart taken = exactSum(productError(count, first, product), secondProduct);
  const TwoPart rest = exactSum(difference, negate(taken.high));
  Vector low = subtract(rest.low, taken.low);
  low = subtract(low, productError(count, second, secondProduct));
  low = negatedMultiplyAdd(count, broadcast(-1.715124510e-15f), low);
  const TwoPart angle = exactSum(rest.high, low);
  ReducedAngle reduced;
  reduced.high = angle.high;
  reduced.low = angle.low;
  reduced.quadrant = truncateToInts(count);
  return reduced;
}

// The 96 bits of 2/π that begin at its bit `first`, bit 0 having the weight 1/2; before the point there are zeros.
static inline void bitsOfTwoOverPi(int first, uint32_t window[3]) {
  static const uint32_t words[] = {0u,          0xA2F9836Eu, 0x4E441529u, 0xFC2757D1u, 0xF534DDC0u,
                                   0xDB629599u, 0x3C439041u, 0xFE5163ABu, 0xDEBBC561u};
  const int index = (first + 32) / 32, shift = (first + 32) % 32;
  for (int i = 0; i < 3; ++i) {
    const uint64_t pair = (static_cast<uint64_t>(words[index + i]) << 32) | words[index + i + 1];
    window[i] = static_cast<uint32_t>(pair >> (32 - shift));
  }
}

// The mantissa times those bits of 2/π that do not make whole turns: two bits of quadrant and 62 of fraction.
static inline void reduceLargeAngle(float x, float& high, float& low, int32_t& quadrant) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint64_t mantissa = (bits & 0x7FFFFFu) | 0x800000u;
  const int exponent = static_cast<int>((bits >> 23) & 0xFF) - 150;
  uint32_t window[3];
  bitsOfTwoOverPi(exponent - 2, window);
  uint64_t turn = (mantissa * window[0] << 32) + mantissa * window[1] + (mantissa * window[2] >> 32);
  quadrant = static_cast<int32_t>(turn >> 62);
  turn <<= 2;
  if (turn >> 63) ++quadrant;
  double angle = static_cast<double>(static_cast<int64_t>(turn)) * (1.5707963267948966 / 18446744073709551616.0);
  if (bits >> 31) {
    angle = -angle;
    quadrant = -quadrant;
  }
  high = static_cast<float>(angle);
  low = static_cast<float>(angle - high);
}

static inline void reduceLargeLanes(Vector x, ReducedAngle& reduced) {
  float arguments[kLanes], high[kLanes], low[kLanes], quadrants[kLanes];
  store(arguments, x);
  store(high, reduced.high);
  store(low, reduced.low);
  store(quadrants, vectorOf(reduced.quadrant));
  for (int lane = 0; lane < kLanes; ++lane) {
    const float size = arguments[lane] < 0 ? -arguments[lane] : arguments[lane];
    if (!(size > 1e5f && size <= 3.40282347e38f)) continue;
    int32_t quadrant;
    reduceLargeAngle(arguments[lane], high[lane], low[lane], quadrant);
    memcpy(&quadrants[lane], &quadrant, sizeof quadrant);
  }
  reduced.high = load(high);
  reduced.low = load(low);
  reduced.quadrant = bitsOf(load(quadrants));
}

BPTT_INLINE ReducedAngle reduceAngle(Vector x) {
  ReducedAngle reduced = reduceModerateAngle(x);
  const Vector size = absolute(x);
  if (anyTrue(both(less(broadcast(1e5f), size), less(size, infinity())))) reduceLargeLanes(x, reduced);
  return reduced;
}

// sin(high + low) and cos(high + low) for |high| ≤ π/4.
BPTT_INLINE Vector smallSine(Vector high, Vector low) {
  const Vector square = multiply(high, high);
  Vector series = multiplyAdd(broadcast(2.718311634e-6f), square, broadcast(-1.983933471e-4f));
  series = multiplyAdd(series, square, broadcast(8.333329111e-3f));
  series = multiplyAdd(series, square, broadcast(-1.666666716e-1f));
  return add(high, multiplyAdd(multiply(high, square), series, low));
}

BPTT_INLINE Vector smallCosine(Vector high, Vector low) {
  const Vector one = broadcast(1.0f), square = multiply(high, high), half = multiply(square, broadcast(0.5f));
  Vector series = multiplyAdd(broadcast(-2.721023691e-7f), square, broadcast(2.479951945e-5f));
  series = multiplyAdd(series, square, broadcast(-1.388888340e-3f));
  series = multiplyAdd(series, square, broadcast(4.166666791e-2f));
  const Vector head = subtract(one, half);
  const Vector lost = subtract(subtract(one, head), half);
  return add(head, add(lost, multiplyAdd(multiply(square, square), series, negate(multiply(high, low)))));
}

BPTT_INLINE Vector inQuadrant(const ReducedAngle& angle, Integers quadrant) {
  const Mask swapped = equalInts(andInts(quadrant, broadcastInt(1)), broadcastInt(1));
  const Vector value = select(swapped, smallCosine(angle.high, angle.low), smallSine(angle.high, angle.low));
  const Integers sign = shiftLeft<30>(andInts(quadrant, broadcastInt(2)));
  return vectorOf(exclusiveOrInts(bitsOf(value), sign));
}

BPTT_INLINE Vector sine(Vector x) {
  const ReducedAngle angle = reduceAngle(x);
  return select(equal(x, broadcast(0.0f)), x, inQuadrant(angle, angle.quadrant));
}

BPTT_INLINE Vector cosine(Vector x) {
  const ReducedAngle angle = reduceAngle(x);
  return inQuadrant(angle, addInts(angle.quadrant, broadcastInt(1)));
}

// Sine and cosine of 2π·turns for turns in [0, 1): the quarter is taken off exactly, before π comes in.
BPTT_INLINE void sineAndCosineOfTurns(Vector turns, Vector& sine, Vector& cosine) {
  const Vector quarters = roundToEven(multiply(turns, broadcast(4.0f)));
  ReducedAngle angle;
  angle.high = multiply(negatedMultiplyAdd(quarters, broadcast(0.25f), turns), broadcast(6.283185307f));
  angle.low = broadcast(0.0f);
  angle.quadrant = truncateToInts(quarters);
  sine = inQuadrant(angle, angle.quadrant);
  cosine = inQuadrant(angle, addInts(angle.quadrant, broadcastInt(1)));
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
