// Softmax and the cross entropy built on it, forward and backward: isa/table.h.
//
// A row is first scanned for its largest element m, then for Σ exp(x − m), so that no exponential overflows. The sum runs in blocks, pairwise,
// as in reduce.inl; softmax and crossEntropy take the same sum of the same row, to the bit.

namespace bptt {
namespace BPTT_ISA {
namespace {

// exp(x − shift) of one row, summed; also stored to `out` unless that is null. `out` may be the row itself.
float sumOfExponentials(const float* row, ptrdiff_t columns, float shift, float* out) {
  const Vector shifts = broadcast(shift);
  PairwiseSum total;
  total.count = 0;
  for (ptrdiff_t begin = 0; begin < columns; begin += kSumBlock) {
    const ptrdiff_t end = begin + kSumBlock < columns ? begin + kSumBlock : columns;
    float partials[kPartialSums] = {};
    ptrdiff_t i = begin;
    for (int place = 0; i + kLanes <= end; i += kLanes, place = (place + kLanes) % kPartialSums) {
      const Vector e = exponential(subtract(load(row + i), shifts));
      if (out != nullptr) store(out + i, e);
      store(partials + place, add(load(partials + place), e));
    }
    if (i < end) {
      const ptrdiff_t left = end - i, place = (i - begin) % kPartialSums;
      const Vector e = exponential(subtract(loadFirst(row + i, left), shifts));
      if (out != nullptr) storeFirst(out + i, e, left);
      const Vector old = load(partials + place);
      store(partials + place, select(firstLanes(left), add(old, e), old));
    }
    addBlockSum(total, sumOfPartials(partials));
  }
  return totalOf(total);
}

BPTT_INLINE float logarithmOfOne(float x) {
  float lanes[kLanes];
  store(lanes, logarithm(broadcast(x)));
  return lanes[0];
}

// out = (in − first) − second, or in·factor, over one row.
template <class Operation>
BPTT_INLINE void overRow(const float* in, float* out, ptrdiff_t columns, Operation operation) {
  ptrdiff_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) store(out + i, operation(load(in + i)));
  if (i < columns) storeFirst(out + i, operation(loadFirst(in + i, columns - i)), columns - i);
}

struct Scaling {
  Vector factor;
  inline Vector operator()(Vector x) const { return multiply(x, factor); }
};

struct Shifting {
  Vector first, second;
  inline Vector operator()(Vector x) const { return subtract(subtract(x, first), second); }
};

struct ExponentialScaling {
  Vector shift, factor;
  inline Vector operator()(Vector x) const { return multiply(exponential(subtract(x, shift)), factor); }
};

void softmax(const SoftmaxArguments& arguments) {
  for (ptrdiff_t r = 0; r < arguments.rows; ++r) {
    const float* in = arguments.in + r * arguments.inRowStride;
    float* out = arguments.out + r * arguments.outRowStride;
    const float largest = chooseOf<Largest>(in, arguments.columns);
    if (arguments.kind == 0) {
      const float sum = sumOfExponentials(in, arguments.columns, largest, out);
      overRow(out, out, arguments.columns, Scaling{broadcast(1.0f / sum)});
    } else {
      const float sum = sumOfExponentials(in, arguments.columns, largest, nullptr);
      overRow(in, out, arguments.columns, Shifting{broadcast(largest), broadcast(logarithmOfOne(sum))});
    }
  }
}

void crossEntropy(const CrossEntropyArguments& arguments) {
  for (ptrdiff_t r = 0; r < arguments.rows; ++r) {
    const float* logits = arguments.logits + r * arguments.logitsRowStride;
    const float largest = chooseOf<Largest>(logits, arguments.columns);
    const float rest = logarithmOfOne(sumOfExponentials(logits, arguments.columns, largest, nullptr));
    arguments.logNormalizer[r] = largest + rest;
    // Not logNormalizer − logit: with a confident prediction the two are nearly equal, and `rest` would be lost in their size.
    arguments.loss[r] = (largest - logits[arguments.targets[r * arguments.targetStride]]) + rest;
  }
}

void crossEntropyGradient(const CrossEntropyGradientArguments& arguments) {
  for (ptrdiff_t r = 0; r < arguments.rows; ++r) {
    const float* logits = arguments.logits + r * arguments.logitsRowStride;
    float* out = arguments.out + r * arguments.outRowStride;
    const float upstream = arguments.upstream[r * arguments.upstreamStride];
    const int32_t target = arguments.targets[r * arguments.targetStride];
    const Vector shift = broadcast(arguments.logNormalizer[r]);
    float probability[kLanes];
    store(probability, exponential(subtract(broadcast(logits[target]), shift)));
    overRow(logits, out, arguments.columns, ExponentialScaling{shift, broadcast(upstream)});
    out[target] = (probability[0] - 1.0f) * upstream;
  }
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
