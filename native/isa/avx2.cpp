// The kernels for AVX2 with FMA. Compiled with instructions the machine may lack: nothing but native/kernels belongs here.
#define BPTT_ISA avx2
#include "../simd/avx2.h"
#include "../kernels/table.inl"
