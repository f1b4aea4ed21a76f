#include "engine/device/device.h"

#include <algorithm>

#include "engine/kernels/cuda_device.h"
#include "envs/base/json.h"

namespace assay {

Result<Weight> place_weight(Device& device, Weight weight) {
  const size_t scale_bytes = weight.scale_bytes();
  ASSAY_ASSIGN(weight.panels, device.place(weight.panels, weight.bytes() - scale_bytes));
  if (scale_bytes == 0) return weight;
  const std::shared_ptr<std::byte> scales(weight.scales, reinterpret_cast<std::byte*>(weight.scales.get()));
  ASSAY_ASSIGN(const std::shared_ptr<std::byte> placed, device.place(scales, scale_bytes));
  weight.scales = std::shared_ptr<float>(placed, reinterpret_cast<float*>(placed.get()));
  return weight;
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const Kernels& kernels : cpu_kernels()) names.push_back(kernels.name);
  if (cuda::find_device().ok()) names.push_back("cuda");
  return names;
}

Result<std::unique_ptr<Device>> open_device(const std::string& name, Workers& workers) {
  if (name == "cuda" || (name.empty() && cuda::find_device().ok())) return cuda::open_device(workers);
  if (name.empty() || name == "cpu") return cpu_device(cpu_kernels().back(), workers);
  std::vector<std::string> known = {"cpu", "cuda"};
  for (const Kernels& kernels : cpu_kernels()) {
    if (kernels.name == name) return cpu_device(kernels, workers);
    known.push_back(kernels.name);
  }
  return unknown_name("backend", name, known);
}

}  // namespace assay
