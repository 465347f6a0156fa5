// oneDNN's recurrent primitives as a peer of `npm run bench -- compare`. Reads commands from standard input, answers each with a line of JSON:
//
//   layer CELL STEPS ROWS FEATURES UNITS MODE IN OUT    CELL lstm, gru-before, gru-after or rnn; MODE train or inference
//   run COUNT                                           {"milliseconds":[…]}
//
// Training pays for bringing both weights into the primitives' layouts in every step, since they change in every step; inference does so once. Gradients
// of weights are zeroed before each step, for the primitives add to them.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <dnnl.hpp>
#include <iostream>
#include <memory>

#include "bundle.h"

namespace {

using dnnl::memory;
using Clock = std::chrono::steady_clock;
using Format = memory::format_tag;

constexpr auto kForwards = dnnl::rnn_direction::unidirectional_left2right;
const memory::desc kNone;

struct Work {
  std::string cell;
  memory::dim steps, rows, features, units;
  bool training;
  memory::dim gates() const { return cell == "lstm" ? 4 : cell == "rnn" ? 1 : 3; }
  memory::dim biases() const { return cell == "gru-after" ? 4 : gates(); }
  bool isGru() const { return cell == "gru-before" || cell == "gru-after"; }
};

memory::desc described(const memory::dims& sizes, Format format) { return {sizes, memory::data_type::f32, format}; }

// Descriptions of everything that a primitive reads and writes, in plain layouts but for the weights, which it may choose.
struct Descriptions {
  memory::desc x, h, c, w, u, b, y;
  explicit Descriptions(const Work& k)
      : x(described({k.steps, k.rows, k.features}, Format::tnc)), h(described({1, 1, k.rows, k.units}, Format::ldnc)),
        c(k.cell == "lstm" ? h : memory::desc()), w(described({1, 1, k.features, k.gates(), k.units}, Format::any)),
        u(described({1, 1, k.units, k.gates(), k.units}, Format::any)), b(described({1, 1, k.biases(), k.units}, Format::ldgo)),
        y(described({k.steps, k.rows, k.units}, Format::tnc)) {}
};

struct Primitives {
  dnnl::rnn_primitive_desc_base forward, backward;
};

Primitives lstmPrimitives(const Work& work, const dnnl::engine& engine, dnnl::prop_kind kind) {
  const Descriptions d(work);
  const dnnl::lstm_forward::desc forward(kind, kForwards, d.x, d.h, d.c, d.w, d.u, d.b, d.y, kNone, kNone);
  const dnnl::lstm_forward::primitive_desc made(forward, engine);
  if (!work.training) return {made, {}};
  const dnnl::lstm_backward::desc backward(dnnl::prop_kind::backward, kForwards, d.x, d.h, d.c, d.w, d.u, d.b, d.y, kNone, kNone, d.x, d.h, d.c, d.w,
                                           d.u, d.b, d.y, kNone, kNone);
  return {made, dnnl::lstm_backward::primitive_desc(backward, engine, made)};
}

template <class Forward, class Backward>
Primitives gruPrimitives(const Work& work, const dnnl::engine& engine, dnnl::prop_kind kind) {
  const Descriptions d(work);
  const typename Forward::desc forward(kind, kForwards, d.x, d.h, d.w, d.u, d.b, d.y, kNone);
  const typename Forward::primitive_desc made(forward, engine);
  if (!work.training) return {made, {}};
  const typename Backward::desc backward(dnnl::prop_kind::backward, kForwards, d.x, d.h, d.w, d.u, d.b, d.y, kNone, d.x, d.h, d.w, d.u, d.b, d.y, kNone);
  return {made, typename Backward::primitive_desc(backward, engine, made)};
}

Primitives rnnPrimitives(const Work& work, const dnnl::engine& engine, dnnl::prop_kind kind) {
  const Descriptions d(work);
  const auto tanh = dnnl::algorithm::eltwise_tanh;
  const dnnl::vanilla_rnn_forward::desc forward(kind, tanh, kForwards, d.x, d.h, d.w, d.u, d.b, d.y, kNone);
  const dnnl::vanilla_rnn_forward::primitive_desc made(forward, engine);
  if (!work.training) return {made, {}};
  const dnnl::vanilla_rnn_backward::desc backward(dnnl::prop_kind::backward, tanh, kForwards, d.x, d.h, d.w, d.u, d.b, d.y, kNone, d.x, d.h, d.w, d.u, d.b,
                                                  d.y, kNone);
  return {made, dnnl::vanilla_rnn_backward::primitive_desc(backward, engine, made)};
}

Primitives makePrimitives(const Work& work, const dnnl::engine& engine) {
  const auto kind = work.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  if (work.cell == "lstm") return lstmPrimitives(work, engine, kind);
  if (work.cell == "gru-before") return gruPrimitives<dnnl::gru_forward, dnnl::gru_backward>(work, engine, kind);
  if (work.cell == "gru-after") return gruPrimitives<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>(work, engine, kind);
  if (work.cell == "rnn") return rnnPrimitives(work, engine, kind);
  throw std::runtime_error("no cell is called " + work.cell);
}

// Blocks of `units` columns in another order: reset, update, new (ours) and update, reset, new (oneDNN's) are one another's permutation.
std::vector<float> swapGates(const std::vector<float>& from, size_t rows, size_t gates, size_t units) {
  std::vector<float> to(from);
  for (size_t row = 0; row < rows; ++row) {
    const float* source = from.data() + row * gates * units;
    float* target = to.data() + row * gates * units;
    std::memcpy(target, source + units, units * sizeof(float));
    std::memcpy(target + units, source, units * sizeof(float));
  }
  return to;
}

class Layer {
 public:
  Layer(const Work& work, std::map<std::string, Tensor> in)
      : work_(work), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), primitives_(makePrimitives(work, engine_)) {
    const auto units = static_cast<size_t>(work.units);
    if (work.isGru()) {
      in["w"].data = swapGates(in["w"].data, static_cast<size_t>(work.features), 3, units);
      in["u"].data = swapGates(in["u"].data, units, 3, units);
      in["b"].data = swapGates(in["b"].data, 1, 3, units);
    }
    if (work.cell == "gru-after") in["b"].data.insert(in["b"].data.end(), in["bh"].data.begin(), in["bh"].data.end());
    const Descriptions d(work);
    plainW_ = described({1, 1, work.features, work.gates(), work.units}, Format::ldigo);
    plainU_ = described({1, 1, work.units, work.gates(), work.units}, Format::ldigo);
    x_ = filled(d.x, in["x"].data);
    h_ = filled(d.h, in["h0"].data);
    w_ = filled(plainW_, in["w"].data);
    u_ = filled(plainU_, in["u"].data);
    b_ = filled(d.b, in["b"].data);
    y_ = memory(d.y, engine_);
    if (work.cell == "lstm") c_ = filled(d.h, in["c0"].data);
    prepareForward();
    if (work.training) prepareBackward(d, in["dy"].data);
  }

