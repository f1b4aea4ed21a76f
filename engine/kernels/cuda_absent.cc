// In the place of the .cu files, where there is no CUDA compiler.
#include "engine/kernels/cuda_device.h"

namespace assay::cuda {

Result<Device> find_device() { return make_error(Boundary::kInput, "this program was built without CUDA", "CUDA", "build it where nvcc is, or use the CPU"); }

}  // namespace assay::cuda
