// Changes of a source mined by several threads: candidates come out in the source's order, whatever the number of threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "synth/mine/filters.h"
#include "synth/mine/source.h"

namespace assay {

struct MiningOptions {
  SourceOptions source;
  FilterOptions filters;
  int jobs = 1;                          // each opens the clone for itself
  int64_t limit = -1;                    // candidates; -1: all
};

struct MiningReport {
  std::vector<Candidate> candidates;     // that no filter lost, in order
  MiningFunnel funnel;                   // of all others, and of these once they are counted in: a judgement may still lose some
  std::vector<std::string> notes;
  std::optional<Error> error;            // the source broke off; what came before is good
  bool interrupted = false;
};

// Losses are counted in the funnel, candidates are not yet.
Result<MiningReport> run_mining(const MiningOptions& options, Progress& progress);

}  // namespace assay
