// The vocabulary of device code: conversions, warp reductions, asynchronous copies and the tensor-core products that sm_80 has.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "engine/kernels/cuda_kernels.h"
#include "engine/numeric.h"

namespace assay::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

constexpr __host__ __device__ int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
template <typename T>
constexpr __host__ __device__ T smaller(T a, T b) { return a < b ? a : b; }
template <typename T>
constexpr __host__ __device__ T larger(T a, T b) { return a > b ? a : b; }

__device__ inline int lane_id() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ inline int warp_id() { return static_cast<int>(threadIdx.x) / kWarp; }

// Butterflies: every lane gets the result, and the tree is the same for all of them.
__device__ inline float warp_sum(float value) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) value += __shfl_xor_sync(kAllLanes, value, mask);
  return value;
}
__device__ inline float warp_max(float value) {   // NaN is left out
  for (int mask = kWarp / 2; mask > 0; mask /= 2) value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, mask));
  return value;
}

// 2^exponent; 0 below the normal numbers. exponent <= 127.
__device__ inline float power_of_two(int exponent) { return exponent < -126 ? 0.0f : __int_as_float((exponent + 127) << 23); }
// floor(log2 |x|) of a normal number; 128 of NaN and infinities, -127 of smaller ones.
__device__ inline int exponent_of(float x) { return static_cast<int>(__float_as_uint(x) >> 23 & 0xffu) - 127; }

__device__ inline uint8_t to_e4m3(float x) {
#if __CUDA_ARCH__ >= 890
  return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
#else
  return float_to_e4m3(x);
#endif
}

// The value of two E4M3 codes as binary16, exactly; NaN stays NaN.
__device__ inline uint32_t e4m3x2_to_half2(uint32_t codes) {
#if __CUDA_ARCH__ >= 890
  uint32_t halves;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(halves) : "h"(static_cast<unsigned short>(codes)));
  return halves;
#else
  const auto low = __float2half_rn(e4m3_to_float(static_cast<uint8_t>(codes))), high = __float2half_rn(e4m3_to_float(static_cast<uint8_t>(codes >> 8)));
  return static_cast<uint32_t>(__half_as_ushort(high)) << 16 | __half_as_ushort(low);
#endif
}

// Of four.
__device__ inline void e4m3x4_to_halves(uint32_t codes, uint32_t& first, uint32_t& second) {
#if __CUDA_ARCH__ >= 890
  asm("{ .reg .b16 low, high; mov.b32 {low, high}, %2; cvt.rn.f16x2.e4m3x2 %0, low; cvt.rn.f16x2.e4m3x2 %1, high; }" : "=r"(first), "=r"(second) : "r"(codes));
#else
  first = e4m3x2_to_half2(codes), second = e4m3x2_to_half2(codes >> 16);
#endif
}

__device__ inline uint32_t as_word(__half2 pair) { return *reinterpret_cast<uint32_t*>(&pair); }
__device__ inline __half2 as_half2(uint32_t word) { return *reinterpret_cast<__half2*>(&word); }

// Four matrices of 8 x 8 16-bit values: lane i names the row of matrix i / 8 that is i % 8, 16 bytes in shared memory.
__device__ inline void load_matrices(const void* row, uint32_t (&to)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(address) : "memory");
}
__device__ inline void load_matrices_transposed(const void* row, uint32_t (&to)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(address) : "memory");
}

// sums[16, 8] += a[16, 16] b[16, 8]. Of a lane's sums, 0 and 1 are of row lane / 4, columns 2 (lane % 4) and the next; 2 and 3 of
// the row 8 below.
__device__ inline void multiply_halves(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ inline void multiply_bfloats(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Sixteen bytes from global to shared memory, or zeros; both aligned to 16.
__device__ inline void copy_async(void* to, const void* from, bool present = true) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(present ? 16 : 0) : "memory");
}
// Four bytes, both aligned to 4.
__device__ inline void copy_word_async(void* to, const void* from, bool present) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from), "r"(present ? 4 : 0) : "memory");
}
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until no more than `kPending` of this thread's groups of copies are under way.
template <int kPending>
__device__ inline void wait_copies() { asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory"); }

// Host: of the device in use.
inline int device_attribute(cudaDeviceAttr attribute) {
  int device = 0, value = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&value, attribute, device);
  return value;
}

// Host: launches a kernel that may begin, where the device can do it, while the one before it on the stream ends. The kernel calls
// wait_for_kernel_before ahead of what it reads of others' writings or writes itself.
template <typename... Params, typename... Args>
void launch_beside(void (*kernel)(Params...), dim3 blocks, int threads, size_t shared_bytes, cudaStream_t stream, const Args&... args) {
  cudaLaunchAttribute beside;
  beside.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  beside.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = blocks;
  config.blockDim = static_cast<unsigned>(threads);
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = &beside;
  config.numAttrs = device_attribute(cudaDevAttrComputeCapabilityMajor) >= 9 ? 1 : 0;
  cudaLaunchKernelEx(&config, kernel, args...);
}
__device__ inline void wait_for_kernel_before() {
#if __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}
// The next kernel may begin, if it was launched beside this one.
__device__ inline void let_next_kernel_begin() {
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

}  // namespace assay::cuda
