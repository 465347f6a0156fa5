// What an instruction set offers to the engine: one table of functions, compiled once per instruction set.
//
// Letters: R rows, C columns, K depth (the summed dimension), V classes. Strides count elements, not bytes; they may be negative or 0.
// No function allocates, throws, locks or starts a thread; each works on exactly the range it is given, so that callers may split
// rows (or, where said, columns) over threads and get the same bits. No function reads or writes outside its operands, not even by a lane.
// Only <stdint.h>/<stddef.h> here: the tables' translation units are compiled with instructions that the machine may lack.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace bptt {

// One instruction of the map bytecode: docs/program-format.md, "Map table".
struct MapInstruction {
  int32_t op, destination, a, b, c;
};

struct MapOperand {
  float* data;          // float32, or int32/bool bits
  ptrdiff_t rowStride;  // any
  ptrdiff_t columnStride;  // any; 0 and 1 are fast
};

// An elementwise program over R × C elements. Operands: inputs first, then outputs.
struct MapArguments {
  const MapInstruction* code;
  int32_t codeLength;
  int32_t inputCount, outputCount, registerCount, constantCount;
  const uint32_t* constants;  // raw bits
  const MapOperand* operands;
  ptrdiff_t rows, columns;
  void* scratch;  // mapScratchBytes of the table, 64-byte aligned, one per thread
};

// Packs B [K, C] into panels of `panelWidth` columns (the last one narrower but padded with zeros to whole vectors): panel p holds
// K rows of its width, contiguous. Panels [panelBegin, panelEnd) only, so that threads can share one packing. The K rows may be some of a larger packed
// matrix of packedDepth rows, from row packedBegin on.
struct PackArguments {
  const float* source;
  ptrdiff_t rowStride, columnStride;
  ptrdiff_t depth, columns;
  float* packed;
  ptrdiff_t panelBegin, panelEnd;
  ptrdiff_t packedDepth, packedBegin;
};

// Elements in a row that will be wanted soon.
struct FetchRun {
  const float* from;
  ptrdiff_t count;
};

// c[r, j] = initial[r, j] + Σ_k a[r, k]·b[k, j] for all R rows and the columns of panels [panelBegin, panelEnd); one ascending chain of fused
// multiply-adds per element, so that any split gives the same bits. initial may be null (zero) or c itself.
struct GemmArguments {
  const float* a;
  ptrdiff_t aRowStride, aDepthStride;
  const float* packed;  // from pack of the same table
  float* c;
  ptrdiff_t cRowStride;  // column stride 1
  const float* initial;
  ptrdiff_t initialRowStride, initialColumnStride;  // column stride 0 or 1
  ptrdiff_t rows, depth, columns;
  ptrdiff_t panelBegin, panelEnd;
  // Memory that is brought into the cache meanwhile, a little with every step of the depth: a product has few loads for its arithmetic. Hints only.
  const FetchRun* fetches;
  ptrdiff_t fetchCount;
  // gemmScratchBytes of the table, 64-byte aligned, one per thread; or null. It changes no bit: with it an a whose depth stride is not 1 (a
  // weight gradient's) is copied block by block, which makes deep products of that kind about twice as fast.
  void* scratch;
};

// out[r] = reduction over `inner` elements of row r. kind 0 sum, 1 max, 2 min, 3 sum of squares. Sums are pairwise over blocks of 1024 in a fixed order; max and
// min give NaN when an element is NaN. The reduced elements of row r are element(i, j) = in[r*rowStride + i*outerStride + j*innerStride], i < outer, j < inner.
struct ReduceArguments {
  const float* in;
  ptrdiff_t rowStride, outerStride, innerStride;
  ptrdiff_t rows, outer, inner;
  float* out;
  ptrdiff_t outStride;
  int32_t kind;
};

// Column sums without a transpose: out[j] (+)= Σ_r in[r, j] in ascending r blocks, pairwise over blocks of 1024 rows, columns [columnBegin, columnEnd).
struct ColumnSumArguments {
  const float* in;
  ptrdiff_t rowStride;  // column stride 1
  ptrdiff_t rows, columnBegin, columnEnd;
  float* out;  // column stride 1
};

struct SoftmaxArguments {  // kind 0 softmax, 1 log-softmax; column strides 1
  const float* in;
  ptrdiff_t inRowStride;
  float* out;
  ptrdiff_t outRowStride;
  ptrdiff_t rows, columns;
  int32_t kind;
};

struct CrossEntropyArguments {  // targets were checked by the engine
  const float* logits;
  ptrdiff_t logitsRowStride;
  const int32_t* targets;
  ptrdiff_t targetStride;
  float* loss;
  float* logNormalizer;  // both contiguous [R]
  ptrdiff_t rows, columns;
};

struct CrossEntropyGradientArguments {
  const float* logits;
  ptrdiff_t logitsRowStride;
  const float* logNormalizer;
  const int32_t* targets;
  ptrdiff_t targetStride;
  const float* upstream;
  ptrdiff_t upstreamStride;
  float* out;
  ptrdiff_t outRowStride;
  ptrdiff_t rows, columns;
};

struct RandomArguments {  // elements [begin, end) of a draw, of which out points at element `origin`
  uint32_t key[2];
  uint32_t stream;
  int32_t distribution;
  uint64_t begin, end;
  float* out;
  uint64_t origin = 0;
};

struct ArgMaxArguments {
  const float* in;
  ptrdiff_t rowStride, columnStride;
  int32_t* out;
  ptrdiff_t outStride;
  ptrdiff_t rows, columns;
};

// out = (in − center)·scale for each row, its center Σ in / C and its scale 1/√(Σ (in − center)² / C + epsilon). Sums in the order of `reduce`, every step rounded
// on its own: the same bits on every instruction set. `out` may be `in`.
struct StandardizeArguments {  // column strides 1
  const float* in;
  ptrdiff_t inRowStride;
  float* out;
  ptrdiff_t outRowStride;
  float* scale;  // [R]
  ptrdiff_t scaleStride;
  ptrdiff_t rows, columns;
  float epsilon;
};

// out = ((e − Σ e / C) − y·(Σ e·y / C))·scale for each row, where e = d·gain, in the same order and with the same bits. `out` may be d or y.
struct StandardizeGradientArguments {  // column strides 1
  const float* d;
  ptrdiff_t dRowStride;
  const float* gain;  // [C]
  ptrdiff_t gainStride;    // 0 or 1
  const float* y;
  ptrdiff_t yRowStride;
  const float* scale;  // [R]
  ptrdiff_t scaleStride;
  float* out;
  ptrdiff_t outRowStride;
  ptrdiff_t rows, columns;
};

struct KernelTable {
  const char* name;        // "avx512", "avx2", "sse2", "neon", "scalar"
  int32_t lanes;           // floats per vector
  int32_t panelWidth;      // columns per packed panel; divides 64
  size_t mapScratchBytes;
  size_t gemmScratchBytes;
  void (*map)(const MapArguments&);
  void (*pack)(const PackArguments&);
  void (*gemm)(const GemmArguments&);
  void (*reduce)(const ReduceArguments&);
  void (*columnSum)(const ColumnSumArguments&);
  void (*softmax)(const SoftmaxArguments&);
  void (*crossEntropy)(const CrossEntropyArguments&);
  void (*crossEntropyGradient)(const CrossEntropyGradientArguments&);
  void (*random)(const RandomArguments&);
  void (*argMax)(const ArgMaxArguments&);
  void (*standardize)(const StandardizeArguments&);
  void (*standardizeGradient)(const StandardizeGradientArguments&);
};

}  // namespace bptt
