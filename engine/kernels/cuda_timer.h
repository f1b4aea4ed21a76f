// Time on the device, and the most it can do: what rates of kernels are compared with.
#pragma once

#include <functional>

#include "engine/kernels/cuda_kernels.h"
#include "envs/base/status.h"

namespace assay::cuda {

// Microseconds of one call: `calls` calls are recorded as a graph, so that the host's part in launching them is left out, and the graph
// is played until its times are many; their median, divided. call(i, launch) is given i in [0, calls): whoever wants to measure memory
// and not the cache gives each i data of its own. Errors (kPolicy): a kernel failed.
Result<double> time_us(int calls, const Launch& scratch, const std::function<void(int i, const Launch& launch)>& call);

// Products of random tiles that stay in shared memory, in tensor cores. Returns how many multiply-adds a launch does.
// Hopper: wgmma of 64 x 128 x 32 bytes; FP8 on older devices is not measured and gives 0.
double multiply_bf16(int64_t rounds, const Launch& launch);
double multiply_e4m3(int64_t rounds, const Launch& launch);

// Reads the memory once, 16 bytes a thread at a time; a sum goes to the launch's scratch.
void read_memory(const std::byte* data, size_t bytes, const Launch& launch);

}  // namespace assay::cuda
