#include "engine/kernels/quantize_group.cuh"

namespace assay::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / kWarp;

// Formats with odd sizes put values where they are not aligned.
template <typename T>
__device__ void store_bytes(std::byte* to, T value) { memcpy(to, &value, sizeof value); }

// One token's values as groups of codes, a warp to a group; scale g follows at scales + 4 g.
__device__ void quantize(const float* values, int64_t width, std::byte* codes, std::byte* scales) {
  for (int64_t g = warp_id(); g * kScaleBlock < width; g += kWarps) {
    const int64_t first = g * kScaleBlock;
    const int count = static_cast<int>(smaller(kScaleBlock, width - first));
    const QuantizedGroup group = quantize_group(count, [&](int i) { return values[first + i]; });
    for (int j = 0; j < kGroupValues; ++j)
      if (lane_id() + j * kWarp < count) codes[first + lane_id() + j * kWarp] = static_cast<std::byte>(group.codes[j]);
    if (lane_id() == 0) store_bytes(scales + g * static_cast<int64_t>(sizeof(float)), group.scale);
  }
}

// A block is a token.
__global__ void append_latents(LatentAppendParams params, int64_t token_bytes) {
  const int64_t row = blockIdx.x, rank = params.layout.rank;
  const float* latent = params.latent + row * params.latent_stride;
  const float* rope = params.rope + row * params.rope_stride;
  if (params.slots[row] < 0) return;
  std::byte* token = params.pages + params.slots[row] * token_bytes;
  if (params.layout.format == CacheFormat::kF32) {
    float* values = reinterpret_cast<float*>(token);
    for (int64_t i = threadIdx.x; i < rank + params.layout.rope; i += kThreads) values[i] = i < rank ? latent[i] : rope[i - rank];
    return;
  }
  std::byte* scales = token + rank;
  std::byte* codes = scales + ceil_div(rank, kScaleBlock) * static_cast<int64_t>(sizeof(float));
  quantize(latent, rank, token, scales);
  for (int64_t i = threadIdx.x; i < params.layout.rope; i += kThreads) store_bytes(codes + 2 * i, float_to_bf16(rope[i]));
}

__global__ void append_keys(IndexAppendParams params, int64_t page_bytes) {
  const int64_t row = blockIdx.x, width = params.layout.width, offset = params.slots[row] % kPageTokens;
  if (params.slots[row] < 0) return;
  const float* key = params.keys + row * width;
  std::byte* page = params.pages + params.slots[row] / kPageTokens * page_bytes;
  if (params.layout.format == CacheFormat::kF32) {
    float* values = reinterpret_cast<float*>(page) + offset * width;
    for (int64_t i = threadIdx.x; i < width; i += kThreads) values[i] = key[i];
    return;
  }
  quantize(key, width, page + offset * width, page + kPageTokens * width + offset * ceil_div(width, kScaleBlock) * static_cast<int64_t>(sizeof(float)));
}

}  // namespace

void latent_append(const LatentAppendParams& params, const Launch& launch) {
  if (params.rows > 0) append_latents<<<static_cast<unsigned>(params.rows), kThreads, 0, launch.stream>>>(params, static_cast<int64_t>(params.layout.token_bytes()));
}

void index_append(const IndexAppendParams& params, const Launch& launch) {
  if (params.rows > 0) append_keys<<<static_cast<unsigned>(params.rows), kThreads, 0, launch.stream>>>(params, static_cast<int64_t>(params.layout.page_bytes()));
}

}  // namespace assay::cuda
