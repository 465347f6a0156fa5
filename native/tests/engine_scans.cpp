// The time loop: right values, and the same bits in every mode on any number of threads; prologue, cancellation, denormals.
#include <cmath>
#include <thread>

#include "base/processor.h"
#include "engine_test.h"

namespace bptt::tests {

using namespace format;

namespace {

std::vector<float> runRecurrent(const KernelTable& table, const RecurrentShape& shape, uint32_t mode, int threads) {
  Machine machine(table, recurrentProgram(shape, mode));
  CHECK_TEXT(machine.good(), machine.error());
  if (!machine.good()) return {};
  const auto parameters = static_cast<size_t>(machine.storage(0).elements()), all = static_cast<size_t>(machine.storage(1).elements());
  fillRandom(machine.floats(0), parameters, 1);
  for (size_t index = 0; index < parameters; index++) machine.floats(0)[index] *= 0.3f;
  fillRandom(machine.floats(1), size_t{shape.steps} * shape.rows * shape.inputs + shape.rows * shape.units, 2);
  ThreadPool pool(threads);
  CHECK(machine.run(pool).status == RunStatus::ok);
  std::vector<float> once(machine.floats(1), machine.floats(1) + all);
  CHECK(machine.run(pool).status == RunStatus::ok);  // without the prologue, from the same inputs
  CHECK(std::memcmp(once.data(), machine.floats(1), all * sizeof(float)) == 0);
  return once;
}

void checkRecurrent(const RecurrentShape& shape, const std::vector<float>& io) {
  const uint32_t T = shape.steps, N = shape.rows, I = shape.inputs, H = shape.units;
  std::vector<float> p = randomFloats(size_t{I} * H + size_t{H} * H + H, 1);
  for (float& value : p) value *= 0.3f;
  const float *w = p.data(), *u = w + I * H, *b = u + H * H, *h = io.data() + size_t{T} * N * I, *g = h + size_t{T + 1} * N * H;
  bool forwards = true, backwards = true;
  for (uint32_t t = 0; t < T; t++) {
    for (uint32_t n = 0; n < N; n++) {
      for (uint32_t j = 0; j < H; j += H > 64 ? 37 : 1) {
        double sum = b[j];
        for (uint32_t i = 0; i < I; i++) sum += double{io[(size_t{t} * N + n) * I + i]} * w[i * H + j];
        for (uint32_t i = 0; i < H; i++) sum += double{h[(size_t{t} * N + n) * H + i]} * u[i * H + j];
        forwards = forwards && nearly(h[(size_t{t + 1} * N + n) * H + j], std::tanh(sum), 2e-5);
        const double later = t + 1 < T ? g[(size_t{t + 1} * N + n) * H + j] : 0;
        backwards = backwards && nearly(g[(size_t{t} * N + n) * H + j], 0.5 * later + h[(size_t{t + 1} * N + n) * H + j], 2e-5);
      }
    }
  }
  CHECK(forwards);
  CHECK(backwards);
}

// States to the bit as without spans; what the loop did on the way against plain sums.
void checkSpans(const KernelTable& table, const RecurrentShape& shape, uint32_t mode, int threads, const std::vector<float>& expected) {
  const uint32_t T = shape.steps, N = shape.rows, H = shape.units;
  Machine machine(table, spanningProgram(shape, mode));
  CHECK_TEXT(machine.good(), machine.error());
  if (!machine.good()) return;
  const auto parameters = static_cast<size_t>(machine.storage(0).elements());
  fillRandom(machine.floats(0), parameters, 1);
  for (size_t index = 0; index < parameters; index++) machine.floats(0)[index] *= 0.3f;
  fillRandom(machine.floats(1), size_t{T} * N * shape.inputs + size_t{N} * H, 2);
  ThreadPool pool(threads);
  CHECK(machine.run(pool).status == RunStatus::ok);
  const size_t hOffset = size_t{T} * N * shape.inputs, states = size_t{T + 1} * N * H;
  const float *h = machine.floats(1) + hOffset, *q = h + states, *sums = q + size_t{T} * N * H, *u = machine.floats(0) + size_t{shape.inputs} * H;
  CHECK_TEXT(std::memcmp(h, expected.data() + hOffset, states * sizeof(float)) == 0, "states differ in mode " + std::to_string(mode));
  bool products = true, added = true;
  for (uint32_t j = 0; j < H; j += H > 64 ? 37 : 1) {
    double sum = 0;
    for (size_t row = 0; row < size_t{T} * N; row++) {
      const float* state = h + (row + N) * H;
      double product = 0;
      for (uint32_t i = 0; i < H; i++) product += double{state[i]} * u[size_t{i} * H + j];
      products = products && nearly(q[row * H + j], product, 2e-5);
      sum += state[j];
    }
    added = added && nearly(sums[j], sum, 1e-4);
  }
  CHECK_TEXT(products, "products behind, mode " + std::to_string(mode));
  CHECK_TEXT(added, "sums of packed columns, mode " + std::to_string(mode));
}

}  // namespace

namespace {

void checkFarBlocks() {
  float memory[4] = {};
  Operand operand{};
  operand.rank = 2;
  operand.dimensions[0] = 50;
  operand.dimensions[1] = 128;
  operand.strides[0] = 128;
  operand.strides[1] = 1;
  operand.stepStride = 6400;
  FarBlock block{};
  CHECK(farBlockOf({memory, &operand}, block));
  CHECK(block.base == memory && block.perStep == 6400 && block.perRow == 128 && block.rows == 50);
  operand.stepSlots = 2;
  CHECK(!farBlockOf({memory, &operand}, block));  // a ring
  operand.stepSlots = 0;
  operand.strides[0] = 512;
  CHECK(!farBlockOf({memory, &operand}, block));  // rows with gaps
  operand.strides[0] = 128;
  operand.stepStride = 0;
  CHECK(!farBlockOf({memory, &operand}, block));  // the same at every step
}

}  // namespace

void testScans(const KernelTable& table) {
  checkFarBlocks();
  const RecurrentShape shapes[] = {{1, 1, 1, 1},     {5, 3, 4, 17},   {20, 50, 33, 65}, {30, 1, 20, 200},
                                   {12, 7, 16, 256}, {3, 101, 8, 64}, {40, 50, 8, 128}};  // the states of the last are far
  for (const RecurrentShape& shape : shapes) {
    const std::vector<float> first = runRecurrent(table, shape, 1, 1);
    checkRecurrent(shape, first);
    for (const uint32_t mode : {0u, 1u}) {
      for (const int threads : {1, 2, 3, 4, 8}) {
        const std::vector<float> again = runRecurrent(table, shape, mode, threads);
        CHECK_TEXT(again.size() == first.size() && std::memcmp(again.data(), first.data(), first.size() * sizeof(float)) == 0,
                   "scan of " + std::to_string(shape.rows) + " rows: other bits in mode " + std::to_string(mode) + " on " + std::to_string(threads));
        checkSpans(table, shape, mode, threads, first);
      }
    }
  }
}

namespace {

void checkPrologue(const KernelTable& table) {
  Assembler a;
  const uint32_t parameters = a.storage(4, accessRead), io = a.storage(4);
  a.arenaElements = 4;
  const uint32_t entry = a.map(0, {}, {{1, 64, 64, 64, 0}});
  const uint32_t doubled = a.operand({arena, 0, {4}}), out = a.operand({io, 0, {4}});
  a.add(Opcode::map, {a.operand({parameters, 0, {4}}), doubled}, {entry, 1});
  a.add(Opcode::map, {doubled, out}, {entry, 1});
  a.prologue = 1;
  Machine machine(table, a.words());
  machine.floats(0)[0] = 1;
  CHECK(machine.run().status == RunStatus::ok && machine.floats(1)[0] == 4);
  machine.floats(0)[0] = 2;
  CHECK(machine.run().status == RunStatus::ok && machine.floats(1)[0] == 4);  // nobody said that it changed
  machine.storage(0).touch();
  CHECK(machine.run().status == RunStatus::ok && machine.floats(1)[0] == 8);
  CHECK(machine.storage(0).version() == 2 && machine.storage(1).version() == 4);
}

void checkCancel(const KernelTable& table) {
  const std::atomic<bool> cancelled{true};
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    Machine machine(table, recurrentProgram({20, 50, 33, 65}, 0));
    CHECK(machine.run(pool, &cancelled).status == RunStatus::cancelled);
    CHECK(machine.run(pool).status == RunStatus::ok);
  }
  Assembler a;  // writes a variable first: it is too late to cancel
  const uint32_t variables = a.storage(4), io = a.storage(4);
  const uint32_t entry = a.map(0, {1.0f}, {{0, 64, 128, 0, 0}});
  a.add(Opcode::map, {a.operand({variables, 0, {4}})}, {entry, 0});
  a.add(Opcode::map, {a.operand({io, 0, {4}})}, {entry, 0});
  Machine machine(table, a.words());
  ThreadPool pool(1);
  CHECK(machine.run(pool, &cancelled).status == RunStatus::cancelled && machine.floats(0)[0] == 0);
}

void checkCancelUnderWay(const KernelTable& table) {
  for (const int threads : {1, 2}) {
    for (const uint32_t mode : {0u, 1u}) {
      ThreadPool pool(threads);
      Machine machine(table, recurrentProgram({20000, 24, 2, 32}, mode));
      std::atomic<bool> cancel{false};
      std::thread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        cancel.store(true);
      });
      CHECK(machine.run(pool, &cancel).status == RunStatus::cancelled);
      canceller.join();
    }
  }
}

