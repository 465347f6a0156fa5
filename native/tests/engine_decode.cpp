// The decoder against wrong programs: each single mistake is named, and no mutation of a right program does harm (run this under sanitizers).
#include <random>

#include "engine_test.h"

namespace bptt::tests {

using namespace format;

namespace {

std::string errorOf(const Words& words, const DecodeLimits& limits = {}) { return decode(words.data(), words.size(), limits).error; }

void refuses(const Words& words, const char* because) {
  const std::string error = errorOf(words);
  CHECK_TEXT(error.find(because) != std::string::npos, "expected \"" + std::string(because) + "\", received \"" + error + "\"");
}

void changed(size_t word, uint32_t value, const char* because) {
  Words words = everyOpcodeProgram();
  words[word] = value;
  refuses(words, because);
}

void checkHeader() {
  CHECK_TEXT(errorOf(everyOpcodeProgram()).empty(), errorOf(everyOpcodeProgram()));
  refuses({}, "header");
  changed(headerMagic, 1, "magic");
  changed(headerVersion, 3, "version");
  changed(headerTotalWords, 1, "total");
  changed(headerStorages, 3, "word 15");
  changed(headerArenaHigh, 0x80000000, "arena");
  changed(headerArenaHigh, 0x7fffffff, "arena");
  changed(headerOperandOffset, 0, "operand table");
  changed(headerOperandCount, 0xffffffff, "operand table");
  changed(headerMapWords, 0xffffffff, "map table");
  changed(headerCodeWords, 0xfffffff0, "code");
  changed(headerConstantWords, 1, "constants");
  changed(headerPrologue, 1000, "prologue");
  changed(headerFirstZero, 1, "expected 0");
  changed(headerWords + storageAccess, 4, "access");
  changed(headerWords + storageSizeHigh, 0xffffffff, "storage 0");
  Words longer = everyOpcodeProgram();
  longer.push_back(0);
  refuses(longer, "total");
}

// A program of one instruction over operands that the caller makes.
Words oneInstruction(Opcode opcode, const std::vector<OperandSpec>& specs, const Words& attributes, const std::vector<Words>& mapCode = {}) {
  Assembler a;
  a.storage(1000, accessRead);
  a.storage(1000);
  a.arenaElements = 1000;
  a.constants.assign(10, 0);
  Words ids;
  for (const OperandSpec& spec : specs) ids.push_back(a.operand(spec));
  if (!mapCode.empty()) a.map(2, {1.0f}, mapCode);
  a.add(opcode, ids, attributes);
  return a.words();
}

constexpr uint32_t readOnly = spaceFirstStorage, writable = spaceFirstStorage + 1;

void checkPlaces() {
  const auto negate = std::vector<Words>{{9, 64, 64, 0, 0}};
  const auto map = [&](const OperandSpec& in, const OperandSpec& out) { return oneInstruction(Opcode::map, {in, out}, {0, 1}, negate); };
  const OperandSpec good{writable, 0, {10, 10}};
  CHECK_TEXT(errorOf(map(good, good)).empty(), errorOf(map(good, good)));
  refuses(map({9, 0, {10, 10}}, good), "space 9");
  refuses(map({writable, 901, {10, 10}}, good), "touches elements 901 to 1000");
  refuses(map({writable, 0, {10, 10}, ElementType::float32, {-1, 1}}, good), "touches elements -9");
  refuses(map({writable, INT64_MAX, {10, 10}, ElementType::float32, {INT32_MAX, 1}}, good), "overflow");
  refuses(map({writable, 0, {10, 10}, ElementType::float32, {INT32_MIN, 1}}, good), "touches elements");
  refuses(map({writable, -1, {10, 10}}, good), "negative");
  refuses(map({writable, 0, {10, 0}}, good), "dimension 1 is 0");
  refuses(map({writable, 0, {10, 0x80000000}}, good), "dimension 1");
  refuses(map({writable, 0, {INT32_MAX, INT32_MAX, INT32_MAX}, ElementType::float32, {0, 0, 0}}, good), "more than");
  refuses(map(good, {readOnly, 0, {10, 10}}), "read only");
  refuses(map(good, {spaceConstants, 0, {10, 1}}), "dimension 1 is 1");
  refuses(map({writable, 0, {10}}, {spaceConstants, 0, {10}}), "writes to the constants");
  refuses(map(good, {writable, 0, {10, 10}, ElementType::float32, {0, 1}}), "repeats dimension 0");
  refuses(map(good, {writable, 0, {10, 10}, ElementType::float32, {}, 5}), "step stride outside a scan");
  refuses(map(good, {writable, 0, {10, 9}}), "dimension 1 is 9, expected 10");
  refuses(map(good, {writable, 0, {100}}), "rank 1, expected 2");
}

void checkShapes() {
  const OperandSpec matrix{writable, 0, {6, 5}}, packed{arena, 0, {5 * 64}}, vector{writable, 0, {6}}, indices{writable, 0, {6}, int32};
  refuses(oneInstruction(Opcode::pack, {matrix, {arena, 0, {6 * 64 - 1}}}, {}), "a packed [6, 5] takes 384");
  refuses(oneInstruction(Opcode::gemm, {matrix, {arena, 0, {319}}, {writable, 0, {6, 5}}}, {5, 0, 0}), "takes 320");
  refuses(oneInstruction(Opcode::gemm, {matrix, packed, matrix}, {6, 0, 0}), "dimension 1 is 5, expected 6");
  refuses(oneInstruction(Opcode::gemm, {matrix, packed, matrix}, {5, 1, 0}), "initialMode 1");
  refuses(oneInstruction(Opcode::gemm, {matrix, packed, {writable, 0, {6, 5}, ElementType::float32, {1, 6}}}, {5, 0, 0}), "stride 1 is 6");
  refuses(oneInstruction(Opcode::gemm, {matrix, packed, matrix}, {5, 0, 1}), "a span of 1");
  refuses(oneInstruction(Opcode::gemm, {matrix, {writable, 0, {4, 5}}, matrix}, {5, 0, 0}), "operand 1: dimension 0 is 4, expected 5");
  refuses(oneInstruction(Opcode::gemm, {matrix, {writable, 0, {5, 5}, int32}, matrix}, {5, 0, 0}), "operand 1 is int32");
  refuses(oneInstruction(Opcode::packStep, {matrix, packed}, {}), "outside of scans");
  refuses(oneInstruction(Opcode::sumPacked, {{arena, 0, {319}}, {writable, 0, {6}}}, {5}), "takes 320");
  refuses(oneInstruction(Opcode::gemm, {matrix, packed, matrix, {writable, 0, {6, 5}, ElementType::float32, {10, 2}}}, {5, 1, 0}), "stride 1 is 2");
  refuses(oneInstruction(Opcode::reduce, {matrix, vector}, {4, 1}), "kind is 4");
  refuses(oneInstruction(Opcode::reduce, {matrix, vector}, {0, 3}), "3 reduced");
  refuses(oneInstruction(Opcode::reduce, {matrix, matrix}, {0, 1}), "rank 2, expected 1");
  refuses(oneInstruction(Opcode::gather, {matrix, vector, matrix}, {}), "is float32, expected int32");
  refuses(oneInstruction(Opcode::gather, {matrix, indices, {writable, 0, {6, 4}}}, {}), "dimension 1 is 4");
  refuses(oneInstruction(Opcode::scatterAdd, {indices, {writable, 0, {5, 5}}, matrix}, {}), "dimension 0 is 5");
  const OperandSpec memory{arena, 0, {9}, int32}, owners{arena, 16, {6}, int32}, places{arena, 32, {6}, int32};
  refuses(oneInstruction(Opcode::firstRows, {indices, owners, {arena, 32, {5}, int32}, memory}, {}), "dimension 0 is 5");
  refuses(oneInstruction(Opcode::firstRows, {indices, owners, places, {arena, 0, {9}}}, {}), "is float32, expected int32");
  refuses(oneInstruction(Opcode::firstRows, {indices, owners, {arena, 32, {6}, int32, {0}}, memory}, {}), "repeats dimension 0");
  refuses(oneInstruction(Opcode::firstRows, {indices, owners, places}, {}), "with 3 operands");
  refuses(oneInstruction(Opcode::replaceRows, {vector, matrix, matrix}, {}), "is float32, expected int32");
  refuses(oneInstruction(Opcode::replaceRows, {indices, {writable, 0, {5, 5}}, matrix}, {}), "dimension 0 is 5");
  refuses(oneInstruction(Opcode::replaceRows, {indices, matrix, {writable, 0, {6, 4}}}, {}), "dimension 1 is 5");
  refuses(oneInstruction(Opcode::softmax, {matrix, {writable, 0, {6, 5}, ElementType::float32, {1, 6}}}, {0}), "stride 1");
  refuses(oneInstruction(Opcode::crossEntropy, {matrix, indices, vector, {writable, 0, {6}, ElementType::float32, {2}}}, {}), "stride 0 is 2");
  refuses(oneInstruction(Opcode::crossEntropyGradient, {matrix, vector, indices, {writable, 0, {5}}, matrix}, {}), "dimension 0 is 5");
  const OperandSpec gains{writable, 0, {5}};
  CHECK(errorOf(oneInstruction(Opcode::standardize, {matrix, matrix, vector}, {bitsOf(0.5f)})).empty());
  refuses(oneInstruction(Opcode::standardize, {matrix, matrix}, {0}), "with 2 operands");
  refuses(oneInstruction(Opcode::standardize, {matrix, matrix, gains}, {0}), "dimension 0 is 5, expected 6");
  refuses(oneInstruction(Opcode::standardize, {matrix, {writable, 0, {6, 4}}, vector}, {0}), "dimension 1 is 4");
  refuses(oneInstruction(Opcode::standardize, {{writable, 0, {6, 5}, ElementType::float32, {1, 6}}, matrix, vector}, {0}), "stride 1");
  refuses(oneInstruction(Opcode::standardize, {matrix, matrix, indices}, {0}), "is int32");
  refuses(oneInstruction(Opcode::standardize, {matrix, matrix, {readOnly, 0, {6}}}, {0}), "read only");
  for (const float epsilon : {-1.0f, INFINITY, NAN}) {
    refuses(oneInstruction(Opcode::standardize, {matrix, matrix, vector}, {bitsOf(epsilon)}), "finite number of at least 0");
  }
  CHECK(errorOf(oneInstruction(Opcode::standardizeGradient, {matrix, {spaceConstants, 0, {5}, ElementType::float32, {0}}, matrix, vector, matrix}, {})).empty());
  refuses(oneInstruction(Opcode::standardizeGradient, {matrix, vector, matrix, vector, matrix}, {}), "dimension 0 is 6, expected 5");
  refuses(oneInstruction(Opcode::standardizeGradient, {matrix, {writable, 0, {5}, ElementType::float32, {2}}, matrix, vector, matrix}, {}), "stride 0 is 2");
  refuses(oneInstruction(Opcode::standardizeGradient, {matrix, gains, {writable, 0, {5, 5}}, vector, matrix}, {}), "dimension 0 is 5");
  refuses(oneInstruction(Opcode::standardizeGradient, {matrix, gains, matrix, gains, matrix}, {}), "dimension 0 is 5");
  refuses(oneInstruction(Opcode::standardizeGradient, {matrix, gains, matrix, vector, {writable, 0, {6, 5}, ElementType::float32, {0, 1}}}, {}), "repeats dimension 0");
  refuses(oneInstruction(Opcode::random, {indices, matrix}, {0, 0}), "dimension 0 is 6, expected 2");
  refuses(oneInstruction(Opcode::random, {{writable, 0, {2}, int32}, {writable, 0, {6, 5}, ElementType::float32, {6, 1}}}, {0, 0}), "stride 0 is 6");
  refuses(oneInstruction(Opcode::oneHot, {indices, {writable, 0, {5, 5}}}, {}), "dimension 0 is 5");
  refuses(oneInstruction(Opcode::argMax, {matrix, vector}, {}), "expected int32");
  refuses(oneInstruction(Opcode::iota, {vector}, {}), "expected int32");
  refuses(oneInstruction(static_cast<Opcode>(22), {vector}, {}), "opcode 22");
  refuses(oneInstruction(Opcode::iota, {indices}, {1}), "expected 4");
}

void checkMaps() {
  const OperandSpec place{writable, 0, {4}};
  const auto map = [&](const std::vector<Words>& code, const Words& attributes = {0, 1}) {
    return oneInstruction(Opcode::map, {place, place}, attributes, code);
  };
  refuses(map({{51, 64, 64, 0, 0}}), "operation 51");
  refuses(map({{9, 64, 2, 0, 0}}), "register 2 of 2");
  refuses(map({{9, 64, 1, 0, 0}}), "before it is written");
  refuses(map({{9, 64, 129, 0, 0}}), "constant 1 of 1");
  refuses(map({{9, 64, 65, 0, 0}}), "reads 2 inputs of 1");
  refuses(map({{9, 64, 90, 0, 0}}), "nothing to read");
  refuses(map({{9, 64, 192, 0, 0}}), "output 0 is read before it is written");
  refuses(map({{9, 2, 64, 0, 0}}), "nothing to write");
  refuses(map({{9, 80, 64, 0, 0}}), "nothing to write");
  refuses(map({{9, 65, 64, 0, 0}}), "lower output");
  refuses(map({{9, 0, 64, 0, 0}}), "no output");
  refuses(map({{9, 64, 64, 1, 0}}), "unused source");
  refuses(map({{9, 64, 64, 0, 0}}, {1, 1}), "no map entry begins at word 1");
  refuses(map({{9, 64, 64, 0, 0}}, {0, 2}), "2 inputs of 2 operands");
  refuses(map({{9, 64, 64, 0, 0}}, {0, 0}), "reads 1 inputs of 0");
  refuses(map(std::vector<Words>(257, Words{9, 64, 64, 0, 0})), "257 instructions");
}

void checkScanRules() {
  const auto scan = [](const OperandSpec& operand, uint32_t steps, uint32_t mode, uint32_t rows) {
    Assembler a;
    a.storage(100);
    const uint32_t id = a.operand(operand), entry = a.map(0, {}, {{9, 64, 64, 0, 0}});
    a.scan(steps, false, mode, rows, {Assembler::instruction(Opcode::map, {id, id}, {entry, 1})});
    return a.words();
  };
  const auto stepped = [](int64_t stride, int32_t shift, uint32_t slots) {
    return OperandSpec{spaceFirstStorage, 0, {10}, ElementType::float32, {}, stride, shift, slots};
  };
  CHECK(errorOf(scan(stepped(10, 0, 0), 10, 1, 10)).empty());
  CHECK(errorOf(scan(stepped(10, -3, 10), 1000, 0, 0)).empty());
  CHECK(errorOf(scan(stepped(0, -3, 0), INT32_MAX, 0, 0)).empty());
  refuses(scan(stepped(10, 0, 0), 11, 1, 10), "touches elements 0 to 109");
  refuses(scan(stepped(10, 1, 0), 10, 1, 10), "touches elements 10 to 109");
  refuses(scan(stepped(10, -1, 0), 10, 1, 10), "touches elements -10");
  refuses(scan(stepped(10, 0, 11), 11, 1, 10), "touches elements");
  refuses(scan(stepped(INT64_MAX, 0, 0), 3, 1, 10), "overflow");
  refuses(scan(stepped(INT64_MIN, 0, 0), 3, 1, 10), "overflow");
  refuses(scan(stepped(10, 0, 0), 0, 1, 10), "0 steps");
  refuses(scan(stepped(10, 0, 0), 10, 1, 9), "expected 9");
  refuses(scan(stepped(10, 0, 0), 10, 2, 10), "mode is 2");
  Assembler a;
  a.storage(100);
  a.scan(2, false, 0, 0, {Assembler::instruction(Opcode::scan, {}, {2, 0, 0, 0, 0})});
  refuses(a.words(), "do not nest");
  Assembler shared;
  const uint32_t io = shared.storage(1000);
  const uint32_t indices = shared.operand({io, 0, {4}, int32}), table = shared.operand({io, 10, {4, 3}}), out = shared.operand({io, 20, {4, 3}});
  shared.scan(2, false, 1, 4, {Assembler::instruction(Opcode::gather, {table, indices, out})});
  refuses(shared.words(), "shares its operand 0 between rows");
  const auto gained = [](int64_t gainOffset) {
    Assembler b;
    const uint32_t place = b.storage(1000);
    const uint32_t d = b.operand({place, 0, {4, 3}}), gain = b.operand({place, gainOffset, {3}}), y = b.operand({place, 20, {4, 3}}), scale = b.operand({place, 40, {4}});
    b.scan(2, false, 1, 4, {Assembler::instruction(Opcode::standardizeGradient, {d, gain, y, scale, d})});
    return b.words();
  };
  CHECK_TEXT(errorOf(gained(50)).empty(), errorOf(gained(50)));
  refuses(gained(11), "shares its operand 1 between rows");
}

void checkLimits() {
  DecodeLimits limits;
  limits.elements = 4095;
  CHECK(errorOf(everyOpcodeProgram(), limits).find("arena") != std::string::npos);
  limits = {};
  limits.work = 10000;
  CHECK(errorOf(everyOpcodeProgram(), limits).find("more work") != std::string::npos);
  limits = {};
  limits.steps = 4;
  CHECK(errorOf(everyOpcodeProgram(), limits).find("5 steps") != std::string::npos);
}

// Decodes, and runs what decodes: a sanitizer sees whether anything outside the spaces is touched.
bool survives(const KernelTable& table, const Words& words, ThreadPool& pool) {
  DecodeLimits limits;
  limits.elements = 1 << 16;
  limits.work = 1 << 21;
  const DecodeResult decoded = decode(words.data(), words.size(), limits);
  if (!decoded.program) return false;
  Executable::Storages storages;
  for (const StorageNeed& need : decoded.program->storages) storages.push_back(Storage::allocate(need.elements));
  Executable::Bound bound = Executable::bind(decoded.program, storages, table);
  if (!bound.executable) return false;
  bound.executable->run(pool, nullptr);
  return true;
}

}  // namespace

void testDecodeRejects(const KernelTable&) {
  checkHeader();
  checkPlaces();
  checkShapes();
  checkMaps();
  checkScanRules();
  checkLimits();
}

void testDecodeMutations(const KernelTable& table) {
  const uint32_t values[] = {0, 1, 2, 3, 63, 64, 65, 128, 255, 1000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
#ifdef __SANITIZE_THREAD__
  ThreadPool pool(1);  // mutated programs may well race: with themselves, on their own memory
#else
  ThreadPool pool(2);
#endif
  long ran = 0, refused = 0;
  for (const Words& original : {everyOpcodeProgram(), recurrentProgram({5, 3, 4, 17}, 1), recurrentProgram({5, 3, 4, 17}, 0), spanningProgram({5, 3, 4, 17}, 1)}) {
    for (size_t word = 0; word < original.size(); word++) {
      Words words = original;
      for (const uint32_t value : values) {
        words[word] = value;
        survives(table, words, pool) ? ran++ : refused++;
      }
      for (const uint32_t difference : {1u, ~0u, 0x10000u}) {
        words[word] = original[word] + difference;
        survives(table, words, pool) ? ran++ : refused++;
      }
      words.resize(word);
      CHECK(!survives(table, words, pool));
    }
    std::mt19937 random(7);
    for (int round = 0; round < 3000; round++) {
      Words words = original;
      for (int change = 0; change < 4; change++) words[random() % words.size()] = values[random() % 14];
      survives(table, words, pool) ? ran++ : refused++;
    }
  }
  CHECK(ran > 100 && refused > 1000);
}

}  // namespace bptt::tests
