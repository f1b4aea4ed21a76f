// The CUDA device this program would use, and waiting for it. In a build without CUDA find_device says so.
#pragma once

#include <string>

#include "engine/kernels/cuda_kernels.h"
#include "envs/base/status.h"

namespace assay::cuda {

struct DeviceProperties {
  std::string name;
  int major = 0, minor = 0;      // compute capability
  int multiprocessors = 0;
  size_t memory_bytes = 0;
};

// The first device. Errors (kInput): built without CUDA; no driver, or one too old; no device; one below compute capability 8.0.
Result<DeviceProperties> find_device();

// Waits for all launches of the stream. Errors (kPolicy): what a launch or a kernel since the last call failed of; after a kernel's
// fault the process cannot use the device any more.
Status synchronize(const Launch& launch);

}  // namespace assay::cuda
