#include "engine/kernels/cuda_sampling.h"
#include "engine/kernels/device.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 1024, kWarps = kThreads / kWarp;
constexpr int kDigitBits = 11, kBins = 1 << kDigitBits;
constexpr int kDigits = (64 + kDigitBits - 1) / kDigitBits;
constexpr double kForbidden = -1;   // the weight of a token that is not allowed

struct Best {
  float logit = -INFINITY;
  int token = INT32_MAX;
};

__device__ Best better(Best a, Best b) { return a.logit > b.logit || (a.logit == b.logit && a.token < b.token) ? a : b; }

struct Shared {
  uint64_t sums[kBins];
  uint32_t counts[kBins];
  uint64_t of_warps[kWarps];
  Best best_of_warps[2][kWarps];
  uint64_t prefix;                  // of the threshold's key: the digits found so far
  uint64_t above_sum;               // of tokens whose digits so far are larger
  uint32_t above_count, equal;      // equal: tokens with the threshold's key
  int32_t token;
};

// Sums of all threads' values; `before`: of the threads before this one.
__device__ uint64_t block_sum(uint64_t value, Shared& shared, uint64_t* before = nullptr) {
  uint64_t upto = value;
  for (int step = 1; step < kWarp; step *= 2) {
    const uint64_t other = __shfl_up_sync(kAllLanes, upto, step);
    if (lane_id() >= step) upto += other;
  }
  __syncthreads();   // the last sums have been read
  if (lane_id() == kWarp - 1) shared.of_warps[warp_id()] = upto;
  __syncthreads();
  uint64_t total = 0, warps_before = 0;
  for (int warp = 0; warp < kWarps; ++warp) {
    if (warp < warp_id()) warps_before += shared.of_warps[warp];
    total += shared.of_warps[warp];
  }
  if (before) *before = warps_before + upto - value;
  return total;
}

__device__ Best block_best(Best mine, Best (&of_warps)[kWarps]) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2)
    mine = better(mine, {__shfl_xor_sync(kAllLanes, mine.logit, mask), __shfl_xor_sync(kAllLanes, mine.token, mask)});
  if (lane_id() == 0) of_warps[warp_id()] = mine;
  __syncthreads();
  for (int warp = 0; warp < kWarps; ++warp) mine = better(mine, of_warps[warp]);
  return mine;
}

// A row, its weights, and the scale of their sums.
struct Row {
  const float* logits;
  double* weights;
  uint32_t* kept;
  RowDraw draw;
  int vocabulary;
  double scale;
  __device__ bool allows(int token) const { return !draw.allowed || (draw.allowed[token / 32] >> token % 32 & 1u) != 0; }
  __device__ uint64_t rounded(double weight) const { return weight > 0 ? __double2ull_rn(weight * scale) : 0; }
  __device__ double log_of(uint64_t sum) const { return log(static_cast<double>(sum) / scale); }
  // Tokens of a thread: whole words of a mask.
  __device__ int stretch() const { return (vocabulary + kThreads * 32 - 1) / (kThreads * 32) * 32; }
  __device__ int first() const { return smaller(vocabulary, static_cast<int>(threadIdx.x) * stretch()); }
  __device__ int last() const { return smaller(vocabulary, (static_cast<int>(threadIdx.x) + 1) * stretch()); }
};

__device__ uint64_t key_of(double weight) { return static_cast<uint64_t>(__double_as_longlong(weight)); }   // ascends with weights that are not negative

// The kept set is what weighs more than `key`, and the first `equal` of what weighs as much.
struct Threshold {
  uint64_t key = 0;
  uint32_t equal = 0;
  int64_t count = 0;
};

