// Lineages: tasks that are made harder step by step, as in the report. The first is as simple as its difficulty; each next one keeps what
// the one before asks for (constraints, steps of a question, requests), adds to it, and is solved and certified again. Tools grow with
// the tasks: a lineage begins with the fewest and plainest reading tools that lead to its first task's gold, and where they no longer
// suffice (something cannot be learned, or the gold takes more calls than the difficulty allows) the plainest that are missing are added.
//
// A lineage is a pure function of the provenance of any of its tasks: Provenance::attempt has the attempt that was kept at every step up
// to that one as a digit to the base kLineageAttempts, and each step's difficulty is one more than that of the step before.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/database.h"
#include "synth/archetype.h"

namespace assay {

struct LineageTask {
  MadeTask made;
  std::shared_ptr<const Environment> environment;   // with the tools that the lineage has at this step
};

struct Lineage {
  std::vector<LineageTask> tasks;   // none that is unsound or not in its band
  int stopped_at = 0;               // the difficulty that was not reached; 0: all were
  std::string reason;               // why, as a code: "no_candidate", "not_enough_tools", "out_of_band", "not_harder", "unsound"
  std::string detail;               // of the last attempt
};

// From the request for the first task, whose environment and tools are whole, up to difficulty `last`. An archetype without
// Archetype::escalation is an error.
Result<Lineage> make_lineage(const MakeRequest& first, std::shared_ptr<const Database> database, int last);

struct RemadeStep {
  std::shared_ptr<const LineageStep> step;
  int64_t attempt = 0;
  std::shared_ptr<const Environment> environment;
};
// What the request for `task` must say beside its provenance: its lineage, made again from the beginning. `whole`: as `first` above.
Result<RemadeStep> remake_lineage(const Task& task, const MakeRequest& whole, std::shared_ptr<const Database> database);

}  // namespace assay
