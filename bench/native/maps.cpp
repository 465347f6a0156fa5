// Elementwise programs: map NAME ELEMENTS REPETITIONS. NAME is one operation, or a whole step of a cell.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "bench.h"

namespace bptt {
namespace bench {

namespace {

// Numbers of the map bytecode: docs/program-format.md, "Map table".
enum Operation : int32_t { kCopy = 0, kAdd = 1, kMultiply = 3, kDivide = 4, kFusedMultiplyAdd = 8, kExp = 10, kLog = 11, kSqrt = 12, kTanh = 18, kSigmoid = 19 };
constexpr int32_t kInput = 64, kOutputRegister = 64;

struct MapCase {
  const char* name;
  int inputs, outputs, registers;
  std::vector<MapInstruction> code;
  double (*expected)(double a, double b, double c);  // null: nothing to compare with
};

double sigmoidOf(double x) { return 1 / (1 + std::exp(-x)); }

const std::vector<MapCase>& cases() {
  const auto one = [](int32_t op) { return std::vector<MapInstruction>{{op, kOutputRegister, kInput, kInput, kInput}}; };
  const auto more = [](int32_t op) { return std::vector<MapInstruction>{{op, kOutputRegister, kInput, kInput + 1, kInput + 2}}; };
  static const std::vector<MapCase> all = {
      {"copy", 1, 1, 0, one(kCopy), [](double a, double, double) { return a; }},
      {"add", 2, 1, 0, more(kAdd), [](double a, double b, double) { return a + b; }},
      {"multiply", 2, 1, 0, more(kMultiply), [](double a, double b, double) { return a * b; }},
      {"divide", 2, 1, 0, more(kDivide), [](double a, double b, double) { return a / b; }},
      {"fusedMultiplyAdd", 3, 1, 0, more(kFusedMultiplyAdd), [](double a, double b, double c) { return a * b + c; }},
      {"exp", 1, 1, 0, one(kExp), [](double a, double, double) { return std::exp(a); }},
      {"log", 1, 1, 0, one(kLog), [](double a, double, double) { return std::log(a); }},
      {"sqrt", 1, 1, 0, one(kSqrt), [](double a, double, double) { return std::sqrt(a); }},
      {"tanh", 1, 1, 0, one(kTanh), [](double a, double, double) { return std::tanh(a); }},
      {"sigmoid", 1, 1, 0, one(kSigmoid), [](double a, double, double) { return sigmoidOf(a); }},
      // i f g o and the old memory in, the new memory and what is shown out: the arithmetic of one step of a long short-term memory.
      {"lstmStep", 5, 2, 5,
       {{kSigmoid, 0, 64, 64, 64}, {kSigmoid, 1, 65, 65, 65}, {kTanh, 2, 66, 66, 66}, {kSigmoid, 3, 67, 67, 67}, {kMultiply, 4, 0, 2, 0},
        {kFusedMultiplyAdd, 4, 1, 68, 4}, {kCopy, 64, 4, 4, 4}, {kTanh, 4, 4, 4, 4}, {kMultiply, 65, 3, 4, 4}},
       nullptr},
  };
  return all;
}

const MapCase& find(const std::string& name) {
  for (const MapCase& each : cases()) {
    if (name == each.name) return each;
  }
  throw std::runtime_error("no map is called " + name);
}

double differenceOf(const MapCase& the, std::vector<Floats>& operands) {
  if (the.expected == nullptr) return 0;
  double worst = 0;
  Floats& out = operands[static_cast<size_t>(the.inputs)];
  const auto at = [&](int operand, size_t i) { return operand < the.inputs ? static_cast<double>(operands[static_cast<size_t>(operand)][i]) : 0.0; };
  for (size_t i = 0; i < out.size(); ++i) {
    const double expected = the.expected(at(0, i), at(1, i), at(2, i));
    worst = std::max(worst, std::fabs(out[i] - expected) / std::max(1e-3, std::fabs(expected)));
  }
  return worst;
}

}  // namespace

Answer runMap(const KernelTable& table, std::istringstream& words) {
  std::string name;
  ptrdiff_t elements = 0;
  int repetitions = 0;
  if (!(words >> name >> elements >> repetitions) || elements < 1) throw std::runtime_error("expected map ISA NAME ELEMENTS REPETITIONS");
  const MapCase& the = find(name);
  std::vector<Floats> operands;
  std::vector<MapOperand> views;
  Numbers numbers(11);
  for (int i = 0; i < the.inputs + the.outputs; ++i) {
    operands.emplace_back(static_cast<size_t>(elements));
    // A positive range: every function has a value and none is slow.
    for (ptrdiff_t k = 0; k < elements; ++k) operands.back()[static_cast<size_t>(k)] = 1.5f + numbers.next();
  }
  for (Floats& operand : operands) views.push_back({operand.data(), elements, 1});
  std::vector<std::byte> scratch(table.mapScratchBytes + 64);
  MapArguments arguments = {};
  arguments.code = the.code.data();
  arguments.codeLength = static_cast<int32_t>(the.code.size());
  arguments.inputCount = the.inputs;
  arguments.outputCount = the.outputs;
  arguments.registerCount = the.registers;
  arguments.operands = views.data();
  arguments.rows = 1;
  arguments.columns = elements;
  arguments.scratch = scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64) % 64;
  table.map(arguments);
  Answer answer;
  answer.difference = differenceOf(the, operands);
  for (int i = 0; i < repetitions; ++i) {
    const auto start = Clock::now();
    table.map(arguments);
    answer.milliseconds.push_back(millisecondsSince(start));
  }
  return answer;
}

}  // namespace bench
}  // namespace bptt
