// The constraint language. A constraint is JSON, {"op": NAME, …}, over the slots of an answer and the tables of a database;
// bound to both it has six uses: check, explain, render, lower, mutate (one violated branch at a time) and print as Python.
// Operators are files in verifiers/operators/.
//
// One rule holds for all: a constraint that reads a slot without an entity, or a cell without a value, fails.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "envs/answer.h"
#include "envs/table.h"
#include "verifiers/lowering.h"

namespace assay {

// One thing that must be looked up to know whether a constraint holds: the cell of a row, or which rows of a relation have the
// entity `row` in `column` (and the entity `other` in `other_column`).
struct Fact {
  int table = -1;
  int column = -1;
  int32_t row = -1;
  int32_t other = -1;
  int other_column = -1;
  bool of_relation = false;
  auto operator<=>(const Fact&) const = default;

  static Fact rows(int table, int column, int32_t row) { return {table, column, row, -1, -1, true}; }
  static Fact rows(int table, int column, int32_t row, int other_column, int32_t other) {
    return column < other_column ? Fact{table, column, row, other, other_column, true} : Fact{table, other_column, other, row, column, true};
  }
};

// What a constraint is bound to; both outlive it. Tables may still grow (an explorer's), but none is added.
struct Binding {
  const AnswerShape& shape;
  const Tables& tables;
  // An explorer's: which facts of relations it has asked for; there may be other rows for all it knows. Null when the tables are
  // complete.
  const std::set<Fact>* asked = nullptr;
  bool is_open(const Fact& of_relation) const { return asked && !asked->count(of_relation); }
};

struct ColumnNeed {  // a column that judging may read
  int table = -1, column = -1;
  auto operator<=>(const ColumnNeed&) const = default;
};

// Immutable; used by any number of threads. `rows` has one row number per slot, -1 where there is no entity.
class Constraint {
 public:
  virtual ~Constraint() = default;

  // 1. Whether it holds.
  virtual bool holds(const int32_t* rows) const = 0;
  // 2. Why it does not, with the offending values.
  virtual std::string explain(const int32_t* rows) const = 0;
  // 3. The sentence of the prompt, complete and self-contained.
  virtual std::string sentence() const = 0;
  // 4. Lowering. The constraint is the conjunction of its branches; literal <=> the branch holds.
  virtual std::vector<std::string> branches() const = 0;
  virtual Literal reify(Lowering& lowering, size_t branch) const = 0;
  // Posts it whole; overridden where a direct form propagates better or implied bounds help.
  virtual void post(Lowering& lowering) const;
  // 5. Mutants come from branches(): "not this branch, all the rest". Here a constraint may ask for the violation nearest to
  // its boundary, by adding to model.minimise_first how far the branch is violated.
  virtual void prefer_near_miss(Lowering& lowering, size_t branch) const { (void)lowering, (void)branch; }
  // 6. A Python expression, true if it holds; it may use what python_prelude() defines.
  virtual std::string python() const = 0;

  // Slots it reads.
  virtual std::vector<int> slots() const = 0;
  // Columns it may read.
  virtual std::set<ColumnNeed> needs() const = 0;
  // The facts that decide it for this answer; if some are unknown, those to learn next. Empty for unfilled slots.
  virtual void facts(const int32_t* rows, std::vector<Fact>& out) const = 0;
  // The number a bound is put on, if it is of that kind: what a difficulty lever takes quantiles of.
  virtual std::optional<int64_t> measure(const int32_t* rows) const { (void)rows; return std::nullopt; }
};

struct Operator {
  std::string name;
  std::string summary;   // one line for `assay list operators`
  // `reader` has read "op"; errors are recorded in it and end compilation.
  std::unique_ptr<Constraint> (*compile)(JsonReader& reader, const Binding& binding);
};

namespace operators {
std::span<const Operator> all();  // generated from the folder
}

// `path` is where the constraint stands in `file`. An unknown operator lists the known ones.
Result<std::unique_ptr<Constraint>> compile_constraint(const Json& json, const Binding& binding, const std::string& file,
                                                       const std::string& path);
using Constraints = std::vector<std::unique_ptr<Constraint>>;
Result<Constraints> compile_constraints(const Json& array, const Binding& binding, const std::string& file);

// "c3.aggregate": the name of constraint `index` in verdicts and certificates.
std::string constraint_name(const Json& array, size_t index);

// ---- What operators share ----

// Slots chosen by {"fields":[NAME …], "groups":[1-based …]}; all groups when "groups" is absent.
struct SlotChoice {
  std::vector<int> fields;   // indexes in the shape
  std::vector<int> groups;   // 0-based, ascending
  bool all_groups = false;
  std::vector<int> slots;    // group-major
};
SlotChoice read_slots(JsonReader& reader, const char* member, const Binding& binding);
// A single slot: {"field": NAME, "group": 1-based}.
std::optional<int> read_slot(JsonReader& reader, const char* member, const Binding& binding);

// A column of the table that all `slots` share; fails if they do not, or if there is no such column.
struct BoundColumn {
  int table = -1, column = -1;
  const std::vector<int64_t>* cells = nullptr;
  const ColumnSpec* spec = nullptr;
  // The cell for a row, kNull for -1.
  int64_t at(int32_t row) const { return row < 0 ? kNull : (*cells)[row]; }
};
inline bool has_value(int64_t cell) { return cell > kUnknown; }
// A table named in `member`, and a column of it; both fail by name.
int read_table(JsonReader& reader, const char* member, const Binding& binding);
BoundColumn read_column_of(JsonReader& reader, const std::string& name, const char* member, int table, const Binding& binding);
BoundColumn read_column(JsonReader& reader, const std::string& name, const char* member, const std::vector<int>& slots,
                        const Binding& binding);

// Comparison of a cell with constants: "cmp" one of == != < <= > >= in, "value" or "values".
struct CellTest {
  Relation relation = Relation::kEqual;
  bool in = false;
  std::vector<int64_t> values;   // one, or several for "in"
  bool holds(int64_t cell) const;  // false for null and unknown
};
CellTest read_cell_test(JsonReader& reader, const BoundColumn& column, const Binding& binding);
int64_t read_cell(JsonReader& reader, const char* member, const Json& value, const BoundColumn& column, const Binding& binding);
// For Lowering::row_test: 1 where the test holds, 0 where not, 2 where the cell is unknown.
std::vector<int> rows_passing(const CellTest& test, const BoundColumn& column);

// Wording.
std::string with_article(const std::string& noun);   // "a rating", "an age", "an hour", "a unit"
std::string join_words(const std::vector<std::string>& words, const std::string& conjunction = "and");
std::string noun_phrase(const SlotChoice& choice, const Binding& binding, bool every);  // "every hotel", "the hotel on day 2"
std::string value_text(int64_t value, const BoundColumn& column, const Binding& binding);  // "350 CNY"
std::string test_text(const CellTest& test, const BoundColumn& column, const Binding& binding);  // "at least 4.0"
std::string relation_words(Relation relation);  // "at least"
std::string python_relation(Relation relation);
std::string python_text(std::string_view text);  // a Python string literal
std::string python_test(const CellTest& test, const BoundColumn& column, const Binding& binding, const std::string& subject);

}  // namespace assay
