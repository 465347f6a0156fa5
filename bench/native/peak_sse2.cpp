#define BPTT_ISA sse2
#define BPTT_WITHOUT_FUSED
#include "simd/sse2.h"

#include "peak.inl"
