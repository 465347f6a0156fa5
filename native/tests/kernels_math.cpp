// The functions of native/simd/math.h, power.h and trigonometry.h against double precision, through the map opcodes that reach them.
#include <math.h>

#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

struct Function {
  const char* name;
  int op;
  double (*truth)(double);
  double units;  // allowed error
};

// Results below the smallest normal number are 0 by contract.
double sigmoidOf(double x) {
  const double value = x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
  return value < 1.17549435e-38 ? 0 : value;
}
double softplusOf(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
double reciprocalOf(double x) { return 1 / x; }

const Function kFunctions[] = {
    {"exp", 10, exp, 1.0},      {"log", 11, log, 1.0},           {"sqrt", 12, sqrt, 0.51},   {"sine", 16, sin, 2.0},
    {"cosine", 17, cos, 2.0},   {"tanh", 18, tanh, 3.0},         {"sigmoid", 19, sigmoidOf, 3.0}, {"softplus", 21, softplusOf, 3.0},
    {"expm1", 48, expm1, 3.0},  {"log1p", 49, log1p, 3.0},       {"reciprocal", 50, reciprocalOf, 0.51},
};

void testFunction(const KernelTable& table, const Function& function) {
  constexpr ptrdiff_t kChunk = 4096;
  std::vector<float> in(kChunk), out(kChunk);
  double worst = 0;
  float worstAt = 0;
  uint64_t bits = 0;
  while (bits <= 0xFFFFFFFFull) {
    ptrdiff_t count = 0;
    for (; count < kChunk && bits <= 0xFFFFFFFFull; bits += argumentStep) in[count++] = floatOfBits(static_cast<uint32_t>(bits));
    runOpcode(table, function.op, in.data(), nullptr, nullptr, out.data(), count);
    for (ptrdiff_t i = 0; i < count; ++i) {
      const double off = unitsOff(out[i], function.truth(in[i]));
      if (off <= worst) continue;
      worst = off;
      worstAt = in[i];
    }
  }
  CHECK_NOTE(worst <= function.units, "(%s %s: %.3f units at %.9g)", table.name, function.name, worst, worstAt);
  if (argumentStep < 1000) printf("%-7s %-12s at most %.3f units, at %.9g\n", table.name, function.name, worst, worstAt);
}

float valueOf(const KernelTable& table, int op, float x) {
  float out = 0;
  runOpcode(table, op, &x, nullptr, nullptr, &out, 1);
  return out;
}

float powerOf(const KernelTable& table, float a, float b) {
  float out = 0;
  runOpcode(table, 7, &a, &b, nullptr, &out, 1);
  return out;
}

}  // namespace

void testMathAccuracy(const KernelTable& table) {
  for (const Function& function : kFunctions) testFunction(table, function);
}

void testMathSpecialValues(const KernelTable& table) {
  const float specials[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 1.17549435e-38f, 1.0f, -1.0f, 3.40282347e38f, -3.40282347e38f,
                            88.72283f, 88.72284f, -87.33655f, -103.97f, -104.0f, 17.0f, 9.01f, 0.70710678f, 1.41421356f};
  for (const Function& function : kFunctions) {
    for (const float x : specials) {
      const float got = valueOf(table, function.op, x);
      const double truth = function.truth(x);
      CHECK_NOTE(unitsOff(got, truth) <= function.units, "(%s %s(%g) = %g, not %g)", table.name, function.name, x, got, truth);
      if (truth == 0) CHECK_NOTE(signbit(got) == signbit(truth), "(%s %s(%g): sign of zero)", table.name, function.name, x);
    }
  }
  Numbers numbers(5);
  for (int i = 0; i < 2000; ++i) {
    const float x = numbers.between(-12, 12);
    const float positive = valueOf(table, 18, x), negative = valueOf(table, 18, -x);
    CHECK_NOTE(sameBits(positive, -negative), "(%s tanh(%.9g) is not odd)", table.name, x);
  }
}

void testPower(const KernelTable& table) {
  Numbers numbers(11);
  double worst = 0;
  float worstA = 0, worstB = 0;
  const int count = argumentStep < 1000 ? 2000000 : 40000;
  constexpr int kChunk = 4096;
  std::vector<float> a(kChunk), b(kChunk), out(kChunk);
  for (int done = 0; done < count; done += kChunk) {
    for (int i = 0; i < kChunk; ++i) {
      a[i] = i % 2 ? numbers.between(0, 4) : floatOfBits(numbers.word() & 0x7FFFFFFFu);
      b[i] = i % 3 ? numbers.between(-40, 40) : floatOfBits(numbers.word());
      if (i % 5 == 0) b[i] = 150.0f / log2f(a[i]) * numbers.between(-1, 1);
    }
    runOpcode(table, 7, a.data(), b.data(), nullptr, out.data(), kChunk);
    for (int i = 0; i < kChunk; ++i) {
      if (a[i] != a[i] || b[i] != b[i]) continue;
      const double off = unitsOff(out[i], pow(a[i], b[i]));
      if (off <= worst) continue;
      worst = off;
      worstA = a[i];
      worstB = b[i];
    }
  }
  CHECK_NOTE(worst <= 5, "(%s: %.3f units at %.9g ^ %.9g)", table.name, worst, worstA, worstB);
  if (argumentStep < 1000) printf("%-7s %-12s at most %.3f units, at %.9g ^ %.9g\n", table.name, "power", worst, worstA, worstB);
  const float specials[] = {0.0f, -0.0f, 0.5f, -0.5f, 1.0f, -1.0f, 2.0f, -2.0f, 3.0f, -3.0f, 2.5f, -2.5f, 16777217.0f, 16777215.0f, -16777215.0f,
                            1e30f, -1e30f, 1e-45f, INFINITY, -INFINITY, NAN};
  for (const float x : specials) {
    for (const float y : specials) {
      double truth = pow(x, y);
      // JavaScript's rule, where C gives 1.
      if (y != y || (fabsf(x) == 1 && isinf(y))) truth = NAN;
      const float got = powerOf(table, x, y);
      CHECK_NOTE(unitsOff(got, truth) <= 5 && (truth != 0 || signbit(got) == signbit(truth)), "(%s %g ^ %g = %g, not %g)", table.name, x, y,
                 got, truth);
    }
  }
}

}  // namespace tests
}  // namespace bptt
