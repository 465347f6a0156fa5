// The kernels for AVX-512. Compiled with instructions the machine may lack: nothing but native/kernels belongs here.
#define BPTT_ISA avx512
#include "../simd/avx512.h"
#include "../kernels/table.inl"
