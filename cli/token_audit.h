// assay audit --tokens: are the tokens that rollouts recorded what these weights sample?
#pragma once

#include "cli/command.h"
#include "cli/model/loaded_model.h"
#include "cli/selection.h"

namespace assay {

struct TokenAudit {
  ModelOptions model;   // the checkpoint that sampled; without a directory there is nothing to do

  void declare(CLI::App& app);
  // Computes the turns of every stored rollout of these weights again, with the recorded experts in the place of the router's choices.
  // Log-probabilities before truncation and the digest of what was attended to must come out as recorded, bit for bit: that is promised for
  // the backend that sampled. Fails if there is no such rollout.
  Result<int> run(TaskSelection& selection, const Context& context) const;
};

}  // namespace assay
