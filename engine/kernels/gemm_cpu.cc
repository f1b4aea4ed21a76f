#ifndef ASSAY_SIMD_BODY

#include <span>
#include <vector>

#include "engine/kernels/gemm.h"
#include "engine/kernels/split.h"
#include "engine/numeric.h"

// One unit of work is a panel of 64 outputs for a chunk of rows. It goes over the columns in blocks of 128 (one group of scales),
// and in a block over tiles of a few rows, whose sums live in registers while the tile passes through the block. Between blocks
// the sums wait in memory, exactly, so the blocks change no bit. Where enough rows share a block its weights are first turned
// into float32 in the first cache; a few rows turn them in registers.
#define ASSAY_SIMD_BODY "engine/kernels/gemm_cpu.cc"
#include "engine/kernels/simd.h"

#else

namespace {

constexpr int64_t kRowChunk = 96;
constexpr int64_t kSmallChunk = 24;     // where there would be too few units for all workers
constexpr int64_t kTileRows = 6;
constexpr int64_t kWorthDecoding = 7;   // rows, from which on a block of weights is turned into float32 first
constexpr int64_t kWorthWaking = 1 << 18;   // multiply-adds, below which one worker does all

// A problem with its place among all units of the call. For e4m3 weights x is quantised once, before the product: `values` are
// the codes as numbers times 256, [rows, columns], `scales` [rows, groups].
struct Plan {
  const GemmProblem* problem = nullptr;
  int64_t panels = 0, chunk_rows = 0, chunks = 0, groups = 0;
  int64_t first_unit = 0, first_row = 0;
  float* values = nullptr;
  float* scales = nullptr;
};

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
bool quantised(const GemmProblem& problem) { return problem.weight->type == WeightType::kE4m3; }

// One block of columns of one unit.
struct Block {
  const float* const* x = nullptr;        // [rows]: each at the block's first column
  int64_t rows = 0, columns = 0, outputs = 0;
  const float* factors = nullptr;         // [rows]: scales of the group; null where weights have none
  float* sums = nullptr;                  // [rows, kPanelRows]
};

// Two vectors of weights; of e4m3 divided by 256, which the quantised x makes good.
inline VectorPair load_weights(const float* from) { return {load(from), load(from + kLanes)}; }
inline VectorPair load_weights(const uint16_t* from) { return {load_bf16(from), load_bf16(from + kLanes)}; }
inline VectorPair load_weights(const uint8_t* from) { return load_e4m3_over_256(from); }

// As many vectors beside one another as leave every register file room for the tile's sums and four independent chains.
template <int kRows>
constexpr int tile_vectors() {
  if (kLanes == 16) return 4;
  return kRows == 1 ? 8 : kRows == 2 ? 4 : 2;
}

// The heart: sums[r][v] += x[r][c] * weights[c][v], over ascending c.
template <int kRows, int kVectors, typename Code>
inline void accumulate(const float* const* x, int64_t columns, const Code* weights, Vector (&sums)[kRows][kVectors]) {
  for (int64_t c = 0; c < columns; ++c) {
    Vector w[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; v += 2) {
      const VectorPair pair = load_weights(weights + c * kPanelRows + v * kLanes);
      w[v] = pair.low;
      w[v + 1] = pair.high;
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vector value = broadcast(x[r][c]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = fma(value, w[v], sums[r][v]);
    }
  }
}

template <int kRows, int kVectors, typename Code>
void multiply_lanes(const Block& block, int64_t row, int64_t lane, const Code* weights) {
  const float* x[kRows];
  for (int r = 0; r < kRows; ++r) x[r] = block.x[row + r];
  float* total = block.sums + row * kPanelRows + lane;
  Vector sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = block.factors ? zero() : load(total + r * kPanelRows + v * kLanes);
  }
  accumulate<kRows, kVectors>(x, block.columns, weights + lane, sums);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      float* to = total + r * kPanelRows + v * kLanes;
      store(to, block.factors ? fma(sums[r][v], broadcast(block.factors[row + r]), load(to)) : sums[r][v]);
    }
  }
}

// The last panel of a weight may have few outputs: vectors that hold none are left out.
template <int kRows, typename Code>
void multiply_tile(const Block& block, int64_t row, const Code* weights) {
  constexpr int kVectors = tile_vectors<kRows>();
  int64_t lane = 0;
  for (; lane + (kVectors - 1) * kLanes < block.outputs; lane += kVectors * kLanes) multiply_lanes<kRows, kVectors>(block, row, lane, weights);
  for (; lane < block.outputs; lane += 2 * kLanes) multiply_lanes<kRows, 2>(block, row, lane, weights);
}

