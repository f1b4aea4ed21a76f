// What the matrix products of this device have in common: the problems of a launch, their tiles, and how an output is written.
#pragma once

#include "engine/kernels/device.cuh"

namespace assay::cuda {

constexpr int kPanel = static_cast<int>(kPanelRows);
constexpr int kChunk = 512;               // columns that are summed from zero; their sums are added in ascending order
constexpr int kMostProblems = 160;        // of a launch, so that they fit among its parameters

struct TileProblem {
  const std::byte* panels;
  const float* scales;
  const float* x;
  const int32_t* x_rows;
  float* y;
  const float* bias;
  int64_t x_stride, y_stride;
  int32_t rows, outputs, columns;
  int32_t first_tile;                     // among all tiles of the launch; not set where there are ranges
  const int32_t* range;
  uint16_t* halves;                       // scratch of gemm_wide.cu
};

struct TileProblems {
  TileProblem list[kMostProblems];
  int count = 0, tiles = 0;               // with ranges, as many tiles as there may be at most
  bool ranges = false;
};

// A tile of a problem, as its cluster's blocks see it.
struct Tile {
  TileProblem problem;
  int panel, first_row, rows;             // rows: those there are
  int block, blocks;                      // of the cluster
  __device__ int chunks() const { return (problem.columns + kChunk - 1) / kChunk; }
  __device__ int panel_row(int n) const { return panel * kPanel + n; }
  __device__ const float* x_row(int r) const {
    const int64_t row = first_row + r;
    return problem.x + (problem.x_rows ? problem.x_rows[row] : row) * problem.x_stride;
  }
  __device__ float* y_row(int r) const { return problem.y + (first_row + r) * problem.y_stride; }
};

// The tile of a launch whose problems' rows the host does not know; one without rows if there are fewer tiles. Each warp looks for itself,
// 32 problems at a time.
__device__ inline Tile find_tile_in_ranges(const TileProblems& problems, int tile_rows, int blocks) {
  const int index = static_cast<int>(blockIdx.x) / blocks;
  for (int first = 0, before = 0; first < problems.count; first += kWarp) {
    const int mine = first + lane_id();
    int rows = 0, tiles = 0;
    if (mine < problems.count) {
      const TileProblem& problem = problems.list[mine];
      rows = problem.range[1] - problem.range[0];
      tiles = (rows + tile_rows - 1) / tile_rows * ((problem.outputs + kPanel - 1) / kPanel);
    }
    int upto = tiles;
    for (int step = 1; step < kWarp; step *= 2) {
      const int other = __shfl_up_sync(kAllLanes, upto, step);
      if (lane_id() >= step) upto += other;
    }
    const unsigned beyond = __ballot_sync(kAllLanes, index < before + upto);
    if (beyond == 0) {
      before += __shfl_sync(kAllLanes, upto, kWarp - 1);
      continue;
    }
    const int lane = __ffs(static_cast<int>(beyond)) - 1, in_problem = index - before - __shfl_sync(kAllLanes, upto - tiles, lane);
    TileProblem problem = problems.list[first + lane];
    const int64_t start = problem.range[0];
    problem.rows = __shfl_sync(kAllLanes, rows, lane);
    if (problem.x_rows) problem.x_rows += start;
    else problem.x += start * problem.x_stride;
    problem.y += start * problem.y_stride;
    const int tiles_down = (problem.rows + tile_rows - 1) / tile_rows, first_row = in_problem % tiles_down * tile_rows;
    return {problem, in_problem / tiles_down, first_row, smaller(tile_rows, problem.rows - first_row), static_cast<int>(blockIdx.x) % blocks, blocks};
  }
  return {};
}

__device__ inline Tile find_tile(const TileProblems& problems, int tile_rows, int blocks) {
  if (problems.ranges) return find_tile_in_ranges(problems, tile_rows, blocks);
  const int index = static_cast<int>(blockIdx.x) / blocks;
  int low = 0, high = problems.count;     // the last problem whose first tile is not beyond
  while (high - low > 1) (problems.list[(low + high) / 2].first_tile <= index ? low : high) = (low + high) / 2;
  const TileProblem& problem = problems.list[low];
  const int tiles_down = (problem.rows + tile_rows - 1) / tile_rows, in_problem = index - problem.first_tile;
  const int first_row = in_problem % tiles_down * tile_rows;
  return {problem, in_problem / tiles_down, first_row, smaller(tile_rows, problem.rows - first_row), static_cast<int>(blockIdx.x) % blocks, blocks};
}

// What the tensor cores' halves of an input do not give: sums of numbers that are not finite.
__device__ inline float plain_sum(const Tile& tile, int r, int n) {
  const TileProblem& problem = tile.problem;
  const auto* weights = reinterpret_cast<const uint16_t*>(problem.panels) + (int64_t{tile.panel} * problem.columns) * kPanel + n;
  const float* x = tile.x_row(r);
  float total = 0;
  for (int c = 0; c < problem.columns; ++c) total = fmaf(x[c], bf16_to_float(weights[int64_t{c} * kPanel]), total);
  return total;
}

__device__ inline bool is_output(const Tile& tile, int r, int n) { return r < tile.rows && tile.panel_row(n) < tile.problem.outputs; }
__device__ inline void write_output(const Tile& tile, int r, int n, float total) {
  const int output = tile.panel_row(n);
  tile.y_row(r)[output] = tile.problem.bias ? total + tile.problem.bias[output] : total;
}

inline TileProblem tile_problem(const GemmProblem& problem, int64_t first_tile) {
  const Weight& weight = *problem.weight;
  return {weight.panels.get(), weight.scales.get(), problem.x, problem.x_rows, problem.y, problem.bias, problem.x_stride, problem.y_stride,
          static_cast<int32_t>(problem.rows), static_cast<int32_t>(weight.rows), static_cast<int32_t>(weight.columns), static_cast<int32_t>(first_tile), problem.range, nullptr};
}

}  // namespace assay::cuda
