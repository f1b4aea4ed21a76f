// How a fast path is written once and compiled for two instruction sets. A file x_cpu.cc is
//
//   #ifndef ASSAY_SIMD_BODY
//   #include "engine/kernels/x.h"                                  and all other headers
//   #define ASSAY_SIMD_BODY "engine/kernels/x_cpu.cc"
//   #include "engine/kernels/simd.h"
//   #else
//   namespace { ... }                                              helpers
//   void x(const XParams& params, Workers& workers) { ... }        becomes avx2::x and avx512::x
//   #endif
//
// simd.h includes the file twice more, inside namespace assay::avx2 and inside assay::avx512, each after vector.inc, which
// gives both the same vocabulary of vectors. Every header stands before the target pragma, so that no inline function of
// a library is compiled with wide instructions and then chosen by the linker for a processor without them.
// Products and sums are never contracted (-ffp-contract=off): a fused multiply-add is one that is written as fma().
#pragma once

#ifndef ASSAY_SIMD_BODY
#error "define ASSAY_SIMD_BODY as the file to compile for each instruction set"
#endif

// GCC 12's header for AVX-512 initialises its undefined vectors by themselves (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "engine/numeric.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
namespace assay::avx2 {
#define ASSAY_AVX512 0
#include "engine/kernels/vector.inc"
#include ASSAY_SIMD_BODY
#undef ASSAY_AVX512
}  // namespace assay::avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
namespace assay::avx512 {
#define ASSAY_AVX512 1
#include "engine/kernels/vector.inc"
#include ASSAY_SIMD_BODY
#undef ASSAY_AVX512
}  // namespace assay::avx512
#pragma GCC pop_options
