// connected: the entity of each group can be reached from the one before by a row of a relation (a train, a flight) that
// passes tests. Staying at the same entity needs no connection. "start" names where the first leg begins, if it counts.
#include <algorithm>
#include <map>

#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::operators::connected {
namespace {

struct RowTest {
  BoundColumn column;
  CellTest test;
};

class Connected final : public Constraint {
 public:
  Connected(const Binding& binding, int field, int table, BoundColumn from, BoundColumn to, std::vector<RowTest> where, int32_t start)
      : binding_(binding), field_(field), table_(table), from_(from), to_(to), where_(std::move(where)), start_(start) {
    for (int group = 0; group < binding_.shape.groups; ++group) slots_.push_back(binding_.shape.slot(group, field_));
    for (int32_t row = 0; row < binding_.tables.tables[table_].size(); ++row) {
      bool good = true;
      for (const RowTest& test : where_) good &= test.test.holds(test.column.at(row));
      if (good) links_.push_back(key(from_.at(row), to_.at(row)));
    }
    std::sort(links_.begin(), links_.end());
    links_.erase(std::unique(links_.begin(), links_.end()), links_.end());
    // A dense bit per pair: legs are checked half a million times a second.
    places_ = entity_table().size();
    joined_.assign(static_cast<size_t>(places_) * places_, false);
    for (uint64_t link : links_) joined_[static_cast<size_t>(link >> 32) * places_ + (link & 0xffffffff)] = true;
    if (!explores()) tuples_ = make_tuples();
  }

  bool holds(const int32_t* rows) const override { return offender(rows) < 0; }

  std::string explain(const int32_t* rows) const override {
    const int leg = offender(rows);
    if (leg < 0) return "";
    const auto [from, to] = ends(rows, leg - 1);
    if (from < 0 || to < 0) return "a " + binding_.shape.fields[field_].label + " is not known";
    return "no " + binding_.tables.tables[table_].spec.label + where_text() + " goes from \"" + name(from) + "\" to \"" + name(to) + "\"";
  }

  std::string sentence() const override {
    const std::string label = binding_.shape.fields[field_].label, group = binding_.shape.group_label;
    std::string out = "Between the " + label + " of each " + group + " and that of the next there must be a direct " +
                      binding_.tables.tables[table_].spec.label + where_text() + " (none is needed where the " + label + " stays the same)";
    if (start_ >= 0) out += "; the first leg starts in " + name(start_);
    return out + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (int leg = first_leg(); leg < legs(); ++leg) out.push_back("leg " + std::to_string(leg + 1));
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    const int leg = static_cast<int>(branch) + first_leg();
    const auto [from_slot, to_slot] = leg_slots(leg);
    if (from_slot < 0) {
      std::vector<int> test;
      for (int32_t place = 0; place < entity_table().size(); ++place) test.push_back(refuted(start_, place) ? 0 : 1);
      return lowering.row_test(to_slot, test);
    }
    const Literal literal = lowering.model().add_literal();
    lowering.model().tables.push_back({lowering.slot(from_slot), lowering.slot(to_slot), pairs(), true, literal, explores()});
    return literal;
  }

  void post(Lowering& lowering) const override {
    const Pairs pairs = this->pairs();
    for (int leg = first_leg(); leg < legs(); ++leg) {
      const auto [from_slot, to_slot] = leg_slots(leg);
      if (from_slot < 0) lowering.require(reify(lowering, 0));
      else lowering.model().tables.push_back({lowering.slot(from_slot), lowering.slot(to_slot), pairs, false, {}, explores()});
    }
  }

  std::string python() const override {
    std::string stops = start_ >= 0 ? python_text(name(start_)) : "";
    for (int slot : slots_) stops += (stops.empty() ? "" : ", ") + ("name(" + std::to_string(slot) + ")");
    std::string tests;
    for (const RowTest& test : where_) {
      const std::string cell = "r[" + python_text(test.column.spec->name) + "]";
      tests += " and " + cell + " is not None and " + python_test(test.test, test.column, binding_, cell);
    }
    return "connected([" + stops + "], " + python_text(binding_.tables.tables[table_].spec.name) + ", " + python_text(from_.spec->name) + ", " +
           python_text(to_.spec->name) + ", lambda r: True" + tests + ")";
  }

