#include "datasets/rl/advantage.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "envs/base/rng.h"

namespace assay {
namespace {

// Each form once more, term by term as the papers write it.
double reference(const std::string& name, const std::vector<double>& rewards, size_t i) {
  const double size = static_cast<double>(rewards.size());
  double all = 0, others = 0, squares = 0;
  for (size_t j = 0; j < rewards.size(); ++j) {
    all += rewards[j];
    if (j != i) others += rewards[j];
  }
  for (double reward : rewards) squares += std::pow(reward - all / size, 2);
  if (name == "none") return rewards[i];
  if (name == "rloo") return rewards[i] - others / (size - 1);
  const double centred = rewards[i] - all / size;
  return name == "grpo" ? centred / (std::sqrt(squares / (size - 1)) + 1e-6) : centred;
}

TEST_CASE("every form of advantages is what its paper says") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "advantage");
    std::vector<double> rewards(2 + rng.below(9));
    for (double& reward : rewards) reward = rng.below(2) ? static_cast<double>(rng.below(2)) : rng.unit();
    if (!has_signal(rewards)) rewards[0] += 1;
    for (const AdvantageForm& form : advantage_forms()) {
      const std::vector<double> advantages = form.of(rewards);
      REQUIRE(advantages.size() == rewards.size());
      double sum = 0;
      for (size_t i = 0; i < rewards.size(); ++i) {
        REQUIRE(advantages[i] == Approx(reference(form.name, rewards, i)).margin(1e-12));
        sum += advantages[i];
      }
      if (std::string(form.name) != "none") REQUIRE(sum == Approx(0).margin(1e-9));
    }
  }
}

TEST_CASE("one success among four, by hand") {
  const std::vector<double> rewards = {1, 0, 0, 0};
  CHECK(advantage_form("mean").value()->of(rewards) == std::vector<double>{0.75, -0.25, -0.25, -0.25});
  CHECK(advantage_form("rloo").value()->of(rewards)[1] == Approx(-1.0 / 3));
  CHECK(advantage_form("grpo").value()->of(rewards)[0] == Approx(1.5).epsilon(1e-5));
}

TEST_CASE("a group without signal has advantages of exactly 0 in every form") {
  for (const std::vector<double>& rewards : {std::vector<double>{}, {1}, {0.1, 0.1, 0.1}, {1, 1}}) {
    CHECK_FALSE(has_signal(rewards));
    for (const AdvantageForm& form : advantage_forms()) CHECK(form.of(rewards) == std::vector<double>(rewards.size(), 0.0));
  }
  CHECK(has_signal(std::vector<double>{1, 1, 0.5}));
}

TEST_CASE("an unknown form is refused with the known ones") {
  const auto form = advantage_form("rlo");
  REQUIRE_FALSE(form.ok());
  CHECK(form.error().text().find("rloo") != std::string::npos);
}

}  // namespace
}  // namespace assay
