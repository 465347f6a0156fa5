// The matrix product: isa/table.h, GemmArguments.
//
// A register tile of a few rows times one panel keeps its sums in registers while it walks down the depth; each step loads one row of the panel
// and one element of each row of a. Every element of c is one chain of fused multiply-adds in ascending k, begun by its initial
// value. When the depth is cut into blocks, for the caches, the chain goes through c and back, which changes no bit; nor does the height
// of a tile, the row or the panel a caller begins with, or the thread.

namespace bptt {
namespace BPTT_ISA {
namespace {

// Sums beyond this many would spill; fewer than half would leave multipliers idle.
constexpr int tileRows(int vectors) {
  const int rows = kTileAccumulators / vectors;
  return rows < 12 ? rows : 12;
}

constexpr ptrdiff_t tilesOf(ptrdiff_t rows, int vectors) { return (rows + tileRows(vectors) - 1) / tileRows(vectors); }

struct Tile {
  const float* a;
  ptrdiff_t aRowStride, aDepthStride;
  const float* panel;
  ptrdiff_t panelStride;  // from one step of the depth to the next
  ptrdiff_t depth;
  float* c;
  ptrdiff_t cRowStride;
  const float* initial;  // null: zero
  ptrdiff_t initialRowStride, initialColumnStride;
  const float* next;  // where the sums of the tile below begin, or null: fetched while this one is computed
  ptrdiff_t nextRowStride;
  const float* fetch;  // a little further with every step of the depth
  ptrdiff_t fetchStep;
  ptrdiff_t lastCount;  // columns in the tile's last vector, 1 … kLanes
};

template <int Rows, int Vectors>
BPTT_INLINE void beginSums(const Tile& tile, Vector (&sums)[Rows][Vectors]) {
  const float* initial = tile.initial;
  if (initial == nullptr) {
    BPTT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      BPTT_UNROLL
      for (int v = 0; v < Vectors; ++v) sums[r][v] = broadcast(0.0f);
    }
  } else if (tile.initialColumnStride == 0) {
    BPTT_UNROLL
    for (int r = 0; r < Rows; ++r, initial += tile.initialRowStride) {
      BPTT_UNROLL
      for (int v = 0; v < Vectors; ++v) sums[r][v] = broadcast(*initial);
    }
  } else if (tile.lastCount == kLanes) {
    BPTT_UNROLL
    for (int r = 0; r < Rows; ++r, initial += tile.initialRowStride) {
      BPTT_UNROLL
      for (int v = 0; v < Vectors; ++v) sums[r][v] = load(initial + v * kLanes);
    }
  } else {
    BPTT_UNROLL
    for (int r = 0; r < Rows; ++r, initial += tile.initialRowStride) {
      BPTT_UNROLL
      for (int v = 0; v + 1 < Vectors; ++v) sums[r][v] = load(initial + v * kLanes);
      sums[r][Vectors - 1] = loadFirst(initial + (Vectors - 1) * kLanes, tile.lastCount);
    }
  }
}

template <int Rows, int Vectors>
BPTT_INLINE void endSums(const Tile& tile, const Vector (&sums)[Rows][Vectors]) {
  float* c = tile.c;
  const ptrdiff_t stride = tile.cRowStride, lastCount = tile.lastCount;
  const bool whole = lastCount == kLanes;
  BPTT_UNROLL
  for (int r = 0; r < Rows; ++r, c += stride) {
    BPTT_UNROLL
    for (int v = 0; v + 1 < Vectors; ++v) store(c + v * kLanes, sums[r][v]);
    if (whole) {
      store(c + (Vectors - 1) * kLanes, sums[r][Vectors - 1]);
    } else {
      storeFirst(c + (Vectors - 1) * kLanes, sums[r][Vectors - 1], lastCount);
    }
  }
}

// One step of the depth. Whichever side of the tile is shorter is held in registers; the other passes through one at a time.
template <int Rows, int Vectors>
BPTT_INLINE void addProducts(const float* const (&a)[Rows], ptrdiff_t depthOffset, const float* panel, Vector (&sums)[Rows][Vectors]) {
  if constexpr (Rows < Vectors) {
    Vector left[Rows];
    BPTT_UNROLL
    for (int r = 0; r < Rows; ++r) left[r] = broadcast(a[r][depthOffset]);
    BPTT_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      const Vector right = load(panel + v * kLanes);
      BPTT_UNROLL
      for (int r = 0; r < Rows; ++r) sums[r][v] = multiplyAdd(left[r], right, sums[r][v]);
    }
  } else {
    Vector right[Vectors];
    BPTT_UNROLL
    for (int v = 0; v < Vectors; ++v) right[v] = load(panel + v * kLanes);
    BPTT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const Vector left = broadcast(a[r][depthOffset]);
      BPTT_UNROLL
      for (int v = 0; v < Vectors; ++v) sums[r][v] = multiplyAdd(left, right[v], sums[r][v]);
    }
  }
}

