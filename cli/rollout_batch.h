// Plays groups of rollouts of one policy against many tasks, in parallel, each stored as it ends; what is stored already is
// not played again, so a batch that was stopped anywhere goes on from there. Processes that run the same batch over one store share it:
// each leases the tasks that it plays, and ends when all are done.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "cli/host.h"
#include "cli/progress.h"
#include "engine/policy_factory.h"
#include "envs/context_strategy.h"

namespace assay {

struct BatchOptions {
  std::string policy;             // as given: "random", "openai:URL"
  std::string from;               // for replay:store, the policy whose rollouts are acted out
  PolicyOptions policy_options;   // transcripts are filled in here
  ContextOptions context;         // part of the descriptor where there is a strategy: other rollouts than those without
  std::string cold_start;         // name of a cold-start prompt, or empty; part of the descriptor too
  int64_t group = 1;              // samples a task
  uint64_t seed = 0;
  int jobs = 1;                   // threads, each with its own policy; an endpoint is asked by one thread with many in flight
  const std::atomic<bool>* cancelled = nullptr;
};

struct BatchReport {
  std::string policy;                        // descriptor
  std::map<int, PolicySummary> by_difficulty;
  std::map<std::string, int64_t> failures;   // "policy: what happened" -> how many rollouts
  int64_t played = 0, kept = 0;              // kept: were in the store, or came there from another process
  bool interrupted = false;

  PolicySummary total() const;
};

Result<BatchReport> run_batch(DatabaseCache& databases, std::vector<TaskRow> tasks, const BatchOptions& options, Progress& progress);

}  // namespace assay
