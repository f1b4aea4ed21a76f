// Whether the tests of a task can be fooled: every cheat (synth/cheat.h) and a number of mutants of the gold patch, each judged as an
// agent's patch is. Both stand in the certificate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/executor.h"
#include "synth/build/tree_view.h"
#include "verifiers/test_plan.h"

namespace assay {

struct PatchTrial {
  std::string name;       // the cheat's, or the mutant's kind
  std::string detail;     // of a mutant: what was changed
  std::string outcome;    // "rejected", "accepted", or "inapplicable": there is no such cheat for this tree
  std::string check;      // the check that rejected it first
  bool must_fail = true;  // of a cheat: see Cheat::must_fail
};

struct PatchProof {
  std::vector<PatchTrial> cheats, mutants;
  int64_t wall_us = 0;    // measured; not in the JSON

  // No cheat that must fail was accepted.
  bool sound() const;
  int64_t accepted_mutants() const;
};

struct PatchProofOptions {
  // The tree with the gold and the test patch, built; null: there is none. Mutants are built in forks of it, in which only the files that they
  // have otherwise are newer than what was built; what is accepted there is judged as an agent's patch before it counts, so nothing that a
  // build left of the gold makes a mutant pass.
  Workspace* gold = nullptr;
  size_t mutants = 12;
  uint64_t seed = 0;      // of the choice of mutants, and of the test runs
};

// `tree` is the base tree. An Error is the machinery's: nothing is known then.
Result<PatchProof> prove_patch_tests(Executor& executor, const TestPlan& plan, const TreeView& tree, const std::string& gold, const PatchProofOptions& options);

// {"cheats":[{"name","outcome","check","must_fail"}],"mutants":[{"kind","what","outcome","check"}],"mutants_accepted","false_accept_rate"};
// the rate is null where there is no mutant.
Json to_json(const PatchProof& proof);

// The base tree of a plan, as its layers hold it: files that git tracks. Read from a workspace that the view keeps open.
Result<TreeView> tree_of_layers(Executor& executor, const TestPlan& plan);

}  // namespace assay