template <int Rows, int Vectors>
BPTT_INLINE void fetchNext(const Tile& tile) {
  if (tile.next == nullptr) return;
  BPTT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    BPTT_UNROLL
    for (int v = 0; v < Vectors; ++v) BPTT_PREFETCH(tile.next + r * tile.nextRowStride + v * kLanes);
  }
}

template <int Rows, int Vectors>
void runTile(const Tile& tile) {
  Vector sums[Rows][Vectors];
  beginSums<Rows, Vectors>(tile, sums);
  fetchNext<Rows, Vectors>(tile);
  const float* a[Rows];
  BPTT_UNROLL
  for (int r = 0; r < Rows; ++r) a[r] = tile.a + r * tile.aRowStride;
  const float* panel = tile.panel;
  const float* fetch = tile.fetch;
  const ptrdiff_t fetchStep = tile.fetchStep, panelStride = tile.panelStride;
  ptrdiff_t offset = 0;
  for (ptrdiff_t k = 0; k < tile.depth; ++k) {
    if constexpr (2 * Rows * Vectors >= kTileAccumulators) {  // others are bound by their loads
      BPTT_PREFETCH(fetch);
      fetch += fetchStep;
    }
    addProducts<Rows, Vectors>(a, offset, panel, sums);
    offset += tile.aDepthStride;
    panel += panelStride;
  }
  endSums<Rows, Vectors>(tile, sums);
}

using TileFunction = void (*)(const Tile&);

template <int Rows, int Vectors>
constexpr TileFunction tileOrNull() {
  if constexpr (Rows <= tileRows(Vectors)) {
    return &runTile<Rows, Vectors>;
  } else {
    return nullptr;
  }
}

#define BPTT_TILES(vectors)                                                                                                   \
  {                                                                                                                           \
    nullptr, tileOrNull<1, vectors>(), tileOrNull<2, vectors>(), tileOrNull<3, vectors>(), tileOrNull<4, vectors>(),          \
        tileOrNull<5, vectors>(), tileOrNull<6, vectors>(), tileOrNull<7, vectors>(), tileOrNull<8, vectors>(),               \
        tileOrNull<9, vectors>(), tileOrNull<10, vectors>(), tileOrNull<11, vectors>(), tileOrNull<12, vectors>()             \
  }
constexpr TileFunction kTiles[kPanelVectors + 1][13] = {{}, BPTT_TILES(1), BPTT_TILES(2), BPTT_TILES(3), BPTT_TILES(4)};
#undef BPTT_TILES

// A packed operand of more elements comes from beyond the second-level cache: while one of its panels is multiplied, the next one is fetched.
constexpr ptrdiff_t kFarPanels = 256 * 1024;
// Beyond this many that comes before whatever else is to be fetched.
constexpr ptrdiff_t kFarthestPanels = 2 * 1024 * 1024;

// A walk through runs of memory, so many elements with every step of the depth.
struct FetchWalk {
  const FetchRun* run = nullptr;
  const FetchRun* end = nullptr;
  ptrdiff_t done = 0, step = 0;

  // `elements` in all, over `depthSteps`; one line with every step at most.
  void aim(const FetchRun* runs, ptrdiff_t count, ptrdiff_t elements, ptrdiff_t depthSteps) {
    constexpr ptrdiff_t kMostStep = 16;
    run = runs;
    end = runs + count;
    done = 0;
    step = depthSteps <= 0 ? kMostStep : 1 + elements / depthSteps;
    if (step > kMostStep) step = kMostStep;
  }

  void deal(Tile& tile) {
    const ptrdiff_t last = run->count - done - 1, most = tile.depth > 1 ? last / (tile.depth - 1) : 0;
    tile.fetch = run->from + done;
    tile.fetchStep = step < most ? step : most;  // not beyond its end, where another thread may be writing
    done += step * tile.depth;
    if (done < run->count) return;
    done = 0;
    ++run;
  }
};

