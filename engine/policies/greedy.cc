// What looks best taken by itself: the first of each list, or the best by the column that a field prefers. No reasoning
// about constraints, so a task that it passes is easy.
#include "engine/entity_chooser.h"
#include "engine/policy_factory.h"

namespace assay::policies::greedy {
namespace {

constexpr size_t kLookupsPerList = 10;

bool better(const AnswerField& field, const Candidate& left, const Candidate& right) {
  if (!left.value) return false;
  if (!right.value) return true;
  return field.prefer_high ? *left.value > *right.value : *left.value < *right.value;
}

size_t best(const AnswerField& field, std::span<const Candidate* const> candidates) {
  size_t found = 0;
  for (size_t i = 1; i < candidates.size(); ++i)
    if (better(field, *candidates[i], *candidates[found])) found = i;
  return found;
}

Script start(const Turn& turn) { return choose_entities(*turn.task, {.lookups_per_list = kLookupsPerList}, best); }

}  // namespace

PolicyFactory make() {
  return {"greedy", "the best-looking entity for each slot, without regard to constraints",
          [](const PolicyOptions&) -> Result<std::unique_ptr<Policy>> { return script_policy("greedy", start); }};
}

}  // namespace assay::policies::greedy
