#include "datasets/preference_pairs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

namespace assay {
namespace {

using Pairs = std::vector<PreferencePair>;

Pairs pairs(std::vector<double> rewards) { return preference_pairs(rewards); }

TEST_CASE("the best is paired with the worst, the earlier of equals is the better") {
  CHECK(pairs({}).empty());
  CHECK(pairs({1}).empty());
  CHECK(pairs({1, 1, 1}).empty());
  CHECK(pairs({0, 1}) == Pairs{{1, 0}});
  CHECK(pairs({1, 0, 0}) == Pairs{{0, 2}});
  CHECK(pairs({0, 1, 0, 1}) == Pairs{{1, 2}, {3, 0}});
  CHECK(pairs({0.5, 0, 1, 0.25}) == Pairs{{2, 1}, {0, 3}});
}

TEST_CASE("no rollout is in two pairs, every pair differs, and of two rewards there are as many pairs as can be") {
  std::mt19937_64 random(Catch::rngSeed());
  for (int round = 0; round < 2000; ++round) {
    const bool binary = round % 2 == 0;
    std::vector<double> rewards(random() % 12);
    for (double& reward : rewards) reward = binary ? static_cast<double>(random() % 2) : static_cast<double>(random() % 5) / 4;
    std::set<size_t> used;
    const Pairs made = preference_pairs(rewards);
    for (const PreferencePair& pair : made) {
      CHECK(rewards.at(pair.chosen) > rewards.at(pair.rejected));
      CHECK(used.insert(pair.chosen).second);
      CHECK(used.insert(pair.rejected).second);
    }
    const size_t best = static_cast<size_t>(std::count(rewards.begin(), rewards.end(), 1.0));
    if (binary) CHECK(made.size() == std::min(best, rewards.size() - best));
  }
}

}  // namespace
}  // namespace assay