template <typename Code>
void multiply_block(const Block& block, const Code* weights) {
  int64_t row = 0;
  for (; row + kTileRows <= block.rows; row += kTileRows) multiply_tile<kTileRows>(block, row, weights);
  switch (block.rows - row) {
    case 1: return multiply_tile<1>(block, row, weights);
    case 2: return multiply_tile<2>(block, row, weights);
    case 3: return multiply_tile<3>(block, row, weights);
    case 4: return multiply_tile<4>(block, row, weights);
    case 5: return multiply_tile<5>(block, row, weights);
  }
}

template <typename Code>
void decode_and_multiply(const Block& block, const Code* weights) {
  if (std::is_same_v<Code, float> || block.rows < kWorthDecoding) return multiply_block(block, weights);
  alignas(64) float decoded[kScaleBlock * kPanelRows];
  for (int64_t i = 0; i < block.columns * kPanelRows; i += 2 * kLanes) {
    const VectorPair pair = load_weights(weights + i);
    store(decoded + i, pair.low);
    store(decoded + i + kLanes, pair.high);
  }
  multiply_block(block, static_cast<const float*>(decoded));
}

// A unit: rows [first, first + rows) of the problem times one panel.
struct Unit {
  const Plan& plan;
  int64_t panel, first, rows;
};

void set_factors(const Unit& unit, int64_t group, float* factors) {
  const float weight_scale = unit.plan.problem->weight->scales.get()[unit.panel * kPanelRows / kScaleBlock * unit.plan.groups + group];
  for (int64_t r = 0; r < unit.rows; ++r) factors[r] = unit.plan.scales[(unit.first + r) * unit.plan.groups + group] * weight_scale;
}

const float* row_of_x(const Unit& unit, int64_t r) {
  const GemmProblem& problem = *unit.plan.problem;
  const int64_t row = unit.first + r;
  if (unit.plan.values) return unit.plan.values + row * problem.weight->columns;
  return problem.x + (problem.x_rows ? problem.x_rows[row] : row) * problem.x_stride;
}

template <typename Code>
void sum_columns(const Unit& unit, float* sums) {
  const Weight& weight = *unit.plan.problem->weight;
  const Code* weights = reinterpret_cast<const Code*>(weight.panels.get()) + unit.panel * kPanelRows * weight.columns;
  const float* x[kRowChunk];
  float factors[kRowChunk];
  for (int64_t r = 0; r < unit.rows; ++r) x[r] = row_of_x(unit, r);
  for (int64_t c = 0; c < weight.columns; c += kScaleBlock) {
    if (unit.plan.values) set_factors(unit, c / kScaleBlock, factors);
    const int64_t columns = std::min(kScaleBlock, weight.columns - c), outputs = std::min(kPanelRows, weight.rows - unit.panel * kPanelRows);
    const Block block{x, unit.rows, columns, outputs, unit.plan.values ? factors : nullptr, sums};
    decode_and_multiply(block, weights + c * kPanelRows);
    for (int64_t r = 0; r < unit.rows; ++r) x[r] += kScaleBlock;
  }
}

void write_out(const Unit& unit, const float* sums) {
  const GemmProblem& problem = *unit.plan.problem;
  const int64_t n = unit.panel * kPanelRows, outputs = std::min(kPanelRows, problem.weight->rows - n);
  for (int64_t r = 0; r < unit.rows; ++r) {
    float* y = problem.y + (unit.first + r) * problem.y_stride + n;
    for (int64_t i = 0; i < outputs; i += kLanes) {
      Vector sum = load(sums + r * kPanelRows + i);
      if (problem.bias) sum += load_up_to(problem.bias + n + i, outputs - i);
      store_up_to(y + i, sum, outputs - i);
    }
  }
}

void compute(const Unit& unit) {
  alignas(64) float sums[kRowChunk * kPanelRows];
  std::fill(sums, sums + unit.rows * kPanelRows, 0.0f);
  switch (unit.plan.problem->weight->type) {
    case WeightType::kF32: sum_columns<float>(unit, sums); break;
    case WeightType::kBf16: sum_columns<uint16_t>(unit, sums); break;
    case WeightType::kE4m3: sum_columns<uint8_t>(unit, sums); break;
  }
  write_out(unit, sums);
}

