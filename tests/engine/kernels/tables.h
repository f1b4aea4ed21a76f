// The tables that kernel tests run over: the processor's, and in a build with CUDA on a machine with a device that device's, each call
// of which copies its params there and its results back.
#pragma once

#include <vector>

#include "engine/kernels/kernels.h"

namespace assay::testing {

// cpu_kernels(), then "cuda". Where that is missing, says so once.
const std::vector<Kernels>& tested_kernels();

// All of them but the reference.
std::vector<const Kernels*> fast_kernels();

// Results of this table's kernels over FP8 caches are rounded in the middle, as cuda_kernels.h says.
inline bool rounds_attention(const Kernels& kernels) { return kernels.name == "cuda"; }

// The device's table (staged.cu); precondition: there is one.
Kernels staged_kernels();

}  // namespace assay::testing
