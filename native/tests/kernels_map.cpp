// The interpreter of map programs against one that takes element after element.
#include <math.h>
#include <string.h>

#include "kernel_test.h"

namespace bptt {
namespace tests {

namespace {

int32_t asInt(float x) { return static_cast<int32_t>(bitsOfFloat(x)); }
float fromInt(int64_t x) { return floatOfBits(static_cast<uint32_t>(x)); }
float truthOf(bool x) { return fromInt(x ? 1 : 0); }

float truncated(float x) {
  if (x != x) return fromInt(0);
  if (x >= 2147483648.0f) return fromInt(INT32_MAX);
  return x < -2147483648.0f ? fromInt(INT32_MIN) : fromInt(static_cast<int32_t>(x));
}

float larger(float a, float b) { return a != a || b != b ? NAN : a > b ? a : b; }
float smaller(float a, float b) { return a != a || b != b ? NAN : a < b ? a : b; }

// The exact opcodes, which every instruction set computes alike or with its own multiply-add.
bool exactOpcode(const KernelTable& table, int op, float a, float b, float c, float& out) {
  const uint32_t x = bitsOfFloat(a), y = bitsOfFloat(b);
  const float rest = multiplyAddOf(table, -b, b, 1.0f);
  switch (op) {
    case 0: out = a; return true;
    case 1: out = a + b; return true;
    case 2: out = a - b; return true;
    case 3: out = a * b; return true;
    case 4: out = a / b; return true;
    case 5: out = larger(a, b); return true;
    case 6: out = smaller(a, b); return true;
    case 8: out = multiplyAddOf(table, a, b, c); return true;
    case 9: out = -a; return true;
    case 12: out = sqrtf(a); return true;
    case 13: out = fabsf(a); return true;
    case 14: out = a > 0 ? 1.0f : a < 0 ? -1.0f : a; return true;
    case 15: out = floorf(a); return true;
    case 20: out = larger(a, 0.0f); return true;
    case 22: out = (a * b) * (1.0f - b); return true;
    case 23: out = a * rest; return true;
    case 24: out = truthOf(a < b); return true;
    case 25: out = truthOf(a <= b); return true;
    case 26: out = truthOf(a == b); return true;
    case 27: out = x != 0 ? b : c; return true;
    case 28: out = truthOf(x != 0 && y != 0); return true;
    case 29: out = truthOf(x != 0 || y != 0); return true;
    case 30: out = truthOf(x == 0); return true;
    case 31: out = truthOf(isfinite(a)); return true;
    case 32: out = static_cast<float>(asInt(a)); return true;
    case 33: out = truncated(a); return true;
    case 34: out = fromInt(x + y); return true;
    case 35: out = fromInt(x - y); return true;
    case 36: out = fromInt(x * y); return true;
    case 37: out = asInt(a) > asInt(b) ? a : b; return true;
    case 38: out = asInt(a) < asInt(b) ? a : b; return true;
    case 39: out = truthOf(asInt(a) < asInt(b)); return true;
    case 40: out = truthOf(asInt(a) <= asInt(b)); return true;
    case 41: out = truthOf(x == y); return true;
    case 42: out = truthOf(x != 0); return true;
    case 43: out = truthOf(a != 0); return true;
    case 44: out = b > 0 ? a : 0.0f; return true;
    case 45: out = multiplyAddOf(table, a, rest, c); return true;
    case 46: out = multiplyAddOf(table, a, b, -c); return true;
    case 47: out = multiplyAddOf(table, -a, b, c); return true;
    case 50: out = 1.0f / a; return true;
    default: return false;
  }
}

// The others; their accuracy in general is the subject of kernels_math.cpp.
double approximateOpcode(int op, double a, double b) {
  switch (op) {
    case 7: return pow(a, b);
    case 10: return exp(a);
    case 11: return log(a);
    case 16: return sin(a);
    case 17: return cos(a);
    case 18: return tanh(a);
    case 19: return a < -87.33654 ? 0 : 1 / (1 + exp(-a));
    case 21: return fmax(a, 0) + log1p(exp(-fabs(a)));
    case 48: return expm1(a);
    case 49: return log1p(a);
    default: return NAN;
  }
}

std::vector<float> interestingFloats() {
  std::vector<float> values = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 2.5f, -2.5f, 1e-45f, -1e-45f, 1e-39f, 1.17549435e-38f, 3.4e38f, -3.4e38f,
                               INFINITY, -INFINITY, NAN, 8388607.5f, -8388607.5f, 8388609.0f, 2147483520.0f, 2147483648.0f, -2147483648.0f,
                               -2147483904.0f, 0.99999994f, -0.99999994f, 16777216.0f, 3.0f};
  for (const int64_t bits : {1, 2, -1, -2, 7, 100, INT32_MAX, INT32_MIN}) values.push_back(fromInt(bits));
  return values;
}

bool isOpcodeOfTwo(int op) {
  return (op >= 1 && op <= 7) || op == 22 || op == 23 || (op >= 24 && op <= 26) || op == 28 || op == 29 || (op >= 34 && op <= 41) || op == 44;
}
bool isOpcodeOfThree(int op) { return op == 8 || op == 27 || (op >= 45 && op <= 47); }

void checkOpcode(const KernelTable& table, int op, const std::vector<float> (&in)[3]) {
  const ptrdiff_t count = static_cast<ptrdiff_t>(in[0].size());
  std::vector<float> out(in[0].size());
  const bool two = isOpcodeOfTwo(op) || isOpcodeOfThree(op);
  runOpcode(table, op, in[0].data(), two ? in[1].data() : nullptr, isOpcodeOfThree(op) ? in[2].data() : nullptr, out.data(), count);
  for (ptrdiff_t i = 0; i < count; ++i) {
    const float a = in[0][i], b = in[1][i], c = in[2][i];
    float expected;
    if (exactOpcode(table, op, a, b, c, expected)) {
      // Which of two zeros is the larger is left open.
      const bool zeros = (op == 5 || op == 6 || op == 20) && expected == 0 && out[i] == 0;
      CHECK_NOTE(zeros || sameValue(out[i], expected), "(%s opcode %d of %.9g %.9g %.9g: %.9g, not %.9g)", table.name, op, a, b, c, out[i],
                 expected);
    } else {
      double truth = approximateOpcode(op, a, b);
      if (op == 7 && (b != b || (fabsf(a) == 1 && isinf(b)))) truth = NAN;
      CHECK_NOTE(unitsOff(out[i], truth) <= 4, "(%s opcode %d of %.9g %.9g: %.9g, not %.9g)", table.name, op, a, b, out[i], truth);
    }
  }
}

}  // namespace

void testMapOpcodes(const KernelTable& table) {
  const std::vector<float> special = interestingFloats();
  Numbers numbers(3);
  std::vector<float> in[3];
  for (const float a : special) {
    for (const float b : special) {
      in[0].push_back(a);
      in[1].push_back(b);
      in[2].push_back(special[numbers.word() % special.size()]);
    }
  }
  for (int i = 0; i < 1001; ++i) {
    for (std::vector<float>& values : in) values.push_back(numbers.between(-5, 5));
  }
  for (int op = 0; op <= 50; ++op) checkOpcode(table, op, in);
}

namespace {

// Places element (r, c) of an operand somewhere in guarded memory: strides as given, the buffer exactly as long as they need.
struct Field {
  ptrdiff_t rows, columns, rowStride, columnStride;
  GuardedFloats memory;
  float* origin;
  Field(ptrdiff_t r, ptrdiff_t c, ptrdiff_t rs, ptrdiff_t cs, Flush flush)
      : rows(r), columns(c), rowStride(rs), columnStride(cs),
        memory((r - 1) * (rs < 0 ? -rs : rs) + (c - 1) * (cs < 0 ? -cs : cs) + 1, flush) {
    origin = memory.data() + (rs < 0 ? -rs * (r - 1) : 0) + (cs < 0 ? -cs * (c - 1) : 0);
  }
  float& at(ptrdiff_t r, ptrdiff_t c) { return origin[r * rowStride + c * columnStride]; }
  void fill(Numbers& numbers) {
    for (ptrdiff_t r = 0; r < rows; ++r) {
      for (ptrdiff_t c = 0; c < columns; ++c) at(r, c) = numbers.between(-2, 2);
    }
  }
  MapOperand operand() { return {origin, rowStride, columnStride}; }
};

// Elements that the kernel had no business to write are still untouched.
void checkGaps(Field& field, const char* isa) {
  std::vector<bool> owned(static_cast<size_t>(field.memory.size()), false);
  for (ptrdiff_t r = 0; r < field.rows; ++r) {
    for (ptrdiff_t c = 0; c < field.columns; ++c) owned[static_cast<size_t>(&field.at(r, c) - field.memory.data())] = true;
  }
  bool clean = true;
  for (ptrdiff_t i = 0; i < field.memory.size(); ++i) clean = clean && (owned[static_cast<size_t>(i)] || isUntouched(field.memory[i]));
  CHECK_NOTE(clean, "(%s: %td x %td)", isa, field.rows, field.columns);
}

struct Layout {
  const char* name;
  ptrdiff_t rowFactor, rowExtra, columnStride;  // row stride = rowFactor · columns + rowExtra
  bool output;                                  // every element has a place of its own
};

const Layout kLayouts[] = {
    {"contiguous", 1, 0, 1, true}, {"spaced rows", 1, 3, 1, true}, {"bias", 0, 0, 1, false},      {"per row", 0, 1, 0, false},
    {"scalar", 0, 0, 0, false},    {"strided", 3, 5, 3, true},     {"reversed", -1, -2, -1, true}, {"transposed", 0, 1, -1, true},
};

ptrdiff_t columnStrideOf(const Layout& layout, ptrdiff_t rows) { return strcmp(layout.name, "transposed") == 0 ? rows : layout.columnStride; }

// out0 = (x·y + 2) held in a register, out1 = x − register.
void runTwoOutputs(const KernelTable& table, Field& x, Field& y, Field& out0, Field& out1, MapScratch& scratch) {
  const MapInstruction code[] = {{8, 0, 64, 65, 128}, {0, 66, 0, 0, 0}, {2, 67, 64, 0, 0}};
  const uint32_t two = bitsOfFloat(2.0f);
  MapInstruction fixed[3];
  memcpy(fixed, code, sizeof fixed);
  fixed[1].destination = 64;
  fixed[2].destination = 65;
  const MapOperand operands[] = {x.operand(), y.operand(), out0.operand(), out1.operand()};
  const MapArguments arguments = {fixed, 3, 2, 2, 1, 1, &two, operands, out0.rows, out0.columns, scratch.data()};
  table.map(arguments);
}

void checkShape(const KernelTable& table, ptrdiff_t rows, ptrdiff_t columns, const Layout& left, const Layout& right, const Layout& to, Flush flush) {
  Numbers numbers(static_cast<uint64_t>(rows * 1000 + columns));
  MapScratch scratch(table);
  Field x(rows, columns, left.rowFactor * columns + left.rowExtra, columnStrideOf(left, rows), flush);
  Field y(rows, columns, right.rowFactor * columns + right.rowExtra, columnStrideOf(right, rows), flush);
  Field out0(rows, columns, to.rowFactor * columns + to.rowExtra, columnStrideOf(to, rows), flush);
  Field out1(rows, columns, columns, 1, flush);
  x.fill(numbers);
  y.fill(numbers);
  runTwoOutputs(table, x, y, out0, out1, scratch);
  bool right0 = true, right1 = true;
  for (ptrdiff_t r = 0; r < rows; ++r) {
    for (ptrdiff_t c = 0; c < columns; ++c) {
      const float expected = multiplyAddOf(table, x.at(r, c), y.at(r, c), 2.0f);
      right0 = right0 && sameBits(out0.at(r, c), expected);
      right1 = right1 && sameBits(out1.at(r, c), x.at(r, c) - expected);
    }
  }
  CHECK_NOTE(right0 && right1, "(%s: %td x %td, %s, %s -> %s)", table.name, rows, columns, left.name, right.name, to.name);
  checkGaps(out0, table.name);
  checkGaps(out1, table.name);
}

}  // namespace

void testMapShapes(const KernelTable& table) {
  const ptrdiff_t lanes = table.lanes;
  const ptrdiff_t widths[] = {1, 2, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes + 2, 255, 256, 257, 512, 531, 1100};
  for (const Flush flush : kBothFlushes) {
    for (const ptrdiff_t rows : {1, 2, 5, 70}) {
      for (const ptrdiff_t columns : widths) {
        if (columns < 1 || rows * columns > 20000) continue;
        for (const Layout& left : kLayouts) checkShape(table, rows, columns, left, kLayouts[0], kLayouts[0], flush);
        for (const Layout& right : kLayouts) checkShape(table, rows, columns, kLayouts[1], right, kLayouts[1], flush);
        for (const Layout& to : kLayouts) {
          if (to.output) checkShape(table, rows, columns, kLayouts[3], kLayouts[2], to, flush);
        }
      }
    }
  }
}

// out0 lies over x, and is written before x is read for the last time.
void testMapAliasing(const KernelTable& table) {
  MapScratch scratch(table);
  for (const ptrdiff_t rows : {1, 3, 40}) {
    for (const ptrdiff_t columns : {1, 7, 16, 19, 64, 600}) {
      for (const ptrdiff_t columnStride : {1, 2}) {
        Numbers numbers(static_cast<uint64_t>(rows + columns));
        Field x(rows, columns, columns * columnStride + 1, columnStride, Flush::kEnd);
        Field out1(rows, columns, columns, 1, Flush::kEnd);
        x.fill(numbers);
        std::vector<float> before(x.memory.data(), x.memory.data() + x.memory.size());
        const MapInstruction code[] = {{3, 64, 64, 64, 0}, {1, 65, 64, 128, 0}, {9, 64, 64, 0, 0}};
        const uint32_t one = bitsOfFloat(1.0f);
        const MapOperand operands[] = {x.operand(), x.operand(), out1.operand()};
        const MapArguments arguments = {code, 3, 1, 2, 0, 1, &one, operands, rows, columns, scratch.data()};
        table.map(arguments);
        bool good = true;
        for (ptrdiff_t r = 0; r < rows; ++r) {
          for (ptrdiff_t c = 0; c < columns; ++c) {
            const float old = before[static_cast<size_t>(&x.at(r, c) - x.memory.data())];
            good = good && sameBits(x.at(r, c), -old) && sameBits(out1.at(r, c), old + 1.0f);
          }
        }
        CHECK_NOTE(good, "(%s: %td x %td, stride %td)", table.name, rows, columns, columnStride);
      }
    }
  }
}

namespace {

// A random program over exact opcodes, run by the table and element by element.
struct Program {
  std::vector<MapInstruction> code;
  std::vector<uint32_t> constants;
  int inputs, outputs, registers;
};

Program randomProgram(Numbers& numbers) {
  const int opcodes[] = {0, 1, 2, 3, 5, 6, 8, 9, 13, 20, 23, 24, 27, 44, 45, 46, 47};
  Program program;
  program.inputs = 1 + static_cast<int>(numbers.word() % 24);
  program.outputs = 1 + static_cast<int>(numbers.word() % 16);
  program.registers = 1 + static_cast<int>(numbers.word() % 32);
  for (uint32_t i = numbers.word() % 33; i > 0; --i) program.constants.push_back(bitsOfFloat(numbers.between(-1, 1)));
  const auto source = [&](int written) {
    const uint32_t kind = numbers.word() % 3;
    if (kind == 0 && written > 0) return static_cast<int32_t>(numbers.word() % static_cast<uint32_t>(written));
    if (kind == 1 && !program.constants.empty()) return static_cast<int32_t>(128 + numbers.word() % program.constants.size());
    return static_cast<int32_t>(64 + numbers.word() % static_cast<uint32_t>(program.inputs));
  };
  for (int i = 0; i < program.registers + 20; ++i) {
    const int written = i < program.registers ? i : program.registers;
    const int32_t op = opcodes[numbers.word() % 17];
    const int32_t to = i < program.registers ? i : static_cast<int32_t>(numbers.word() % static_cast<uint32_t>(program.registers));
    program.code.push_back({op, to, source(written), source(written), source(written)});
  }
  for (int j = 0; j < program.outputs; ++j) {
    const int32_t written = j > 0 && numbers.word() % 2 == 0 ? 192 + static_cast<int32_t>(numbers.word() % static_cast<uint32_t>(j)) : source(program.registers);
    program.code.push_back({1, 64 + j, written, source(program.registers), 0});
  }
  return program;
}

std::vector<float> runElement(const KernelTable& table, const Program& program, const std::vector<float>& inputs) {
  std::vector<float> registers(32), outputs(static_cast<size_t>(program.outputs));
  const auto valueOf = [&](int32_t source) {
    if (source < 64) return registers[static_cast<size_t>(source)];
    if (source >= 192) return outputs[static_cast<size_t>(source - 192)];
    return source < 128 ? inputs[static_cast<size_t>(source - 64)] : floatOfBits(program.constants[static_cast<size_t>(source - 128)]);
  };
  for (const MapInstruction& step : program.code) {
    float value = 0;
    exactOpcode(table, step.op, valueOf(step.a), valueOf(step.b), valueOf(step.c), value);
    (step.destination < 64 ? registers[static_cast<size_t>(step.destination)] : outputs[static_cast<size_t>(step.destination - 64)]) = value;
  }
  return outputs;
}

}  // namespace

void testMapPrograms(const KernelTable& table) {
  MapScratch scratch(table);
  Numbers numbers(77);
  for (int round = 0; round < 60; ++round) {
    const Program program = randomProgram(numbers);
    const ptrdiff_t rows = 1 + numbers.word() % 20, columns = 1 + numbers.word() % 90;
    const size_t size = static_cast<size_t>(rows * columns);
    std::vector<std::vector<float>> memory(static_cast<size_t>(program.inputs + program.outputs), std::vector<float>(size));
    std::vector<MapOperand> operands;
    for (std::vector<float>& field : memory) {
      for (float& x : field) x = numbers.between(-1, 1);
      operands.push_back({field.data(), columns, 1});
    }
    const MapArguments arguments = {program.code.data(), static_cast<int32_t>(program.code.size()), program.inputs, program.outputs,
                                    program.registers, static_cast<int32_t>(program.constants.size()), program.constants.data(),
                                    operands.data(), rows, columns, scratch.data()};
    table.map(arguments);
    bool good = true;
    for (size_t e = 0; e < size; ++e) {
      std::vector<float> inputs;
      for (int i = 0; i < program.inputs; ++i) inputs.push_back(memory[static_cast<size_t>(i)][e]);
      const std::vector<float> expected = runElement(table, program, inputs);
      for (int j = 0; j < program.outputs; ++j) {
        const float got = memory[static_cast<size_t>(program.inputs + j)][e];
        good = good && (sameValue(got, expected[static_cast<size_t>(j)]) || (got == 0 && expected[static_cast<size_t>(j)] == 0));
      }
    }
    CHECK_NOTE(good, "(%s: program %d, %td x %td)", table.name, round, rows, columns);
  }
}

}  // namespace tests
}  // namespace bptt
