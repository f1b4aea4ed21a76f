// canonical_json(to_json(rollout)), written and read without building the tree: 15 times as fast, and rollouts come by the million.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "envs/rollout.h"

namespace assay {

// The same bytes for every rollout, text that is not UTF-8 included.
std::string rollout_text(const Rollout& rollout);
// Likewise canonical_json(to_json(verdict)).
std::string verdict_text(const Verdict& verdict);
// Of that text, the first 32 hexadecimal digits of its SHA-256: verdicts that say the same have the same.
std::string verdict_digest(const Verdict& verdict);

// What rollout_from_json makes of a text that rollout_text wrote. Null for any other text and for what is rare (failures, context
// strategies, images, tools declared in messages): of these rollout_from_json says what they are.
std::optional<Rollout> rollout_of_text(std::string_view text);

}  // namespace assay
