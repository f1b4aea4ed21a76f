// Every problem is cut into tiles of a panel (64 outputs) by some rows, every tile's columns into chunks of 512. A tile is a cluster of
// blocks of threads, which share its chunks where there would be too few tiles for the device; chunk sums are added in ascending order
// whoever has computed them, so neither the rows of a tile nor the blocks of a cluster show in the bits.
#include <cooperative_groups.h>

#include <algorithm>

#include "engine/kernels/gemm_tiles.cuh"
#include "engine/kernels/gemm_wide.cuh"
#include "engine/kernels/quantize_group.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kStage = 128;               // columns in shared memory at once: a group of scales
constexpr int kChunkStages = kChunk / kStage;
constexpr int kPipeline = 3;              // stages of weights under way

__device__ void sync_cluster() {
#if __CUDA_ARCH__ >= 900
  cooperative_groups::this_cluster().sync();
#else
  __syncthreads();
#endif
}

__device__ const float* of_block(float* shared, int block) {
#if __CUDA_ARCH__ >= 900
  return cooperative_groups::this_cluster().map_shared_rank(shared, block);
#else
  return shared;
#endif
}

__device__ void write_output(const Tile& tile, bool split_inputs, int r, int n, float total) {
  if (!is_output(tile, r, n)) return;
  write_output(tile, r, n, split_inputs && !isfinite(total) ? plain_sum(tile, r, n) : total);
}

// Adds up the chunk sums that the blocks of a cluster hold in shared memory, [tile rows, 64] each, one chunk a block. Every block has a
// part of the outputs for its own.
template <int kRows>
__device__ void fold_chunks(const Tile& tile, float* sums, int first_chunk, float (&totals)[kRows * kPanel / kThreads]) {
  sync_cluster();
  const int each = kRows * kPanel / tile.blocks, chunks = smaller(tile.blocks, tile.chunks() - first_chunk);
#pragma unroll
  for (int i = 0; i < kRows * kPanel / kThreads; ++i) {
    const int at = i * kThreads + static_cast<int>(threadIdx.x);
    if (at < each)
      for (int block = 0; block < chunks; ++block) totals[i] += of_block(sums, block)[tile.block * each + at];
  }
  sync_cluster();
}

template <int kRows>
__device__ void write_totals(const Tile& tile, bool split_inputs, const float (&totals)[kRows * kPanel / kThreads]) {
  const int each = kRows * kPanel / tile.blocks;
#pragma unroll
  for (int i = 0; i < kRows * kPanel / kThreads; ++i) {
    const int at = i * kThreads + static_cast<int>(threadIdx.x), element = tile.block * each + at;
    if (at < each) write_output(tile, split_inputs, element / kPanel, element % kPanel, totals[i]);
  }
}

// --- tensor cores

enum class Code { kBf16, kE4m3 };

template <Code kCode, int kTiles>
struct Shared {
  static constexpr int kRows = 16 * kTiles;
  static constexpr int kCodeBytes = kCode == Code::kBf16 ? 2 : 1;
  alignas(128) std::byte weights[kPipeline][kStage * kPanel * kCodeBytes];   // bfloat16: rows of 128 bytes, their 16-byte parts swapped by the row
  alignas(128) uint16_t halves[kCode == Code::kE4m3 ? kStage * kPanel : 1];  // E4M3 as binary16, swapped likewise
  alignas(16) uint16_t x[kCode == Code::kBf16 ? 2 : 1][kRows][kStage + 8];  // bfloat16: the values, and what those leave out
  float x_scales[kRows];
  float sums[kRows * kPanel];
};

// Where 16 bytes of a row of 64 16-bit values lie, so that eight rows' parts lie in different banks.
__device__ int swapped(int row, int part) { return row * kPanel + (part ^ row % 8) * 8; }

template <Code kCode, int kTiles>
__device__ void fetch_weights(const Tile& tile, int first_column, std::byte* to) {
  constexpr int kParts = kPanel * Shared<kCode, kTiles>::kCodeBytes / 16;   // of a column
  const std::byte* panel = tile.problem.panels + int64_t{tile.panel} * tile.problem.columns * kParts * 16;
  for (int i = threadIdx.x; i < kStage * kParts; i += kThreads) {
    const int row = i / kParts, part = i % kParts;
    const bool present = first_column + row < tile.problem.columns;
    std::byte* at = kCode == Code::kBf16 ? to + 2 * swapped(row, part) : to + i * 16;
    copy_async(at, present ? panel + (int64_t{first_column + row} * kParts + part) * 16 : tile.problem.panels, present);
  }
}

