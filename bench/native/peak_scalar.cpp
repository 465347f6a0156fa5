#define BPTT_ISA scalar
#define BPTT_WITHOUT_FUSED
#include "simd/scalar.h"

#include "peak.inl"
