#include "engine/kernels/gate.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "envs/base/rng.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;


enum class Logits { kRandom, kTied, kFewLevels, kNan, kExtreme };

struct Case {
  int64_t rows = 0, experts = 0, groups = 1, groups_kept = 1, k = 0;
  NormalizeWeights normalize = NormalizeWeights::kYes;
  Logits kind = Logits::kRandom;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (int kind = 0; kind <= static_cast<int>(Logits::kExtreme); ++kind)
      for (NormalizeWeights normalize : {NormalizeWeights::kNo, NormalizeWeights::kYes})
        for (Case shape : std::vector<Case>{{20, 256, 8, 4, 8}, {7, 16, 4, 2, 3}, {9, 8, 1, 1, 2}, {5, 6, 6, 3, 3}, {3, 4, 1, 1, 4}, {1, 1, 1, 1, 1}, {0, 8, 2, 1, 2}, {2, 12, 3, 2, 0}}) {
          shape.normalize = normalize, shape.kind = static_cast<Logits>(kind);
          made.push_back(shape);
        }
    return made;
  }();
  return all;
}

std::vector<float> make_logits(const Case& test) {
  Rng rng(static_cast<uint64_t>(test.experts), "test/gate");
  std::vector<float> logits = random_floats(rng, test.rows * test.experts);
  for (float& logit : logits) switch (test.kind) {
      case Logits::kRandom: break;
      case Logits::kTied: logit = 0.5f; break;
      case Logits::kFewLevels: logit = static_cast<float>(rng.below(3)); break;
      case Logits::kNan: if (rng.below(4) == 0) logit = kNan; break;
      case Logits::kExtreme: logit = rng.below(3) ? logit * 60 : rng.below(2) ? kInfinity : -kInfinity; break;
    }
  return logits;
}

std::vector<float> make_bias(const Case& test) {
  Rng rng(static_cast<uint64_t>(test.experts), "test/gate/bias");
  std::vector<float> bias = random_floats(rng, test.experts);
  for (float& value : bias) value = test.kind == Logits::kRandom ? value * 0.1f : 0;
  return bias;
}

struct Gated {
  std::vector<int32_t> chosen;
  std::vector<float> weights;
};

Gated run(const Kernels& kernels, const Case& test, std::span<const float> logits, std::span<const float> bias, int64_t rows, int threads) {
  Gated gated{std::vector<int32_t>(static_cast<size_t>(rows * test.k), -77), poisoned(rows * test.k)};
  Workers workers(threads);
  kernels.gate({rows, test.experts, test.groups, test.groups_kept, test.k, test.normalize, 2.5f, logits.data(), bias.data(), gated.chosen.data(), gated.weights.data()}, workers);
  return gated;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The words of the header with sorting; what is chosen hangs on float32, so the sigmoid is rounded where the header says.
Gated naive_row(const Case& test, std::span<const float> logits, std::span<const float> bias) {
  std::vector<float> choices;
  for (size_t i = 0; i < logits.size(); ++i) {
    const float choice = 1.0f / (1.0f + static_cast<float>(std::exp(-static_cast<double>(logits[i])))) + bias[i];
    choices.push_back(std::isnan(choice) ? -kInfinity : choice);
  }
  const size_t size = static_cast<size_t>(test.experts / test.groups);
  std::vector<std::pair<float, size_t>> groups, experts;   // negated, so that sorting puts the lowest index first among equals
  for (size_t group = 0; group < static_cast<size_t>(test.groups); ++group) {
    std::vector<float> inside(choices.begin() + static_cast<std::ptrdiff_t>(group * size), choices.begin() + static_cast<std::ptrdiff_t>((group + 1) * size));
    std::sort(inside.rbegin(), inside.rend());
    groups.emplace_back(-(size > 1 ? inside[0] + inside[1] : inside[0]), group);
  }
  std::sort(groups.begin(), groups.end());
  groups.resize(static_cast<size_t>(test.groups_kept));
  for (const auto& [_, group] : groups)
    for (size_t i = group * size; i < (group + 1) * size; ++i) experts.emplace_back(-choices[i], i);
  std::sort(experts.begin(), experts.end());
  experts.resize(static_cast<size_t>(test.k));
  Gated gated;
  double sum = 0;
  for (const auto& [_, expert] : experts) gated.chosen.push_back(static_cast<int32_t>(expert)), sum += sigmoid(logits[expert]);
  std::sort(gated.chosen.begin(), gated.chosen.end());
  for (int32_t expert : gated.chosen)
    gated.weights.push_back(static_cast<float>(2.5 * sigmoid(logits[static_cast<size_t>(expert)]) / (test.normalize == NormalizeWeights::kYes ? sum + 1e-20 : 1)));
  return gated;
}

TEST_CASE("the gate chooses what its definition says, and weighs it") {
  for (size_t c = 0; c < cases().size(); ++c)
    for (const Kernels& kernels : tested_kernels()) {
      INFO(kernels.name << ", case " << c);
      const Case& test = cases()[c];
      const auto logits = make_logits(test), bias = make_bias(test);
      const Gated gated = run(kernels, test, logits, bias, test.rows, 2);
      for (int64_t r = 0; r < test.rows; ++r) {
        const Gated want = naive_row(test, std::span(logits).subspan(static_cast<size_t>(r * test.experts), static_cast<size_t>(test.experts)), bias);
        const auto from = static_cast<size_t>(r * test.k), count = static_cast<size_t>(test.k);
        CHECK(same_bits<int32_t>(std::span(gated.chosen).subspan(from, count), want.chosen));
        CHECK(disagreement(std::span(gated.weights).subspan(from, count), want.weights, 2e-6) == "");
      }
    }
}

TEST_CASE("a gated row has the same bits with any threads and any neighbours") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      const auto logits = make_logits(test), bias = make_bias(test);
      const Gated together = run(kernels, test, logits, bias, test.rows, 1);
      for (int threads : {2, 3}) CHECK(same_bits(run(kernels, test, logits, bias, test.rows, threads).weights, together.weights));
      for (int64_t r = 0; r < test.rows; ++r) {
        const Gated alone = run(kernels, test, std::span(logits).subspan(static_cast<size_t>(r * test.experts)), bias, 1, 1);
        CHECK(same_bits<float>(alone.weights, std::span(together.weights).subspan(static_cast<size_t>(r * test.k), alone.weights.size())));
        CHECK(same_bits<int32_t>(alone.chosen, std::span(together.chosen).subspan(static_cast<size_t>(r * test.k), alone.chosen.size())));
      }
    }
}

