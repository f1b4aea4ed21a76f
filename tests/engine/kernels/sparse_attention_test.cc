#include "engine/kernels/sparse_attention.h"

#include <catch2/catch.hpp>

#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/paged.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;


struct Shape {
  int64_t heads = 0, rank = 0, rope = 0;
  std::vector<int64_t> sequences;      // tokens of each
  std::vector<int32_t> row_sequences;
  std::vector<int64_t> row_lengths, row_counts;   // tokens seen, tokens chosen
};

const std::vector<Shape> kShapes = {
    {8, 128, 32, {300, 70}, {0, 0, 1, 0}, {300, 299, 70, 64}, {100, 64, 70, 1}},
    {1, 1, 0, {1}, {0}, {1}, {1}},
    {3, 5, 2, {65, 64, 0, 129}, {0, 1, 2, 3, 3, 0}, {65, 64, 0, 129, 1, 63}, {65, 0, 0, 66, 1, 63}},
    {16, 512, 64, {200}, {0, 0}, {200, 130}, {130, 129}},
    {11, 200, 6, {70, 10}, {1, 0, 0}, {10, 70, 5}, {9, 65, 5}},
    {5, 17, 3, {1000}, {0, 0}, {1000, 7}, {1000, 7}},
    {4, 48, 16, {4000}, {0}, {4000}, {2048}},
    {17, 512, 64, {1100}, {0, 0}, {1100, 520}, {1061, 513}},
};

struct Case {
  Shape shape;
  LatentLayout layout;
  Paged cache;
  std::vector<float> q_latent, q_rope;   // the latter [rows, heads + 1, rope + 3]
  float scale = 0;
  bool sparse = true;
  int64_t index_stride = 0;
  bool states_longest = false;   // of dense attention
  std::vector<int32_t> indices;
};

std::vector<int32_t> choose(Rng& rng, int64_t length, int64_t count) {
  std::vector<int32_t> all(static_cast<size_t>(length));
  std::iota(all.begin(), all.end(), 0);
  rng.shuffle(all);
  all.resize(static_cast<size_t>(count));
  std::sort(all.begin(), all.end());
  return all;
}

Case make_case(const Shape& shape, CacheFormat format, Outliers outliers, bool sparse, uint64_t seed) {
  Rng rng(seed, "test/sparse_attention");
  const auto rows = static_cast<int64_t>(shape.row_lengths.size());
  Case made{shape, {format, shape.rank, shape.rope}, {}, {}, {}, 0, sparse, 0, {}};
  made.cache = latent_cache(rng, made.layout, shape.sequences, outliers);
  made.q_latent = random_floats(rng, rows * shape.heads * shape.rank);
  made.q_rope = random_floats(rng, rows * (shape.heads + 1) * (shape.rope + 3));
  made.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape.rank + shape.rope)));
  made.index_stride = 2 + *std::max_element(shape.row_counts.begin(), shape.row_counts.end());
  for (size_t r = 0; r < shape.row_lengths.size(); ++r) {
    auto chosen = choose(rng, shape.row_lengths[r], shape.row_counts[r]);
    chosen.resize(static_cast<size_t>(made.index_stride), -1);
    made.indices.insert(made.indices.end(), chosen.begin(), chosen.end());
  }
  return made;
}

std::vector<Case> cases() {
  std::vector<Case> made;
  uint64_t seed = 1;
  for (const Shape& shape : kShapes)
    for (CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3})
      for (Outliers outliers : {Outliers::kNo, Outliers::kYes})
        for (bool sparse : {true, false}) made.push_back(make_case(shape, format, outliers, sparse, seed++));
  return made;
}

// Queries and tokens that are no numbers; a first block of nothing but minus infinity.
std::vector<Case> spoilt_cases() {
  std::vector<Case> made;
  for (float bad : {kNan, kInfinity, -kInfinity})
    for (CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3}) {
      for (bool sparse : {true, false}) {
        made.push_back(make_case(kShapes[0], format, Outliers::kNo, sparse, made.size()));
        made.back().q_latent[131] = bad;
        made.push_back(make_case(kShapes[0], format, Outliers::kNo, sparse, made.size()));
        made.back().q_rope[50] = bad;
      }
      made.push_back(make_case(kShapes[0], format, Outliers::kNo, false, made.size()));
      Case& test = made.back();
      const std::vector<float> latents(64 * 128, 1.0f), ropes(64 * 32, bad);
      const auto slots = slots_of(test.cache.tables[0], 64);
      for (size_t i = 0; i < test.q_rope.size(); ++i) test.q_rope[i] = std::abs(test.q_rope[i]);
      Workers workers(1);
      cpu_kernels().front().latent_append({test.layout, 64, latents.data(), 128, ropes.data(), 32, test.cache.pages.data(), slots.data()}, workers);
    }
  return made;
}

