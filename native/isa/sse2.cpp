// The kernels for SSE2, which every x86-64 processor has.
#define BPTT_ISA sse2
#include "../simd/sse2.h"
#include "../kernels/table.inl"
