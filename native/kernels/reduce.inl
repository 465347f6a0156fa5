// Sums, maxima and minima over rows, and sums over columns: isa/table.h, ReduceArguments and ColumnSumArguments.
//
// Sums are the same on every instruction set, bit for bit: element e of a block of 1024 goes to the partial sum e mod 32, whatever the width of
// the vectors, the 32 are added as a tree, and the blocks are added in pairs, pairs of pairs and so on. The error grows with the
// logarithm of the number of terms instead of the number.

namespace bptt {
namespace BPTT_ISA {
namespace {

constexpr ptrdiff_t kSumBlock = 1024;
constexpr int kPartialSums = 32;
constexpr int kSumVectors = kPartialSums / kLanes;
constexpr int kSumLevels = 54;  // more than the bits of any count of blocks

// Adds a stream of block sums pairwise: the binary digits of the count say which levels are occupied.
struct PairwiseSum {
  float levels[kSumLevels];
  uint64_t count;
};

BPTT_INLINE void addBlockSum(PairwiseSum& sum, float value) {
  int level = 0;
  for (uint64_t digits = sum.count; digits & 1; digits >>= 1) value = sum.levels[level++] + value;
  sum.levels[level] = value;
  ++sum.count;
}

BPTT_INLINE float totalOf(const PairwiseSum& sum) {
  float total = 0.0f;
  bool any = false;
  int level = 0;
  for (uint64_t digits = sum.count; digits != 0; digits >>= 1, ++level) {
    if (!(digits & 1)) continue;
    total = any ? sum.levels[level] + total : sum.levels[level];
    any = true;
  }
  return total;
}

BPTT_INLINE float sumOfPartials(float (&partials)[kPartialSums]) {
  for (int half = kPartialSums / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) partials[i] += partials[i + half];
  }
  return partials[0];
}

// What is summed of every element: itself, or its square.
struct Element {
  BPTT_INLINE Vector term(Vector x) { return x; }
};

struct Square {
  BPTT_INLINE Vector term(Vector x) { return multiply(x, x); }
};

// At most kSumBlock contiguous elements.
template <class Summed>
float sumBlock(const float* from, ptrdiff_t count) {
  Vector sums[kSumVectors];
  for (int v = 0; v < kSumVectors; ++v) sums[v] = broadcast(0.0f);
  ptrdiff_t i = 0;
  for (; i + kPartialSums <= count; i += kPartialSums) {
    for (int v = 0; v < kSumVectors; ++v) sums[v] = add(sums[v], Summed::term(load(from + i + v * kLanes)));
  }
  for (int v = 0; i < count; ++v, i += kLanes) {
    const ptrdiff_t left = count - i;
    sums[v] = add(sums[v], Summed::term(left >= kLanes ? load(from + i) : loadFirst(from + i, left)));
  }
  float partials[kPartialSums];
  for (int v = 0; v < kSumVectors; ++v) store(partials + v * kLanes, sums[v]);
  return sumOfPartials(partials);
}

// Sums over up to kLanes rows at once, in the order that sumRow has. Each row's partial sums are folded into one vector, and the vectors of all rows
// are turned and added, so that no vector's lanes have to be added one after the other. `terms.row(r)` gives the terms of row r: at(i) those from i
// on, first(i, n) only n of them and zeros.
template <class Terms>
BPTT_INLINE Vector foldedPartials(const Terms& terms, ptrdiff_t begin, ptrdiff_t end) {
  Vector sums[kSumVectors];
  for (int v = 0; v < kSumVectors; ++v) sums[v] = broadcast(0.0f);
  ptrdiff_t i = begin;
  for (; i + kPartialSums <= end; i += kPartialSums) {
    for (int v = 0; v < kSumVectors; ++v) sums[v] = add(sums[v], terms.at(i + v * kLanes));
  }
  for (int v = 0; v < kSumVectors; ++v, i += kLanes) {
    const ptrdiff_t left = end - i;
    if (left > 0) sums[v] = add(sums[v], left >= kLanes ? terms.at(i) : terms.first(i, left));
  }
  for (int half = kSumVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) sums[v] = add(sums[v], sums[v + half]);
  }
  return sums[0];
}

// A vector's lanes as a tree, halves onto halves.
BPTT_INLINE float sumOfLanes(Vector x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <class Rows>
Vector blockSumsOfRows(const Rows& terms, int rows, ptrdiff_t begin, ptrdiff_t end) {
  if (rows * 4 < kLanes) {  // turning a square would take longer
    float sums[kLanes] = {};
    for (int row = 0; row < rows; ++row) sums[row] = sumOfLanes(foldedPartials(terms.row(row), begin, end));
    return load(sums);
  }
  float square[kLanes * kLanes], turned[kLanes * kLanes];
  for (int row = 0; row < kLanes; ++row) {
    store(square + row * kLanes, row < rows ? foldedPartials(terms.row(row), begin, end) : broadcast(0.0f));
  }
  transposeBlock(square, kLanes, turned, kLanes);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) store(turned + i * kLanes, add(load(turned + i * kLanes), load(turned + (i + half) * kLanes)));
  }
  return load(turned);
}

