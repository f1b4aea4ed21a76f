// From constraints over an answer to a ConstraintModel: one variable per slot, whose value is a row number; columns become
// element constraints. Cells an explorer does not know yet may take any value in their declared range, so a model over partial
// knowledge is optimistic: if it has no solution, nothing that can still be learned about known entities gives one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "envs/answer.h"
#include "envs/table.h"
#include "verifiers/constraint_model.h"

namespace assay {

// Copies go their own ways but share the columns read so far: a base that many variants start from is lowered once.
class Lowering {
 public:
  Lowering(const AnswerShape& shape, const Tables& tables);

  const AnswerShape& shape() const { return shape_; }
  const Tables& tables() const { return tables_; }
  ConstraintModel& model() { return model_; }
  ConstraintModel take() { return std::move(model_); }

  Var slot(int slot) const { return slots_[slot]; }
  const Table& table_of(int slot) const;

  // The cell of `column` in the row of `slot`. Null cells read 0; ask present() too.
  Var value(int slot, int column);
  // Says that this cell is `owner`: one variable for both, where nothing has read the cell yet.
  void equate_value(int slot, int column, Var owner);
  // Whether the cell is not null; a constant true when no cell of the column is.
  Literal present(int slot, int column);
  // Whether the row is one of those for which test[row] is 1; 2 means not known yet: free.
  Literal row_test(int slot, const std::vector<int>& test);

  // literal <=> sum of terms ⟨relation⟩ bound.
  Literal linear(std::vector<int> coefficients, std::vector<Var> variables, Relation relation, int64_t bound);
  void post_linear(std::vector<int> coefficients, std::vector<Var> variables, Relation relation, int64_t bound);
  Literal all(std::vector<Literal> literals);
  Literal any(std::vector<Literal> literals);
  void require(Literal literal) { model_.clauses.push_back({{literal}}); }

 private:
  const AnswerShape& shape_;
  const Tables& tables_;
  ConstraintModel model_;
  std::vector<Var> slots_;
  std::map<std::pair<int, int>, Var> values_;            // (slot, column)
  std::map<std::pair<int, int>, Literal> presents_;
  struct ColumnArrays {
    IntArray low, high, present;  // high is null when every cell is known, present when none is null
  };
  std::shared_ptr<std::map<std::pair<int, int>, ColumnArrays>> arrays_;   // (table, column)
  const ColumnArrays& arrays(int table, int column);
};

}  // namespace assay
