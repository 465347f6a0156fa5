// What each opcode of the map bytecode does to vectors: docs/program-format.md, "Map table". The order of the list is the opcode.
//
// Integers and bools travel through the same registers as floats, as bits. Comparisons, logic and casts to bool give 0 or 1.

namespace bptt {
namespace BPTT_ISA {
namespace {

BPTT_INLINE Vector truth(Mask mask) { return select(mask, vectorOf(broadcastInt(1)), broadcast(0.0f)); }
BPTT_INLINE Mask isTrue(Vector x) { return inverse(equalInts(bitsOf(x), broadcastInt(0))); }
BPTT_INLINE Vector zeroVector() { return broadcast(0.0f); }
BPTT_INLINE Vector oneVector() { return broadcast(1.0f); }

BPTT_INLINE Vector signOf(Vector x) {
  const Vector unit = withSignOf(oneVector(), x);
  return select(either(less(x, zeroVector()), less(zeroVector(), x)), unit, x);
}

// The same on every processor: out of range goes to the nearest integer there is, NaN to 0.
BPTT_INLINE Vector floatToInt(Vector x) {
  const Vector whole = vectorOf(truncateToInts(x));
  const Vector high = select(lessOrEqual(broadcast(2147483648.0f), x), vectorOf(broadcastInt(INT32_MAX)), whole);
  const Vector bounded = select(less(x, broadcast(-2147483648.0f)), vectorOf(broadcastInt(INT32_MIN)), high);
  return select(equal(x, x), bounded, zeroVector());
}

BPTT_INLINE Vector largerInt(Vector a, Vector b) { return select(lessInts(bitsOf(a), bitsOf(b)), b, a); }
BPTT_INLINE Vector smallerInt(Vector a, Vector b) { return select(lessInts(bitsOf(b), bitsOf(a)), b, a); }
BPTT_INLINE Vector oneMinusSquare(Vector y) { return negatedMultiplyAdd(y, y, oneVector()); }

// X(name, sources, expression of a, b and c), in the order of the opcodes.
#define BPTT_MAP_OPERATIONS(X)                                                                \
  X(Copy, 1, a)                                                                               \
  X(Add, 2, add(a, b))                                                                        \
  X(Subtract, 2, subtract(a, b))                                                              \
  X(Multiply, 2, multiply(a, b))                                                              \
  X(Divide, 2, divide(a, b))                                                                  \
  X(Maximum, 2, maximum(a, b))                                                                \
  X(Minimum, 2, minimum(a, b))                                                                \
  X(Power, 2, power(a, b))                                                                    \
  X(FusedMultiplyAdd, 3, multiplyAdd(a, b, c))                                                \
  X(Negate, 1, negate(a))                                                                     \
  X(Exp, 1, exponential(a))                                                                   \
  X(Log, 1, logarithm(a))                                                                     \
  X(Sqrt, 1, squareRoot(a))                                                                   \
  X(Absolute, 1, absolute(a))                                                                 \
  X(Sign, 1, signOf(a))                                                                       \
  X(Floor, 1, roundDown(a))                                                                   \
  X(Sine, 1, sine(a))                                                                         \
  X(Cosine, 1, cosine(a))                                                                     \
  X(Tanh, 1, tanh(a))                                                                         \
  X(Sigmoid, 1, sigmoid(a))                                                                   \
  X(Relu, 1, maximum(a, zeroVector()))                                                        \
  X(Softplus, 1, softplus(a))                                                                 \
  X(SigmoidGradient, 2, multiply(multiply(a, b), subtract(oneVector(), b)))                   \
  X(TanhGradient, 2, multiply(a, oneMinusSquare(b)))                                          \
  X(Less, 2, truth(less(a, b)))                                                               \
  X(LessEqual, 2, truth(lessOrEqual(a, b)))                                                   \
  X(Equal, 2, truth(equal(a, b)))                                                             \
  X(Select, 3, select(isTrue(a), b, c))                                                       \
  X(And, 2, truth(both(isTrue(a), isTrue(b))))                                                \
  X(Or, 2, truth(either(isTrue(a), isTrue(b))))                                               \
  X(Not, 1, truth(inverse(isTrue(a))))                                                        \
  X(IsFinite, 1, truth(less(absolute(a), infinity())))                                        \
  X(CastIntToFloat, 1, toFloats(bitsOf(a)))                                                   \
  X(CastFloatToInt, 1, floatToInt(a))                                                         \
  X(AddInt, 2, vectorOf(addInts(bitsOf(a), bitsOf(b))))                                       \
  X(SubtractInt, 2, vectorOf(subtractInts(bitsOf(a), bitsOf(b))))                             \
  X(MultiplyInt, 2, vectorOf(multiplyInts(bitsOf(a), bitsOf(b))))                             \
  X(MaximumInt, 2, largerInt(a, b))                                                           \
  X(MinimumInt, 2, smallerInt(a, b))                                                          \
  X(LessInt, 2, truth(lessInts(bitsOf(a), bitsOf(b))))                                        \
  X(LessEqualInt, 2, truth(inverse(lessInts(bitsOf(b), bitsOf(a)))))                          \
  X(EqualInt, 2, truth(equalInts(bitsOf(a), bitsOf(b))))                                      \
  X(CastIntToBool, 1, truth(isTrue(a)))                                                       \
  X(CastFloatToBool, 1, truth(inverse(equal(a, zeroVector()))))                               \
  X(ReluGradient, 2, select(less(zeroVector(), b), a, zeroVector()))                          \
  X(TanhGradientAdd, 3, multiplyAdd(a, oneMinusSquare(b), c))                                 \
  X(FusedMultiplySubtract, 3, multiplySubtract(a, b, c))                                      \
  X(NegatedMultiplyAdd, 3, negatedMultiplyAdd(a, b, c))                                       \
  X(ExpMinusOne, 1, exponentialMinusOne(a))                                                   \
  X(LogOnePlus, 1, logarithmOnePlus(a))                                                       \
  X(Reciprocal, 1, divide(oneVector(), a))

// A rectangle of vectors within a block: where it begins and how far apart rows and vectors lie, in elements. A step of 0 repeats.
struct Span {
  float* data;
  ptrdiff_t rowStep;
  ptrdiff_t step;
};

struct BlockShape {
  ptrdiff_t rows;
  ptrdiff_t vectors;
};

using MapHandler = void (*)(BlockShape, const Span& to, const Span& a, const Span& b, const Span& c);

template <class Operation>
void runOperation(BlockShape shape, const Span& to, const Span& a, const Span& b, const Span& c) {
  constexpr bool kTwo = Operation::kSources > 1, kThree = Operation::kSources > 2;
  // Copies, since the compiler must otherwise suppose that a store changes them.
  const ptrdiff_t step = to.step, stepA = a.step, stepB = kTwo ? b.step : 0, stepC = kThree ? c.step : 0;
  for (ptrdiff_t row = 0; row < shape.rows; ++row) {
    float* out = to.data + row * to.rowStep;
    const float* first = a.data + row * a.rowStep;
    const float* second = kTwo ? b.data + row * b.rowStep : first;
    const float* third = kThree ? c.data + row * c.rowStep : first;
    for (ptrdiff_t i = 0; i < shape.vectors; ++i) {
      const Vector x = load(first);
      store(out, Operation::apply(x, kTwo ? load(second) : x, kThree ? load(third) : x));
      out += step;
      first += stepA;
      second += stepB;
      third += stepC;
    }
  }
}

#define BPTT_DEFINE_OPERATION(name, sources, expression)                                                        \
  struct name##Operation {                                                                                      \
    static constexpr int kSources = sources;                                                                    \
    BPTT_INLINE Vector apply(Vector a, [[maybe_unused]] Vector b, [[maybe_unused]] Vector c) { return expression; } \
  };
BPTT_MAP_OPERATIONS(BPTT_DEFINE_OPERATION)
#undef BPTT_DEFINE_OPERATION

#define BPTT_LIST_HANDLER(name, sources, expression) &runOperation<name##Operation>,
constexpr MapHandler kMapHandlers[] = {BPTT_MAP_OPERATIONS(BPTT_LIST_HANDLER)};
#undef BPTT_LIST_HANDLER
static_assert(sizeof(kMapHandlers) / sizeof(kMapHandlers[0]) == 51, "one handler an opcode");

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
