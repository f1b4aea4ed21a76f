#include "tests/engine/kernels/tables.h"

#include <cstdio>

#include "engine/kernels/cuda_device.h"

namespace assay::testing {
namespace {

std::vector<Kernels> all_tables() {
  std::vector<Kernels> tables = cpu_kernels();
  if (tables.size() == 1) std::puts("skipped: tests of vector kernels (this processor has neither AVX2 nor AVX-512)");
  if (const Result<cuda::DeviceProperties> device = cuda::find_device(); !device.ok()) std::printf("skipped: tests of CUDA kernels: %s\n", device.error().what.c_str());
#ifdef ASSAY_CUDA
  else tables.push_back(staged_kernels());
#endif
  return tables;
}

}  // namespace

const std::vector<Kernels>& tested_kernels() {
  static const std::vector<Kernels> tables = all_tables();
  return tables;
}

std::vector<const Kernels*> fast_kernels() {
  std::vector<const Kernels*> fast;
  for (const Kernels& kernels : tested_kernels())
    if (kernels.name != "reference") fast.push_back(&kernels);
  return fast;
}

}  // namespace assay::testing
