#define BPTT_ISA avx2
#include "simd/avx2.h"

#include "peak.inl"
