// What a report knows of a store's tasks and attempts before it computes anything: one small record each, texts by number.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "datasets/rollout_outcome.h"

namespace assay {

// What a failure is of: of a judged attempt the names of the checks that failed, without the constraint's number ("c3.aggregate" is
// "aggregate"); of a broken one its boundary.
std::vector<std::string> failure_kinds(const Rollout& rollout);

// Texts by number, in the order in which they came.
class Names {
 public:
  int64_t number(const std::string& text);
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, int64_t> numbers_;
  std::vector<std::string> texts_;
};

// What a level of difficulty asks of a task, as the domain's source in the store states it.
struct Band {
  std::optional<std::pair<double, double>> chance;   // [low, high) of the chance rate
  std::optional<std::pair<double, double>> calls;    // [low, high] of the gold's calls
  bool known() const { return chance || calls; }
};

struct TaskFacts {
  std::string id;
  int64_t domain = 0, archetype = 0;   // numbers of names
  int difficulty = 0;
  bool certified = false, sound = false;
  std::string problem;                 // of one that is not sound, the first
  std::optional<double> chance_rate;   // nothing where it was not measured
  std::optional<int64_t> calls;        // of the gold; in plain calls where tools were changed
  Band band;
  std::optional<bool> in_band;         // nothing where it is not certified or no band is known
  bool attacked = false;               // the newest attack scored
};

struct AttemptFacts {
  std::string id;
  size_t task = 0;                     // place among the tasks
  int64_t policy = 0, stop = 0;        // numbers of names
  uint64_t seed = 0;
  int64_t sample = 0;
  RolloutOutcome outcome = RolloutOutcome::kPassed;
  std::vector<int64_t> kinds;          // of failures, numbers of names
  int64_t steps = 0, calls = 0, failed_calls = 0;
  int64_t prompt_tokens = 0, completion_tokens = 0;
  int64_t policy_us = 0, tool_us = 0, wall_us = 0;
};

struct StoreFacts {
  Names domains, archetypes, policies, stops, kinds;
  std::vector<TaskFacts> tasks;        // as given
  std::vector<AttemptFacts> attempts;  // by (policy, task, seed, sample)
  // What synth and build stored of candidates, summed over their runs.
  int64_t certified_candidates = 0;
  std::map<std::string, int64_t> lost_candidates;   // by reason
  std::map<std::string, int64_t> mined;             // the newest ending of each candidate
  Json runs = Json::array();                        // [{"rollouts","seconds","jobs"} …], oldest first
};

// Reads all of it once. `step` is called for every record that was read; its error ends the reading.
Result<StoreFacts> read_facts(Store& store, const std::vector<TaskRow>& tasks, const std::vector<std::string>& policies, const std::function<Status()>& step);

}  // namespace assay
