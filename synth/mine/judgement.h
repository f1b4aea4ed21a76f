// A model's opinion whether a statement can be worked from: asked last, of what all other filters left, and optional.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "envs/policy.h"
#include "synth/mine/source.h"

namespace assay {

// One question for each candidate, all open at once. `take` gets nothing for a clear one, else the loss ("judged_unclear", or
// "judge_failed" where the policy failed or answered in another form), in any order.
Status judge_statements(const std::vector<const Candidate*>& candidates, Policy& policy, uint64_t seed,
                        const std::function<Status(size_t index, std::optional<Loss> loss)>& take);

}  // namespace assay
