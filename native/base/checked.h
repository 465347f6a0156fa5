// Integer arithmetic that notices overflow, for sizes and addresses that a program from outside names.
//
// A Checked carries its value and whether any step on the way to it overflowed; the value is meaningful only while `valid`. Chains are
// written like plain arithmetic and asked once, at the end.
#pragma once
#include <cstdint>
#include <limits>

namespace bptt {

class Checked {
 public:
  constexpr Checked(int64_t value = 0) : value_(value) {}

  bool valid() const { return valid_; }
  int64_t value() const { return value_; }

  Checked operator+(const Checked& other) const {
    Checked result;
    result.valid_ = valid_ && other.valid_ && !addOverflows(value_, other.value_);
    result.value_ = result.valid_ ? value_ + other.value_ : 0;
    return result;
  }

  Checked operator*(const Checked& other) const {
    Checked result;
    result.valid_ = valid_ && other.valid_ && !multiplyOverflows(value_, other.value_);
    result.value_ = result.valid_ ? value_ * other.value_ : 0;
    return result;
  }

 private:
  static constexpr int64_t lowest = std::numeric_limits<int64_t>::min();
  static constexpr int64_t highest = std::numeric_limits<int64_t>::max();

  static bool addOverflows(int64_t a, int64_t b) { return b > 0 ? a > highest - b : a < lowest - b; }

  static bool multiplyOverflows(int64_t a, int64_t b) {
    if (a == 0 || b == 0) return false;
    if (a == -1) return b == lowest;
    if (b == -1) return a == lowest;
    if ((a > 0) == (b > 0)) return a > 0 ? a > highest / b : a < highest / b;
    return a > 0 ? b < lowest / a : a < lowest / b;
  }

  int64_t value_;
  bool valid_ = true;
};

}  // namespace bptt
