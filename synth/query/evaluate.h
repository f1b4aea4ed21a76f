// What a question's answer is, exactly. The same evaluation runs over a database, and over what tools have told (tool_source.h):
// it asks a RowSource for rows and says which of their cells it will read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "synth/query/plan.h"
#include "verifiers/constraint.h"

namespace assay::query {

// Of the rows wanted, only those whose reference `column` is to one of `rows`, or whose `column` equals a constant.
struct Bound {
  int column = -1;
  std::optional<std::vector<int32_t>> rows;   // of the table referred to
  const Condition* equals = nullptr;          // a comparison with kEqual
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual const Tables& tables() const = 0;
  // At least all rows of `table` that meet every bound, ascending; their cells in `columns` can be read afterwards.
  virtual Result<std::vector<int32_t>> rows(int table, const std::vector<Bound>& bounds, const std::vector<int>& columns) = 0;
  // The same for rows that are known.
  virtual Status learn(int table, const std::vector<int32_t>& rows, const std::vector<int>& columns) = 0;
};

// A database, which must not change meanwhile: everything is known. Remembers, once asked, which rows refer to which; one thread.
class TableSource final : public RowSource {
 public:
  explicit TableSource(const Tables& tables);
  const Tables& tables() const override { return tables_; }
  Result<std::vector<int32_t>> rows(int table, const std::vector<Bound>& bounds, const std::vector<int>& columns) override;
  Status learn(int, const std::vector<int32_t>&, const std::vector<int>&) override { return {}; }

 private:
  struct Referrers {
    std::vector<int32_t> begin;   // [target row], and the end
    std::vector<int32_t> rows;    // that refer to it, ascending: from begin[target] to begin[target + 1]
    int32_t count(int32_t target) const { return begin[static_cast<size_t>(target) + 1] - begin[static_cast<size_t>(target)]; }
  };
  const Referrers& referrers(int table, int column);

  const Tables& tables_;
  std::vector<std::vector<Referrers>> referrers_;   // [table][column]; empty until asked for
};

// numerator / (denominator * 10^decimals), or texts: one, or a bag in ascending order.
struct Value {
  bool is_text = false;
  std::vector<std::string> texts;
  int64_t numerator = 0, denominator = 1;
  int decimals = 0;

  double number() const;
  bool operator==(const Value& other) const;
};

// One answer, and what would make it no good as the only one. Then the first of what ties is taken.
struct Evaluated {
  Value value;
  bool empty = false;      // nothing to take a row, a superlative or an aggregate of: there is no value
  bool tie = false;        // several rows where one is spoken of
  bool missing = false;    // a cell without a value was read
  std::vector<int32_t> rows;   // of question.of
};

// A set of facts of which an answerer must learn one at least: if none is known, the answer is not determined.
using Need = std::vector<Fact>;

// Fails only where the source does. `needs`, if given, gets for every row that the answer hangs on a need of its own; by no means all
// there are, so that they make a lower bound.
Result<Evaluated> evaluate(const Question& question, RowSource& source, std::vector<Need>* needs = nullptr);
// The rows of a set alone, ascending.
Result<std::vector<int32_t>> evaluate_rows(const RowSet& set, RowSource& source);

}  // namespace assay::query
