// What operators over time share. In minutes, each group of an answer takes the span [from, to): from its start, a column of one
// field's entity, for its length, a column of another's, which is given. One span may begin when another ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verifiers/constraint.h"

namespace assay {

// kUnknown only for an explorer, who has not asked yet. No value at all (kNull) is kNo: it cannot be judged.
enum class Truth { kNo, kYes, kUnknown };

// A column of the entity in one field of every group: {"field": NAME, "get": COLUMN}.
struct Attribute {
  int field = -1;
  BoundColumn column;

  int slot(const AnswerShape& shape, int group) const { return shape.slot(group, field); }
  Fact fact(const AnswerShape& shape, const int32_t* rows, int group) const { return {column.table, column.column, rows[slot(shape, group)]}; }
};
// The column must hold whole numbers.
Attribute read_minutes(JsonReader& reader, const char* member, const Binding& binding);

struct Span {
  int64_t from = 0, to = 0;
  bool overlaps(const Span& other) const { return from < other.to && other.from < to; }
};

// Members "start" and "length".
struct Spans {
  Attribute start, length;

  static Spans read(JsonReader& reader, const Binding& binding);
  // Nothing where a cell has no value.
  std::optional<Span> of(const AnswerShape& shape, const int32_t* rows, int group) const;
  void facts(const AnswerShape& shape, const int32_t* rows, int group, std::vector<Fact>& out) const;
  std::vector<int> slots(const AnswerShape& shape, int group) const { return {start.slot(shape, group), length.slot(shape, group)}; }
  std::set<ColumnNeed> needs() const { return {{start.column.table, start.column.column}, {length.column.table, length.column.column}}; }
  // All cells that spans are made of have values.
  void present(Lowering& lowering, int group, std::vector<Literal>& out) const;
  // The span of group `first` and then `gap` minutes end before that of `second` begins, or at most `late` minutes after.
  Literal before(Lowering& lowering, int first, int second, int64_t gap, std::optional<Var> late = std::nullopt) const;
  // A variable of how late a span can be that should lie before another: over all `orders`, more than nothing.
  struct Order {
    int first, second;   // groups
    int64_t gap;         // minutes
  };
  Var lateness(Lowering& lowering, const std::vector<Order>& orders) const;
  std::string sentence(const AnswerShape& shape) const;                       // "from the minute of its start for its length"
  std::string text(const AnswerShape& shape, const int32_t* rows, int group) const;   // "\"Budget review\" (540 to 600)"
  std::string python(const AnswerShape& shape, int group) const;
};

// The entities that a group has to do with: the one in a field, {"field": "room"}; the one that its column refers to,
// {"field": "visit", "get": "district"}; or all that a relation joins with a given one,
// {"field": "meeting", "through": {"table": "attendance", "from": "meeting", "to": "person"}}.
class Owners {
 public:
  struct Set {
    std::vector<int32_t> rows;     // ascending
    Truth known = Truth::kYes;     // whether that is all
  };

  static Owners read(JsonReader& reader, const char* member, const Binding& binding);

  int field() const { return field_; }
  int table() const { return table_; }
  bool through_relation() const { return relation_ >= 0; }
  // Of the entity `row` in the field; an empty set of which nothing is known for -1.
  const Set& of(int32_t row) const { return row < 0 ? none_ : sets_[static_cast<size_t>(row)]; }
  Truth shared(int32_t row, int32_t other) const;
  void facts(int32_t row, std::vector<Fact>& out) const;
  void add_needs(std::set<ColumnNeed>& out) const;
  // Whether two groups have an owner in common; while that is not known, they have not.
  Literal shared(Lowering& lowering, int first, int second) const;
  Literal present(Lowering& lowering, int group) const;
  std::string noun() const { return noun_; }      // "room", "district", "participant"
  const std::string& phrase() const { return phrase_; }   // "its room", "every participant", "the job itself"
  std::string python(const AnswerShape& shape, int group) const;   // a set of names

 private:
  void be(JsonReader& r, const Table& sources, const Binding& binding);
  void refer(JsonReader& r, const std::string& get, const Table& sources, const Binding& binding);
  void join(JsonReader& r, const Json& through, const Table& sources, const Binding& binding);

  int field_ = -1, table_ = -1, relation_ = -1;
  BoundColumn get_, from_, to_;
  std::string noun_, phrase_, relation_name_;
  std::vector<Set> sets_;   // [row]
  Set none_{{}, Truth::kNo};
};

// A column, or one reached over references: "opens", "office.opens". It must hold whole numbers.
struct Path {
  std::vector<BoundColumn> steps;

  static Path read(JsonReader& reader, const char* member, int table, const Binding& binding);
  int64_t at(int32_t row) const;
  void facts(int32_t row, std::vector<Fact>& out) const;
  void add_needs(std::set<ColumnNeed>& out) const;
  const std::string& label() const { return steps.back().spec->label; }
  std::string of() const;                             // "" or, over references, "the office of "
  std::string python(const Binding& binding) const;   // a list of (table, column)
};

}  // namespace assay
