// Fuzz target: the input is a program. Whatever decodes is bound and run on two threads.
#include <cstring>
#include <vector>

#include "engine/decode.h"
#include "engine/executable.h"
#include "isa/detect.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace bptt;
  static ThreadPool pool(2);
  static const KernelTable* const table = defaultTable(nullptr, nullptr);
  std::vector<uint32_t> words(size / sizeof(uint32_t));
  if (words.empty()) return 0;
  std::memcpy(words.data(), bytes, words.size() * sizeof(uint32_t));
  DecodeLimits limits;
  limits.elements = 1 << 14;
  limits.work = 1 << 18;
  const DecodeResult decoded = decode(words.data(), words.size(), limits);
  if (!decoded.program) return 0;
  Executable::Storages storages;
  for (const StorageNeed& need : decoded.program->storages) storages.push_back(Storage::allocate(need.elements));
  Executable::Bound bound = Executable::bind(decoded.program, storages, *table);
  if (bound.executable) bound.executable->run(pool, nullptr);
  return 0;
}
