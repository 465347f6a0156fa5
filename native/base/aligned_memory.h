// One block of zeroed memory that begins on a cache line.
//
// The block belongs to the object and goes with it; moving passes it on. Allocation never throws: a block that could not be had is
// empty (`data()` null, `bytes()` 0), and the caller turns that into its own error. Fresh pages come zeroed from the system and are not
// touched here, so a large block costs nothing until it is used.
#pragma once
#include <cstddef>

namespace bptt {

class AlignedMemory {
 public:
  static constexpr size_t alignment = 64;

  AlignedMemory() = default;
  AlignedMemory(AlignedMemory&& other) noexcept;
  AlignedMemory& operator=(AlignedMemory&& other) noexcept;
  AlignedMemory(const AlignedMemory&) = delete;
  AlignedMemory& operator=(const AlignedMemory&) = delete;
  ~AlignedMemory();

  // At least `bytes` zeroed bytes, or an empty block when the system has none left. Zero bytes give a block with a valid address.
  static AlignedMemory allocate(size_t bytes);

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  void* block_ = nullptr;  // what the allocator gave
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace bptt
