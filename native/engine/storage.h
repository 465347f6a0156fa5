// Native memory that outlives a run: parameters, optimizer state, carried states, inputs and outputs.
//
// A Storage is shared (std::shared_ptr) by the executables bound to it and by whoever shows its memory outside; its address never changes.
// `version` counts the times that its content may have changed: the engine raises it after every run that writes the storage, the owner after
// writing by other means. It may be read from any thread. Leases belong to one thread, the one that starts and ends runs.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/aligned_memory.h"

namespace bptt {

class Storage {
 public:
  // Null when there is no memory for `elements` zeroed elements of 4 bytes.
  static std::shared_ptr<Storage> allocate(int64_t elements) {
    AlignedMemory memory = AlignedMemory::allocate(static_cast<size_t>(elements) * sizeof(float));
    if (!memory) return nullptr;
    return std::shared_ptr<Storage>(new Storage(std::move(memory), elements));
  }

  float* data() const { return reinterpret_cast<float*>(memory_.data()); }
  int64_t elements() const { return elements_; }

  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void touch() { version_.fetch_add(1, std::memory_order_acq_rel); }

  // Any number of readers, or one writer.
  bool mayLease(bool write) const { return !written_ && (!write || readers_ == 0); }
  void lease(bool write) { write ? void(written_ = true) : void(readers_++); }
  void release(bool write) { write ? void(written_ = false) : void(readers_--); }

 private:
  Storage(AlignedMemory memory, int64_t elements) : memory_(std::move(memory)), elements_(elements) {}

  AlignedMemory memory_;
  int64_t elements_;
  std::atomic<uint64_t> version_{1};
  int readers_ = 0;
  bool written_ = false;
};

}  // namespace bptt
