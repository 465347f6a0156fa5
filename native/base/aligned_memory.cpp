#include "base/aligned_memory.h"

#include <cstdint>
#include <cstdlib>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#define BPTT_HAS_MMAP 1
#else
#define BPTT_HAS_MMAP 0
#endif

namespace bptt {
namespace {

// Large blocks are pages of their own: they come zeroed, and go back to the system at once instead of staying with the allocator.
constexpr size_t leastMapped = size_t{1} << 18;
// Weights of several megabytes outgrow the TLB: blocks of this size are whole huge pages, where the system has any.
constexpr size_t hugePage = size_t{1} << 21;

bool isMapped(size_t bytes) { return BPTT_HAS_MMAP && bytes >= leastMapped; }

// What is mapped for so many bytes.
size_t mappedBytes(size_t bytes) { return bytes < hugePage ? bytes : (bytes + hugePage - 1) / hugePage * hugePage; }

void unmapPages(void* block, size_t bytes) {
#if BPTT_HAS_MMAP
  if (bytes > 0) munmap(block, bytes);
#else
  static_cast<void>(block);
  static_cast<void>(bytes);
#endif
}

void* mapPages(size_t bytes) {
#if BPTT_HAS_MMAP
  const size_t wanted = mappedBytes(bytes), spare = bytes < hugePage ? 0 : hugePage;
  void* block = mmap(nullptr, wanted + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return nullptr;
  if (spare == 0) return block;
  const size_t before = (hugePage - reinterpret_cast<uintptr_t>(block) % hugePage) % hugePage;
  std::byte* aligned = static_cast<std::byte*>(block) + before;
  unmapPages(block, before);
  unmapPages(aligned + wanted, spare - before);
#if defined(MADV_HUGEPAGE)
  madvise(aligned, wanted, MADV_HUGEPAGE);  // only a hint
#endif
  return aligned;
#else
  static_cast<void>(bytes);
  return nullptr;
#endif
}

}  // namespace

AlignedMemory AlignedMemory::allocate(size_t bytes) {
  AlignedMemory memory;
  if (bytes > SIZE_MAX / 2) return memory;
  memory.block_ = isMapped(bytes) ? mapPages(bytes) : std::calloc(1, bytes + alignment);
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

AlignedMemory::~AlignedMemory() {
  if (isMapped(bytes_)) {
    unmapPages(block_, mappedBytes(bytes_));
  } else {
    std::free(block_);
  }
}

}  // namespace bptt