  std::vector<int> slots() const override { return slots_; }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out{{table_, from_.column}, {table_, to_.column}};
    for (const RowTest& test : where_) out.insert({table_, test.column.column});
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int leg = first_leg(); leg < legs(); ++leg) {
      const auto [from, to] = ends(rows, leg);
      if (from != to) out.push_back(pair(from, to));
    }
  }

 private:
  using Pairs = std::shared_ptr<const std::vector<std::pair<int, int>>>;
  static uint64_t key(int64_t from, int64_t to) { return static_cast<uint64_t>(from) << 32 | static_cast<uint32_t>(to); }
  int first_leg() const { return start_ >= 0 ? -1 : 0; }
  int legs() const { return static_cast<int>(slots_.size()) - 1; }
  std::pair<int, int> leg_slots(int leg) const { return {leg < 0 ? -1 : slots_[leg], slots_[leg + 1]}; }
  std::pair<int32_t, int32_t> ends(const int32_t* rows, int leg) const {
    return {leg < 0 ? start_ : rows[slots_[leg]], rows[slots_[leg + 1]]};
  }
  bool reachable(int32_t from, int32_t to) const {
    if (from < 0 || to < 0) return false;
    return from == to || (from < places_ && to < places_ && joined_[static_cast<size_t>(from) * places_ + to]);
  }
  // One more than the first leg that fails, or -1.
  int offender(const int32_t* rows) const {
    for (int leg = first_leg(); leg < legs(); ++leg) {
      const auto [from, to] = ends(rows, leg);
      if (!reachable(from, to)) return leg + 1;
    }
    return -1;
  }
  Fact pair(int32_t from, int32_t to) const { return Fact::rows(table_, from_.column, from, to_.column, to); }
  bool refuted(int32_t from, int32_t to) const {
    return !reachable(from, to) && !binding_.is_open(pair(from, to));
  }
  bool explores() const { return binding_.asked != nullptr; }
  // The pairs that are joined; for an explorer those that are not: any pair will do that has not been asked about in vain.
  Pairs pairs() const { return explores() ? refuted_tuples() : tuples_; }
  Pairs refuted_tuples() const {
    auto out = std::make_shared<std::vector<std::pair<int, int>>>();
    for (const Fact& fact : *binding_.asked) {
      if (fact.table != table_ || fact.other < 0) continue;
      const bool forward = fact.column == from_.column;
      const int32_t from = forward ? fact.row : fact.other, to = forward ? fact.other : fact.row;
      if (refuted(from, to)) out->emplace_back(from, to);
    }
    return out;
  }
  Pairs make_tuples() const {
    auto out = std::make_shared<std::vector<std::pair<int, int>>>();
    for (int32_t place = 0; place < entity_table().size(); ++place) out->emplace_back(place, place);
    for (uint64_t link : links_)
      if ((link >> 32) != (link & 0xffffffff)) out->emplace_back(static_cast<int>(link >> 32), static_cast<int>(link & 0xffffffff));
    return out;
  }
  const Table& entity_table() const { return binding_.tables.at(binding_.shape.fields[field_].table); }
  std::string name(int32_t row) const {
    return std::string(binding_.tables.entity_name(binding_.tables.table_index(entity_table().spec.name), row));
  }
  std::string where_text() const {
    std::vector<std::string> parts;
    for (const RowTest& test : where_) parts.push_back(having(test.test, test.column, binding_));
    return parts.empty() ? "" : " with " + join_words(parts);
  }

  Binding binding_;
  int field_, table_;
  BoundColumn from_, to_;
  std::vector<RowTest> where_;
  int32_t start_;
  std::vector<int> slots_;
  std::vector<uint64_t> links_;   // from << 32 | to, sorted
  int32_t places_ = 0;
  std::vector<bool> joined_;
  Pairs tuples_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  const int field = binding.shape.field_index(reader.text("field"));
  if (field < 0 || !binding.shape.fields[field].is_entity()) reader.fail("field", "no entity field has this name");
  const int table = read_table(reader, "table", binding);
  const BoundColumn from = read_column_of(reader, reader.text("from"), "from", table, binding);
  const BoundColumn to = read_column_of(reader, reader.text("to"), "to", table, binding);
  if (reader.failed()) return nullptr;
  for (const BoundColumn& column : {from, to})
    if (column.spec->references != binding.shape.fields[field].table)
      reader.fail("from", "the columns must refer to the table '" + binding.shape.fields[field].table + "'");
  std::vector<RowTest> where;
  const Json& tests = reader.member_or_null("where");
  for (size_t i = 0; i < tests.size() && !reader.failed(); ++i) {
    JsonReader r(tests[i], reader.file(), reader.path_of("where") + "[" + std::to_string(i) + "]");
    RowTest test;
    test.column = read_column_of(r, r.text("get"), "get", table, binding);
    if (!r.failed()) test.test = read_cell_test(r, test.column, binding);
    if (Status status = r.finish(); !status.ok()) reader.fail("where", status.error().text());
    where.push_back(std::move(test));
  }
  int32_t start = -1;
  if (reader.has("start")) {
    start = binding.tables.resolve_name(binding.tables.table_index(binding.shape.fields[field].table), reader.text("start"));
    if (start < 0) reader.fail("start", "no such entity");
  }
  reader.member_or_null("start");
  if (!reader.failed() && binding.shape.groups < 2 && start < 0) reader.fail("field", "with one group there is no leg");
  if (reader.failed()) return nullptr;
  return std::make_unique<Connected>(binding, field, table, from, to, std::move(where), start);
}

}  // namespace

Operator make() { return {"connected", "each group's entity is reached from the one before by a row of a relation", compile}; }

}  // namespace assay::operators::connected