std::vector<float> run(const Kernels& kernels, Case& test, int threads, size_t first = 0, size_t count = SIZE_MAX) {
  const Shape& shape = test.shape;
  count = std::min(count, shape.row_lengths.size() - first);
  const auto rows = static_cast<int64_t>(count), skipped = static_cast<int64_t>(first);
  std::vector<float> out = poisoned(rows * shape.heads * shape.rank);
  Workers workers(threads);
  SparseAttentionParams params;
  params.layout = test.layout;
  params.context = test.cache.rows(std::span(shape.row_sequences).subspan(first, count), std::span(shape.row_lengths).subspan(first, count));
  params.rows = rows, params.heads = shape.heads;
  params.q_latent = test.q_latent.data() + skipped * shape.heads * shape.rank;
  params.q_rope_head_stride = shape.rope + 3, params.q_rope_row_stride = (shape.heads + 1) * (shape.rope + 3);
  params.q_rope = test.q_rope.data() + skipped * params.q_rope_row_stride;
  params.scale = test.scale;
  params.indices = test.sparse ? test.indices.data() + skipped * test.index_stride : nullptr;
  params.index_stride = test.sparse ? test.index_stride : test.states_longest ? *std::max_element(shape.row_lengths.begin(), shape.row_lengths.end()) : 0;
  params.counts = shape.row_counts.data() + first;
  params.out = out.data();
  kernels.sparse_attention(params, workers);
  return out;
}

double largest_latent(const Case& test) {
  std::vector<float> latent(static_cast<size_t>(test.shape.rank)), rope(static_cast<size_t>(test.shape.rope));
  double largest = 0;
  for (size_t r = 0; r < test.shape.row_lengths.size(); ++r)
    for (int64_t s = 0; s < test.shape.row_lengths[r]; ++s) {
      read_latent(test.layout, page_of(test.cache, test.shape.row_sequences[r], s, test.layout.page_bytes()), s % kPageTokens, latent.data(), rope.data());
      for (float value : latent)
        if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
    }
  return largest;
}

// To the 11 bits of binary16, subnormal ones included; |x| < 2.
float round_to_half(float x) {
  const double unit = std::exp2(std::max(-14.0, std::floor(std::log2(std::abs(static_cast<double>(x))))) - 10);
  return std::isfinite(x) && x != 0 ? static_cast<float>(std::nearbyint(x / unit) * unit) : x;
}

// The case with its query as cuda_kernels.h rounds it.
Case with_rounded_query(Case test) {
  const int64_t rank = test.shape.rank;
  for (int64_t i = 0; i < static_cast<int64_t>(test.q_latent.size()); i += rank)
    for (int64_t first = 0; first < rank; first += 128) {
      const auto group = std::span(test.q_latent).subspan(static_cast<size_t>(i + first), static_cast<size_t>(std::min<int64_t>(128, rank - first)));
      float largest = 0;
      for (float value : group) largest = std::max(largest, std::abs(value));
      const float power = std::isfinite(largest) && largest > 0 ? std::exp2(std::floor(std::log2(largest))) : 1.0f;
      for (float& value : group) value = round_to_half(value / power) * power;
    }
  return test;
}

void check_against_reference(std::vector<Case> all) {
  for (size_t i = 0; i < all.size(); ++i) {
    const auto want = run(cpu_kernels().front(), all[i], 1);
    const double largest = largest_latent(all[i]);
    for (const Kernels& kernels : tested_kernels()) {
      INFO(kernels.name << ", case " << i);
      const auto got = run(kernels, all[i], 2);
      if (rounds_attention(kernels) && all[i].layout.format == CacheFormat::kE4m3) {
        Case rounded = with_rounded_query(all[i]);
        CHECK(disagreement(got, run(cpu_kernels().front(), rounded, 1), 5e-4, [&](size_t) { return largest; }) == "");
      } else {
        CHECK(disagreement(got, want, 2e-5, [&](size_t) { return largest; }) == "");
      }
    }
  }
}