// Digit by digit: the first token in falling order at which `most` tokens or the sum `enough` is reached.
__device__ Threshold find_threshold(const Row& row, Shared& shared, int64_t most, uint64_t enough) {
  if (threadIdx.x == 0) shared.prefix = 0, shared.above_sum = 0, shared.above_count = 0;
  for (int digit = kDigits - 1; digit >= 0; --digit) {
    const int shift = digit * kDigitBits;
    for (int bin = threadIdx.x; bin < kBins; bin += kThreads) shared.sums[bin] = 0, shared.counts[bin] = 0;
    __syncthreads();
    const uint64_t prefix = shared.prefix;
    for (int token = threadIdx.x; token < row.vocabulary; token += kThreads) {
      const double weight = row.weights[token];
      const uint64_t key = key_of(weight);
      if (weight < 0 || (digit < kDigits - 1 && key >> (shift + kDigitBits) != prefix)) continue;
      const int bin = static_cast<int>(key >> shift & (kBins - 1));
      atomicAdd(&shared.counts[bin], 1u);
      atomicAdd(reinterpret_cast<unsigned long long*>(&shared.sums[bin]), static_cast<unsigned long long>(row.rounded(weight)));
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int bin = kBins - 1, lowest = -1;
      for (; bin >= 0; --bin) {
        if (shared.counts[bin] == 0) continue;
        lowest = bin;
        if (shared.above_count + int64_t{shared.counts[bin]} >= most || shared.above_sum + shared.sums[bin] >= enough) break;
        shared.above_count += shared.counts[bin], shared.above_sum += shared.sums[bin];
      }
      if (bin < 0) shared.above_count -= shared.counts[lowest], shared.above_sum -= shared.sums[lowest];   // rounding: all of them
      shared.prefix = prefix << kDigitBits | static_cast<uint64_t>(lowest);
      shared.equal = shared.counts[lowest];
    }
    __syncthreads();
  }
  const uint64_t each = row.rounded(__longlong_as_double(static_cast<long long>(shared.prefix)));
  const uint64_t missing = enough > shared.above_sum ? enough - shared.above_sum : 1;
  int64_t equal = smaller<int64_t>(shared.equal, most - shared.above_count);
  if (each > 0 && enough != UINT64_MAX) equal = smaller<int64_t>(equal, static_cast<int64_t>(smaller<uint64_t>((missing + each - 1) / each, shared.equal)));
  equal = larger<int64_t>(equal, 1);
  return {shared.prefix, static_cast<uint32_t>(equal), shared.above_count + equal};
}

// Writes the kept set of this thread's tokens; returns the sum of their weights.
__device__ uint64_t mark_kept(const Row& row, Shared& shared, const Threshold& threshold) {
  uint64_t equal = 0, rank = 0, sum = 0;
  for (int token = row.first(); token < row.last(); ++token) equal += row.weights[token] >= 0 && key_of(row.weights[token]) == threshold.key;
  block_sum(equal, shared, &rank);
  for (int first = row.first(); first < row.last(); first += 32) {
    uint32_t bits = 0;
    for (int token = first; token < smaller(first + 32, row.vocabulary); ++token) {
      const double weight = row.weights[token];
      if (weight < 0 || key_of(weight) < threshold.key || (key_of(weight) == threshold.key && rank++ >= threshold.equal)) continue;
      bits |= 1u << (token - first);
      sum += row.rounded(weight);
    }
    row.kept[first / 32] = bits;
  }
  return sum;
}

__device__ uint64_t sum_of_stretch(const Row& row) {
  uint64_t sum = 0;
  for (int token = row.first(); token < row.last(); ++token) sum += row.rounded(row.weights[token]);
  return sum;
}

__device__ void refuse(RowDrawn& drawn, bool finite) {
  if (threadIdx.x == 0) drawn = {0, 0, 0, -1, finite};
}