TEST_CASE("forced experts get the weights that they would have if chosen") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      if (test.k == 0) continue;
      const auto logits = make_logits(test), bias = make_bias(test);
      const Gated own = run(kernels, test, logits, bias, test.rows, 2);
      // What a row chooses itself, forced on it, changes nothing; every third row is left alone, every other one given the first experts.
      std::vector<int32_t> forced = own.chosen;
      for (int64_t r = 0; r < test.rows; ++r)
        for (int64_t j = 0; j < test.k; ++j)
          if (r % 3 > 0) forced[static_cast<size_t>(r * test.k + j)] = r % 3 == 1 ? static_cast<int32_t>(j) : -1;
      Gated gated{std::vector<int32_t>(own.chosen.size(), -77), poisoned(test.rows * test.k)};
      Workers workers(2);
      kernels.gate({test.rows, test.experts, test.groups, test.groups_kept, test.k, test.normalize, 2.5f, logits.data(), bias.data(), gated.chosen.data(), gated.weights.data(), forced.data()}, workers);
      for (int64_t r = 0; r < test.rows; ++r) {
        const size_t from = static_cast<size_t>(r * test.k), count = static_cast<size_t>(test.k);
        const auto chosen = std::span(gated.chosen).subspan(from, count);
        if (r % 3 != 1) {
          CHECK(same_bits<int32_t>(chosen, std::span(own.chosen).subspan(from, count)));
          CHECK(same_bits<float>(std::span(gated.weights).subspan(from, count), std::span(own.weights).subspan(from, count)));
          continue;
        }
        double sum = 0;
        const float* row = logits.data() + r * test.experts;
        for (int64_t j = 0; j < test.k; ++j) {
          CHECK(chosen[static_cast<size_t>(j)] == j);
          sum += sigmoid(row[j]);
        }
        std::vector<float> want;
        for (int64_t j = 0; j < test.k; ++j) want.push_back(static_cast<float>(2.5 * sigmoid(row[j]) / (test.normalize == NormalizeWeights::kYes ? sum + 1e-20 : 1)));
        CHECK(disagreement(std::span(gated.weights).subspan(from, count), want, 2e-6) == "");
      }
    }
}

TEST_CASE("pairs are listed by expert, in their order") {
  for (const Kernels& kernels : tested_kernels())
    for (const auto& [rows, experts, k] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {0, 4, 2}, {64, 32, 4}, {700, 256, 8}, {5, 3, 3}}) {
      Rng rng(static_cast<uint64_t>(rows), "test/gate/groups");
      std::vector<int32_t> chosen(static_cast<size_t>(rows * k)), starts(static_cast<size_t>(experts + 1), -7), list(chosen.size(), -7), places(chosen.size(), -7);
      for (int32_t& expert : chosen) expert = static_cast<int32_t>(rng.below(static_cast<uint64_t>(experts)) / 2);   // the later half has none
      Workers workers(2);
      kernels.group_by_expert({rows, experts, k, chosen.data(), starts.data(), list.data(), places.data()}, workers);
      std::vector<int32_t> order(chosen.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
      std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return chosen[static_cast<size_t>(a)] < chosen[static_cast<size_t>(b)]; });
      for (size_t place = 0; place < order.size(); ++place) {
        REQUIRE(list[place] == order[place] / k);
        REQUIRE(places[static_cast<size_t>(order[place])] == static_cast<int32_t>(place));
      }
      for (int64_t e = 0; e <= experts; ++e)
        REQUIRE(starts[static_cast<size_t>(e)] == std::count_if(chosen.begin(), chosen.end(), [&](int32_t expert) { return expert < e; }));
    }
}

TEST_CASE("the correction bias chooses and does not weigh; groups left out are out") {
  Workers workers(1);
  const std::vector<float> logits = {0, 0, 0, 0, 9, -9, -9, -9}, bias = {0, 0.1f, 0, 0.2f, 0, 0, 0, 0};
  int32_t chosen[2] = {-77, -77};
  float weights[2] = {};
  for (const Kernels& kernels : tested_kernels()) {
    // Group 0 scores 0.7 + 0.6 and group 1, with the single best expert, 1 + 0.
    kernels.gate({1, 8, 2, 1, 2, NormalizeWeights::kYes, 1, logits.data(), bias.data(), chosen, weights}, workers);
    CHECK(chosen[0] == 1);
    CHECK(chosen[1] == 3);
    CHECK(weights[0] == 0.5f);
    CHECK(weights[1] == 0.5f);
  }
}

}  // namespace
}  // namespace assay
