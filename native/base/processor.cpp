#include "base/processor.h"

#include <algorithm>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#elif defined(_M_ARM64)
#include <intrin.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace bptt {

int availableCores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void pauseCore() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // long enough to free the core, which "yield" is not
#elif defined(_M_ARM64)
  __isb(_ARM64_BARRIER_SY);
#endif
}

void yieldThread() { std::this_thread::yield(); }

namespace {

#if defined(__x86_64__) || defined(_M_X64)
constexpr uint64_t flushBits = 0x8040;  // flush to zero, denormals are zero
uint64_t readMode() { return _mm_getcsr(); }
void writeMode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr uint64_t flushBits = uint64_t{1} << 24;
uint64_t readMode() {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void writeMode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr uint64_t flushBits = 0;
uint64_t readMode() { return 0; }
void writeMode(uint64_t) {}
#endif

}  // namespace

DenormalsFlushed::DenormalsFlushed() : previous_(readMode()) { writeMode(previous_ | flushBits); }

DenormalsFlushed::~DenormalsFlushed() { writeMode(previous_); }

}  // namespace bptt