template <int kTiles>
using Inputs = float[2 * kTiles][kGroupValues];   // of a stage: rows warp_id() + 8 i, columns lane + 32 j

template <int kTiles>
__device__ void read_inputs(const Tile& tile, int first_column, Inputs<kTiles>& inputs) {
  for (int i = 0; i < 2 * kTiles; ++i) {
    const int r = warp_id() + kWarps * i;
    const float* x = r < tile.rows ? tile.x_row(r) : nullptr;
    for (int j = 0; j < kGroupValues; ++j) {
      const int c = first_column + lane_id() + kWarp * j;
      inputs[i][j] = x && c < tile.problem.columns ? x[c] : 0.0f;
    }
  }
}

template <Code kCode, int kTiles>
__device__ void store_inputs(const Inputs<kTiles>& inputs, Shared<kCode, kTiles>& shared) {
  for (int i = 0; i < 2 * kTiles; ++i) {
    const int r = warp_id() + kWarps * i;
    if constexpr (kCode == Code::kBf16) {
      for (int j = 0; j < kGroupValues; ++j) {
        const __nv_bfloat16 high = __float2bfloat16_rn(inputs[i][j]), low = __float2bfloat16_rn(inputs[i][j] - __bfloat162float(high));
        shared.x[0][r][lane_id() + kWarp * j] = __bfloat16_as_ushort(high);
        shared.x[1][r][lane_id() + kWarp * j] = __bfloat16_as_ushort(low);
      }
    } else {
      const QuantizedGroup group = quantize_group(kStage, [&](int at) { return inputs[i][at / kWarp]; });
      for (int j = 0; j < kGroupValues; ++j) shared.x[0][r][lane_id() + kWarp * j] = static_cast<uint16_t>(e4m3x2_to_half2(group.codes[j]));
      if (lane_id() == 0) shared.x_scales[r] = group.scale;
    }
  }
}

template <int kTiles>
__device__ void unpack_weights(const std::byte* codes, Shared<Code::kE4m3, kTiles>& shared) {
  for (int i = threadIdx.x; i < kStage * kPanel / 16; i += kThreads) {
    const uint4 sixteen = *reinterpret_cast<const uint4*>(codes + i * 16);
    const int row = i / 4, part = i % 4 * 2;
    *reinterpret_cast<uint4*>(shared.halves + swapped(row, part)) = {e4m3x2_to_half2(sixteen.x), e4m3x2_to_half2(sixteen.x >> 16), e4m3x2_to_half2(sixteen.y), e4m3x2_to_half2(sixteen.y >> 16)};
    *reinterpret_cast<uint4*>(shared.halves + swapped(row, part + 1)) = {e4m3x2_to_half2(sixteen.z), e4m3x2_to_half2(sixteen.z >> 16), e4m3x2_to_half2(sixteen.w), e4m3x2_to_half2(sixteen.w >> 16)};
  }
}

// A stage's products, for the warp's 16 rows and kTiles tiles of eight outputs.
template <Code kCode, int kTiles>
__device__ void multiply_stage(const Shared<kCode, kTiles>& shared, const uint16_t* weights, int row_tile, int first_tile, float (&sums)[kTiles][4]) {
  const int lane = lane_id();
#pragma unroll
  for (int step = 0; step < kStage / 16; ++step) {
    uint32_t a[2][4], b[4];
    const int column = 16 * step + lane / 16 * 8;
    load_matrices(&shared.x[0][16 * row_tile + lane % 16][column], a[0]);
    if constexpr (kCode == Code::kBf16) load_matrices(&shared.x[1][16 * row_tile + lane % 16][column], a[1]);
#pragma unroll
    for (int pair = 0; pair < (kTiles + 1) / 2; ++pair) {
      // With one tile only, the second half of what is loaded is the neighbour's and unused.
      const int part = kTiles > 1 ? first_tile + 2 * pair + lane / 16 : first_tile;
      load_matrices_transposed(weights + swapped(16 * step + lane % 16, part), b);
#pragma unroll
      for (int t = 0; t < smaller(2, kTiles); ++t) {
        if constexpr (kCode == Code::kBf16) {
          multiply_bfloats(sums[2 * pair + t], a[0], b[2 * t], b[2 * t + 1]);
          multiply_bfloats(sums[2 * pair + t], a[1], b[2 * t], b[2 * t + 1]);
        } else {
          multiply_halves(sums[2 * pair + t], a[0], b[2 * t], b[2 * t + 1]);
        }
      }
    }
  }
}