void quantise_row(const Plan& plan, int64_t r) {
  const GemmProblem& problem = *plan.problem;
  const int64_t columns = problem.weight->columns;
  const float* x = problem.x + (problem.x_rows ? problem.x_rows[r] : r) * problem.x_stride;
  for (int64_t group = 0; group < plan.groups; ++group) {
    const int64_t c = group * kScaleBlock;
    float* values = plan.values + r * columns + c;
    plan.scales[r * plan.groups + group] = round_group(x + c, std::min(kScaleBlock, columns - c), [&](int64_t i, Vector rounded, int64_t lanes) {
      store_up_to(values + i, rounded * broadcast(256.0f), lanes);
    });
  }
}

// The call as a whole: its problems laid out one after another.
struct Call {
  std::vector<Plan> plans;       // those with work; those with e4m3 weights have first_row set
  int64_t units = 0, quantised_rows = 0, quantised_floats = 0, multiply_adds = 0;
};

void add_problem(const GemmProblem& problem, int workers, Call& call) {
  const Weight& weight = *problem.weight;
  if (problem.rows == 0 || weight.rows == 0) return;
  Plan plan{&problem, ceil_div(weight.rows, kPanelRows), kRowChunk, 0, ceil_div(weight.columns, kScaleBlock), call.units, 0, nullptr, nullptr};
  if (plan.panels * ceil_div(problem.rows, kRowChunk) < 4 * workers) plan.chunk_rows = kSmallChunk;
  plan.chunks = ceil_div(problem.rows, plan.chunk_rows);
  plan.first_row = call.quantised_rows;
  if (quantised(problem)) {
    call.quantised_rows += problem.rows;
    call.quantised_floats += problem.rows * (weight.columns + plan.groups);
  }
  call.units += plan.panels * plan.chunks;
  call.multiply_adds += problem.rows * weight.rows * weight.columns;
  call.plans.push_back(plan);
}

// The plan whose `first` is the last one not beyond `index`.
const Plan& find_plan(const Call& call, int64_t Plan::* first, int64_t index) {
  const auto beyond = [&](int64_t value, const Plan& plan) { return value < plan.*first; };
  return *(std::upper_bound(call.plans.begin(), call.plans.end(), index, beyond) - 1);
}

// Worker 0's scratch holds the quantised x of all problems: nothing else in this call asks for scratch.
void quantise_activations(Call& call, Workers& workers) {
  float* next = reinterpret_cast<float*>(workers.scratch(0, static_cast<size_t>(call.quantised_floats) * sizeof(float)));
  int64_t widest = 0;
  for (Plan& plan : call.plans) {
    if (!quantised(*plan.problem)) continue;
    const int64_t columns = plan.problem->weight->columns;
    plan.values = next;
    plan.scales = next + plan.problem->rows * columns;
    next = plan.scales + plan.problem->rows * plan.groups;
    widest = std::max(widest, columns);
  }
  for_rows(workers, call.quantised_rows, 2 * widest, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const Plan& plan = find_plan(call, &Plan::first_row, row);
      quantise_row(plan, row - plan.first_row);
    }
  });
}

}  // namespace

void gemm(std::span<const GemmProblem> problems, Workers& workers) {
  Call call;
  std::vector<GemmProblem> resolved;
  for (const GemmProblem& problem : problems) resolved.push_back(within_range(problem));
  for (const GemmProblem& problem : resolved) add_problem(problem, workers.count(), call);
  if (call.quantised_rows > 0) quantise_activations(call, workers);
  // Chunks of one panel follow one another, so that its weights are read from memory once.
  const auto run_unit = [&](int64_t index) {
    const Plan& plan = find_plan(call, &Plan::first_unit, index);
    const int64_t panel = (index - plan.first_unit) / plan.chunks, first = (index - plan.first_unit) % plan.chunks * plan.chunk_rows;
    compute({plan, panel, first, std::min(plan.chunk_rows, plan.problem->rows - first)});
  };
  if (call.multiply_adds < kWorthWaking) {
    for (int64_t index = 0; index < call.units; ++index) run_unit(index);
  } else {
    workers.run(call.units, [&](int64_t index, int) { run_unit(index); });
  }
}

#endif
