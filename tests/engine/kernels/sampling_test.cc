#include "engine/kernels/sampling.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "envs/base/rng.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using testing::kInfinity;
using testing::kNan;

const double kBelowOne = std::nextafter(1.0, 0.0);

using Tokens = std::vector<int32_t>;

Sampled sample(const std::vector<float>& logits, const SamplingParams& params, double uniform) {
  return cpu_kernels().front().sample(logits.data(), static_cast<int64_t>(logits.size()), params, uniform);
}

// Logits whose probabilities at temperature 1 are these.
std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

// The words of the header over the whole sorted vocabulary; probability 0 where a token is cut.
std::vector<double> naive_distribution(const std::vector<float>& logits, const SamplingParams& params) {
  const size_t n = logits.size();
  std::vector<double> probability(n), kept(n);
  double largest = -kInfinity, total = 0, kept_total = 0;
  for (float logit : logits) largest = std::max(largest, std::isnan(logit) ? -kInfinity : static_cast<double>(logit));
  for (size_t i = 0; i < n; ++i) total += probability[i] = std::isnan(logits[i]) ? 0 : std::exp((logits[i] - largest) / params.temperature);
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probability[a] > probability[b]; });
  double sum = 0;
  for (size_t place = 0; place < n; ++place) {
    const double p = probability[order[place]];
    const bool in_k = params.top_k == 0 || place < static_cast<size_t>(params.top_k), in_p = sum < params.top_p * total;
    if (place == 0 || (in_k && in_p && p >= params.min_p)) kept[order[place]] = p;
    sum += p;
  }
  for (double p : kept) kept_total += p;
  for (double& p : kept) p /= kept_total;
  return kept;
}

const std::vector<SamplingParams>& settings() {
  static const std::vector<SamplingParams> all = {{1, 0, 1, 0},     {0.7, 0, 1, 0},   {2.5, 0, 1, 0},    {1, 3, 1, 0},    {1, 0, 0.8, 0},
                                                  {1, 0, 1, 0.2},   {0.6, 20, 0.95, 0.01}, {1, 1, 1, 0}, {1, 0, 0, 0},    {1, 0, 1, 1},
                                                  {1.5, 5, 0.5, 0}, {1e-3, 0, 1, 0},  {1, 1'000'000, 1, 0}};
  return all;
}

TEST_CASE("temperature 0 takes the largest logit, the lowest index among equals") {
  const Sampled sampled = sample({1, 3, kNan, 3, -kInfinity}, {0, 0, 1, 0}, 0.999);
  CHECK(sampled.token == 1);
  CHECK(sampled.kept == Tokens{1});
  CHECK(sampled.kept_count == 1);
  CHECK(sampled.log_probability == 0);
  CHECK(sampled.log_probability_full == 0);
}

TEST_CASE("a row without a finite largest logit is refused") {
  for (double temperature : {0.0, 1.0})
    for (const std::vector<float>& logits : std::vector<std::vector<float>>{{}, {kNan, -kInfinity}, {1, kInfinity, 2}}) {
      const Sampled sampled = sample(logits, {temperature, 0, 1, 0}, 0.5);
      CHECK(sampled.token == -1);
      CHECK(sampled.kept.empty());
      CHECK(sampled.kept_count == 0);
    }
}

TEST_CASE("the kept sets are those worked out by hand") {
  const auto logits = logits_of({0.1, 0.3, 0.05, 0.3, 0.25});
  struct Expected {
    SamplingParams params;
    Tokens kept;
    int64_t count;
  };
  for (const Expected& expected : std::vector<Expected>{
           {{1, 0, 1, 0}, {}, 5},
           {{1, 5, 1, 0}, {}, 5},
           {{1, 9, 1, 0}, {}, 5},
           {{1, 1, 1, 0}, {1}, 1},                // a tie: the lower index
           {{1, 3, 1, 0}, {1, 3, 4}, 3},
           {{1, 0, 0.2, 0}, {1}, 1},
           {{1, 0, 0.5, 0}, {1, 3}, 2},
           {{1, 0, 0.7, 0}, {1, 3, 4}, 3},
           {{1, 0, 0.9, 0}, {0, 1, 3, 4}, 4},
           {{1, 0, 0, 0}, {1}, 1},
           {{1, 0, 1, 0.3}, {0, 1, 3, 4}, 4},     // at least 0.09
           {{1, 0, 1, 0.5}, {1, 3, 4}, 3},
           {{1, 0, 1, 2}, {1}, 1},
           {{1, 2, 0.7, 0}, {1, 3}, 2},           // top_p goes by the probabilities before the cut to top_k
           {{1, 4, 0.9, 0.5}, {1, 3, 4}, 3}}) {
    const Sampled sampled = sample(logits, expected.params, 0.4);
    CHECK(sampled.kept == expected.kept);
    CHECK(sampled.kept_count == expected.count);
  }
}