// One chunk's sums of the warp's part of the tile.
template <Code kCode, int kTiles>
__device__ void sum_chunk(const Tile& tile, int chunk, Shared<kCode, kTiles>& shared, float (&sums)[kTiles][4]) {
  const int row_tile = warp_id() % kTiles, first_tile = warp_id() / kTiles * kTiles, first = chunk * kChunk;
  const int stages = smaller(kChunkStages, (tile.problem.columns - first + kStage - 1) / kStage), groups = (tile.problem.columns + kStage - 1) / kStage;
  Inputs<kTiles> inputs;
  for (auto& outputs : sums)
    for (float& sum : outputs) sum = 0;
  for (int stage = 0; stage < kPipeline - 1; ++stage) {
    if (stage < stages) fetch_weights<kCode, kTiles>(tile, first + stage * kStage, shared.weights[stage]);
    commit_copies();
  }
  read_inputs<kTiles>(tile, first, inputs);
  for (int stage = 0; stage < stages; ++stage) {
    const std::byte* codes = shared.weights[stage % kPipeline];
    __syncthreads();   // the last stage's inputs and weights are done with
    store_inputs<kCode, kTiles>(inputs, shared);
    if (stage + kPipeline - 1 < stages) fetch_weights<kCode, kTiles>(tile, first + (stage + kPipeline - 1) * kStage, shared.weights[(stage + kPipeline - 1) % kPipeline]);
    commit_copies();
    wait_copies<kPipeline - 1>();
    if (stage + 1 < stages) read_inputs<kTiles>(tile, first + (stage + 1) * kStage, inputs);
    __syncthreads();
    if constexpr (kCode == Code::kBf16) {
      multiply_stage(shared, reinterpret_cast<const uint16_t*>(codes), row_tile, first_tile, sums);
    } else {
      unpack_weights<kTiles>(codes, shared);
      __syncthreads();
      float group[kTiles][4] = {};
      multiply_stage(shared, shared.halves, row_tile, first_tile, group);
      const float weight_scale = tile.problem.scales[tile.panel_row(0) / static_cast<int>(kScaleBlock) * int64_t{groups} + first / kStage + stage];
      for (int t = 0; t < kTiles; ++t)
        for (int i = 0; i < 4; ++i) sums[t][i] = fmaf(group[t][i], shared.x_scales[16 * row_tile + lane_id() / 4 + i / 2 * 8] * weight_scale, sums[t][i]);
    }
  }
  wait_copies<0>();
  __syncthreads();
}

template <Code kCode, int kTiles>
__global__ void __launch_bounds__(kThreads) multiply(const __grid_constant__ TileProblems problems, int blocks) {
  constexpr int kRows = 16 * kTiles;
  extern __shared__ __align__(128) std::byte memory[];
  auto& shared = *reinterpret_cast<Shared<kCode, kTiles>*>(memory);
  const Tile tile = find_tile(problems, kRows, blocks);
  if (tile.rows == 0) return;   // the whole cluster
  const int row_tile = warp_id() % kTiles, first_tile = warp_id() / kTiles * kTiles, lane = lane_id();
  float totals[kRows * kPanel / kThreads] = {};
  for (int first_chunk = 0; first_chunk < tile.chunks(); first_chunk += tile.blocks) {
    if (first_chunk + tile.block < tile.chunks()) {
      float sums[kTiles][4];
      sum_chunk<kCode, kTiles>(tile, first_chunk + tile.block, shared, sums);
      for (int t = 0; t < kTiles; ++t)
        for (int i = 0; i < 4; ++i)
          shared.sums[(16 * row_tile + lane / 4 + i / 2 * 8) * kPanel + 8 * (first_tile + t) + 2 * (lane % 4) + i % 2] = sums[t][i];
    }
    fold_chunks<kRows>(tile, shared.sums, first_chunk, totals);
  }
  write_totals<kRows>(tile, kCode == Code::kBf16, totals);
}

// --- float32