void checkDenormals(const KernelTable& table) {
  volatile float tiny = 1e-39f;
  Machine machine(table, recurrentProgram({4, 30, 8, 64}, 1));
  CHECK(machine.run(2).status == RunStatus::ok);
  CHECK(tiny * 0.5f != 0.0f);  // the caller's mode is back
  const DenormalsFlushed flushed;
  CHECK(tiny * 0.5f == 0.0f || table.lanes == 0);
}

void checkBinding(const KernelTable& table) {
  const Words words = everyOpcodeProgram();
  const DecodeResult decoded = decode(words.data(), words.size());
  CHECK_TEXT(decoded.program != nullptr, decoded.error);
  CHECK(!Executable::bind(decoded.program, {}, table).executable);
  CHECK(!Executable::bind(decoded.program, {Storage::allocate(1), Storage::allocate(2048)}, table).executable);
  Assembler a;
  a.arenaElements = int64_t{1} << 40;
  const Words large = a.words();
  const DecodeResult tooLarge = decode(large.data(), large.size());
  CHECK_TEXT(tooLarge.program != nullptr, tooLarge.error);
  const Executable::Bound bound = Executable::bind(tooLarge.program, {}, table);
  CHECK(bound.executable || bound.outOfMemory);
  Machine machine(table, words);
  CHECK(machine.run(2).status == RunStatus::ok);
}

}  // namespace

void testRuns(const KernelTable& table) {
  checkPrologue(table);
  checkCancel(table);
  checkCancelUnderWay(table);
  checkDenormals(table);
  checkBinding(table);
}

void testPool(const KernelTable&) {
  for (const int threads : {2, 5}) {
    ThreadPool pool(threads);
    struct Sum {
      std::atomic<int> calls{0}, met{0};
      Barrier* barrier;
      int parties;
    } sum;
    sum.barrier = &pool.barrier();
    CHECK(pool.tryLock() && pool.start() == threads);
    sum.parties = threads;
    for (int round = 0; round < 300; round++) {
      pool.run(threads, [](void* context, int) {
        Sum& it = *static_cast<Sum*>(context);
        it.calls++;
        it.barrier->meet();
        if (it.calls.load() % it.parties == 0) it.met++;
        it.barrier->meet();
      }, &sum);
      if (round % 100 == 99) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // long enough to fall asleep
    }
    CHECK(sum.calls == 300 * threads && sum.met == 300 * threads);
    pool.request(3);
    CHECK(pool.start() == 3);
    pool.unlock();
  }
}

}  // namespace bptt::tests
