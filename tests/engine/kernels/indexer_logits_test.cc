#include "engine/kernels/indexer_logits.h"

#include <catch2/catch.hpp>

#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/paged.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;


struct Shape {
  int64_t heads = 0, width = 0;
  std::vector<int64_t> sequences;      // tokens of each
  std::vector<int32_t> row_sequences;
  std::vector<int64_t> row_lengths;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = [] {
    std::vector<Shape> made = {
        {4, 64, {200}, {}, {}},
        {1, 1, {1}, {0}, {1}},
        {3, 7, {65, 64, 0, 129}, {0, 1, 2, 3, 3, 0}, {65, 64, 0, 129, 1, 63}},
        {5, 128, {130}, {0, 0, 0}, {130, 0, 128}},
        {6, 200, {70, 10}, {1, 0, 0}, {10, 70, 5}},
        {64, 128, {150}, {0, 0}, {150, 149}},
        {2, 12, {600}, {0}, {600}},
        {4, 64, {64}, {}, {}},
        {64, 128, {190}, {}, {}},
    };
    // Two chunks of a prefill: more rows than share a page at once, each seeing one token more.
    for (int64_t length = 60; length <= 200; ++length) made[0].row_sequences.push_back(0), made[0].row_lengths.push_back(length);
    // As many as are taken for a prefill, of DeepSeek-V3.2's sizes; alone a row is decoding.
    for (int64_t length = 62; length <= 190; ++length) made[8].row_sequences.push_back(0), made[8].row_lengths.push_back(length);
    return made;
  }();
  return all;
}

struct Case {
  Shape shape;
  IndexLayout layout;
  Paged cache;
  std::vector<float> q, w;
  int64_t stride = 0;
};

Case make_case(const Shape& shape, CacheFormat format, Outliers outliers, uint64_t seed) {
  Rng rng(seed, "test/indexer_logits");
  const auto rows = static_cast<int64_t>(shape.row_lengths.size());
  Case made{shape, {format, shape.width}, {}, {}, {}, 0};
  made.cache = index_cache(rng, made.layout, shape.sequences, outliers);
  made.q = random_floats(rng, rows * shape.heads * shape.width, outliers);
  made.w = random_floats(rng, rows * (shape.heads + 2));
  made.stride = 5 + *std::max_element(shape.sequences.begin(), shape.sequences.end());
  return made;
}

std::vector<float> run(const Kernels& kernels, Case& test, int threads, size_t first = 0, size_t count = SIZE_MAX) {
  count = std::min(count, test.shape.row_lengths.size() - first);
  const auto rows = static_cast<int64_t>(count), heads = test.shape.heads;
  std::vector<float> logits = poisoned(rows * test.stride);
  Workers workers(threads);
  IndexerLogitsParams params;
  params.layout = test.layout;
  params.context = test.cache.rows(std::span(test.shape.row_sequences).subspan(first, count), std::span(test.shape.row_lengths).subspan(first, count));
  params.rows = rows, params.heads = heads;
  params.q = test.q.data() + static_cast<int64_t>(first) * heads * test.shape.width;
  params.w = test.w.data() + static_cast<int64_t>(first) * (heads + 2), params.w_stride = heads + 2;
  params.logits = logits.data(), params.logits_stride = test.stride;
  kernels.indexer_logits(params, workers);
  return logits;
}

double norm(const float* x, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum);
}

// sum over heads of |w| |q| |k|.
double magnitude(const Case& test, size_t i) {
  const auto r = i / static_cast<size_t>(test.stride);
  const auto s = static_cast<int64_t>(i % static_cast<size_t>(test.stride));
  if (s >= test.shape.row_lengths[r]) return 0;
  const int64_t heads = test.shape.heads, width = test.shape.width;
  std::vector<float> key(static_cast<size_t>(width));
  read_index_key(test.layout, page_of(test.cache, test.shape.row_sequences[r], s, test.layout.page_bytes()), s % kPageTokens, key.data());
  double sum = 0;
  for (int64_t h = 0; h < heads; ++h) {
    const auto row = static_cast<int64_t>(r);
    sum += std::abs(test.w[static_cast<size_t>(row * (heads + 2) + h)]) * norm(test.q.data() + (row * heads + h) * width, width);
  }
  return sum * norm(key.data(), width);
}

