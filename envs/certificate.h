// What has been proved about a task: deterministic claims that anyone can recompute (assay audit). Claims that depend on a
// machine or a policy are Observations and never stand here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "envs/base/json.h"

namespace assay {

struct MutantClaim {
  std::string constraint;   // "c3.aggregate"
  std::string branch;       // which way it was violated
  std::string outcome;      // "killed", "survived", "impossible" (no answer violates only this: redundant), "undecided" (solver limit)
  std::string answer;       // the mutant, when there is one
};

struct Certificate {
  std::string id;           // SHA-256 of the canonical JSON without it
  std::string task;
  std::string versions;     // "assay 0.1.0; language 1; archetype select 1; gecode 6.2.0"
  bool sound = false;       // every claim below holds
  std::vector<std::string> problems;  // why not

  bool gold_passes = false;           // the explorer's answer, found and submitted through the public tools alone
  bool trivial_fail = false;          // empty, no-op and initial-state answers fail
  std::vector<MutantClaim> mutants;
  std::vector<std::string> redundant; // constraints that no answer can violate alone
  int64_t solutions = 0;              // exact if solutions_exact, else "at least"
  bool solutions_exact = false;
  int64_t chance_hits = 0, chance_tries = 0;       // the consistent random chooser
  int64_t feasible_hits = 0, feasible_tries = 0;   // the same with repeats allowed: the feasible fraction of all in-scope answers
  double feasible_low = 0, feasible_high = 1;      // 95% interval (Wilson)
  bool equal_forms_equal = false;     // the gold with other white space, key order and escapes scores the same
  bool learnable = false;             // the tools' reveals are true and reach everything the constraints need
  bool no_leak = false;               // gold does not stand in prompt or tools
  bool same_bytes = false;            // making it again from its provenance gives the same bytes
  int64_t solver_nodes = 0;           // to the first solution over the whole database
  int64_t calls_low = 0, calls_high = 0;  // bounds on tool calls: facts needed to justify the gold; the explorer's
  int64_t interacting = 0;            // constraints that share a slot with another
  std::map<std::string, int64_t> measures;   // what else the archetype's difficulty is measured by: "hops", "operators"
  Json acceptance;                    // of a mined task (synth/acceptance.h): tests by state, leaks searched, cheats, mutants of the patch; else null

  double chance_rate() const { return chance_tries ? static_cast<double>(chance_hits) / static_cast<double>(chance_tries) : 1; }
};

Json to_json(const Certificate& certificate);
Result<Certificate> certificate_from_json(const Json& json, const std::string& where);
void seal_certificate(Certificate& certificate);

}  // namespace assay
