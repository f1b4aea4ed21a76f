// Inputs are split into bfloat16 halves once, into scratch, as the tiles in which they are multiplied: [tiles of 128 rows][stages of 64
// columns][2 halves][128 rows][64 columns], swizzled. Then a block of threads is 128 rows by two panels of outputs, a warpgroup each. The panels,
// [columns][64], are multiplied as they lie in memory. Order of sums: ascending columns, 16 at a time, the upper half before the lower, chunk sums added
// as gemm.cu adds them; what tensor cores sum in one step does not depend on the shape of the instruction, which tests hold them to.
#include <algorithm>

#include "engine/kernels/gemm_tiles.cuh"
#include "engine/kernels/gemm_wide.cuh"
#include "engine/kernels/wgmma.cuh"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = 128, kPanels = 2;                     // of a tile
constexpr int kStage = 64;                                  // columns
constexpr int kStages = 4;                                  // in shared memory: two under way, one multiplied, one perhaps still being read
constexpr int kParts = kStage / 8;                          // 16 bytes, of a row of halves
constexpr int kHalfValues = kRows * kStage;
constexpr int64_t kStageValues = 2 * kHalfValues;

struct Shared {
  std::byte weights[kStages][kPanels][kStage * kPanel * 2];
  uint16_t halves[kStages][kStageValues];
};

int64_t stages_of(const GemmProblem& problem) { return ceil_div(problem.weight->columns, kStage); }
size_t tile_bytes(const GemmProblem& problem) { return static_cast<size_t>(stages_of(problem) * kStageValues) * sizeof(uint16_t); }
int64_t panel_pairs(const GemmProblem& problem) { return ceil_div(problem.weight->rows, kPanels * kPanel); }
bool is_ours(const GemmProblem& problem) { return problem.weight->type == WeightType::kBf16 && problem.rows > 0 && problem.weight->rows > 0; }

// A block of threads is a stage of a tile's rows; zeros beyond the last row and column.
__global__ void __launch_bounds__(kThreads) split_inputs(const __grid_constant__ TileProblems problems) {
  const TileProblem& problem = problems.list[blockIdx.y];
  const int stages = (problem.columns + kStage - 1) / kStage, stage = static_cast<int>(blockIdx.x) % stages, first_row = static_cast<int>(blockIdx.x) / stages * kRows;
  if (first_row >= problem.rows) return;
  uint16_t* high = problem.halves + blockIdx.x * kStageValues;
#pragma unroll
  for (int i = 0; i < kRows * kParts / kThreads; ++i) {
    const int at = i * kThreads + static_cast<int>(threadIdx.x), row = at / kParts, part = at % kParts, column = stage * kStage + 8 * part;
    const int64_t input = first_row + row;
    const float* x = input < problem.rows ? problem.x + (problem.x_rows ? problem.x_rows[input] : input) * problem.x_stride + column : nullptr;
    float values[8] = {};
    if (x && column + 8 <= problem.columns && reinterpret_cast<uintptr_t>(x) % 16 == 0) {
      *reinterpret_cast<float4*>(values) = *reinterpret_cast<const float4*>(x);
      *reinterpret_cast<float4*>(values + 4) = *reinterpret_cast<const float4*>(x + 4);
    } else if (x) {
      for (int c = 0; c < 8; ++c) values[c] = column + c < problem.columns ? x[c] : 0.0f;
    }
    alignas(16) __nv_bfloat16 halves[2][8];
    for (int c = 0; c < 8; ++c) {
      halves[0][c] = __float2bfloat16_rn(values[c]);
      halves[1][c] = __float2bfloat16_rn(values[c] - __bfloat162float(halves[0][c]));
    }
    const int to = row * kStage + (part ^ row % 8) * 8;
    for (int half = 0; half < 2; ++half) *reinterpret_cast<uint4*>(high + half * kHalfValues + to) = *reinterpret_cast<const uint4*>(halves[half]);
  }
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr int kChunkStages = kChunk / kStage;

__device__ void fetch_stage(const Tile& tile, const uint16_t* halves, int stage, Shared& shared) {
  const TileProblem& problem = tile.problem;
  const int slot = stage % kStages;
#pragma unroll
  for (int i = 0; i < kPanels * kStage * kParts / kThreads; ++i) {
    const int at = i * kThreads + static_cast<int>(threadIdx.x), panel = at / (kStage * kParts), row = at / kParts % kStage, part = at % kParts;
    const int64_t column = stage * kStage + row;
    const bool present = column < problem.columns && tile.panel_row(panel * kPanel) < problem.outputs;
    const std::byte* from = problem.panels + (((tile.panel + panel) * int64_t{problem.columns} + column) * kParts + part) * 16;
    copy_async(shared.weights[slot][panel] + (row * kParts + (part ^ row % 8)) * 16, present ? from : problem.panels, present);
  }
  const uint16_t* from = halves + stage * kStageValues;
#pragma unroll
  for (int i = 0; i < kStageValues / 8 / kThreads; ++i) {
    const int at = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    copy_async(shared.halves[slot] + at, from + at);
  }
}

// Where sum i of a lane lies in its warpgroup's part of the tile.
__device__ int row_of(int i) { return i / 4 * 8 + 2 * (lane_id() % 4) + i % 2; }
__device__ int output_of(int i) { return warp_id() % 4 * 16 + lane_id() / 4 + i / 2 % 2 * 8; }

__device__ void write_tile(const Tile& tile, const float (&totals)[64]) {
  uint64_t not_finite = 0;
#pragma unroll
  for (int i = 0; i < 64; ++i) {
    if (!is_output(tile, row_of(i), output_of(i))) continue;
    if (isfinite(totals[i])) write_output(tile, row_of(i), output_of(i), totals[i]);
    else not_finite |= uint64_t{1} << i;
  }
  for (; not_finite != 0; not_finite &= not_finite - 1) {
    const int i = __ffsll(static_cast<long long>(not_finite)) - 1;
    write_output(tile, row_of(i), output_of(i), plain_sum(tile, row_of(i), output_of(i)));
  }
}
#endif

__global__ void __launch_bounds__(kThreads, 1) multiply_wide(const __grid_constant__ TileProblems problems) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ __align__(1024) std::byte memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  Tile tile = find_tile(problems, kRows, 1);
  tile.panel *= kPanels;
  const int stages = (tile.problem.columns + kStage - 1) / kStage, group = warp_id() / 4;
  const uint16_t* halves = tile.problem.halves + tile.first_row / kRows * (stages * kStageValues);
  float totals[64] = {}, sums[64];
  for (int stage = 0; stage < 2; ++stage) {
    if (stage < stages) fetch_stage(tile, halves, stage, shared);
    commit_copies();
  }
  for (int chunk = 0; chunk < stages; chunk += kChunkStages) {
#pragma unroll 1
    for (int stage = chunk; stage < smaller(stages, chunk + kChunkStages); ++stage) {
      wait_copies<1>();
      publish_to_products();
      __syncthreads();   // the stage is there, and products of the one before the last are done with theirs
      if (stage + 2 < stages) fetch_stage(tile, halves, stage + 2, shared);
      commit_copies();
      const uint64_t weights = swizzled_tile(shared.weights[stage % kStages][group]);
      const uint64_t high = swizzled_tile(shared.halves[stage % kStages]), low = swizzled_tile(shared.halves[stage % kStages] + kHalfValues);
      begin_products();
#pragma unroll
      for (int step = 0; step < kStage / 16; ++step) {
        multiply_bfloats_transposed(sums, weights + step * (16 * kPanel * 2 / 16), high + step * (16 * 2 / 16), stage > chunk || step > 0);
        multiply_bfloats_transposed(sums, weights + step * (16 * kPanel * 2 / 16), low + step * (16 * 2 / 16), true);
      }
      commit_products();
      wait_products<1>();
    }
    wait_products<0>();
#pragma unroll
    for (int i = 0; i < 64; ++i) totals[i] += sums[i];
  }
  tile.panel += group;
  write_tile(tile, totals);
#endif
}