  void run() {
    if (work_.training) reorderForward();
    forward_.execute(stream_, forwardArguments_);
    if (work_.training) {
      dnnl::reorder(w_, backwardW_).execute(stream_, w_, backwardW_);
      dnnl::reorder(u_, backwardU_).execute(stream_, u_, backwardU_);
      for (memory* each : {&dw_, &du_, &db_}) std::memset(each->get_data_handle(), 0, each->get_desc().get_size());
      backward_.execute(stream_, backwardArguments_);
      plainDw_ = inLayout(dw_, plainW_);
      plainDu_ = inLayout(du_, plainU_);
    }
    stream_.wait();
  }

  Bundle results() const {
    const long T = work_.steps, N = work_.rows, I = work_.features, H = work_.units, G = work_.gates();
    Bundle out = {{"y", {{T, N, H}, numbers(y_)}}};
    if (!work_.training) return out;
    const auto units = static_cast<size_t>(H);
    std::vector<float> dw = numbers(plainDw_), du = numbers(plainDu_), db = numbers(db_), dbh;
    if (work_.cell == "gru-after") {
      dbh.assign(db.begin() + 3 * H, db.end());
      db.resize(3 * units);
    }
    if (work_.isGru()) {
      dw = swapGates(dw, static_cast<size_t>(I), 3, units);
      du = swapGates(du, units, 3, units);
      db = swapGates(db, 1, 3, units);
    }
    out.push_back({"dx", {{T, N, I}, numbers(dx_)}});
    out.push_back({"dw", {{I, G * H}, dw}});
    out.push_back({"du", {{H, G * H}, du}});
    out.push_back({"db", {{G * H}, db}});
    if (!dbh.empty()) out.push_back({"dbh", {{H}, dbh}});
    out.push_back({"dh0", {{N, H}, numbers(dh_)}});
    if (work_.cell == "lstm") out.push_back({"dc0", {{N, H}, numbers(dc_)}});
    return out;
  }

 private:
  memory filled(const memory::desc& description, const std::vector<float>& data) const {
    memory made(description, engine_);
    if (data.size() * sizeof(float) != description.get_size()) throw std::runtime_error("numbers of another size");
    std::memcpy(made.get_data_handle(), data.data(), description.get_size());
    return made;
  }

  static std::vector<float> numbers(const memory& from) {
    const float* data = static_cast<const float*>(from.get_data_handle());
    return {data, data + from.get_desc().get_size() / sizeof(float)};
  }

