// precedes: of two groups that a relation joins ("before", "after"), the first ends before the second begins; "lag" names a column
// of the relation with the minutes that lie between at least.
#include "verifiers/spans.h"

namespace assay::operators::precedes {
namespace {

struct Relation {
  int table = -1;
  BoundColumn before, after, lag;   // lag.spec is null without a lag
};
struct Link {
  int first, second;   // groups
  int64_t lag;         // minutes, or no value
};

class Precedes final : public Constraint {
 public:
  Precedes(const Binding& binding, Spans spans, int field, Relation relation)
      : binding_(binding), spans_(spans), field_(field), relation_(relation) {
    std::vector<int> group_of(static_cast<size_t>(binding_.tables.at(binding_.shape.fields[field_].table).size()), -1);
    for (int group = 0; group < binding_.shape.groups; ++group)
      if (const int32_t row = given_row(binding_.shape, binding_.tables, binding_.shape.slot(group, field_)); row >= 0) group_of[static_cast<size_t>(row)] = group;
    for (int32_t row = 0; row < binding_.tables.tables[relation_.table].size(); ++row) {
      const int64_t before = relation_.before.at(row), after = relation_.after.at(row);
      if (!has_value(before) || !has_value(after)) continue;
      const int first = group_of[static_cast<size_t>(before)], second = group_of[static_cast<size_t>(after)];
      if (first >= 0 && second >= 0) links_.push_back({first, second, relation_.lag.spec ? relation_.lag.at(row) : 0});
    }
  }

  bool holds(const int32_t* rows) const override { return !offender(rows); }

  std::string explain(const int32_t* rows) const override {
    const Link* link = offender(rows);
    if (!link) return "";
    std::string out = spans_.text(binding_.shape, rows, link->first) + " does not end before " + spans_.text(binding_.shape, rows, link->second) + " begins";
    if (relation_.lag.spec) out += ", with " + with_article(relation_.lag.spec->label) + " of " + value_text(link->lag, relation_.lag, binding_);
    return out;
  }

  std::string sentence() const override {
    const std::string group = binding_.shape.group_label;
    std::string out = "A" + with_article(group).substr(1) + " that has to come before another one (the " + binding_.tables.tables[relation_.table].spec.plural + " say which) must end before that one begins";
    if (relation_.lag.spec) out += ", with at least the " + relation_.lag.spec->label + " between them";
    return out + " (each lasts " + spans_.sentence(binding_.shape) + ").";
  }

  // None if no two of the groups are joined, which an explorer does not know at first.
  std::vector<std::string> branches() const override {
    return links_.empty() && !binding_.asked ? std::vector<std::string>{} : std::vector<std::string>{"in order"};
  }

  Literal reify(Lowering& lowering, size_t) const override {
    std::vector<Literal> all{lowering.model().constant(true)};
    for (const Link& link : links_) {
      if (link.lag == kNull) return lowering.model().constant(false);
      spans_.present(lowering, link.first, all);
      spans_.present(lowering, link.second, all);
      all.push_back(spans_.before(lowering, link.first, link.second, link.lag == kUnknown ? 0 : link.lag));
    }
    return lowering.all(std::move(all));
  }

  void prefer_near_miss(Lowering& lowering, size_t) const override {
    std::vector<Spans::Order> orders;
    std::vector<Literal> present;
    for (const Link& link : links_) {
      if (!has_value(link.lag)) return;
      orders.push_back({link.first, link.second, link.lag});
      spans_.present(lowering, link.first, present);
      spans_.present(lowering, link.second, present);
    }
    const Var late = spans_.lateness(lowering, orders);   // of the latest
    for (const Spans::Order& order : orders) lowering.require(spans_.before(lowering, order.first, order.second, order.gap, late));
    for (Literal literal : present) lowering.require(literal);
    lowering.model().minimise_first.push_back(late);
  }

  std::string python() const override {
    std::string spans, names;
    for (int group : groups()) {
      spans += (spans.empty() ? "" : ", ") + spans_.python(binding_.shape, group);
      names += (names.empty() ? "name(" : ", name(") + std::to_string(binding_.shape.slot(group, field_)) + ")";
    }
    return "in_order([" + spans + "], [" + names + "], " + python_text(binding_.tables.tables[relation_.table].spec.name) + ", " +
           python_text(relation_.before.spec->name) + ", " + python_text(relation_.after.spec->name) + ", " +
           (relation_.lag.spec ? python_text(relation_.lag.spec->name) : "None") + ")";
  }

  std::vector<int> slots() const override {
    std::vector<int> out;
    for (int group : groups())
      for (int slot : spans_.slots(binding_.shape, group)) out.push_back(slot);
    return out;
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out = spans_.needs();
    for (const BoundColumn* column : {&relation_.before, &relation_.after, &relation_.lag})
      if (column->spec) out.insert({relation_.table, column->column});
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int group = 0; group < binding_.shape.groups; ++group)
      out.push_back(Fact::rows(relation_.table, relation_.before.column, rows[binding_.shape.slot(group, field_)]));
    for (int group : groups()) spans_.facts(binding_.shape, rows, group, out);
  }

 private:
  const Link* offender(const int32_t* rows) const {
    for (const Link& link : links_) {
      const auto first = spans_.of(binding_.shape, rows, link.first), second = spans_.of(binding_.shape, rows, link.second);
      if (!first || !second || !has_value(link.lag) || first->to + link.lag > second->from) return &link;
    }
    return nullptr;
  }
  std::set<int> groups() const {   // those that the relation says something of
    std::set<int> out;
    for (const Link& link : links_) out.insert({link.first, link.second});
    return out;
  }

  Binding binding_;
  Spans spans_;
  int field_;
  Relation relation_;
  std::vector<Link> links_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  const Spans spans = Spans::read(reader, binding);
  Relation relation;
  relation.table = read_table(reader, "table", binding);
  const std::string before = reader.text("before"), after = reader.text("after"), lag = reader.text_or("lag", "");
  if (reader.failed()) return nullptr;
  relation.before = read_column_of(reader, before, "before", relation.table, binding);
  relation.after = read_column_of(reader, after, "after", relation.table, binding);
  if (!lag.empty()) relation.lag = read_column_of(reader, lag, "lag", relation.table, binding);
  if (reader.failed()) return nullptr;
  const int field = spans.length.field;
  for (const BoundColumn* column : {&relation.before, &relation.after})
    if (column->spec->references != binding.shape.fields[field].table)
      reader.fail("before", "the columns must refer to the table '" + binding.shape.fields[field].table + "'");
  if (relation.lag.spec && relation.lag.spec->type != ColumnType::kInteger) reader.fail("lag", "the column holds no whole numbers");
  if (reader.failed()) return nullptr;
  return std::make_unique<Precedes>(binding, spans, field, relation);
}

}  // namespace

Operator make() { return {"precedes", "what a relation puts before something ends before that begins", compile}; }

}  // namespace assay::operators::precedes
