#include "binding/result_copies.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/pages.h"
#include "binding/errors.h"

namespace bptt {
namespace {

constexpr size_t mostBytes = size_t{1} << 17;  // of a piece

}  // namespace

ResultCopies::ResultCopies(const Executable& executable, Napi::Value list) {
  const Napi::Env env = list.Env();
  if (list.IsUndefined()) return;
  if (!list.IsArray()) throw errorOf(env, "ERR_BPTT_TYPE", "runAsync: expected an array of { offset, target }");
  const auto copies = list.As<Napi::Array>();
  const uint32_t count = copies.Length();
  Napi::Array targets = Napi::Array::New(env, count);
  for (uint32_t index = 0; index < count; index++) {
    const Napi::Value copy = copies.Get(index);
    const Napi::Value offset = copy.IsObject() ? copy.As<Napi::Object>().Get("offset") : env.Undefined();
    const Napi::Value target = copy.IsObject() ? copy.As<Napi::Object>().Get("target") : env.Undefined();
    if (!offset.IsNumber() || !target.IsArrayBuffer()) {
      throw errorOf(env, "ERR_BPTT_TYPE", "runAsync: copy " + std::to_string(index) + " is not { offset, target: ArrayBuffer }");
    }
    auto buffer = target.As<Napi::ArrayBuffer>();
    const size_t bytes = buffer.ByteLength();
    const double first = offset.As<Napi::Number>().DoubleValue();
    const int64_t elements = executable.storages().empty() ? 0 : executable.storages().back()->elements();
    const bool fits = first >= 0 && first == std::floor(first) && bytes % sizeof(float) == 0 &&
                      first + static_cast<double>(bytes / sizeof(float)) <= static_cast<double>(elements);
    if (!fits) throw errorOf(env, "ERR_BPTT_RANGE", "runAsync: copy " + std::to_string(index) + " reaches beyond the last storage");
    if (bytes == 0) continue;
    targets.Set(index, target);
    add(reinterpret_cast<const std::byte*>(executable.storages().back()->data() + static_cast<int64_t>(first)),
        static_cast<std::byte*>(buffer.Data()), bytes);
  }
  targets_ = Napi::Persistent(targets);
}

void ResultCopies::add(const std::byte* from, std::byte* to, size_t bytes) {
  for (size_t begin = 0; begin < bytes; begin += mostBytes) pieces_.push_back({from + begin, to + begin, std::min(mostBytes, bytes - begin)});
}

void ResultCopies::make(ThreadPool& pool, bool together) const {
  struct Call {
    const std::vector<Piece>& pieces;
    std::atomic<size_t> next{0};
  } call{pieces_};
  const auto work = [](void* context, int) {
    Call& it = *static_cast<Call*>(context);
    for (size_t index = it.next.fetch_add(1); index < it.pieces.size(); index = it.next.fetch_add(1)) {
      const Piece& piece = it.pieces[index];
      touchPages(piece.to, piece.bytes);
      std::memcpy(piece.to, piece.from, piece.bytes);
    }
  };
  if (!together || pieces_.size() < 2 || !pool.tryLock()) return work(&call, 0);
  pool.run(pool.start(), work, &call);
  pool.unlock();
}

}  // namespace bptt
