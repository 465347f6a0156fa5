// Random numbers: isa/table.h, RandomArguments; the generator is stated in docs/program-format.md, "Philox".
//
// Philox4x32-10 turns a counter into four words without any state, so that element i has its value whoever computes it, in whatever range.
// Uniform numbers are equal on every instruction set to the bit; normal ones pass through log, √, sin and cos and may differ in the last place.

namespace bptt {
namespace BPTT_ISA {
namespace {

struct PhiloxWords {
  Integers words[4];
};

BPTT_INLINE PhiloxWords philox(PhiloxWords counter, uint32_t key0, uint32_t key1) {
  const Integers multiplier0 = broadcastInt(static_cast<int32_t>(0xD2511F53u));
  const Integers multiplier1 = broadcastInt(static_cast<int32_t>(0xCD9E8D57u));
  for (int round = 0; round < 10; ++round) {
    Integers high0, low0, high1, low1;
    multiplyWide(multiplier0, counter.words[0], high0, low0);
    multiplyWide(multiplier1, counter.words[2], high1, low1);
    PhiloxWords next;
    next.words[0] = exclusiveOrInts(exclusiveOrInts(high1, counter.words[1]), broadcastInt(static_cast<int32_t>(key0)));
    next.words[1] = low1;
    next.words[2] = exclusiveOrInts(exclusiveOrInts(high0, counter.words[3]), broadcastInt(static_cast<int32_t>(key1)));
    next.words[3] = low0;
    counter = next;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

BPTT_INLINE Vector unitInterval(Integers word) { return multiply(toFloats(shiftRight<8>(word)), broadcast(5.9604644775390625e-8f)); }

// Two normal numbers of two words, by Box and Muller: the first uniform one lies in (0, 1], where the logarithm is finite.
BPTT_INLINE void normalPair(Integers word0, Integers word1, Vector& even, Vector& odd) {
  const Vector u1 = add(unitInterval(word0), broadcast(5.9604644775390625e-8f));
  const Vector radius = squareRoot(multiply(broadcast(-2.0f), logarithm(u1)));
  Vector sine, cosine;
  sineAndCosineOfTurns(unitInterval(word1), sine, cosine);
  even = multiply(radius, cosine);
  odd = multiply(radius, sine);
}

// The counters of kLanes blocks in a row, lane by lane, since the low word may run over between two of them.
PhiloxWords countersFrom(uint64_t block, uint32_t stream) {
  int32_t low[kLanes], high[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    low[lane] = static_cast<int32_t>(static_cast<uint32_t>(block + lane));
    high[lane] = static_cast<int32_t>(static_cast<uint32_t>((block + lane) >> 32));
  }
  float lowBits[kLanes], highBits[kLanes];
  memcpy(lowBits, low, sizeof low);
  memcpy(highBits, high, sizeof high);
  PhiloxWords counter;
  counter.words[0] = bitsOf(load(lowBits));
  counter.words[1] = bitsOf(load(highBits));
  counter.words[2] = broadcastInt(static_cast<int32_t>(stream));
  counter.words[3] = broadcastInt(0);
  return counter;
}

void random(const RandomArguments& arguments) {
  constexpr uint64_t kAtOnce = 4 * kLanes;
  for (uint64_t block = arguments.begin / 4; block * 4 < arguments.end; block += kLanes) {
    const PhiloxWords bits = philox(countersFrom(block, arguments.stream), arguments.key[0], arguments.key[1]);
    Vector values[4];
    if (arguments.distribution == 0) {
      for (int i = 0; i < 4; ++i) values[i] = unitInterval(bits.words[i]);
    } else {
      normalPair(bits.words[0], bits.words[1], values[0], values[1]);
      normalPair(bits.words[2], bits.words[3], values[2], values[3]);
    }
    float lanes[4][kLanes];
    for (int i = 0; i < 4; ++i) store(lanes[i], values[i]);
    const uint64_t first = block * 4;
    if (first >= arguments.begin && first + kAtOnce <= arguments.end) {
      float* out = arguments.out + (first - arguments.origin);
      for (int lane = 0; lane < kLanes; ++lane) {
        for (int i = 0; i < 4; ++i) out[4 * lane + i] = lanes[i][lane];
      }
      continue;
    }
    for (uint64_t i = 0; i < kAtOnce; ++i) {
      if (first + i >= arguments.begin && first + i < arguments.end) arguments.out[first + i - arguments.origin] = lanes[i % 4][i / 4];
    }
  }
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
