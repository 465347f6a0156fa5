#define BPTT_ISA neon
#include "simd/neon.h"

#include "peak.inl"
