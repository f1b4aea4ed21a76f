// The most this processor can do, as loops that do nothing else: whoever times them has the ceilings that rates of kernels are
// compared with.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/runtime/workers.h"

namespace assay {

struct Ceiling {
  // Float32 fused multiply-adds in registers on every worker, none waiting for another. Returns how many were done, in all.
  int64_t (*multiply_add)(int64_t rounds, Workers& workers) = nullptr;
  // Reads the floats once, in order, each worker its own stretches; their sums are the workers' scratch afterwards.
  void (*read)(const float* data, int64_t count, Workers& workers) = nullptr;
};

// Of the instruction set of a table in kernels.h; the reference has none of its own and is measured by AVX2's.
// Precondition: this processor runs it.
Ceiling ceiling_of(std::string_view kernels_name);

}  // namespace assay
