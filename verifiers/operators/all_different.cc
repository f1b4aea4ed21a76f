// all_different: no entity (or no value of a column, with "by") occurs twice among the slots. Compared by identity, not by spelling.
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::operators::all_different {
namespace {

class AllDifferent final : public Constraint {
 public:
  AllDifferent(const Binding& binding, SlotChoice choice, std::optional<BoundColumn> by)
      : binding_(binding), choice_(std::move(choice)), by_(by) {
    for (size_t i = 0; i < choice_.fields.size(); ++i)
      for (size_t j = i; j < choice_.fields.size(); ++j)
        if (i != j || choice_.groups.size() > 1) pairs_.emplace_back(choice_.fields[i], choice_.fields[j]);
  }

  bool holds(const int32_t* rows) const override { return !offenders(rows); }

  std::string explain(const int32_t* rows) const override {
    const auto pair = offenders(rows);
    if (!pair) return "";
    if (!has_value(value(rows, pair->first))) return binding_.shape.slot_text(pair->first) + " has no " + what();
    return binding_.shape.slot_text(pair->first) + " and " + binding_.shape.slot_text(pair->second) + " are both " +
           (by_ ? value_text(value(rows, pair->first), *by_, binding_)
                : "\"" + binding_.tables.entity_text(table(), rows[pair->first]) + "\"");
  }

  std::string sentence() const override {
    const std::string noun = binding_.tables.tables[table()].spec.label;
    if (by_ && choice_.all_groups && choice_.fields.size() == 1) return "No two " + plurals(choice_, binding_) + " may have the same " + by_->spec->label + ".";
    if (by_) return "No two of " + noun_phrase(choice_, binding_, false) + " may have the same " + by_->spec->label + ".";
    const std::string where = choice_.all_groups ? "in the " + binding_.shape.whole : "among " + noun_phrase(choice_, binding_, false);
    return "No " + noun + " may appear twice " + where + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (auto [a, b] : pairs_) {
      const auto& fields = binding_.shape.fields;
      out.push_back(a == b ? "within " + fields[a].name : "across " + fields[a].name + " and " + fields[b].name);
    }
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    std::vector<Literal> differ;
    for (int a : slots_of(pairs_[branch].first))
      for (int b : slots_of(pairs_[branch].second)) {
        if (pairs_[branch].first == pairs_[branch].second && a >= b) continue;
        differ.push_back(lowering.linear({1, -1}, {variable(lowering, a), variable(lowering, b)}, Relation::kNotEqual, 0));
        // One entity has one scope: what makes two slots equal makes their scopes equal.
        if (const int scope = binding_.tables.tables[table()].spec.scope_column(); !by_ && scope >= 0)
          lowering.model().clauses.push_back({{differ.back(), lowering.linear({1, -1}, {lowering.value(a, scope), lowering.value(b, scope)}, Relation::kEqual, 0)}});
        if (by_) differ.push_back(lowering.present(a, by_->column)), differ.push_back(lowering.present(b, by_->column));
      }
    return lowering.all(std::move(differ));
  }

  void post(Lowering& lowering) const override {
    std::vector<Var> variables, rows;
    for (int slot : choice_.slots) {
      variables.push_back(variable(lowering, slot));
      rows.push_back(lowering.slot(slot));
      if (by_) lowering.require(lowering.present(slot, by_->column));
    }
    lowering.model().all_differents.push_back({std::move(variables)});
    if (by_) lowering.model().all_differents.push_back({std::move(rows)});   // implied: what differs in a column is not the same
  }

  std::string python() const override {
    std::string list;
    for (int slot : choice_.slots)
      list += (list.empty() ? "" : ", ") +
              (by_ ? "v(" + std::to_string(slot) + ", " + python_text(by_->spec->name) + ")" : "row(" + std::to_string(slot) + ")");
    return "distinct([" + list + "])";
  }

  std::vector<int> slots() const override { return choice_.slots; }
  std::set<ColumnNeed> needs() const override {
    return by_ ? std::set<ColumnNeed>{{by_->table, by_->column}} : std::set<ColumnNeed>{};
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    if (!by_) return;
    for (int slot : choice_.slots) out.push_back({by_->table, by_->column, rows[slot]});
  }

 private:
  int64_t value(const int32_t* rows, int slot) const {
    if (rows[slot] < 0) return kNull;
    return by_ ? by_->at(rows[slot]) : rows[slot];
  }
  std::optional<std::pair<int, int>> offenders(const int32_t* rows) const {
    const auto& s = choice_.slots;
    for (size_t i = 0; i < s.size(); ++i) {
      const int64_t left = value(rows, s[i]);
      if (!has_value(left)) return std::pair{s[i], s[i]};
      for (size_t j = 0; j < i; ++j)
        if (value(rows, s[j]) == left) return std::pair{s[j], s[i]};
    }
    return std::nullopt;
  }
  std::vector<int> slots_of(int field) const {
    std::vector<int> out;
    for (int slot : choice_.slots)
      if (binding_.shape.field_of_slot(slot) == field) out.push_back(slot);
    return out;
  }
  Var variable(Lowering& lowering, int slot) const { return by_ ? lowering.value(slot, by_->column) : lowering.slot(slot); }
  int table() const { return binding_.tables.table_index(binding_.shape.fields[choice_.fields[0]].table); }
  std::string what() const { return by_ ? by_->spec->label : "known " + binding_.tables.tables[table()].spec.label; }

  Binding binding_;
  SlotChoice choice_;
  std::optional<BoundColumn> by_;
  std::vector<std::pair<int, int>> pairs_;   // of fields: one branch each
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  SlotChoice choice = read_slots(reader, "slots", binding);
  std::optional<BoundColumn> by;
  if (reader.has("by")) by = read_column(reader, reader.text("by"), "by", choice.slots, binding);
  for (int field : choice.fields)
    if (binding.shape.fields[field].table != binding.shape.fields[choice.fields[0]].table)
      reader.fail("slots", "the fields are of different tables, so they cannot be equal anyway");
  if (!reader.failed() && choice.slots.size() < 2) reader.fail("slots", "expected at least two slots");
  reader.member_or_null("by");
  if (reader.failed()) return nullptr;
  return std::make_unique<AllDifferent>(binding, std::move(choice), by);
}

}  // namespace

Operator make() { return {"all_different", "no entity, or no value of a column, occurs twice among the slots", compile}; }

}  // namespace assay::operators::all_different
