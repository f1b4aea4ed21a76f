// Solving a ConstraintModel with Gecode. Effort is counted in search nodes, never in time, so results are the same on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "verifiers/constraint_model.h"

namespace assay {

struct SolveOptions {
  int64_t node_limit = 200'000;
  // Values are tried in an order drawn from this, decision by decision; 0: smallest first, of the decision with fewest values left.
  uint64_t order_seed = 0;
};

enum class SolveOutcome { kFound, kInfeasible, kLimit };

struct Solved {
  SolveOutcome outcome = SolveOutcome::kInfeasible;
  std::vector<int> values;   // one per variable of the model, when found
  int64_t nodes = 0;
};

Solved solve(const ConstraintModel& model, const SolveOptions& options = {});

// Calls `accept` with each solution until it returns true; the outcome is then kFound.
Solved solve_until(const ConstraintModel& model, const SolveOptions& options, const std::function<bool(const std::vector<int>&)>& accept);

struct Counted {
  int64_t solutions = 0;
  bool exact = false;   // false: the limit of solutions or nodes ended the count; there are at least so many
  int64_t nodes = 0;
  int64_t nodes_to_first = 0;   // until the first was found; all, where none was
};
// Counts assignments of the decision variables.
Counted count_solutions(const ConstraintModel& model, int64_t limit, int64_t node_limit);

std::string solver_version();   // "gecode 6.2.0"

}  // namespace assay
