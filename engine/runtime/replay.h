// Recorded turns computed again, with the experts that were recorded in the place of the router's choices: what a trainer does with
// them, and how a record is checked.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "envs/token_turn.h"

namespace assay {

struct ReplayOptions {
  double temperature = 1;   // that the turns were sampled at; 0: log-probabilities come out 0, as they were recorded
  int64_t chunk = 256;      // tokens computed at once; changes no bit
};

struct ReplayedTurn {
  std::vector<float> full_log_probabilities;   // [sampled]
  std::string selection_digest;
};

// All turns of one rollout, in order. With the weights that sampled, both results are those recorded, bit for bit. Needs room in the
// cache for the longest sequence and gives it back. Errors (kInput): records that contradict themselves or the model, or name
// no experts; (kLimit): no room.
Result<std::vector<ReplayedTurn>> replay(Model& model, KvCache& cache, std::span<const TokenTurn> turns, const ReplayOptions& options = {});

// Recomputes which tokens were attended to. An error (kVerifier) names the first turn whose digest is another than recorded: the weights,
// the kernels' table or the record are not those that sampled. Turns without a digest are passed over.
Status check_selections(Model& model, KvCache& cache, std::span<const TokenTurn> turns);

}  // namespace assay
