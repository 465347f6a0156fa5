// The kernels without vector instructions. Compiled with the baseline's flags and without automatic vectorisation.
#define BPTT_ISA scalar
#include "../simd/scalar.h"
#include "../kernels/table.inl"