// Deals out to the tiles what is to be fetched: each gets a stretch of it. Of every panel the first tiles fetch the next panel, where the packed operand
// is large, the others what the caller asked for.
class Fetches {
 public:
  explicit Fetches(const GemmArguments& arguments) {
    const ptrdiff_t panels = arguments.panelEnd - arguments.panelBegin, tiles = tilesOf(arguments.rows, kPanelVectors);
    for (ptrdiff_t i = 0; i < arguments.fetchCount; ++i) asked_ += arguments.fetches[i].count;
    panels_ = arguments.depth * panels * kPanelWidth > (asked_ == 0 ? kFarPanels : kFarthestPanels) && (asked_ == 0 || tiles > 1);
    if (panels_) askedOfPanel_ = asked_ / panels;
    runs_.aim(arguments.fetches, arguments.fetchCount, asked_, panels_ ? 0 : (tiles * panels - arguments.fetchCount) * arguments.depth);
  }

  bool panels() const { return panels_; }

  // What the caller asked for takes a line a step then, and the panel all steps that are left.
  void aimAtPanel(const float* panel, ptrdiff_t elements, ptrdiff_t depthSteps) {
    constexpr ptrdiff_t kLine = 16;
    own_ = FetchRun{panel, elements};
    const ptrdiff_t left = depthSteps - askedOfPanel_ / kLine;
    panel_.aim(&own_, panel == nullptr ? 0 : 1, elements, left > depthSteps / 2 ? left : depthSteps / 2);
  }

  void deal(Tile& tile) {
    tile.fetch = tile.panel;
    tile.fetchStep = 0;
    if (panel_.run != panel_.end) panel_.deal(tile);
    else if (runs_.run != runs_.end) runs_.deal(tile);
  }

 private:
  bool panels_ = false;
  ptrdiff_t asked_ = 0, askedOfPanel_ = 0;
  FetchRun own_ = {};
  FetchWalk panel_, runs_;
};

// Rows that lie below one another, in tiles of heights that differ by at most one: a last tile of one row would run at a third of the speed.
void runRows(Tile& tile, ptrdiff_t rows, int vectors, Fetches& fetches) {
  for (ptrdiff_t tiles = tilesOf(rows, vectors); tiles > 0; --tiles) {
    const ptrdiff_t height = (rows + tiles - 1) / tiles;
    const float* begin = tile.initial != nullptr && tile.initialColumnStride != 0 ? tile.initial : tile.c;
    tile.next = tiles == 1 ? nullptr : begin + height * tile.nextRowStride;
    fetches.deal(tile);
    kTiles[vectors][height](tile);
    rows -= height;
    tile.a += height * tile.aRowStride;
    tile.c += height * tile.cRowStride;
    if (tile.initial != nullptr) tile.initial += height * tile.initialRowStride;
  }
}

// Where a tile holds three rows, those left over would make tiles of two, which wait for their loads: one or two tiles of five rows and half the
// width take their place.
constexpr ptrdiff_t rowsInHalves(ptrdiff_t rows, int vectors) {
  if (vectors != kPanelVectors || tileRows(kPanelVectors) != 3 || rows < 4) return 0;
  const ptrdiff_t wanted = rows % 3 == 0 ? 0 : rows % 3 == 2 ? 5 : 10;
  return wanted <= rows ? wanted : 4;
}

// All rows of one panel over one block of the depth.
void runPanel(Tile tile, ptrdiff_t rows, int vectors, Fetches& fetches) {
  tile.panelStride = vectors * kLanes;
  tile.nextRowStride = tile.initial != nullptr && tile.initialColumnStride != 0 ? tile.initialRowStride : tile.cRowStride;
  const ptrdiff_t halved = rowsInHalves(rows, vectors);
  runRows(tile, rows - halved, vectors, fetches);
  if (halved == 0) return;
  constexpr int half = kPanelVectors / 2;
  Tile right = tile;
  tile.lastCount = kLanes;
  runRows(tile, halved, half, fetches);
  right.panel += half * kLanes;
  right.c += half * kLanes;
  if (right.initial != nullptr) right.initial += half * kLanes * right.initialColumnStride;
  runRows(right, halved, half, fetches);
}

// Depth and rows that stay in the second-level cache together with a panel.
constexpr ptrdiff_t kDepthBlock = 1024, kRowBlock = 192;
// An a whose rows are not contiguous touches one cache line an element: its blocks are copied, which several panels pay back, or else kept
// shallow. The padding keeps the copied rows from falling on the same lines of the first-level cache.
constexpr ptrdiff_t kCopiedDepthBlock = 512, kCopiedRowStride = kCopiedDepthBlock + 16, kStridedDepthBlock = 384;
constexpr ptrdiff_t kPanelsWorthCopying = 3;
constexpr size_t kGemmScratchBytes = sizeof(float) * kRowBlock * kCopiedRowStride;