constexpr int kPlainRows = 8;
constexpr int kChains = kThreads / kPanel;          // threads on one output, each with a stretch of a chunk
constexpr int kStretch = 64;                        // columns: kChunk is kFoldChains of them
constexpr int kFoldChains = kChunk / kStretch;

// A thread has one output of a panel, for all rows of the tile and two stretches of a chunk.
__global__ void __launch_bounds__(kThreads) multiply_plainly(const __grid_constant__ TileProblems problems, int blocks) {
  __shared__ float chains[kFoldChains][kPlainRows][kPanel];
  __shared__ float sums[kPlainRows * kPanel];
  __shared__ float inputs[kPlainRows][kChunk];
  const Tile tile = find_tile(problems, kPlainRows, blocks);
  if (tile.rows == 0) return;   // the whole cluster
  const int n = static_cast<int>(threadIdx.x) % kPanel, columns = tile.problem.columns;
  const float* panel = reinterpret_cast<const float*>(tile.problem.panels) + int64_t{tile.panel} * columns * kPanel + n;
  float totals[kPlainRows * kPanel / kThreads] = {};
  for (int first_chunk = 0; first_chunk < tile.chunks(); first_chunk += tile.blocks) {
    const int first = (first_chunk + tile.block) * kChunk;
    for (int i = threadIdx.x; i < kPlainRows * kChunk; i += kThreads)
      inputs[i / kChunk][i % kChunk] = i / kChunk < tile.rows && first + i % kChunk < columns ? tile.x_row(i / kChunk)[first + i % kChunk] : 0.0f;
    __syncthreads();
    for (int chain = static_cast<int>(threadIdx.x) / kPanel; chain < kFoldChains; chain += kChains) {
      float sum[kPlainRows] = {};
      const int begin = chain * kStretch, end = smaller(begin + kStretch, columns - first);
#pragma unroll 8
      for (int c = begin; c < end; ++c) {
        const float weight = panel[int64_t{first + c} * kPanel];
        for (int r = 0; r < kPlainRows; ++r) sum[r] = fmaf(inputs[r][c], weight, sum[r]);
      }
      for (int r = 0; r < kPlainRows; ++r) chains[chain][r][n] = sum[r];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < kPlainRows * kPanel; i += kThreads) {
      float sum = 0;
      for (int chain = 0; chain < kFoldChains; ++chain) sum += chains[chain][i / kPanel][i % kPanel];
      sums[i] = sum;
    }
    fold_chunks<kPlainRows>(tile, sums, first_chunk, totals);
  }
  write_totals<kPlainRows>(tile, false, totals);
}

// --- launching

struct Shape {
  int tile_rows;
  size_t shared_bytes;
  void (*kernel)(TileProblems, int);
};

template <Code kCode, int kTiles>
Shape tensor_shape() { return {16 * kTiles, sizeof(Shared<kCode, kTiles>), multiply<kCode, kTiles>}; }

Shape shape_of(WeightType type, int row_tiles) {
  switch (type) {
    case WeightType::kBf16: return row_tiles == 4 ? tensor_shape<Code::kBf16, 4>() : row_tiles == 2 ? tensor_shape<Code::kBf16, 2>() : tensor_shape<Code::kBf16, 1>();
    case WeightType::kE4m3: return row_tiles == 4 ? tensor_shape<Code::kE4m3, 4>() : row_tiles == 2 ? tensor_shape<Code::kE4m3, 2>() : tensor_shape<Code::kE4m3, 1>();
    case WeightType::kF32: break;
  }
  return {kPlainRows, 0, multiply_plainly};
}

// A tile of 16, 32 or 64 rows: the largest that the rows fill and that leaves tiles for the whole device. Small products are a matter of how
// long one tile takes, large ones of how often weights are read.
int row_tiles_of(std::span<const GemmProblem> problems, WeightType type, int64_t most_rows) {
  const int multiprocessors = device_attribute(cudaDevAttrMultiProcessorCount);
  for (int row_tiles = 4; row_tiles > 1; row_tiles /= 2) {
    if (most_rows <= 8 * row_tiles) continue;
    int64_t blocks = 0;
    for (const GemmProblem& problem : problems)
      if (problem.weight->type == type)
        blocks += ceil_div(problem.weight->rows, kPanelRows) * ceil_div(std::min(problem.rows, most_rows), 16 * row_tiles) * std::clamp<int64_t>(ceil_div(problem.weight->columns, kChunk) - 1, 1, 8);
    if (blocks >= multiprocessors) return row_tiles;
  }
  return 1;
}

