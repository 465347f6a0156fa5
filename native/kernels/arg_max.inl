// The place of the largest element of each row: isa/table.h, ArgMaxArguments. The first of equals; a NaN counts as larger than any number, so
// that a row that has gone wrong says where.

namespace bptt {
namespace BPTT_ISA {
namespace {

BPTT_INLINE bool beats(float x, float best) { return best == best && (x > best || x != x); }

int32_t placeOfStrided(const float* row, ptrdiff_t stride, ptrdiff_t columns) {
  ptrdiff_t place = 0;
  for (ptrdiff_t j = 1; j < columns; ++j) {
    if (beats(row[j * stride], row[place * stride])) place = j;
  }
  return static_cast<int32_t>(place);
}

// One pass of vectors for the value, one for the first place where it stands.
int32_t placeOfContiguous(const float* row, ptrdiff_t columns) {
  const float largest = chooseOf<Largest>(row, columns);
  const bool notNumber = largest != largest;
  const Vector wanted = broadcast(largest);
  ptrdiff_t j = 0;
  for (; j + kLanes <= columns; j += kLanes) {
    const Vector x = load(row + j);
    if (anyTrue(notNumber ? inverse(equal(x, x)) : equal(x, wanted))) break;
  }
  while (notNumber ? row[j] == row[j] : row[j] != largest) ++j;
  return static_cast<int32_t>(j);
}

void argMax(const ArgMaxArguments& arguments) {
  for (ptrdiff_t r = 0; r < arguments.rows; ++r) {
    const float* row = arguments.in + r * arguments.rowStride;
    arguments.out[r * arguments.outStride] = arguments.columnStride == 1
                                                 ? placeOfContiguous(row, arguments.columns)
                                                 : placeOfStrided(row, arguments.columnStride, arguments.columns);
  }
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
