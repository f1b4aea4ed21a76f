// A consistent answer drawn at random: what passing by chance means. Its pass rate agrees with the certified chance
// rate.
#include "engine/entity_chooser.h"
#include "engine/policy_factory.h"
#include "envs/base/rng.h"

namespace assay::policies::random {
namespace {

Script start(const Turn& turn) {
  Rng rng(turn.seed, "random/" + turn.task->id, static_cast<uint64_t>(turn.sample));
  auto draw = [rng](const AnswerField&, std::span<const Candidate* const> candidates) mutable {
    return static_cast<size_t>(rng.below(candidates.size()));
  };
  return choose_entities(*turn.task, {}, draw);
}

}  // namespace

PolicyFactory make() {
  return {"random", "a well-formed answer drawn at random through the tools, each entity in its scope",
          [](const PolicyOptions&) -> Result<std::unique_ptr<Policy>> { return script_policy("random", start); }};
}

}  // namespace assay::policies::random
