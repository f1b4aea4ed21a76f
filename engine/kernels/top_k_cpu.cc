// A row's k-th largest value is found by bisection over keys, integers in the order of the values, counting with vectors. Long
// rows are thinned first: a sample bounds the k-th value from below, and one pass keeps what reaches the bound. Should the sample
// have misled, everything is kept: the result is exact either way.
#ifndef ASSAY_SIMD_BODY
#include "engine/kernels/top_k.h"
#define ASSAY_SIMD_BODY "engine/kernels/top_k_cpu.cc"
#include "engine/kernels/simd.h"
#else
namespace {

constexpr int64_t kSample = 512;
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();   // below the key of minus infinity

// Candidates of one row, ascending in position; one vector of kLeast follows the keys.
struct Candidates {
  int32_t* keys = nullptr;
  int32_t* positions = nullptr;
  int64_t count = 0;
};

// What is taken: every key above the threshold and the first `ties` keys equal to it.
struct Cut {
  int32_t threshold = kLeast;
  int64_t ties = 0;
};

#if ASSAY_AVX512

inline Integers every(int32_t value) { return _mm512_set1_epi32(value); }
inline Integers load_keys(const int32_t* from) { return _mm512_loadu_si512(from); }
inline void store_keys(int32_t* to, Integers a) { _mm512_storeu_si512(to, a); }
inline Integers smaller(Integers a, Integers b) { return _mm512_min_epi32(a, b); }
inline Integers larger(Integers a, Integers b) { return _mm512_max_epi32(a, b); }
inline uint32_t greater(Integers a, Integers b) { return _mm512_cmpgt_epi32_mask(a, b); }
inline uint32_t equal(Integers a, Integers b) { return _mm512_cmpeq_epi32_mask(a, b); }
inline Integers plus(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
inline Integers counting() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
inline Integers keys_of(Vector a) {
  const __mmask16 is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
  a = _mm512_mask_mov_ps(a + zero(), is_nan, broadcast(-std::numeric_limits<float>::infinity()));
  const Integers bits = _mm512_castps_si512(a);
  return _mm512_xor_si512(bits, _mm512_srli_epi32(_mm512_srai_epi32(bits, 31), 1));
}
// The chosen lanes moved to the front. (The form that stores is microcode on Zen 4.)
inline Integers packed(Integers a, uint32_t mask) { return _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), a); }

#else

inline Integers every(int32_t value) { return _mm256_set1_epi32(value); }
inline Integers load_keys(const int32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
inline void store_keys(int32_t* to, Integers a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a); }
inline Integers smaller(Integers a, Integers b) { return _mm256_min_epi32(a, b); }
inline Integers larger(Integers a, Integers b) { return _mm256_max_epi32(a, b); }
inline uint32_t mask_of(Integers a) { return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(a))); }
inline uint32_t greater(Integers a, Integers b) { return mask_of(_mm256_cmpgt_epi32(a, b)); }
inline uint32_t equal(Integers a, Integers b) { return mask_of(_mm256_cmpeq_epi32(a, b)); }
inline Integers plus(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
inline Integers counting() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
inline Integers keys_of(Vector a) {
  const Vector is_nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
  a = _mm256_blendv_ps(a + zero(), broadcast(-std::numeric_limits<float>::infinity()), is_nan);
  const Integers bits = _mm256_castps_si256(a);
  return _mm256_xor_si256(bits, _mm256_srli_epi32(_mm256_srai_epi32(bits, 31), 1));
}

struct PackTable {
  uint8_t lanes[256][8] = {};
};
constexpr PackTable make_pack_table() {
  PackTable table;
  for (int mask = 0; mask < 256; ++mask)
    for (int lane = 0, to = 0; lane < 8; ++lane)
      if (mask >> lane & 1) table.lanes[mask][to++] = static_cast<uint8_t>(lane);
  return table;
}
constexpr PackTable kPackTable = make_pack_table();

// The chosen lanes moved to the front.
inline Integers packed(Integers a, uint32_t mask) {
  const __m128i lanes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kPackTable.lanes[mask]));
  return _mm256_permutevar8x32_epi32(a, _mm256_cvtepu8_epi32(lanes));
}

#endif

inline int32_t key_of(float value) {
  if (value != value) value = -std::numeric_limits<float>::infinity();
  const int32_t bits = std::bit_cast<int32_t>(value + 0.0f);
  return bits ^ static_cast<int32_t>(static_cast<uint32_t>(bits >> 31) >> 1);
}

// How many of the keys are at least `bound`, which is above kLeast.
int64_t count_from(const Candidates& candidates, int32_t bound) {
  const Integers below = every(bound - 1);
  int64_t count = 0;
  for (int64_t i = 0; i < candidates.count; i += kLanes) count += std::popcount(greater(load_keys(candidates.keys + i), below));
  return count;
}

struct KeyRange {
  int32_t low = std::numeric_limits<int32_t>::max(), high = kLeast;
};