// A block is a row.
__global__ void __launch_bounds__(kThreads) draw_tokens(SampleParams params, double* weights, double scale) {
  __shared__ Shared shared;
  const int64_t words = mask_words(params.vocabulary), r = blockIdx.x;
  const Row row{params.logits + r * params.vocabulary, weights + r * params.vocabulary, params.kept + r * words, params.draws[r], static_cast<int>(params.vocabulary), scale};
  const RowDraw& draw = row.draw;
  RowDrawn& drawn = params.drawn[r];
  Best allowed, any;
  uint64_t count = 0, broken = 0;
  for (int token = threadIdx.x; token < row.vocabulary; token += kThreads) {
    const float logit = row.logits[token];
    broken += !isfinite(logit);
    const bool allows = row.allows(token);
    count += allows;
    if (!(logit > -INFINITY)) continue;
    any = better(any, {logit, token});
    if (allows) allowed = better(allowed, {logit, token});
  }
  allowed = block_best(allowed, shared.best_of_warps[0]);
  any = block_best(any, shared.best_of_warps[1]);
  count = block_sum(count, shared);
  const bool finite = block_sum(broken, shared) == 0;
  if (allowed.token == INT32_MAX || isinf(any.logit)) return refuse(drawn, finite);
  if (!(draw.temperature > 0)) {
    if (threadIdx.x == 0) drawn = {0, 0, 1, allowed.token, finite};
    for (int word = threadIdx.x; word < words; word += kThreads) row.kept[word] = word == allowed.token / 32 ? 1u << allowed.token % 32 : 0;
    return;
  }

  uint64_t total = 0, total_any = 0, reaching = 0;
  for (int token = threadIdx.x; token < row.vocabulary; token += kThreads) {
    const float logit = row.logits[token];
    const double value = isnan(logit) ? -static_cast<double>(INFINITY) : static_cast<double>(logit);
    const double weight = exp((value - allowed.logit) / draw.temperature);
    row.weights[token] = row.allows(token) ? weight : kForbidden;
    if (row.allows(token)) total += row.rounded(weight), reaching += weight >= draw.min_p;
    if (draw.allowed) total_any += row.rounded(exp((value - any.logit) / draw.temperature));
  }
  total = block_sum(total, shared);
  total_any = draw.allowed ? block_sum(total_any, shared) : total;
  reaching = block_sum(reaching, shared);

  int64_t most = static_cast<int64_t>(count);
  if (draw.top_k > 0) most = smaller(most, draw.top_k);
  if (draw.min_p > 0) most = smaller(most, larger<int64_t>(1, static_cast<int64_t>(reaching)));
  const uint64_t enough = draw.top_p < 1 ? smaller(total, static_cast<uint64_t>(ceil(draw.top_p * static_cast<double>(total)))) : UINT64_MAX;
  // Even where nothing is cut the kept set is marked if a mask has left tokens out.
  const bool cuts = most < static_cast<int64_t>(count) || enough != UINT64_MAX;
  const Threshold threshold = cuts ? find_threshold(row, shared, most, enough) : Threshold{0, UINT32_MAX, most};
  const uint64_t mine = cuts || draw.allowed ? mark_kept(row, shared, threshold) : sum_of_stretch(row);
  uint64_t before = 0;
  const uint64_t kept_total = block_sum(mine, shared, &before), target = __umul64hi(draw.uniform, kept_total);
  if (before <= target && target < before + mine) {
    const bool all = !cuts && !draw.allowed;
    for (int token = row.first(); token < row.last(); ++token) {
      if (!all && !(row.kept[token / 32] >> token % 32 & 1u)) continue;
      before += row.rounded(row.weights[token]);
      if (before <= target) continue;
      const double full = (static_cast<double>(row.logits[token]) - any.logit) / draw.temperature, log_weight = (static_cast<double>(row.logits[token]) - allowed.logit) / draw.temperature;
      drawn = {log_weight - row.log_of(kept_total), full - row.log_of(total_any), threshold.count, token, finite};
      break;
    }
  }
}

}  // namespace

size_t scratch_bytes(const SampleParams& params) { return static_cast<size_t>(params.rows * params.vocabulary) * sizeof(double); }

void sample(const SampleParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.vocabulary < int64_t{1} << 30 && launch.scratch_bytes >= scratch_bytes(params));
  if (params.rows == 0) return;
  int bits = 0;
  while (int64_t{1} << bits < params.vocabulary) ++bits;
  draw_tokens<<<static_cast<unsigned>(params.rows), kThreads, 0, launch.stream>>>(params, reinterpret_cast<double*>(launch.scratch), static_cast<double>(uint64_t{1} << (62 - bits)));
}

RowDraw row_draw(const Draw& draw, const uint32_t* allowed) {
  return {draw.params.temperature, draw.params.top_p, draw.params.min_p, draw.params.top_k, static_cast<uint64_t>(draw.uniform * 0x1p53) << 11, allowed};
}

Sampled sampled_of(const RowDrawn& drawn, const uint32_t* kept, int64_t vocabulary) {
  Sampled sampled{drawn.token, drawn.log_probability, drawn.log_probability_full, {}, drawn.kept_count};
  if (drawn.kept_count == vocabulary || drawn.token < 0) return sampled;
  for (int32_t token = 0; token < vocabulary; ++token)
    if (kept[token / 32] >> token % 32 & 1u) sampled.kept.push_back(token);
  return sampled;
}

}  // namespace assay::cuda
