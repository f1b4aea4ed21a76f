// canonical_json(to_json(rollout)), written without building the tree: 15 times as fast, and rollouts come by the million.
#pragma once

#include <string>

#include "envs/rollout.h"

namespace assay {

// The same bytes for every rollout, text that is not UTF-8 included.
std::string rollout_text(const Rollout& rollout);

}  // namespace assay
