#include "engine/kernels/cuda_device.h"

#include <cuda_runtime.h>

namespace assay::cuda {
namespace {

Error device_error(const std::string& what, const std::string& hint) { return make_error(Boundary::kInput, what, "CUDA", hint); }

}  // namespace

Result<DeviceProperties> find_device() {
  int count = 0, driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return device_error("there is no NVIDIA driver", "use the CPU");
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver)
    return device_error("the driver knows CUDA " + std::to_string(driver / 1000) + "." + std::to_string(driver % 1000 / 10) + ", and this program needs " +
                        std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10), "update the driver, or use the CPU");
  if (status != cudaSuccess || count == 0) return device_error("no device: " + std::string(cudaGetErrorString(status)), "is CUDA_VISIBLE_DEVICES set? otherwise use the CPU");
  cudaDeviceProp properties;
  if (const cudaError_t failed = cudaGetDeviceProperties(&properties, 0); failed != cudaSuccess)
    return device_error("the device does not answer: " + std::string(cudaGetErrorString(failed)), "see nvidia-smi, or use the CPU");
  if (properties.major < 8)
    return device_error(std::string(properties.name) + " has compute capability " + std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                        ", and 8.0 is the least", "use the CPU");
  return DeviceProperties{properties.name, properties.major, properties.minor, properties.multiProcessorCount, properties.totalGlobalMem};
}

Status synchronize(const Launch& launch) {
  const cudaError_t launched = cudaGetLastError(), finished = cudaStreamSynchronize(launch.stream);
  const cudaError_t failed = launched != cudaSuccess ? launched : finished;
  if (failed == cudaSuccess) return {};
  return make_error(Boundary::kPolicy, std::string("the device failed: ") + cudaGetErrorString(failed), "CUDA", "start again; if it happens again, use the CPU");
}

}  // namespace assay::cuda