template <class Rows>
Vector sumsOfRows(const Rows& terms, int rows, ptrdiff_t columns) {
  if (columns <= kSumBlock) return blockSumsOfRows(terms, rows, 0, columns);
  Vector levels[kSumLevels];
  uint64_t count = 0;
  for (ptrdiff_t begin = 0; begin < columns; begin += kSumBlock, ++count) {
    Vector value = blockSumsOfRows(terms, rows, begin, begin + kSumBlock < columns ? begin + kSumBlock : columns);
    int level = 0;
    for (uint64_t digits = count; digits & 1; digits >>= 1) value = add(levels[level++], value);
    levels[level] = value;
  }
  int level = 0;
  while (!((count >> level) & 1)) ++level;
  Vector total = levels[level++];
  for (; count >> level != 0; ++level) {
    if ((count >> level) & 1) total = add(levels[level], total);
  }
  return total;
}

template <class Summed>
struct Elements {
  struct Row {
    const float* from;
    inline Vector at(ptrdiff_t i) const { return Summed::term(load(from + i)); }
    inline Vector first(ptrdiff_t i, ptrdiff_t count) const { return Summed::term(loadFirst(from + i, count)); }
  };
  const float* from;
  ptrdiff_t rowStride;
  inline Row row(int r) const { return {from + r * rowStride}; }
};

struct Largest {
  BPTT_INLINE Vector of(Vector a, Vector b) { return maximum(a, b); }
  BPTT_INLINE Vector none() { return negate(infinity()); }
  BPTT_INLINE float ofTwo(float a, float b) { return a != a || a > b ? a : b; }
};

struct Smallest {
  BPTT_INLINE Vector of(Vector a, Vector b) { return minimum(a, b); }
  BPTT_INLINE Vector none() { return infinity(); }
  BPTT_INLINE float ofTwo(float a, float b) { return a != a || a < b ? a : b; }
};

template <class Choice>
BPTT_INLINE float chooseAcross(Vector x) {
  float lanes[kLanes];
  store(lanes, x);
  float chosen = lanes[0];
  for (int i = 1; i < kLanes; ++i) chosen = Choice::ofTwo(chosen, lanes[i]);
  return chosen;
}

// The largest or smallest of contiguous elements, NaN when one is NaN; minus or plus infinity of none.
template <class Choice>
float chooseOf(const float* from, ptrdiff_t count) {
  Vector first = Choice::none(), second = first;
  ptrdiff_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    first = Choice::of(first, load(from + i));
    second = Choice::of(second, load(from + i + kLanes));
  }
  for (; i < count; i += kLanes) {
    const ptrdiff_t left = count - i;
    const Vector x = left >= kLanes ? load(from + i) : select(firstLanes(left), loadFirst(from + i, left), Choice::none());
    first = Choice::of(first, x);
  }
  return chooseAcross<Choice>(Choice::of(first, second));
}

// Walks over the reduced elements of a row in blocks of contiguous elements, copying where they do not lie so.
struct BlockReader {
  const float* row;
  ptrdiff_t outerStride, innerStride;
  ptrdiff_t inner, total;
  float copy[kSumBlock];
};

const float* readBlock(BlockReader& reader, ptrdiff_t begin, ptrdiff_t count) {
  ptrdiff_t i = begin / reader.inner, j = begin % reader.inner;
  const float* from = reader.row + i * reader.outerStride + j * reader.innerStride;
  if (reader.innerStride == 1 && j + count <= reader.inner) return from;
  for (ptrdiff_t done = 0; done < count; ++i, j = 0) {
    from = reader.row + i * reader.outerStride + j * reader.innerStride;
    const ptrdiff_t run = reader.inner - j < count - done ? reader.inner - j : count - done;
    for (ptrdiff_t n = 0; n < run; ++n) reader.copy[done + n] = from[n * reader.innerStride];
    done += run;
  }
  return reader.copy;
}

template <class Summed>
float sumRow(BlockReader& reader) {
  PairwiseSum sum;
  sum.count = 0;
  for (ptrdiff_t begin = 0; begin < reader.total; begin += kSumBlock) {
    const ptrdiff_t count = reader.total - begin < kSumBlock ? reader.total - begin : kSumBlock;
    addBlockSum(sum, sumBlock<Summed>(readBlock(reader, begin, count), count));
  }
  return totalOf(sum);
}

template <class Choice>
float chooseInRow(BlockReader& reader) {
  float chosen = chooseOf<Choice>(reader.row, 0);
  for (ptrdiff_t begin = 0; begin < reader.total; begin += kSumBlock) {
    const ptrdiff_t count = reader.total - begin < kSumBlock ? reader.total - begin : kSumBlock;
    chosen = Choice::ofTwo(chosen, chooseOf<Choice>(readBlock(reader, begin, count), count));
  }
  return chosen;
}

template <class Summed>
void sumContiguousRows(const ReduceArguments& arguments, ptrdiff_t count) {
  for (ptrdiff_t row = 0; row < arguments.rows; row += kLanes) {
    const int rows = arguments.rows - row < kLanes ? static_cast<int>(arguments.rows - row) : kLanes;
    float sums[kLanes];
    store(sums, sumsOfRows(Elements<Summed>{arguments.in + row * arguments.rowStride, arguments.rowStride}, rows, count));
    for (int r = 0; r < rows; ++r) arguments.out[(row + r) * arguments.outStride] = sums[r];
  }
}

