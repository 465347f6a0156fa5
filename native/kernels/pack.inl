// Packing the right operand of products into column panels: isa/table.h, PackArguments.
//
// A panel is what one register tile reads: kPanelVectors vectors of columns, row by row, so that the product walks through memory in a straight
// line. The last panel holds only as many vectors as it needs; columns beyond the matrix are zeros, which the product computes
// with and never stores.

namespace bptt {
namespace BPTT_ISA {
namespace {

constexpr int kPanelVectors = 4;
constexpr int kPanelWidth = kPanelVectors * kLanes;
static_assert(64 % kPanelWidth == 0, "the program format counts on panels that divide 64 columns");

BPTT_INLINE int vectorsOfPanel(ptrdiff_t columnsLeft) {
  return columnsLeft >= kPanelWidth ? kPanelVectors : static_cast<int>((columnsLeft + kLanes - 1) / kLanes);
}

struct PanelCopy {
  const float* from;
  ptrdiff_t rowStride, columnStride;
  ptrdiff_t depth;
  ptrdiff_t columns;  // that exist
  float* to;
  int vectors;
};

void packContiguousRows(const PanelCopy& panel) {
  const ptrdiff_t width = panel.vectors * kLanes, whole = panel.columns / kLanes, rest = panel.columns % kLanes;
  const float* from = panel.from;
  float* to = panel.to;
  for (ptrdiff_t k = 0; k < panel.depth; ++k, from += panel.rowStride, to += width) {
    for (ptrdiff_t v = 0; v < whole; ++v) store(to + v * kLanes, load(from + v * kLanes));
    if (rest > 0) store(to + whole * kLanes, loadFirst(from + whole * kLanes, rest));
  }
}

void packElements(const PanelCopy& panel, ptrdiff_t depthBegin, ptrdiff_t columnBegin, ptrdiff_t columnEnd) {
  const ptrdiff_t width = panel.vectors * kLanes;
  for (ptrdiff_t k = depthBegin; k < panel.depth; ++k) {
    for (ptrdiff_t j = columnBegin; j < columnEnd; ++j) {
      panel.to[k * width + j] = j < panel.columns ? panel.from[k * panel.rowStride + j * panel.columnStride] : 0.0f;
    }
  }
}

// A source whose columns are contiguous: squares of it are transposed in registers.
void packContiguousColumns(const PanelCopy& panel) {
  const ptrdiff_t width = panel.vectors * kLanes, wholeDepth = panel.depth / kLanes * kLanes;
  for (ptrdiff_t j = 0; j < width; j += kLanes) {
    if (j + kLanes > panel.columns) {
      packElements(panel, 0, j, j + kLanes);
      continue;
    }
    const float* from = panel.from + j * panel.columnStride;
    for (ptrdiff_t k = 0; k < wholeDepth; k += kLanes) {
      transposeBlock(from + k, panel.columnStride, panel.to + k * width + j, width);
    }
    packElements(panel, wholeDepth, j, j + kLanes);
  }
}

void pack(const PackArguments& arguments) {
  for (ptrdiff_t p = arguments.panelBegin; p < arguments.panelEnd; ++p) {
    const ptrdiff_t begin = p * kPanelWidth, left = arguments.columns - begin;
    PanelCopy panel;
    panel.from = arguments.source + begin * arguments.columnStride;
    panel.rowStride = arguments.rowStride;
    panel.columnStride = arguments.columnStride;
    panel.depth = arguments.depth;
    panel.columns = left < kPanelWidth ? left : kPanelWidth;
    panel.vectors = vectorsOfPanel(left);
    panel.to = arguments.packed + begin * arguments.packedDepth + arguments.packedBegin * panel.vectors * kLanes;
    if (panel.columnStride == 1) {
      packContiguousRows(panel);
    } else if (panel.rowStride == 1) {
      packContiguousColumns(panel);
    } else {
      packElements(panel, 0, 0, panel.vectors * kLanes);
    }
  }
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
