// In the place of the .cu files, where there is no CUDA compiler.
#include "engine/device/device.h"
#include "engine/kernels/cuda_device.h"

namespace assay::cuda {

Result<DeviceProperties> find_device() { return make_error(Boundary::kInput, "this program was built without CUDA", "CUDA", "build it where nvcc is, or use the CPU"); }

Result<std::unique_ptr<assay::Device>> open_device(Workers&) { return find_device().error(); }

}  // namespace assay::cuda
