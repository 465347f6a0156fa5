// The kernels for NEON, which every 64-bit ARM processor has.
#define BPTT_ISA neon
#include "../simd/neon.h"
#include "../kernels/table.inl"
