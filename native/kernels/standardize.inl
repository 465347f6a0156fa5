// Rows less their mean by their deviation, and what flows back through that: isa/table.h, StandardizeArguments.
//
// As many rows as a vector has lanes are worked on together while they lie in the first-level cache: their sums, divisions and roots are then those of
// whole vectors. Sums are those of reduce.inl, and nothing is contracted, so that every instruction set gives the same bits.

namespace bptt {
namespace BPTT_ISA {
namespace {

struct SquaredDifferences {
  struct Row {
    const float* from;
    Vector center;
    inline Vector at(ptrdiff_t i) const {
      const Vector difference = subtract(load(from + i), center);
      return multiply(difference, difference);
    }
    inline Vector first(ptrdiff_t i, ptrdiff_t count) const {
      const Vector difference = subtract(loadFirst(from + i, count), center);
      return select(firstLanes(count), multiply(difference, difference), broadcast(0.0f));
    }
  };
  const float* from;
  ptrdiff_t rowStride;
  const float* centers;
  inline Row row(int r) const { return {from + r * rowStride, broadcast(centers[r])}; }
};

// One gain for every column, or one for all.
template <bool kEachColumn>
struct Gains {
  const float* from;
  inline Vector at(ptrdiff_t i) const { return kEachColumn ? load(from + i) : broadcast(*from); }
  inline Vector first(ptrdiff_t i, ptrdiff_t count) const { return kEachColumn ? loadFirst(from + i, count) : broadcast(*from); }
};

// d·gain
template <class Gain>
struct Scaled {
  struct Row {
    const float* d;
    Gain gain;
    inline Vector at(ptrdiff_t i) const { return multiply(load(d + i), gain.at(i)); }
    inline Vector first(ptrdiff_t i, ptrdiff_t count) const { return select(firstLanes(count), multiply(loadFirst(d + i, count), gain.first(i, count)), broadcast(0.0f)); }
  };
  const float* d;
  ptrdiff_t rowStride;
  Gain gain;
  inline Row row(int r) const { return {d + r * rowStride, gain}; }
};

// d·gain·y
template <class Gain>
struct Products {
  struct Row {
    typename Scaled<Gain>::Row scaled;
    const float* y;
    inline Vector at(ptrdiff_t i) const { return multiply(scaled.at(i), load(y + i)); }
    inline Vector first(ptrdiff_t i, ptrdiff_t count) const { return multiply(scaled.first(i, count), loadFirst(y + i, count)); }
  };
  Scaled<Gain> scaled;
  const float* y;
  ptrdiff_t rowStride;
  inline Row row(int r) const { return {scaled.row(r), y + r * rowStride}; }
};

struct Standardizing {
  Vector center, scale;
  inline Vector operator()(Vector x) const { return multiply(subtract(x, center), scale); }
};

void standardize(const StandardizeArguments& arguments) {
  const ptrdiff_t columns = arguments.columns;
  const Vector count = broadcast(static_cast<float>(columns));
  for (ptrdiff_t begin = 0; begin < arguments.rows; begin += kLanes) {
    const int rows = arguments.rows - begin < kLanes ? static_cast<int>(arguments.rows - begin) : kLanes;
    const Elements<Element> in{arguments.in + begin * arguments.inRowStride, arguments.inRowStride};
    float centers[kLanes], scales[kLanes];
    store(centers, divide(sumsOfRows(in, rows, columns), count));
    const Vector variances = divide(sumsOfRows(SquaredDifferences{in.from, in.rowStride, centers}, rows, columns), count);
    store(scales, divide(broadcast(1.0f), squareRoot(add(variances, broadcast(arguments.epsilon)))));
    for (int r = 0; r < rows; ++r) {
      float* out = arguments.out + (begin + r) * arguments.outRowStride;
      overRow(in.row(r).from, out, columns, Standardizing{broadcast(centers[r]), broadcast(scales[r])});
      arguments.scale[(begin + r) * arguments.scaleStride] = scales[r];
    }
  }
}

// (d·gain − center − y·slope)·scale over one row.
template <class Row>
BPTT_INLINE void standardizeRowGradient(const Row& row, ptrdiff_t columns, Vector center, Vector slope, Vector scale, float* out) {
  const auto result = [&](Vector scaled, Vector y) { return multiply(subtract(subtract(scaled, center), multiply(y, slope)), scale); };
  ptrdiff_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) store(out + i, result(row.scaled.at(i), load(row.y + i)));
  const ptrdiff_t left = columns - i;
  if (left > 0) storeFirst(out + i, result(row.scaled.first(i, left), loadFirst(row.y + i, left)), left);
}

template <class Gain>
void standardizeGradientWith(const Gain& gain, const StandardizeGradientArguments& arguments) {
  const ptrdiff_t columns = arguments.columns;
  const Vector count = broadcast(static_cast<float>(columns));
  for (ptrdiff_t begin = 0; begin < arguments.rows; begin += kLanes) {
    const int rows = arguments.rows - begin < kLanes ? static_cast<int>(arguments.rows - begin) : kLanes;
    const Scaled<Gain> scaled{arguments.d + begin * arguments.dRowStride, arguments.dRowStride, gain};
    const Products<Gain> products{scaled, arguments.y + begin * arguments.yRowStride, arguments.yRowStride};
    float centers[kLanes], slopes[kLanes];
    store(centers, divide(sumsOfRows(scaled, rows, columns), count));
    store(slopes, divide(sumsOfRows(products, rows, columns), count));
    for (int r = 0; r < rows; ++r) {
      const Vector scale = broadcast(arguments.scale[(begin + r) * arguments.scaleStride]);
      float* out = arguments.out + (begin + r) * arguments.outRowStride;
      standardizeRowGradient(products.row(r), columns, broadcast(centers[r]), broadcast(slopes[r]), scale, out);
    }
  }
}

void standardizeGradient(const StandardizeGradientArguments& arguments) {
  if (arguments.gainStride == 0) return standardizeGradientWith(Gains<false>{arguments.gain}, arguments);
  standardizeGradientWith(Gains<true>{arguments.gain}, arguments);
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