float reduceRow(BlockReader& reader, int32_t kind) {
  switch (kind) {
    case 0: return sumRow<Element>(reader);
    case 1: return chooseInRow<Largest>(reader);
    case 2: return chooseInRow<Smallest>(reader);
    default: return sumRow<Square>(reader);
  }
}

void reduce(const ReduceArguments& arguments) {
  BlockReader reader;
  reader.outerStride = arguments.outerStride;
  reader.innerStride = arguments.innerStride;
  reader.inner = arguments.inner;
  reader.total = arguments.outer * arguments.inner;
  if (arguments.outer == 1 || arguments.outerStride == arguments.inner * arguments.innerStride) reader.inner = reader.total;
  if (arguments.inner == 1) {
    reader.inner = reader.total;
    reader.innerStride = arguments.outerStride;
  }
  const bool contiguous = reader.inner == reader.total && reader.innerStride == 1;
  if (contiguous && arguments.kind == 0) return sumContiguousRows<Element>(arguments, reader.total);
  if (contiguous && arguments.kind == 3) return sumContiguousRows<Square>(arguments, reader.total);
  for (ptrdiff_t row = 0; row < arguments.rows; ++row) {
    reader.row = arguments.in + row * arguments.rowStride;
    arguments.out[row * arguments.outStride] = reduceRow(reader, arguments.kind);
  }
}

// A strip of columns as wide as kStripVectors vectors is summed down in blocks of rows, the blocks pairwise.
constexpr int kStripVectors = 4;
constexpr int kStripLevels = 40;

struct Strip {
  const float* from;
  ptrdiff_t rowStride;
  int vectors;
  ptrdiff_t lastCount;
};

BPTT_INLINE Vector loadOfStrip(const Strip& strip, const float* row, int v) {
  const bool partial = v + 1 == strip.vectors && strip.lastCount < kLanes;
  return partial ? loadFirst(row + v * kLanes, strip.lastCount) : load(row + v * kLanes);
}

void sumRowsOfStrip(const Strip& strip, ptrdiff_t begin, ptrdiff_t end, Vector (&sums)[kStripVectors]) {
  const float* row = strip.from + begin * strip.rowStride;
  if (strip.vectors == kStripVectors && strip.lastCount == kLanes) {
    for (int v = 0; v < kStripVectors; ++v) sums[v] = load(row + v * kLanes);
    for (ptrdiff_t r = begin + 1; r < end; ++r) {
      row += strip.rowStride;
      for (int v = 0; v < kStripVectors; ++v) sums[v] = add(sums[v], load(row + v * kLanes));
    }
    return;
  }
  for (int v = 0; v < strip.vectors; ++v) {
    const float* at = row;
    sums[v] = loadOfStrip(strip, at, v);
    for (ptrdiff_t r = begin + 1; r < end; ++r) {
      at += strip.rowStride;
      sums[v] = add(sums[v], loadOfStrip(strip, at, v));
    }
  }
}

void sumStrip(const Strip& strip, ptrdiff_t rows, float* out) {
  Vector levels[kStripLevels][kStripVectors];
  uint64_t count = 0;
  for (ptrdiff_t begin = 0; begin < rows; begin += kSumBlock) {
    Vector sums[kStripVectors];
    sumRowsOfStrip(strip, begin, begin + kSumBlock < rows ? begin + kSumBlock : rows, sums);
    int level = 0;
    for (uint64_t digits = count; digits & 1; digits >>= 1, ++level) {
      for (int v = 0; v < strip.vectors; ++v) sums[v] = add(levels[level][v], sums[v]);
    }
    for (int v = 0; v < strip.vectors; ++v) levels[level][v] = sums[v];
    ++count;
  }
  for (int v = 0; v < strip.vectors; ++v) {
    Vector total = broadcast(0.0f);
    bool any = false;
    int level = 0;
    for (uint64_t digits = count; digits != 0; digits >>= 1, ++level) {
      if (!(digits & 1)) continue;
      total = any ? add(levels[level][v], total) : levels[level][v];
      any = true;
    }
    storeFirst(out + v * kLanes, total, v + 1 == strip.vectors ? strip.lastCount : kLanes);
  }
}

void columnSum(const ColumnSumArguments& arguments) {
  for (ptrdiff_t j = arguments.columnBegin; j < arguments.columnEnd; j += kStripVectors * kLanes) {
    const ptrdiff_t left = arguments.columnEnd - j;
    Strip strip;
    strip.from = arguments.in + j;
    strip.rowStride = arguments.rowStride;
    strip.vectors = left >= kStripVectors * kLanes ? kStripVectors : static_cast<int>((left + kLanes - 1) / kLanes);
    strip.lastCount = left >= kStripVectors * kLanes ? kLanes : left - (strip.vectors - 1) * kLanes;
    sumStrip(strip, arguments.rows, arguments.out + j);
  }
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