KeyRange range_of(const Candidates& candidates) {
  KeyRange range;
  Integers low = every(range.low), high = every(range.high);
  int64_t i = 0;
  for (; i + kLanes <= candidates.count; i += kLanes) {
    low = smaller(low, load_keys(candidates.keys + i));
    high = larger(high, load_keys(candidates.keys + i));
  }
  int32_t lows[kLanes], highs[kLanes];
  store_keys(lows, low);
  store_keys(highs, high);
  range = {*std::min_element(lows, lows + kLanes), *std::max_element(highs, highs + kLanes)};
  for (; i < candidates.count; ++i)
    range = {std::min(range.low, candidates.keys[i]), std::max(range.high, candidates.keys[i])};
  return range;
}

// The cut that takes exactly k of the candidates, 0 < k <= count.
Cut cut_at(const Candidates& candidates, int64_t k) {
  auto [low, high] = range_of(candidates);   // at least k keys are >= low, fewer are > high
  while (low < high) {
    const int32_t middle = static_cast<int32_t>(low + (static_cast<int64_t>(high) - low) / 2 + 1);
    const int64_t count = count_from(candidates, middle);
    if (count == k) return {middle - 1, 0};
    if (count > k) low = middle;
    else high = middle - 1;
  }
  const int64_t above = low == std::numeric_limits<int32_t>::max() ? 0 : count_from(candidates, low + 1);
  return {low, k - above};
}

// The values whose keys are at least `bound`.
void keep_from(const float* values, int64_t length, int32_t bound, Candidates& candidates) {
  const Integers least = every(bound);
  int64_t count = 0;
  for (int64_t i = 0; i < length; i += kLanes) {
    const int64_t lanes = std::min(kLanes, length - i);
    const Integers keys = keys_of(lanes == kLanes ? load(values + i) : load_first(values + i, lanes));
    const uint32_t mask = ~greater(least, keys) & ((1u << lanes) - 1);
    if (mask == 0) continue;
    store_keys(candidates.keys + count, packed(keys, mask));
    store_keys(candidates.positions + count, packed(plus(every(static_cast<int32_t>(i)), counting()), mask));
    count += std::popcount(mask);
  }
  store_keys(candidates.keys + count, every(kLeast));
  candidates.count = count;
}

// A key that probably at least k values, and not many more, reach.
int32_t sampled_bound(const float* values, int64_t length, int64_t k, Candidates& scratch) {
  if (length < 4 * kSample || 2 * k > length) return kLeast;
  const double expected = static_cast<double>(k) * kSample / static_cast<double>(length);
  const auto rank = static_cast<int64_t>(expected + 3 * std::sqrt(expected) + 3);
  if (rank >= kSample) return kLeast;
  const int64_t step = length / kSample;
  for (int64_t i = 0; i < kSample; ++i) scratch.keys[i] = key_of(values[i * step]);
  store_keys(scratch.keys + kSample, every(kLeast));
  scratch.count = kSample;
  return cut_at(scratch, rank).threshold;
}

// Leaves the positions that the cut takes at the front of candidates.positions: never ahead of what is read.
void take(const Cut& cut, Candidates& candidates) {
  const Integers threshold = every(cut.threshold);
  int64_t taken = 0, ties = cut.ties;
  for (int64_t i = 0; i < candidates.count; i += kLanes) {
    const Integers keys = load_keys(candidates.keys + i);
    uint32_t tied = equal(keys, threshold);
    if (i + kLanes > candidates.count) tied &= (1u << (candidates.count - i)) - 1;
    while (std::popcount(tied) > ties) tied &= ~std::bit_floor(tied);
    ties -= std::popcount(tied);
    const uint32_t mask = greater(keys, threshold) | tied;
    if (mask == 0) continue;
    store_keys(candidates.positions + taken, packed(load_keys(candidates.positions + i), mask));
    taken += std::popcount(mask);
  }
}

void select_row(const float* values, int64_t length, int64_t k, Candidates& candidates, int32_t* indices) {
  const int32_t bound = sampled_bound(values, length, k, candidates);
  keep_from(values, length, bound, candidates);
  if (candidates.count < k) keep_from(values, length, kLeast, candidates);
  take(cut_at(candidates, k), candidates);
  std::copy_n(candidates.positions, k, indices);
}

}  // namespace

void top_k(const TopKParams& params, Workers& workers) {
  workers.run(params.rows, [&](int64_t r, int worker) {
    const int64_t length = params.lengths[r], count = std::min(params.k, length);
    int32_t* indices = params.indices + r * params.k;
    params.counts[r] = count;
    std::fill(indices + count, indices + params.k, -1);
    if (count == length) {
      for (int64_t i = 0; i < count; ++i) indices[i] = static_cast<int32_t>(i);
    } else if (count > 0) {
      // Vectors may be stored from any candidate on.
      const int64_t room = (length / kLanes + 2) * kLanes;
      Candidates candidates;
      candidates.keys = reinterpret_cast<int32_t*>(workers.scratch(worker, static_cast<size_t>(2 * room) * sizeof(int32_t)));
      candidates.positions = candidates.keys + room;
      select_row(params.values + r * params.stride, length, count, candidates, indices);
    }
  });
}
#endif