TEST_CASE("attention over chosen tokens agrees with the reference") { check_against_reference(cases()); }

TEST_CASE("NaN and infinities reach the same outputs as in the reference") { check_against_reference(spoilt_cases()); }

// Enough rows and heads, of DeepSeek-V3.2's sizes, to fill a device with the largest tiles. One row has two splits.
Case many_rows(Outliers outliers) {
  Shape shape{65, 512, 64, {140, 600}, {}, {}, {}};
  for (int64_t row = 0; row < 66; ++row) {
    const bool is_long = row == 40;
    shape.row_sequences.push_back(is_long);
    shape.row_lengths.push_back(is_long ? 600 : row * 61 % 141);
    shape.row_counts.push_back(is_long ? 590 : shape.row_lengths.back() - row % 2 * shape.row_lengths.back() / 3);
  }
  return make_case(shape, CacheFormat::kE4m3, outliers, true, 77);
}

TEST_CASE("attention of many rows of the largest size agrees with the reference, and a row has the bits that it has alone") {
  std::vector<Case> all = {many_rows(Outliers::kNo), many_rows(Outliers::kYes), many_rows(Outliers::kNo)};
  all[2].q_latent[(3 * 65 + 7) * 512 + 200] = kInfinity;
  all[2].q_rope[5 * 66 * 67 + 64 * 67 + 2] = kNan;
  check_against_reference(all);
  for (const Kernels* kernels : fast_kernels())
    for (Case& test : all) {
      INFO(kernels->name);
      const std::vector<float> together = run(*kernels, test, 2);
      for (const size_t row : {3, 5, 23, 40, 65}) {
        const std::vector<float> alone = run(*kernels, test, 1, row, 1);
        CHECK(same_bits<float>(alone, std::span(together).subspan(row * alone.size(), alone.size())));
      }
    }
}

TEST_CASE("one token is returned as it is, no tokens give zeros") {
  Rng rng(1, "test/sparse_attention/one");
  for (CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3}) {
    Case test = make_case({2, 20, 4, {5}, {0, 0}, {5, 5}, {1, 0}}, format, Outliers::kNo, true, 1);
    std::vector<float> latent(20), rope(4);
    read_latent(test.layout, page_of(test.cache, 0, 0, test.layout.page_bytes()), test.indices[0], latent.data(), rope.data());
    for (const Kernels& kernels : tested_kernels()) {
      const std::vector<float> out = run(kernels, test, 1);
      for (size_t i = 0; i < 40; ++i) CHECK(out[i] == latent[i % 20]);
      for (size_t i = 40; i < 80; ++i) CHECK(out[i] == 0);
    }
  }
}

TEST_CASE("dense attention has the bits of sparse attention with every token chosen") {
  for (const Kernels& kernels : tested_kernels())
    for (Case& test : cases()) {
      Case all = test;
      all.shape.row_counts = all.shape.row_lengths;
      all.sparse = true;
      all.index_stride = *std::max_element(all.shape.row_lengths.begin(), all.shape.row_lengths.end());
      all.indices.assign(all.shape.row_lengths.size() * static_cast<size_t>(all.index_stride), 0);
      for (size_t i = 0; i < all.indices.size(); ++i) all.indices[i] = static_cast<int32_t>(i % static_cast<size_t>(all.index_stride));
      test.sparse = false;
      const std::vector<float> chosen = run(kernels, all, 1);
      CHECK(same_bits(run(kernels, test, 1), chosen));
      test.states_longest = true;
      CHECK(same_bits(run(kernels, test, 1), chosen));
    }
}

TEST_CASE("attention of a row has the same bits with any threads and any neighbours") {
  for (const Kernels& kernels : tested_kernels())
    for (Case& test : cases()) {
      const auto together = run(kernels, test, 1);
      for (int threads : {2, 3}) CHECK(same_bits(run(kernels, test, threads), together));
      for (size_t r = 0; r < test.shape.row_lengths.size(); ++r) {
        const auto alone = run(kernels, test, 1, r, 1);
        CHECK(same_bits<float>(alone, std::span(together).subspan(r * alone.size(), alone.size())));
      }
    }
}

TEST_CASE("attention over a long context stays within its tolerance") {
  Case test = make_case({2, 16, 8, {40'000}, {0}, {40'000}, {0}}, CacheFormat::kF32, Outliers::kNo, false, 7);
  check_against_reference({test});
}

}  // namespace
}  // namespace assay
