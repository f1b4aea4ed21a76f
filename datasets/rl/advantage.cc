#include "datasets/rl/advantage.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "envs/base/json.h"

namespace assay {
namespace {

constexpr double kDeviationFloor = 1e-6;  // added to the deviation, as verl does; TRL adds 1e-4

std::vector<double> centred(std::span<const double> rewards) {
  const double mean = std::accumulate(rewards.begin(), rewards.end(), 0.0) / static_cast<double>(rewards.size());
  std::vector<double> out(rewards.size());
  std::transform(rewards.begin(), rewards.end(), out.begin(), [&](double reward) { return reward - mean; });
  return out;
}

std::vector<double> scaled(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

std::vector<double> mean(std::span<const double> rewards) {
  return has_signal(rewards) ? centred(rewards) : std::vector<double>(rewards.size());
}

std::vector<double> grpo(std::span<const double> rewards) {
  const std::vector<double> out = mean(rewards);
  if (!has_signal(rewards)) return out;
  const double squares = std::inner_product(out.begin(), out.end(), out.begin(), 0.0);
  return scaled(out, 1 / (std::sqrt(squares / static_cast<double>(out.size() - 1)) + kDeviationFloor));
}

// The mean of the others is less by this factor than what the mean of all says.
std::vector<double> rloo(std::span<const double> rewards) {
  if (!has_signal(rewards)) return mean(rewards);
  const double size = static_cast<double>(rewards.size());
  return scaled(centred(rewards), size / (size - 1));
}

std::vector<double> none(std::span<const double> rewards) {
  return has_signal(rewards) ? std::vector<double>(rewards.begin(), rewards.end()) : mean(rewards);
}

constexpr AdvantageForm kForms[] = {
    {"mean", "R - mean(R)", "arXiv 2512.02556, section 3.1 (DeepSeek-V3.2)", mean},
    {"grpo", "(R - mean(R)) / (std(R) + 1e-6), std over G - 1", "arXiv 2402.03300, section 4.1.2 (DeepSeekMath)", grpo},
    {"dr_grpo", "R - mean(R); its loss also divides by a constant, not by lengths", "arXiv 2503.20783, section 3.2", mean},
    {"rloo", "R - mean of the others", "arXiv 2402.14740, section 3.2", rloo},
    {"none", "R", "Williams 1992 (REINFORCE)", none},
};

}  // namespace

std::span<const AdvantageForm> advantage_forms() { return kForms; }

Result<const AdvantageForm*> advantage_form(const std::string& name) {
  std::vector<std::string> known;
  for (const AdvantageForm& form : kForms) {
    if (form.name == name) return &form;
    known.emplace_back(form.name);
  }
  return unknown_name("form of advantages", name, known);
}

bool has_signal(std::span<const double> rewards) {
  return std::adjacent_find(rewards.begin(), rewards.end(), std::not_equal_to<>()) != rewards.end();
}

}  // namespace assay
