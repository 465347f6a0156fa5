// Peaks on one or more threads at once.
#include "peaks.h"

#include <cstring>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "bench.h"

namespace bptt {

#define BPTT_DECLARE_PEAKS(isa) \
  namespace isa {               \
  const bench::Peaks& peaks();  \
  }
#ifdef BPTT_HAS_AVX512
BPTT_DECLARE_PEAKS(avx512)
#endif
#ifdef BPTT_HAS_AVX2
BPTT_DECLARE_PEAKS(avx2)
#endif
#ifdef BPTT_HAS_SSE2
BPTT_DECLARE_PEAKS(sse2)
#endif
#ifdef BPTT_HAS_NEON
BPTT_DECLARE_PEAKS(neon)
#endif
BPTT_DECLARE_PEAKS(scalar)

namespace bench {

const Peaks* peaksNamed(const char* name) {
#ifdef BPTT_HAS_AVX512
  if (std::strcmp(name, "avx512") == 0) return &avx512::peaks();
#endif
#ifdef BPTT_HAS_AVX2
  if (std::strcmp(name, "avx2") == 0) return &avx2::peaks();
#endif
#ifdef BPTT_HAS_SSE2
  if (std::strcmp(name, "sse2") == 0) return &sse2::peaks();
#endif
#ifdef BPTT_HAS_NEON
  if (std::strcmp(name, "neon") == 0) return &neon::peaks();
#endif
  return std::strcmp(name, "scalar") == 0 ? &scalar::peaks() : nullptr;
}

namespace {

const Peaks& require(const char* name) {
  const Peaks* found = peaksNamed(name);
  if (found == nullptr) throw std::runtime_error(std::string("no instruction set is called ") + name);
  return *found;
}

volatile float sink;

// Calls work(worker) on all threads at once until `milliseconds` have passed; gives calls per second over all of them.
template <class Work>
double ratePerSecond(int threads, double milliseconds, const Work& work) {
  std::atomic<int> ready{0};
  std::atomic<long> calls{0};
  std::atomic<bool> go{false}, stop{false};
  std::vector<std::thread> others;
  const auto loop = [&](int worker) {
    work(worker);  // warm
    ready++;
    while (!go) std::this_thread::yield();
    long done = 0;
    for (; !stop; ++done) work(worker);
    calls += done;
  };
  for (int i = 0; i < threads; ++i) others.emplace_back(loop, i);
  while (ready < threads) std::this_thread::yield();
  const auto start = Clock::now();
  go = true;
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(milliseconds));
  stop = true;
  const double elapsed = millisecondsSince(start);
  for (std::thread& thread : others) thread.join();
  return static_cast<double>(calls) / (elapsed / 1000);
}

}  // namespace

double peakFlops(const char* isa, int threads, double milliseconds) {
  const Peaks& peaks = require(isa);
  constexpr long turns = 2000;
  const double calls = ratePerSecond(threads, milliseconds, [&](int) { sink = peaks.multiplyAdds(turns); });
  return calls * turns * 12 * peaks.lanes * 2;
}

double copyBandwidth(const char* isa, int threads, size_t bytes, double milliseconds) {
  const Peaks& peaks = require(isa);
  const size_t count = (bytes / sizeof(float) / 2 + 63) / 64 * 64;
  std::vector<Floats> blocks;
  for (int i = 0; i < threads; ++i) blocks.emplace_back(2 * count);
  const double calls = ratePerSecond(threads, milliseconds, [&](int worker) {
    float* from = blocks[static_cast<size_t>(worker)].data();
    peaks.copy(from, from + count, static_cast<ptrdiff_t>(count));
  });
  return calls * static_cast<double>(count) * 2 * sizeof(float);
}

}  // namespace bench
}  // namespace bptt
