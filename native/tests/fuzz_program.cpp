// Fuzz target. The input is a program, or edits of one that is right: its first word says which program, then follow pairs of a position and a
// value. Whatever decodes is bound and run on two threads, whatever its result.
#include <cstring>

#include "engine_test.h"
#include "isa/detect.h"

namespace {

using namespace bptt;
using namespace bptt::tests;

Words programOf(Words input) {
  static const Words bases[] = {everyOpcodeProgram(), recurrentProgram({5, 3, 4, 17}, 0), recurrentProgram({5, 30, 4, 17}, 1), spanningProgram({7, 5, 4, 65}, 1)};
  const uint32_t choice = input[0] & 3;
  if (choice == 3) return input;
  Words words = bases[choice];
  for (size_t edit = 1; edit + 1 < input.size() && edit < 32; edit += 2) words[input[edit] % words.size()] = input[edit + 1];
  return words;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static ThreadPool pool(2);
  static const KernelTable* const table = defaultTable(nullptr, nullptr);
  Words input(size / sizeof(uint32_t));
  if (input.empty()) return 0;
  std::memcpy(input.data(), bytes, input.size() * sizeof(uint32_t));
  const Words words = programOf(input);
  DecodeLimits limits;
  limits.elements = 1 << 14;
  limits.work = 1 << 20;
  const DecodeResult decoded = decode(words.data(), words.size(), limits);
  if (!decoded.program) return 0;
  Executable::Storages storages;
  for (const StorageNeed& need : decoded.program->storages) storages.push_back(Storage::allocate(need.elements));
  Executable::Bound bound = Executable::bind(decoded.program, storages, *table);
  if (bound.executable) bound.executable->run(pool, nullptr);
  return 0;
}
