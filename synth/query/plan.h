// A question over the tables of a domain as a small, typed relational algebra: sets of rows, and what is asked about one.
// Plain data over table and column numbers; shared sub-plans are immutable.
//
// What it means is said once natively (synth/query/evaluate.h), once in words (words.h) and, for tests, once in SQL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "envs/table.h"

namespace assay::query {

struct RowSet;
using RowSetPtr = std::shared_ptr<const RowSet>;

enum class Comparison { kEqual, kNotEqual, kBelow, kAtMost, kAbove, kAtLeast };

enum class Aggregate { kCount, kSum, kAverage, kLowest, kHighest };

// One condition on a row. A cell without a value meets none; texts compare by their bytes, so dates and clock times by time.
struct Condition {
  enum class Kind {
    kCompare,   // the cell of `column` against a constant; references as the name they refer to
    kIn,        // the row that the reference `column` refers to is in `set`
    kHas,       // at least `at_least` rows of `set` refer to this row by their column `column`
  };
  Kind kind = Kind::kCompare;
  int column = -1;
  bool negated = false;         // of kIn and kHas
  Comparison comparison = Comparison::kEqual;
  std::string text;             // the constant for texts and references,
  int64_t number = 0;           // and for numbers, scaled like cells
  RowSetPtr set;
  int64_t at_least = 1;
};

struct RowSet {
  enum class Kind {
    kWhere,    // the rows of `table` that meet every condition of `where`
    kBest,     // the row of `of` whose `column` is the rank-th highest, or lowest; null cells left out
    kFollow,   // the rows that the reference `column` of the rows of `of` refers to
    kGroup,    // of the rows that the reference `column` of `of` refers to: the one for which `how` over the `measure` of those rows is
               // the highest, or the lowest
  };
  Kind kind = Kind::kWhere;
  int table = -1;               // that the rows are of
  std::vector<Condition> where;
  RowSetPtr of;
  int column = -1;
  bool highest = true;
  int rank = 1;                 // from 1
  Aggregate how = Aggregate::kCount;
  int measure = -1;             // -1 for kCount

  // Whether it is one row by its very form: a best one, or a row named by its key.
  bool is_single(const Tables& tables) const;
  // Whether it is the row that is named by constants alone.
  bool is_named(const Tables& tables) const;
};

// Whether they say the same, step by step.
bool same(const RowSet& left, const RowSet& right);

struct Question {
  enum class Ask {
    kName,        // of the one row: the name of the entity
    kNames,       // of all rows, in any order
    kCell,        // of the one row: its `column`
    kAggregate,   // `how` over `column` of all rows
  };
  Ask ask = Ask::kName;
  RowSetPtr of;
  int column = -1;              // -1 for names and counts
  Aggregate how = Aggregate::kCount;
  // If given: how far apart the two answers are, which are numbers or cells that say a time. Times differ by minutes (clock) or days.
  std::shared_ptr<const Question> minus;
};

// How hard a question is: crossings of a reference that are not a name given in the question, and everything that filters, ranks
// or combines.
struct Size {
  int64_t hops = 0, operators = 0;
};
Size size_of(const Question& question, const Tables& tables);

// A variation of a question: one step left out or turned round. `column` is "hotel.price".
struct Variation {
  std::string column, change;   // "dropped", "negated", "other side", "other end", "next rank"
  Question question;
  bool dropped() const { return change == "dropped"; }
};
std::vector<Variation> variations(const Question& question, const Tables& tables);

}  // namespace assay::query