TEST_CASE("the ends of the interval draw the first and the last token that can be drawn") {
  const std::vector<float> logits = {-kInfinity, 0, 1, kNan, 2, -200'000, -kInfinity};
  for (double temperature : {0.5, 1.0, 3.0}) {
    CHECK(sample(logits, {temperature, 0, 1, 0}, 0).token == 1);
    CHECK(sample(logits, {temperature, 0, 1, 0}, kBelowOne).token == 4);
    CHECK(sample(logits, {temperature, 2, 1, 0}, 0).token == 2);
    CHECK(sample(logits, {temperature, 2, 1, 0}, kBelowOne).token == 4);
  }
  // Many equal tokens, where sums round.
  const std::vector<float> even(10'007, 0.1f);
  CHECK(sample(even, {1, 0, 1, 0}, 0).token == 0);
  CHECK(sample(even, {1, 0, 1, 0}, kBelowOne).token == 10'006);
  CHECK(sample(even, {1, 100, 1, 0}, kBelowOne).token == 99);
}

TEST_CASE("log-probabilities are those of the token before and after the cut") {
  const auto logits = logits_of({0.1, 0.3, 0.05, 0.3, 0.25});
  const Sampled sampled = sample(logits, {1, 2, 1, 0}, 0.9);
  CHECK(sampled.token == 3);
  CHECK(sampled.log_probability == Approx(std::log(0.5)).epsilon(1e-6));
  CHECK(sampled.log_probability_full == Approx(std::log(0.3)).epsilon(1e-6));
}

TEST_CASE("tokens are drawn from the intervals of the naive distribution") {
  Rng rng(1, "test/sampling");
  for (int64_t vocabulary : {1, 2, 17, 100, 3000})
    for (const SamplingParams& params : settings()) {
      std::vector<float> logits = testing::random_floats(rng, vocabulary);
      for (float& logit : logits) logit = rng.below(10) ? logit * 2 : rng.below(2) ? 1.0f : -kInfinity;
      logits[rng.below(logits.size())] = 1.25f;
      const auto distribution = naive_distribution(logits, params);
      for (int draw = 0; draw < 20; ++draw) {
        const double uniform = rng.unit();
        const Sampled sampled = sample(logits, params, uniform);
        double below = 0;
        REQUIRE(sampled.token >= 0);
        for (size_t i = 0; i < static_cast<size_t>(sampled.token); ++i) below += distribution[i];
        const double own = distribution[static_cast<size_t>(sampled.token)];
        CHECK(own > 0);
        CHECK(uniform >= below - 1e-12);
        CHECK(uniform < below + own + 1e-12);
        CHECK(sampled.log_probability == Approx(std::log(own)).margin(1e-9));
      }
    }
}

TEST_CASE("under a mask the allowed tokens are the vocabulary, and only the full log-probability knows of the others") {
  Rng rng(3, "test/sampling/mask");
  for (const SamplingParams& unmasked : settings())
    for (int round = 0; round < 20; ++round) {
      const int64_t vocabulary = 130;
      std::vector<float> logits = testing::random_floats(rng, vocabulary), only;
      if (round == 0) logits[129] = 3000;   // likelier by far than all the others
      std::vector<uint64_t> allowed(3);
      std::vector<int32_t> tokens;
      for (int32_t token = 0; token < vocabulary; ++token) {
        if (token != 77 && (rng.below(3) > 0 || token == 129)) continue;
        allowed[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
        tokens.push_back(token);
        only.push_back(logits[static_cast<size_t>(token)]);
      }
      SamplingParams params = unmasked;
      params.allowed = allowed.data();
      const double uniform = rng.unit();
      const Sampled masked = sample(logits, params, uniform), expected = sample(only, unmasked, uniform);
      CHECK(masked.token == tokens[static_cast<size_t>(expected.token)]);
      CHECK(masked.kept_count == expected.kept_count);
      CHECK(masked.log_probability == Approx(expected.log_probability).margin(1e-9));
      CHECK(static_cast<int64_t>(masked.kept.size()) == masked.kept_count);
      double largest = -kInfinity, total = 0;
      for (float logit : logits) largest = std::max(largest, double{logit});
      for (float logit : logits) total += std::exp((logit - largest) / params.temperature);
      CHECK(masked.log_probability_full == Approx((logits[static_cast<size_t>(masked.token)] - largest) / params.temperature - std::log(total)).margin(1e-9));
    }
}

TEST_CASE("a mask that allows all is none, one over minus infinity is refused") {
  const std::vector<float> logits = {1, -kInfinity, 0.5f, kNan};
  const uint64_t all = ~uint64_t{0}, improbable = 0b1010;
  const Sampled masked = sample(logits, {.allowed = &all}, 0.9), plain = sample(logits, {}, 0.9);
  CHECK(masked.token == plain.token);
  CHECK(masked.kept.empty());
  CHECK(masked.kept_count == plain.kept_count);
  CHECK(masked.log_probability_full == Approx(plain.log_probability_full));
  for (double temperature : {0.0, 1.0}) CHECK(sample(logits, {.temperature = temperature, .allowed = &improbable}, 0.5).token == -1);
  const uint64_t last_but_one = 0b100;
  CHECK(sample(logits, {.temperature = 0, .allowed = &last_but_one}, 0).token == 2);
}

TEST_CASE("every table draws as the reference does") {
  const auto [vocabulary, few_levels] = GENERATE(table<int64_t, bool>({{1, false}, {2, false}, {31, false}, {64, true}, {1000, true}, {1000, false}, {2048, true}, {2048, false}, {40'000, false}}));
  DYNAMIC_SECTION("vocabulary " << vocabulary << (few_levels ? ", few levels" : "")) {   // test-gpu.sh picks one
    Rng rng(4, "test/sampling/tables", static_cast<uint64_t>(vocabulary));
    for (const SamplingParams& params : settings()) {
      std::vector<float> logits = testing::random_floats(rng, vocabulary);
      // Few levels: cuts fall among many equals.
      for (float& logit : logits)
        logit = few_levels ? static_cast<float>(rng.below(4)) * 0.5f : rng.below(10) ? logit * 5 : rng.below(3) ? 1.0f : rng.below(2) ? -kInfinity : kNan;
      logits[rng.below(logits.size())] = 1.25f;
      std::vector<uint64_t> mask(static_cast<size_t>(vocabulary + 63) / 64);
      for (uint64_t& word : mask) word = rng.next() | rng.next();
      if (vocabulary == 1) mask[0] = 1;
      for (const uint64_t* allowed : {static_cast<const uint64_t*>(nullptr), static_cast<const uint64_t*>(mask.data())})
        for (const double uniform : {1e-9, rng.unit(), rng.unit(), kBelowOne}) {
          SamplingParams masked = params;
          masked.allowed = allowed;
          const Sampled want = cpu_kernels().front().sample(logits.data(), vocabulary, masked, uniform);
          for (const Kernels* kernels : testing::fast_kernels()) {
            INFO(kernels->name << ", vocabulary " << vocabulary << ", temperature " << params.temperature << ", top_k " << params.top_k << ", top_p " << params.top_p
                               << ", min_p " << params.min_p << ", uniform " << uniform << ", mask " << (allowed != nullptr));
            const Sampled got = kernels->sample(logits.data(), vocabulary, masked, uniform);
            CHECK(got.token == want.token);
            CHECK(got.kept_count == want.kept_count);
            CHECK(got.kept == want.kept);
            CHECK(got.log_probability == Approx(want.log_probability).margin(1e-9));
            CHECK(got.log_probability_full == Approx(want.log_probability_full).margin(1e-9));
          }
        }
    }
  }
}

TEST_CASE("every table refuses what the reference refuses") {
  const uint64_t none = 0, first = 1;
  for (const Kernels& kernels : testing::tested_kernels()) {
    INFO(kernels.name);
    for (double temperature : {0.0, 1.0}) {
      const auto token = [&](const std::vector<float>& logits, const uint64_t* allowed) {
        return kernels.sample(logits.data(), static_cast<int64_t>(logits.size()), {.temperature = temperature, .allowed = allowed}, 0.5).token;
      };
      CHECK(token({1, kInfinity, 2}, nullptr) == -1);
      CHECK(token({1, kInfinity, 2}, &first) == -1);
      CHECK(token({kNan, -kInfinity}, nullptr) == -1);
      CHECK(token({1, 2}, &none) == -1);
      CHECK(token({1, 2}, &first) == 0);
    }
  }
}

// Hoeffding: a frequency among n draws is off by more than sqrt(log(2 / risk) / 2n) with at most this risk; 1e-9 over some
// hundred comparisons.
TEST_CASE("observed frequencies are the enumerated distribution") {
  constexpr int kDraws = 40'000;
  const double bound = std::sqrt(std::log(2 / 1e-9) / (2.0 * kDraws));
  Rng rng(2, "test/sampling/frequencies");
  const std::vector<float> logits = {0.3f, -1, 2, 2, kNan, 0, -kInfinity, 1.5f};
  for (const SamplingParams& params : settings()) {
    const auto distribution = naive_distribution(logits, params);
    std::vector<int> seen(logits.size());
    for (int i = 0; i < kDraws; ++i) ++seen[static_cast<size_t>(sample(logits, params, rng.unit()).token)];
    for (size_t i = 0; i < seen.size(); ++i) {
      if (distribution[i] == 0) CHECK(seen[i] == 0);
      CHECK(std::abs(seen[i] / static_cast<double>(kDraws) - distribution[i]) <= bound);
    }
  }
}

}  // namespace
}  // namespace assay
