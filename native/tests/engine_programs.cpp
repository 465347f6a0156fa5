#include "engine_test.h"

namespace bptt::tests {

using namespace format;

// Parameters: W [inputs, units], U [units, units], b [units]. Inputs and outputs: x [steps, rows, inputs], h [steps + 1, rows, units] of which
// slot 0 is the initial state, g [steps, rows, units]: a reverse scan g(t) = h(t + 1) + 0.5·g(t + 1), with g beyond the end taken from a wrap slot.
Words recurrentProgram(const RecurrentShape& shape, uint32_t mode) {
  const uint32_t T = shape.steps, N = shape.rows, I = shape.inputs, H = shape.units;
  const uint32_t wide = (H + 63) / 64 * 64;
  Assembler a;
  const uint32_t parameters = a.storage(int64_t{I} * H + int64_t{H} * H + H);
  const int64_t plane = int64_t{N} * H;
  const int64_t xSize = int64_t{T} * N * I, hOffset = xSize, gOffset = xSize + (T + 1) * plane;
  const uint32_t io = a.storage(gOffset + T * plane);
  const int64_t packedW = 0, packedU = int64_t{I} * wide, gates = packedU + int64_t{H} * wide, carry = gates + T * plane;
  a.arenaElements = carry + 2 * plane;
  const uint32_t w = a.operand({parameters, 0, {I, H}}), u = a.operand({parameters, int64_t{I} * H, {H, H}});
  const uint32_t bias = a.operand({parameters, int64_t{I} * H + int64_t{H} * H, {T * N, H}, ElementType::float32, {0, 1}});
  const uint32_t wp = a.operand({arena, packedW, {I * wide}}), up = a.operand({arena, packedU, {H * wide}});
  const uint32_t xAll = a.operand({io, 0, {T * N, I}}), gatesAll = a.operand({arena, gates, {T * N, H}});
  a.add(Opcode::pack, {w, wp});
  a.add(Opcode::pack, {u, up});
  a.prologue = 2;
  a.add(Opcode::gemm, {xAll, wp, gatesAll, bias}, {I, 1, 0});
  const auto stepped = [&](uint32_t space, int64_t offset, int32_t shift, uint32_t slots) {
    return a.operand({space, offset, {N, H}, ElementType::float32, {}, plane, shift, slots});
  };
  const uint32_t gate = stepped(arena, gates, 0, 0), before = stepped(io, hOffset, 0, 0), after = stepped(io, hOffset, 1, 0);
  const uint32_t tanhEntry = a.map(0, {}, {{18, 64, 64, 0, 0}});
  a.scan(T, false, mode, N, {Assembler::instruction(Opcode::gemm, {before, up, gate, gate}, {H, 1, 0}),
                            Assembler::instruction(Opcode::map, {gate, after}, {tanhEntry, 1})});
  const uint32_t zero = a.map(0, {0.0f}, {{0, 64, 128, 0, 0}});
  const uint32_t last = a.operand({arena, carry + (T % 2) * plane, {N, H}});
  a.add(Opcode::map, {last}, {zero, 0});
  const uint32_t carryIn = stepped(arena, carry, 1, 2), carryOut = stepped(arena, carry, 0, 2), g = stepped(io, gOffset, 0, 0);
  const uint32_t decay = a.map(1, {0.5f}, {{8, 0, 64, 128, 65}, {0, 64, 0, 0, 0}, {0, 65, 0, 0, 0}});
  a.scan(T, true, mode, N, {Assembler::instruction(Opcode::map, {carryIn, after, carryOut, g}, {decay, 2})});
  return a.words();
}

Words spanningProgram(const RecurrentShape& shape, uint32_t mode) {
  const uint32_t T = shape.steps, N = shape.rows, I = shape.inputs, H = shape.units;
  const uint32_t wide = (H + 63) / 64 * 64, ahead = T < 3 ? T : 3, behind = T < 2 ? T : 2;
  Assembler a;
  const uint32_t parameters = a.storage(int64_t{I} * H + int64_t{H} * H + H);
  const int64_t plane = int64_t{N} * H, hOffset = int64_t{T} * N * I, qOffset = hOffset + (T + 1) * plane, sumOffset = qOffset + T * plane;
  const uint32_t io = a.storage(sumOffset + H);
  const int64_t packedU = int64_t{I} * wide, ring = packedU + int64_t{H} * wide, gates = ring + ahead * plane, states = gates + plane;
  a.arenaElements = states + int64_t{T} * N * wide;
  const uint32_t wp = a.operand({arena, 0, {I * wide}}), up = a.operand({arena, packedU, {H * wide}}), packed = a.operand({arena, states, {T * N * wide}});
  a.add(Opcode::pack, {a.operand({parameters, 0, {I, H}}), wp});
  a.add(Opcode::pack, {a.operand({parameters, int64_t{I} * H, {H, H}}), up});
  a.prologue = 2;
  const auto stepped = [&](uint32_t space, int64_t offset, uint32_t columns, int32_t shift, uint32_t slots) {
    return a.operand({space, offset, {N, columns}, ElementType::float32, {}, int64_t{N} * columns, shift, slots});
  };
  const uint32_t x = stepped(io, 0, I, 0, 0), inputs = stepped(arena, ring, H, 0, ahead), before = stepped(io, hOffset, H, 0, 0);
  const uint32_t after = stepped(io, hOffset, H, 1, 0), q = stepped(io, qOffset, H, 0, 0), gate = a.operand({arena, gates, {N, H}});
  const uint32_t bias = a.operand({parameters, int64_t{I} * H + int64_t{H} * H, {N, H}, ElementType::float32, {0, 1}});
  const uint32_t tanhEntry = a.map(0, {}, {{18, 64, 64, 0, 0}});
  a.scan(T, false, mode, N, {Assembler::instruction(Opcode::gemm, {x, wp, inputs, bias}, {I, 1, ahead}),
                            Assembler::instruction(Opcode::gemm, {before, up, gate, inputs}, {H, 1, 0}),
                            Assembler::instruction(Opcode::map, {gate, after}, {tanhEntry, 1}), Assembler::instruction(Opcode::packStep, {after, packed}),
                            Assembler::instruction(Opcode::gemm, {after, up, q}, {H, 0, static_cast<uint32_t>(-static_cast<int32_t>(behind))})});
  a.add(Opcode::sumPacked, {packed, a.operand({io, sumOffset, {H}})}, {T * N});
  return a.words();
}

Words everyOpcodeProgram() {
  Assembler a;
  const uint32_t parameters = a.storage(256, accessRead), io = a.storage(2048);
  a.arenaElements = 4096;
  a.constants = {7, 9};
  const uint32_t key = a.operand({spaceConstants, 0, {2}, int32});
  const uint32_t table = a.operand({parameters, 0, {8, 16}}), indices = a.operand({io, 0, {6}, int32}), rows = a.operand({io, 16, {6, 16}});
  const uint32_t sums = a.operand({io, 256, {6}}), loss = a.operand({io, 272, {6}}), normalizer = a.operand({io, 288, {6}});
  const uint32_t classes = a.operand({arena, 0, {8, 16}}), probabilities = a.operand({arena, 256, {6, 16}});
  const uint32_t packed = a.operand({arena, 512, {16 * 64}}), square = a.operand({parameters, 0, {16, 16}}), product = a.operand({io, 512, {6, 16}});
  const uint32_t gradient = a.operand({io, 640, {6, 16}}), noise = a.operand({arena, 2048, {6, 16}}), hot = a.operand({arena, 2304, {6, 16}});
  const uint32_t best = a.operand({io, 768, {6}, int32}), order = a.operand({io, 784, {6}, int32});
  const uint32_t state = a.operand({arena, 3072, {6, 16}, ElementType::float32, {}, 96, 0, 3});
  const uint32_t next = a.operand({arena, 3072, {6, 16}, ElementType::float32, {}, 96, 1, 3});
  a.add(Opcode::pack, {square, packed});
  a.prologue = 1;
  a.add(Opcode::gather, {table, indices, rows});
  a.add(Opcode::gemm, {rows, packed, product}, {16, 0, 0});
  a.add(Opcode::softmax, {product, probabilities}, {0});
  a.add(Opcode::reduce, {probabilities, sums}, {0, 1});
  a.add(Opcode::crossEntropy, {product, indices, loss, normalizer});
  a.add(Opcode::crossEntropyGradient, {product, normalizer, indices, sums, gradient});
  a.add(Opcode::scatterAdd, {indices, gradient, classes});
  a.add(Opcode::random, {key, noise}, {1, 3});
  a.add(Opcode::oneHot, {indices, hot});
  a.add(Opcode::argMax, {product, best});
  a.add(Opcode::iota, {order});
  const uint32_t standardized = a.operand({arena, 2560, {6, 16}}), scales = a.operand({io, 800, {6}}), gains = a.operand({parameters, 32, {16}});
  a.add(Opcode::standardize, {product, standardized, scales}, {bitsOf(1e-3f)});
  a.add(Opcode::standardizeGradient, {gradient, gains, standardized, scales, gradient});
  const uint32_t add = a.map(1, {2.0f}, {{8, 0, 64, 128, 65}, {0, 64, 0, 0, 0}});
  a.add(Opcode::map, {product, noise, a.operand({arena, 3072, {6, 16}})}, {add, 2});
  a.scan(5, false, 1, 6, {Assembler::instruction(Opcode::gemm, {state, packed, next}, {16, 0, 0}),
                         Assembler::instruction(Opcode::softmax, {next, next}, {1})});
  return a.words();
}

}  // namespace bptt::tests
