#define BPTT_ISA avx512
#include "simd/avx512.h"

#include "peak.inl"
