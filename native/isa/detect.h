// Which instruction sets this binary carries and this machine runs.
//
// Every x86-64 build holds scalar, sse2, avx2 and avx512; every arm64 build holds scalar and neon. A table is offered only when the
// processor has the instructions and the operating system saves the registers (CPUID and xgetbv on x86-64); calling into any other
// table would be an illegal instruction. All answers are computed once and never change while the process lives.
#pragma once
#include "table.h"

namespace bptt {

// Writes the tables this machine runs to `out`, the fastest first and "scalar" always last, at most `capacity` of them. Returns how many
// there are, which may exceed `capacity`; `out` may be null when `capacity` is 0.
int availableTables(const KernelTable** out, int capacity);

// The table of that name, or null when the name is unknown, not compiled in, or more than this machine has. Null for a null name.
const KernelTable* tableNamed(const char* name);

// The table to use when nobody asks for one. `environmentValue` is the text of BPTT_ISA, or null or empty when unset: it lowers the choice to
// the named set, or to the best one below it that this machine runs; it never raises it. `recognised` (may be null) becomes false when
// the text names no instruction set that bptt knows on any platform; the best table is then returned, so that the caller can
// warn and go on.
const KernelTable* defaultTable(const char* environmentValue, bool* recognised);

}  // namespace bptt
