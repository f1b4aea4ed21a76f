// Advantages of a group: G attempts of one policy at one task, with rewards R [G].
#pragma once

#include <span>
#include <string>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct AdvantageForm {
  const char* name;
  const char* formula;
  const char* source;
  std::vector<double> (*of)(std::span<const double> rewards);  // [G] to [G]; zeros for a group without signal
};

// "mean" (DeepSeek-V3.2), "grpo", "dr_grpo", "rloo", "none".
std::span<const AdvantageForm> advantage_forms();
// An unknown name is refused with the known ones.
Result<const AdvantageForm*> advantage_form(const std::string& name);

// Whether the rewards tell any attempts apart. Of a group where they do not, every advantage is 0 and nothing is learned, so it is
// dropped (arXiv 2503.14476, section 3.2, dynamic sampling). A group of one has none.
bool has_signal(std::span<const double> rewards);

}  // namespace assay
