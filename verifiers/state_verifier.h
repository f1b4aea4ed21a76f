// Judges what an episode has changed (envs/state.h) by a goal of the same form. The two are the same if the databases they lead to
// are, column by column as each declares (Equality, envs/table.h): rows that were there in the beginning are compared by key, rows
// that were added as a bag. So neither the order of calls nor generated ids that a column ignores make a difference, and nothing
// that was changed besides goes unnoticed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/table.h"
#include "envs/verifier.h"

namespace assay {

inline constexpr const char* kStateVerifierName = "state/1";

// Immutable; used by any number of threads.
class StateVerifier final : public Verifier {
 public:
  // Errors name `where`: a goal of another form, or with tables, columns or keys that `tables` does not have.
  static Result<std::unique_ptr<StateVerifier>> create(const Json& goal, const Tables& tables, const std::string& where);

  // Checks: "state" (is it one at all), one for each table of the goal ("state.loan"), and "collateral": no other table changed.
  // Evidence tells what was changed and should not have been, never what should have been.
  Verdict judge(const Outcome& outcome) const override;
  bool passes(const Outcome& outcome) const override { return holds(outcome.state); }
  // The same judgement without words.
  bool holds(const Json& state) const;

 private:
  struct TableGoal {
    TableSpec spec;
    Json change;
  };
  StateVerifier() = default;
  // Why `change` is not the goal's of this table; empty if it is.
  static std::string difference(const TableSpec& spec, const Json& goal, const Json& change);

  std::vector<TableGoal> tables_;   // all of the schema; those without a goal have an empty change
};

// Whether two cells count as the same in this column.
bool same_cell(const ColumnSpec& column, const Json& left, const Json& right);

}  // namespace assay
