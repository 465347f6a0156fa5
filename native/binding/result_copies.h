// Copies of what a run has computed, made off the event loop by the threads that computed it, into memory of JavaScript.
//
// Made and destroyed on the environment's own thread; `make()` is called on any, after a run that ended well. The memory is kept alive until then.
// It must not be detached: whoever asks for the copies shows it to nobody else before the run has ended.
#pragma once
#include <napi.h>

#include <cstddef>
#include <vector>

#include "engine/executable.h"

namespace bptt {

class ResultCopies {
 public:
  // `list`: undefined, or an array of { offset, target }: the first element of the executable's last storage, and the ArrayBuffer to be filled.
  // Throws ERR_BPTT_TYPE or ERR_BPTT_RANGE.
  ResultCopies(const Executable& executable, Napi::Value list);

  // `together`: with the help of the pool.
  void make(ThreadPool& pool, bool together) const;

 private:
  struct Piece {
    const std::byte* from;
    std::byte* to;
    size_t bytes;
  };

  void add(const std::byte* from, std::byte* to, size_t bytes);

  std::vector<Piece> pieces_;
  Napi::Reference<Napi::Array> targets_;
};

}  // namespace bptt
