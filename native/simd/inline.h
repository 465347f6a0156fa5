// Three words to the compiler that every vector text needs.
//
// BPTT_INLINE: always inline; a vector function that is really called would pass its arguments through memory.
// BPTT_UNROLL: before a loop of constant length over an array of vectors; only when fully unrolled does the array live in registers.
// BPTT_PREFETCH(p): a hint that the cache line at p is wanted soon; p may be any address, and nothing is read.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define BPTT_INLINE static __forceinline
#else
#define BPTT_INLINE static inline __attribute__((always_inline))
#endif

#if defined(__clang__)
#define BPTT_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define BPTT_UNROLL _Pragma("GCC unroll 16")
#else
#define BPTT_UNROLL
#endif

#if defined(__GNUC__)
#define BPTT_PREFETCH(from) __builtin_prefetch(from)
#else
#define BPTT_PREFETCH(from) static_cast<void>(from)
#endif
