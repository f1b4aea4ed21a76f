// From a change to a candidate: its patch, split, judged, with licence and language.
#pragma once

#include <optional>

#include "synth/mine/filters.h"
#include "synth/mine/git_repository.h"

namespace assay {

struct Mined {
  Candidate candidate;           // complete, with its id, if it is not lost
  std::optional<Loss> loss;
};

// `clone` is borrowed and may be null: then the change must bring its patch. Pure but for what it reads of the clone.
Mined mine_change(MinedChange change, const GitRepository* clone, const FilterOptions& options);

}  // namespace assay