std::vector<Case> cases() {
  std::vector<Case> made;
  uint64_t seed = 1;
  for (const Shape& shape : shapes())
    for (CacheFormat format : {CacheFormat::kF32, CacheFormat::kE4m3})
      for (Outliers outliers : {Outliers::kNo, Outliers::kYes}) made.push_back(make_case(shape, format, outliers, seed++));
  // Queries and keys that are no numbers.
  for (size_t i : {0u, 4u, 6u, 8u, 10u}) {
    Case spoilt = made[i];
    Rng rng(i, "test/indexer_logits/spoilt");
    for (float bad : {kNan, kInfinity, -kInfinity}) spoilt.q[rng.below(spoilt.q.size())] = bad, spoilt.w[rng.below(spoilt.w.size())] = bad;
    std::vector<float> key(static_cast<size_t>(spoilt.layout.width), 0.5f);
    key[rng.below(key.size())] = kNan;
    const int64_t slot = spoilt.cache.tables[0][0] * kPageTokens + 3;
    Workers workers(1);
    cpu_kernels().front().index_append({spoilt.layout, 1, key.data(), spoilt.cache.pages.data(), &slot}, workers);
    made.push_back(std::move(spoilt));
  }
  return made;
}

TEST_CASE("indexer logits are the weighted sum of what is positive") {
  Workers workers(1);
  const IndexLayout layout{CacheFormat::kF32, 2};
  std::vector<std::byte> pages(layout.page_bytes());
  const std::vector<float> keys = {1, 2, -1, 1}, q = {1, 1, 2, -1}, w = {10, 100};
  const std::vector<int64_t> slots = {0, 1};
  const int32_t table[] = {0};
  const int32_t* tables[] = {table};
  const int64_t length = 2;
  for (const Kernels& kernels : tested_kernels()) {
    kernels.index_append({layout, 2, keys.data(), pages.data(), slots.data()}, workers);
    std::vector<float> logits = poisoned(3);
    kernels.indexer_logits({layout, {pages.data(), tables, &length}, 1, 2, q.data(), w.data(), 2, logits.data(), 3}, workers);
    CHECK(logits == std::vector<float>{30, 0, kPoison});   // 10 * 3 + 100 * 0; nothing is positive; not written
  }
}

TEST_CASE("indexer logits agree with the reference and write nothing beyond a row's length") {
  auto all = cases();
  for (size_t i = 0; i < all.size(); ++i) {
    const auto want = run(cpu_kernels().front(), all[i], 1);
    for (const Kernels& kernels : tested_kernels()) {
      INFO(kernels.name << ", case " << i);
      CHECK(disagreement(run(kernels, all[i], 2), want, 1e-5, [&](size_t at) { return magnitude(all[i], at); }) == "");
    }
  }
}

TEST_CASE("an indexer logit has the same bits with any threads and any neighbours") {
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

TEST_CASE("a long row of the largest size has the logits of the reference and the bits that it has alone among many short rows") {
  Shape shape{64, 128, {40'000, 70}, {}, {}};
  for (int64_t row = 0; row < 127; ++row) shape.row_sequences.push_back(row != 50), shape.row_lengths.push_back(row == 50 ? 39'997 : row % 71);
  Case test = make_case(shape, CacheFormat::kE4m3, Outliers::kNo, 99);
  const std::vector<float> want = run(cpu_kernels().front(), test, 1);
  for (const Kernels* kernels : fast_kernels()) {
    INFO(kernels->name);
    const std::vector<float> together = run(*kernels, test, 2), alone = run(*kernels, test, 2, 50, 1);
    CHECK(disagreement(together, want, 1e-5, [&](size_t at) { return magnitude(test, at); }) == "");
    CHECK(same_bits<float>(alone, std::span(together).subspan(50 * alone.size(), alone.size())));
  }
}

}  // namespace
}  // namespace assay