// As many as fill the device, while each has a chunk.
int blocks_of(const TileProblems& problems) {
  if (device_attribute(cudaDevAttrComputeCapabilityMajor) < 9) return 1;
  int64_t chunks = 1;
  for (int i = 0; i < problems.count; ++i) chunks = std::max(chunks, ceil_div(problems.list[i].columns, kChunk));
  int blocks = 1;
  while (blocks < 8 && 2 * blocks <= 2 * (chunks - 1) && problems.tiles * blocks < 2 * device_attribute(cudaDevAttrMultiProcessorCount)) blocks *= 2;
  return blocks;
}

void launch_problems(const TileProblems& problems, const Shape& shape, const Launch& launch) {
  const int blocks = blocks_of(problems);
  cudaFuncSetAttribute(shape.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.shared_bytes));
  cudaLaunchAttribute cluster;
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {static_cast<unsigned>(blocks), 1, 1};
  cudaLaunchConfig_t config = {};
  config.gridDim = static_cast<unsigned>(problems.tiles * blocks);
  config.blockDim = kThreads;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = launch.stream;
  config.attrs = &cluster;
  config.numAttrs = blocks > 1 ? 1 : 0;
  cudaLaunchKernelEx(&config, shape.kernel, problems, blocks);
}

// How many problems at most have the same range; they follow one another.
int64_t sharing(std::span<const GemmProblem> problems) {
  int64_t most = 0, run = 0;
  for (size_t i = 0; i < problems.size(); ++i) {
    run = i > 0 && problems[i].range == problems[i - 1].range ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

// Whole tiles of all rows, and one begun by each problem.
int tiles_of_ranges(const TileProblems& problems, int64_t together, int tile_rows) {
  int64_t rows = 0, panels = 0, most_panels = 0;
  for (int i = 0; i < problems.count; ++i) {
    const int64_t own = ceil_div(problems.list[i].outputs, kPanelRows);
    rows = std::max<int64_t>(rows, problems.list[i].rows);
    panels += own;
    most_panels = std::max(most_panels, own);
  }
  return static_cast<int>(rows / tile_rows * most_panels * together + std::min(panels, rows * together * most_panels));
}

void launch_type(std::span<const GemmProblem> problems, WeightType type, const Launch& launch) {
  const bool ranges = !problems.empty() && problems.front().range != nullptr;
  const int64_t together_in_range = ranges ? sharing(problems) : 0;
  int64_t most_rows = 0;
  for (const GemmProblem& problem : problems)
    if (problem.weight->type == type) most_rows = std::max(most_rows, problem.rows);
  // A range is taken to be twice as long as they are on average.
  if (ranges) most_rows = std::min(most_rows, ceil_div(2 * most_rows * together_in_range, static_cast<int64_t>(problems.size())));
  const Shape shape = shape_of(type, row_tiles_of(problems, type, most_rows));
  TileProblems together;
  together.ranges = ranges;
  const auto launch_together = [&] {
    if (ranges) together.tiles = tiles_of_ranges(together, together_in_range, shape.tile_rows);
    launch_problems(together, shape, launch);
    together.count = together.tiles = 0;
  };
  for (const GemmProblem& problem : problems) {
    if (problem.weight->type != type || problem.rows == 0 || problem.weight->rows == 0) continue;
    together.list[together.count++] = tile_problem(problem, together.tiles);
    together.tiles += static_cast<int>(ceil_div(problem.weight->rows, kPanelRows) * ceil_div(problem.rows, shape.tile_rows));
    if (together.count == kMostProblems) launch_together();
  }
  if (together.count > 0) launch_together();
}

}  // namespace

void gemm(std::span<const GemmProblem> problems, const Launch& launch) {
  for (const GemmProblem& problem : problems)
    ASSAY_ASSERT((problem.range == nullptr) == (problems.front().range == nullptr) && problem.rows <= INT32_MAX && problem.weight->rows <= INT32_MAX && problem.weight->columns <= INT32_MAX);
  for (WeightType type : {WeightType::kF32, WeightType::kBf16, WeightType::kE4m3}) {
    if (type == WeightType::kBf16 && wants_wide_tiles(problems, launch)) gemm_in_wide_tiles(problems, launch);
    else launch_type(problems, type, launch);
  }
}

}  // namespace assay::cuda