  memory inLayout(memory& from, const memory::desc& description) {
    if (from.get_desc() == description) return from;
    memory to(description, engine_);
    dnnl::reorder(from, to).execute(stream_, from, to);
    return to;
  }

  void reorderForward() {
    dnnl::reorder(w_, forwardW_).execute(stream_, w_, forwardW_);
    dnnl::reorder(u_, forwardU_).execute(stream_, u_, forwardU_);
  }

  void prepareForward() {
    forward_ = dnnl::primitive(primitives_.forward.get());
    forwardW_ = memory(primitives_.forward.weights_layer_desc(), engine_);
    forwardU_ = memory(primitives_.forward.weights_iter_desc(), engine_);
    reorderForward();
    forwardArguments_ = {{DNNL_ARG_SRC_LAYER, x_},        {DNNL_ARG_SRC_ITER, h_}, {DNNL_ARG_WEIGHTS_LAYER, forwardW_},
                         {DNNL_ARG_WEIGHTS_ITER, forwardU_}, {DNNL_ARG_BIAS, b_},     {DNNL_ARG_DST_LAYER, y_}};
    if (work_.cell == "lstm") forwardArguments_[DNNL_ARG_SRC_ITER_C] = c_;
    if (!work_.training) return;
    workspace_ = memory(primitives_.forward.workspace_desc(), engine_);
    forwardArguments_[DNNL_ARG_WORKSPACE] = workspace_;
  }

  void prepareBackward(const Descriptions& d, const std::vector<float>& upstream) {
    backward_ = dnnl::primitive(primitives_.backward.get());
    backwardW_ = memory(primitives_.backward.weights_layer_desc(), engine_);
    backwardU_ = memory(primitives_.backward.weights_iter_desc(), engine_);
    dw_ = memory(primitives_.backward.diff_weights_layer_desc(), engine_);
    du_ = memory(primitives_.backward.diff_weights_iter_desc(), engine_);
    db_ = memory(d.b, engine_);
    dx_ = memory(d.x, engine_);
    dh_ = memory(d.h, engine_);
    dy_ = filled(d.y, upstream);
    backwardArguments_ = forwardArguments_;
    backwardArguments_[DNNL_ARG_WEIGHTS_LAYER] = backwardW_;
    backwardArguments_[DNNL_ARG_WEIGHTS_ITER] = backwardU_;
    backwardArguments_[DNNL_ARG_DIFF_SRC_LAYER] = dx_;
    backwardArguments_[DNNL_ARG_DIFF_SRC_ITER] = dh_;
    backwardArguments_[DNNL_ARG_DIFF_WEIGHTS_LAYER] = dw_;
    backwardArguments_[DNNL_ARG_DIFF_WEIGHTS_ITER] = du_;
    backwardArguments_[DNNL_ARG_DIFF_BIAS] = db_;
    backwardArguments_[DNNL_ARG_DIFF_DST_LAYER] = dy_;
    if (work_.cell != "lstm") return;
    dc_ = memory(d.h, engine_);
    backwardArguments_[DNNL_ARG_DIFF_SRC_ITER_C] = dc_;
  }

  Work work_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  Primitives primitives_;
  dnnl::primitive forward_, backward_;
  std::unordered_map<int, memory> forwardArguments_, backwardArguments_;
  memory::desc plainW_, plainU_;
  memory x_, h_, c_, w_, u_, b_, y_, workspace_, forwardW_, forwardU_, backwardW_, backwardU_, dx_, dh_, dc_, dw_, du_, db_, dy_, plainDw_, plainDu_;
};

std::unique_ptr<Layer> layer;

void prepareLayer(std::istringstream& words) {
  Work work;
  std::string mode, in, out;
  if (!(words >> work.cell >> work.steps >> work.rows >> work.features >> work.units >> mode >> in >> out)) throw std::runtime_error("layer: too few words");
  work.training = mode == "train";
  layer = std::make_unique<Layer>(work, readBundle(in));
  layer->run();
  writeBundle(out, layer->results());
  const dnnl_version_t* version = dnnl_version();
  std::printf("{\"version\":\"%d.%d.%d\"}\n", version->major, version->minor, version->patch);
}

void runLayer(std::istringstream& words) {
  int count = 0;
  words >> count;
  if (!layer) throw std::runtime_error("nothing is prepared");
  std::printf("{\"milliseconds\":[");
  for (int i = 0; i < count; ++i) {
    const auto start = Clock::now();
    layer->run();
    std::printf("%s%.9g", i > 0 ? "," : "", std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::printf("]}\n");
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    try {
      if (command == "layer") {
        prepareLayer(words);
      } else if (command == "run") {
        runLayer(words);
      } else {
        throw std::runtime_error("unknown command " + command);
      }
    } catch (const std::exception& error) {
      std::printf("{\"error\":\"%s\"}\n", error.what());
    }
    std::fflush(stdout);
  }
}