void launch(const TileProblems& problems, const Launch& launch) {
  int64_t most_units = 0;
  for (int i = 0; i < problems.count; ++i)
    most_units = std::max(most_units, ceil_div(problems.list[i].rows, kRows) * ceil_div(problems.list[i].columns, kStage));
  if (most_units > 0) split_inputs<<<dim3(static_cast<unsigned>(most_units), static_cast<unsigned>(problems.count)), kThreads, 0, launch.stream>>>(problems);
  cudaFuncSetAttribute(multiply_wide, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Shared));
  multiply_wide<<<static_cast<unsigned>(problems.tiles), kThreads, sizeof(Shared), launch.stream>>>(problems);
}

// The rows [first, first + count) of a problem.
GemmProblem rows_of(GemmProblem problem, int64_t first, int64_t count) {
  if (problem.x_rows) problem.x_rows += first;
  else problem.x += first * problem.x_stride;
  problem.y += first * problem.y_stride;
  problem.rows = count;
  return problem;
}

}  // namespace

bool wants_wide_tiles(std::span<const GemmProblem> problems, const Launch& launch) {
  if (problems.empty() || problems.front().range || device_attribute(cudaDevAttrComputeCapabilityMajor) != 9) return false;
  int64_t tiles = 0, rows = 0;
  size_t least = 0;
  for (const GemmProblem& problem : problems) {
    if (!is_ours(problem)) continue;
    rows = std::max(rows, problem.rows);
    tiles += ceil_div(problem.rows, kRows) * panel_pairs(problem);
    least = std::max(least, tile_bytes(problem));
  }
  return rows > kRows / 2 && 2 * tiles >= device_attribute(cudaDevAttrMultiProcessorCount) && least <= launch.scratch_bytes;
}

// As many rows at once as scratch has room for the halves of.
void gemm_in_wide_tiles(std::span<const GemmProblem> problems, const Launch& launch_on) {
  TileProblems together;
  size_t used = 0;
  const auto launch_together = [&] {
    if (together.count > 0) launch(together, launch_on);
    together.count = together.tiles = 0;
    used = 0;
  };
  for (const GemmProblem& problem : problems) {
    if (!is_ours(problem)) continue;
    const size_t bytes = std::max<size_t>(tile_bytes(problem), 1);
    for (int64_t first = 0; first < problem.rows;) {
      if (together.count == kMostProblems || bytes > launch_on.scratch_bytes - used) launch_together();
      const int64_t room = static_cast<int64_t>((launch_on.scratch_bytes - used) / bytes), count = std::min(problem.rows - first, room * kRows);
      const GemmProblem part = rows_of(problem, first, count);
      TileProblem& added = together.list[together.count++] = tile_problem(part, together.tiles);
      added.halves = reinterpret_cast<uint16_t*>(launch_on.scratch + used);
      together.tiles += static_cast<int>(ceil_div(count, kRows) * panel_pairs(problem));
      used += static_cast<size_t>(ceil_div(count, kRows)) * bytes;
      first += count;
    }
  }
  launch_together();
}

}  // namespace assay::cuda
