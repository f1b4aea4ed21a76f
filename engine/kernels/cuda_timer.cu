#include "engine/kernels/cuda_timer.h"

#include <algorithm>
#include <vector>

#include "engine/kernels/device.cuh"

namespace assay::cuda {
namespace {

constexpr int kGroupThreads = 128;              // of a warp group
constexpr int kGroups = 2;                      // to a block
constexpr int kRowsA = 64, kRowsB = 128, kTileBytes = 32;   // of a row
constexpr int kPlays = 11;

enum class Code { kBf16, kE4m3 };

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
// Rows of 32 bytes as 8 x 16-byte matrices, one after another, no swizzle: which value is whose matters not.
__device__ uint64_t descriptor_of(const std::byte* tile) {
  const auto address = static_cast<uint64_t>(__cvta_generic_to_shared(tile));
  return (address & 0x3ffff) >> 4 | uint64_t{128 >> 4} << 16 | uint64_t{256 >> 4} << 32;
}

#define ASSAY_WGMMA(shape, types, signs)                                                                               \
  asm volatile("wgmma.mma_async.sync.aligned." shape ".f32." types " {" \
               "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"                                                \
               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"                                      \
               "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"                                      \
               "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"                                       \
               "}, %64, %65, 1, 1, 1" signs ";"                                                                        \
               : SUMS16(0), SUMS16(16), SUMS16(32), SUMS16(48)                                                         \
               : "l"(a), "l"(b))
#define SUM(i) "+f"(sums[i])
#define SUMS4(i) SUM(i), SUM(i + 1), SUM(i + 2), SUM(i + 3)
#define SUMS16(i) SUMS4(i), SUMS4(i + 4), SUMS4(i + 8), SUMS4(i + 12)

template <Code kCode>
__device__ void multiply_tiles(float (&sums)[64], uint64_t a, uint64_t b) {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  for (int i = 0; i < 8; ++i) {
    if constexpr (kCode == Code::kBf16) ASSAY_WGMMA("m64n128k16", "bf16.bf16", ", 0, 0");
    else ASSAY_WGMMA("m64n128k32", "e4m3.e4m3", "");
  }
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}
#undef SUMS16
#undef SUMS4
#undef SUM
#undef ASSAY_WGMMA
#elif defined(__CUDA_ARCH__)
// Sixteen products of 16 x 8 x 16 by each of four warps make one of 64 x 128 x 16.
template <Code kCode>
__device__ void multiply_tiles(float (&sums)[64], uint64_t a, uint64_t b) {
  const uint32_t words[4] = {static_cast<uint32_t>(a) & 0x3f803f80u, 0x3f803f80u, 0x3f003f00u, static_cast<uint32_t>(b) & 0x3f803f80u};
#pragma unroll
  for (int i = 0; i < 8; ++i)
#pragma unroll
    for (int tile = 0; tile < 16; ++tile) multiply_bfloats(*reinterpret_cast<float(*)[4]>(sums + 4 * tile), words, words[1], words[2]);
}
#endif

template <Code kCode>
__global__ void __launch_bounds__(kGroupThreads* kGroups) multiply_only(int64_t rounds, float* result) {
#if defined(__CUDA_ARCH__)
  __shared__ __align__(128) std::byte tiles[(kGroups * kRowsA + kRowsB) * kTileBytes];
  for (int i = threadIdx.x; i < static_cast<int>(sizeof tiles); i += kGroupThreads * kGroups) {
    // Random bytes whose values are finite and small: in bfloat16 the high byte has the sign and an exponent near 1's.
    const uint32_t random = static_cast<uint32_t>(i + 1) * 2654435761u >> 13;
    tiles[i] = static_cast<std::byte>(kCode == Code::kBf16 && i % 2 == 1 ? 0x3f | (random & 0x80) : random & 0xb7);
  }
  __syncthreads();
  float sums[64] = {};
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  const uint64_t a = descriptor_of(tiles + threadIdx.x / kGroupThreads * kRowsA * kTileBytes), b = descriptor_of(tiles + kGroups * kRowsA * kTileBytes);
#else
  const uint64_t a = threadIdx.x, b = blockIdx.x;
#endif
  for (int64_t round = 0; round < rounds; ++round) multiply_tiles<kCode>(sums, a, b);
  float sum = 0;
  for (float value : sums) sum += value;
  result[blockIdx.x * kGroupThreads * kGroups + threadIdx.x] = sum;
#endif
}

template <Code kCode>
double launch_multiply(int64_t rounds, const Launch& launch) {
  const int blocks = 2 * device_attribute(cudaDevAttrMultiProcessorCount);
  ASSAY_ASSERT(launch.scratch_bytes >= static_cast<size_t>(blocks) * kGroupThreads * kGroups * sizeof(float));
  multiply_only<kCode><<<blocks, kGroupThreads * kGroups, 0, launch.stream>>>(rounds, reinterpret_cast<float*>(launch.scratch));
  return static_cast<double>(blocks) * kGroups * static_cast<double>(rounds) * 8 * kRowsA * kRowsB * (kCode == Code::kBf16 ? 16 : 32);
}

constexpr int kReadThreads = 512, kReads = 8;

__global__ void __launch_bounds__(kReadThreads) read_only(const uint4* data, int64_t count, uint32_t* result) {
  uint32_t sum = 0;
  for (int64_t first = blockIdx.x * int64_t{kReadThreads} * kReads + threadIdx.x; first < count; first += gridDim.x * int64_t{kReadThreads} * kReads) {
    uint4 values[kReads] = {};
#pragma unroll
    for (int i = 0; i < kReads; ++i)
      if (first + i * kReadThreads < count) values[i] = __ldcs(data + first + i * kReadThreads);
#pragma unroll
    for (int i = 0; i < kReads; ++i) sum += values[i].x ^ values[i].y ^ values[i].z ^ values[i].w;
  }
  if (sum == 0x12345678u) *result = sum;   // never by chance, yet the reads must happen
}

Status status_of(cudaError_t error) {
  if (error == cudaSuccess) return {};
  return make_error(Boundary::kPolicy, std::string("the device failed: ") + cudaGetErrorString(error), "CUDA", "start again");
}

// Events and a graph, gone at the end.
struct Recording {
  cudaStream_t stream = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t playable = nullptr;
  ~Recording() {
    if (playable) cudaGraphExecDestroy(playable);
    if (graph) cudaGraphDestroy(graph);
    if (end) cudaEventDestroy(end);
    if (begin) cudaEventDestroy(begin);
    if (stream) cudaStreamDestroy(stream);
  }
};

Result<double> played_us(Recording& recording) {
  float milliseconds = 0;
  ASSAY_TRY(status_of(cudaEventRecord(recording.begin, recording.stream)));
  ASSAY_TRY(status_of(cudaGraphLaunch(recording.playable, recording.stream)));
  ASSAY_TRY(status_of(cudaEventRecord(recording.end, recording.stream)));
  ASSAY_TRY(status_of(cudaEventSynchronize(recording.end)));
  ASSAY_TRY(status_of(cudaEventElapsedTime(&milliseconds, recording.begin, recording.end)));
  return 1e3 * milliseconds;
}

}  // namespace

Result<double> time_us(int calls, const Launch& scratch, const std::function<void(int i, const Launch& launch)>& call) {
  Recording recording;
  ASSAY_TRY(status_of(cudaStreamCreateWithFlags(&recording.stream, cudaStreamNonBlocking)));
  ASSAY_TRY(status_of(cudaEventCreate(&recording.begin)));
  ASSAY_TRY(status_of(cudaEventCreate(&recording.end)));
  Launch launch = scratch;
  launch.stream = recording.stream;
  ASSAY_TRY(status_of(cudaStreamBeginCapture(recording.stream, cudaStreamCaptureModeThreadLocal)));
  for (int i = 0; i < calls; ++i) call(i, launch);
  ASSAY_TRY(status_of(cudaStreamEndCapture(recording.stream, &recording.graph)));
  ASSAY_TRY(status_of(cudaGetLastError()));
  ASSAY_TRY(status_of(cudaGraphInstantiate(&recording.playable, recording.graph, 0)));
  std::vector<double> times;
  for (int play = 0; play < kPlays; ++play) {
    ASSAY_ASSIGN(const double time, played_us(recording));
    if (play > 0) times.push_back(time / calls);   // the first one warms up
  }
  std::nth_element(times.begin(), times.begin() + kPlays / 2, times.end());
  return times[kPlays / 2];
}

double multiply_bf16(int64_t rounds, const Launch& launch) { return launch_multiply<Code::kBf16>(rounds, launch); }

double multiply_e4m3(int64_t rounds, const Launch& launch) {
  return device_attribute(cudaDevAttrComputeCapabilityMajor) == 9 ? launch_multiply<Code::kE4m3>(rounds, launch) : 0;
}

void read_memory(const std::byte* data, size_t bytes, const Launch& launch) {
  const int blocks = 4 * device_attribute(cudaDevAttrMultiProcessorCount);
  read_only<<<blocks, kReadThreads, 0, launch.stream>>>(reinterpret_cast<const uint4*>(data), static_cast<int64_t>(bytes / 16), reinterpret_cast<uint32_t*>(launch.scratch));
}

}  // namespace assay::cuda
