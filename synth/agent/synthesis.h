// Domains from categories: a policy writes them, as many at once as it takes, and what comes of each is counted.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "envs/policy.h"
#include "synth/agent/candidate.h"

namespace assay {

// Candidates in, certified out, one reason for every loss.
struct Funnel {
  int64_t candidates = 0;
  int64_t drafted = 0;      // wrote a domain at all
  int64_t compiled = 0;     // one that compiled
  int64_t certified = 0;    // and whose tasks were certified at every level
  int64_t escalated = 0;    // and made harder at least once
  std::map<std::string, int64_t> lost;            // reason -> candidates
  std::map<std::string, int64_t> not_escalated;   // reason -> certified domains
  int64_t turns = 0, prompt_tokens = 0, completion_tokens = 0;

  void add(const SynthesisRecord& record);
};

OrderedJson to_json(const Funnel& funnel);

// One conversation for each category, all in flight together. `take` gets each record when it is complete, in the order they end;
// its error ends the run. With `cancelled`, what is unfinished ends as "cancelled".
Status synthesize_domains(const std::vector<std::string>& categories, Policy& policy, const AgentOptions& options, uint64_t seed,
                          std::set<std::string> taken, const std::atomic<bool>* cancelled,
                          const std::function<Status(const SynthesisRecord&)>& take);

}  // namespace assay
