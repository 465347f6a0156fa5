#include "base/aligned_memory.h"

#include <cstdint>
#include <cstdlib>
#include <utility>

namespace bptt {

AlignedMemory AlignedMemory::allocate(size_t bytes) {
  AlignedMemory memory;
  if (bytes > SIZE_MAX / 2) return memory;
  memory.block_ = std::calloc(1, bytes + alignment);
  if (memory.block_ == nullptr) return memory;
  const auto address = reinterpret_cast<uintptr_t>(memory.block_);
  const size_t skipped = static_cast<size_t>((alignment - address % alignment) % alignment);
  memory.data_ = static_cast<std::byte*>(memory.block_) + skipped;
  memory.bytes_ = bytes;
  return memory;
}

AlignedMemory::AlignedMemory(AlignedMemory&& other) noexcept { *this = std::move(other); }

AlignedMemory& AlignedMemory::operator=(AlignedMemory&& other) noexcept {
  std::swap(block_, other.block_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

AlignedMemory::~AlignedMemory() { std::free(block_); }

}  // namespace bptt
