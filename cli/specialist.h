// The six domains that specialists are trained for before they are distilled into one model (arXiv 2512.02556, section 3), and which
// tasks of ours belong to which.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envs/certificate.h"
#include "envs/task.h"

namespace assay {

// Names and what belongs to them, in the report's order: "mathematics", "programming", "logic", "general_agent", "agentic_coding",
// "agentic_search".
const std::vector<std::pair<std::string, std::string>>& specialists();

// Of a task of `compute` by the family of its problem, which its certificate names; of all others by archetype. "" for an archetype
// that is not known.
std::string specialist_of(const Task& task, const Certificate& certificate);

}  // namespace assay
