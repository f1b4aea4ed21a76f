// compare: an attribute of every chosen slot against a constant, a set, or an attribute of another field of the same group.
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::operators::compare {
namespace {

class Compare final : public Constraint {
 public:
  Compare(const Binding& binding, SlotChoice choice, BoundColumn column, CellTest test, int than, BoundColumn than_column)
      : binding_(binding), choice_(std::move(choice)), column_(column), test_(std::move(test)), than_(than), than_column_(than_column) {}

  bool holds(const int32_t* rows) const override {
    for (int slot : choice_.slots)
      if (!slot_holds(slot, rows)) return false;
    return true;
  }

  std::string explain(const int32_t* rows) const override {
    for (int slot : choice_.slots) {
      if (slot_holds(slot, rows)) continue;
      if (rows[slot] < 0) return binding_.shape.slot_text(slot) + " is not known";
      std::string out = "the " + column_.spec->label + " of " + binding_.shape.slot_text(slot) + " is " +
                        value_text(column_.at(rows[slot]), column_, binding_) + ", expected " + expected();
      if (than_ >= 0) out += ", which is " + value_text(than_column_.at(rows[other(slot)]), than_column_, binding_);
      return out;
    }
    return "";
  }

  std::string sentence() const override {
    const std::string who = noun_phrase(choice_, binding_, true);
    if (than_ >= 0) return "The " + column_.spec->label + " of " + who + " must " + (test_.relation == Relation::kNotEqual ? "differ from " + counterpart() : "be " + expected()) + ".";
    const bool unlike = !test_.in && test_.relation == Relation::kNotEqual;
    const std::string what = (is_name() ? "be " : several() ? "each have " : "have ") + (is_name() ? values() : unlike ? having(*column_.spec, Relation::kEqual, values()) : having(test_, column_, binding_));
    if (unlike && choice_.all_groups) return "No " + labels(choice_, binding_, "or") + " may " + what + ".";
    return upper_first(who) + (unlike ? " must not " : " must ") + what + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (int field : choice_.fields) out.push_back(binding_.shape.fields[field].name);
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    std::vector<Literal> literals;
    for (int slot : branch_slots(branch)) {
      if (than_ < 0) {
        literals.push_back(lowering.row_test(slot, rows_passing(test_, column_)));
        continue;
      }
      literals.push_back(lowering.linear({1, -1}, {lowering.value(slot, column_.column), lowering.value(other(slot), than_column_.column)},
                                         test_.relation, 0));
      literals.push_back(lowering.present(slot, column_.column));
      literals.push_back(lowering.present(other(slot), than_column_.column));
    }
    return lowering.all(std::move(literals));
  }

  void prefer_near_miss(Lowering& lowering, size_t branch) const override {
    const auto slots = branch_slots(branch);
    if (test_.in || !column_.spec->is_number() || slots.size() != 1) return;
    const int sign = test_.relation == Relation::kGreater || test_.relation == Relation::kGreaterEqual ? -1 : 1;
    const Var gap = lowering.model().add(0, 100'000'000), left = lowering.value(slots[0], column_.column);
    if (than_ >= 0) lowering.post_linear({1, -sign, sign}, {gap, left, lowering.value(other(slots[0]), than_column_.column)}, Relation::kEqual, 0);
    else lowering.post_linear({1, -sign}, {gap, left}, Relation::kEqual, -sign * test_.values[0]);
    lowering.model().minimise_first.push_back(gap);
  }

  std::string python() const override {
    std::string out;
    for (int slot : choice_.slots) {
      const std::string left = "v(" + std::to_string(slot) + ", " + python_text(column_.spec->name) + ")";
      out += out.empty() ? "" : ", ";
      if (than_ < 0) out += python_test(test_, column_, binding_, left);
      else out += left + " " + python_relation(test_.relation) + " v(" + std::to_string(other(slot)) + ", " + python_text(than_column_.spec->name) + ")";
    }
    return "every([" + out + "])";
  }

  std::vector<int> slots() const override {
    std::vector<int> out = choice_.slots;
    if (than_ >= 0)
      for (int slot : choice_.slots) out.push_back(other(slot));
    return out;
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out{{column_.table, column_.column}};
    if (than_ >= 0) out.insert({than_column_.table, than_column_.column});
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int slot : choice_.slots) {
      out.push_back({column_.table, column_.column, rows[slot]});
      if (than_ >= 0) out.push_back({than_column_.table, than_column_.column, rows[other(slot)]});
    }
  }

 private:
  bool slot_holds(int slot, const int32_t* rows) const {
    const int64_t cell = column_.at(rows[slot]);
    if (than_ < 0) return test_.holds(cell);
    const int64_t right = than_column_.at(rows[other(slot)]);
    return has_value(cell) && has_value(right) && assay::compare(cell, test_.relation, right);
  }
  bool is_name() const {
    const TableSpec& table = binding_.tables.tables[column_.table].spec;
    return table.is_entity() && column_.column == table.name_column() && column_.spec->type == ColumnType::kText;
  }
  bool several() const { return !choice_.all_groups && choice_.slots.size() > 1; }
  std::string values() const {
    std::vector<std::string> out;
    for (int64_t value : test_.values) out.push_back(value_text(value, column_, binding_));
    return join_words(out, "or");
  }
  int other(int slot) const { return binding_.shape.slot(binding_.shape.group_of_slot(slot), than_); }
  std::string expected() const {
    if (than_ < 0) return test_text(test_, column_, binding_);
    return (test_.relation == Relation::kEqual ? "the same as" : relation_words(*column_.spec, test_.relation)) + " " + counterpart();
  }
  std::string counterpart() const {
    const std::string than = "the " + than_column_.spec->label + " of ", label = binding_.shape.fields[than_].label;
    return binding_.shape.has_given_entities() ? than + "its " + label : than + "the " + label + " for the same " + binding_.shape.group_label;
  }
  std::vector<int> branch_slots(size_t branch) const {
    std::vector<int> out;
    for (int slot : choice_.slots)
      if (binding_.shape.field_of_slot(slot) == choice_.fields[branch]) out.push_back(slot);
    return out;
  }

  Binding binding_;
  SlotChoice choice_;
  BoundColumn column_;
  CellTest test_;
  int than_;   // field, or -1
  BoundColumn than_column_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  SlotChoice choice = read_slots(reader, "slots", binding);
  const BoundColumn column = read_column(reader, reader.text("get"), "get", choice.slots, binding);
  if (reader.failed()) return nullptr;
  if (!reader.has("than")) {
    CellTest test = read_cell_test(reader, column, binding);
    reader.member_or_null("than");
    if (reader.failed()) return nullptr;
    return std::make_unique<Compare>(binding, std::move(choice), column, std::move(test), -1, BoundColumn{});
  }
  const Json& than = reader.object("than");
  const int field = binding.shape.field_index(than.value("field", ""));
  if (field < 0 || !binding.shape.fields[field].is_entity() || than.size() != 2) {
    reader.fail("than", "expected {\"field\": ENTITY FIELD, \"get\": COLUMN}");
    return nullptr;
  }
  const BoundColumn other = read_column(reader, than.value("get", ""), "than", {binding.shape.slot(0, field)}, binding);
  if (reader.failed()) return nullptr;
  if (column.spec->type != other.spec->type || column.spec->decimals != other.spec->decimals || column.spec->references != other.spec->references)
    reader.fail("than", "both columns must be of one type: numbers with the same decimals, texts, or references to one table");
  const Json constant = {{"cmp", reader.text("cmp")}, {"value", column.spec->is_number() ? Json(0) : Json("")}};
  JsonReader cmp(constant, reader.file(), reader.path());
  CellTest test = read_cell_test(cmp, column, binding);
  if (Status status = cmp.finish(); !status.ok() || test.in) reader.fail("cmp", "expected one of == != < <= > >=");
  if (reader.failed()) return nullptr;
  return std::make_unique<Compare>(binding, std::move(choice), column, std::move(test), field, other);
}

}  // namespace

Operator make() { return {"compare", "an attribute against a constant, a set, or an attribute of another field", compile}; }

}  // namespace assay::operators::compare