// rows × depth elements of a to contiguous rows, by squares where columns of a are contiguous.
void copyStridedBlock(const float* a, ptrdiff_t rowStride, ptrdiff_t depthStride, ptrdiff_t rows, ptrdiff_t depth, float* to) {
  const ptrdiff_t squareRows = rowStride == 1 ? rows / kLanes * kLanes : 0, squareDepth = depth / kLanes * kLanes;
  for (ptrdiff_t k = 0; k < squareDepth; k += kLanes) {
    for (ptrdiff_t r = 0; r < squareRows; r += kLanes) {
      transposeBlock(a + r + k * depthStride, depthStride, to + r * kCopiedRowStride + k, kCopiedRowStride);
    }
  }
  for (ptrdiff_t r = 0; r < rows; ++r) {
    const float* row = a + r * rowStride;
    for (ptrdiff_t k = r < squareRows ? squareDepth : 0; k < depth; ++k) to[r * kCopiedRowStride + k] = row[k * depthStride];
  }
}

// While panel p is multiplied at block k of the depth, the same block of the next panel is fetched, or the next block of the first one.
void fetchNextPanel(const GemmArguments& arguments, const Tile& tile, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t k, Fetches& fetches) {
  const bool last = p + 1 == arguments.panelEnd;
  const ptrdiff_t next = last ? arguments.panelBegin : p + 1, begin = next * kPanelWidth, from = last ? k + tile.depth : k;
  const int vectors = vectorsOfPanel(arguments.columns - begin);
  const ptrdiff_t width = vectors * kLanes, depth = arguments.depth - from < tile.depth ? arguments.depth - from : tile.depth;
  const float* panel = depth > 0 ? arguments.packed + begin * arguments.depth + from * width : nullptr;
  fetches.aimAtPanel(panel, depth * width, tilesOf(rows, vectors) * tile.depth);
}

// Block (row, k) of the product over all panels asked for; `tile` brings a and its strides, the block's depth, and c's stride.
void runBlockOfPanels(const GemmArguments& arguments, Tile tile, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t k, Fetches& fetches) {
  for (ptrdiff_t p = arguments.panelBegin; p < arguments.panelEnd; ++p) {
    const ptrdiff_t begin = p * kPanelWidth, left = arguments.columns - begin;
    const int vectors = vectorsOfPanel(left);
    tile.lastCount = left >= kPanelWidth ? kLanes : left - (vectors - 1) * kLanes;
    tile.panel = arguments.packed + begin * arguments.depth + k * vectors * kLanes;
    tile.c = arguments.c + row * tile.cRowStride + begin;
    if (k > 0) {
      tile.initial = tile.c;
      tile.initialRowStride = tile.cRowStride;
      tile.initialColumnStride = 1;
    } else {
      tile.initialRowStride = arguments.initialRowStride;
      tile.initialColumnStride = arguments.initialColumnStride;
      tile.initial = arguments.initial;
      if (tile.initial != nullptr) tile.initial += row * tile.initialRowStride + begin * tile.initialColumnStride;
    }
    if (fetches.panels()) fetchNextPanel(arguments, tile, rows, p, k, fetches);
    runPanel(tile, rows, vectors, fetches);
  }
}

void gemm(const GemmArguments& arguments) {
  const bool strided = arguments.aDepthStride != 1;
  const bool copied = strided && arguments.scratch != nullptr && arguments.panelEnd - arguments.panelBegin >= kPanelsWorthCopying;
  const ptrdiff_t depthBlock = copied ? kCopiedDepthBlock : strided ? kStridedDepthBlock : kDepthBlock;
  float* scratch = static_cast<float*>(arguments.scratch);
  Fetches fetches(arguments);
  Tile tile = {};
  tile.aRowStride = copied ? kCopiedRowStride : arguments.aRowStride;
  tile.aDepthStride = copied ? 1 : arguments.aDepthStride;
  tile.cRowStride = arguments.cRowStride;
  for (ptrdiff_t row = 0; row < arguments.rows; row += kRowBlock) {
    const ptrdiff_t rows = arguments.rows - row < kRowBlock ? arguments.rows - row : kRowBlock;
    for (ptrdiff_t k = 0; k == 0 || k < arguments.depth; k += depthBlock) {
      tile.depth = arguments.depth - k < depthBlock ? arguments.depth - k : depthBlock;
      const float* a = arguments.a + row * arguments.aRowStride + k * arguments.aDepthStride;
      if (copied) copyStridedBlock(a, arguments.aRowStride, arguments.aDepthStride, rows, tile.depth, scratch);
      tile.a = copied ? scratch : a;
      runBlockOfPanels(arguments, tile, row, rows, k, fetches);
    }
  }
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
