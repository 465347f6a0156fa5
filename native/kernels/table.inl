// All kernels over the vector header that the including translation unit chose, and the table of them. The translation unit defines BPTT_ISA,
// includes one header of native/simd and then this text; everything but table() has internal linkage, so that code compiled with
// instructions the machine may lack is reachable through its table only.

#include <string.h>

#include "../isa/table.h"
// The order matters: each text builds on those before it.
// clang-format off
#include "../simd/math.h"
#include "../simd/power.h"
#include "../simd/trigonometry.h"
#include "map_operations.inl"
#include "map.inl"
#include "pack.inl"
#include "gemm.inl"
#include "reduce.inl"
#include "softmax.inl"
#include "standardize.inl"
#include "random.inl"
#include "arg_max.inl"
// clang-format on

namespace bptt {
namespace BPTT_ISA {

#define BPTT_TEXT_OF(name) #name
#define BPTT_NAME_OF(name) BPTT_TEXT_OF(name)

const KernelTable& table() {
  static const KernelTable kernels = {BPTT_NAME_OF(BPTT_ISA), kLanes, kPanelWidth, kMapScratchBytes,
                                      kGemmScratchBytes,      &map,    &pack,       &gemm,            &reduce,
                                      &columnSum,             &softmax, &crossEntropy, &crossEntropyGradient, &random,
                                      &argMax,                &standardize, &standardizeGradient};
  return kernels;
}

}  // namespace BPTT_ISA
}  // namespace bptt
