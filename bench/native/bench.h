// What the commands of the native bench share.
#pragma once

#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "isa/table.h"

namespace bptt {
namespace bench {

using Clock = std::chrono::steady_clock;

inline double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Reproducible numbers between -1 and 1.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  float next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<float>(static_cast<int64_t>(state_ >> 11)) * (1.0f / 4503599627370496.0f) - 1.0f;
  }
  void fill(float* to, size_t count) {
    for (size_t i = 0; i < count; ++i) to[i] = next();
  }

 private:
  uint64_t state_;
};

// A block on a cache line.
class Floats {
 public:
  explicit Floats(size_t count) : memory_(count + 32), count_(count) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.data());
    data_ = memory_.data() + ((64 - address % 64) % 64) / sizeof(float);
  }
  float* data() { return data_; }
  size_t size() const { return count_; }
  float& operator[](size_t i) { return data_[i]; }

 private:
  std::vector<float> memory_;
  float* data_;
  size_t count_;
};

// What one command answers: a list of times and the largest difference from a plain computation, relative to the largest result.
struct Answer {
  std::vector<double> milliseconds;
  double difference = 0;
};

// Each reads its own words. They throw std::runtime_error for words that make no sense.
double peakFlops(const char* isa, int threads, double milliseconds);               // multiply and add count as two, per second
double copyBandwidth(const char* isa, int threads, size_t bytes, double milliseconds);  // bytes read and written, per second
Answer runProduct(const KernelTable& table, std::istringstream& words);
Answer runMap(const KernelTable& table, std::istringstream& words);

}  // namespace bench
}  // namespace bptt
