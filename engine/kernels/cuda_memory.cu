#include "engine/kernels/cuda_memory.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <string>

namespace assay::cuda {
namespace {

Status copy(void* to, const void* from, size_t bytes) {
  if (const cudaError_t failed = cudaMemcpy(to, from, bytes, cudaMemcpyDefault); failed != cudaSuccess)
    return make_error(Boundary::kPolicy, std::string("the device failed: ") + cudaGetErrorString(failed), "CUDA", "start again; if it happens again, use the CPU");
  return {};
}

}  // namespace

Result<Memory> Memory::allocate(size_t bytes) {
  void* data = nullptr;
  if (cudaMalloc(&data, std::max<size_t>(bytes, 1)) != cudaSuccess) {
    cudaGetLastError();   // it has been said
    size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    return make_error(Boundary::kLimit, "the device has no room for " + std::to_string(bytes >> 20) + " MiB: " + std::to_string(free >> 20) + " of " +
                      std::to_string(total >> 20) + " MiB are free", "CUDA", "ask for less, or end what else uses the device");
  }
  return Memory(static_cast<std::byte*>(data), bytes);
}

Memory::~Memory() { cudaFree(data_); }

Status Memory::write(const void* from, size_t bytes) {
  ASSAY_ASSERT(bytes <= bytes_);
  return copy(data_, from, bytes);
}

Status Memory::read(void* to, size_t bytes) const {
  ASSAY_ASSERT(bytes <= bytes_);
  return copy(to, data_, bytes);
}

}  // namespace assay::cuda
