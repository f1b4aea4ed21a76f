// order: an attribute rises or falls from each group to the next.
#include "verifiers/constraint.h"

namespace assay::operators::order {
namespace {

class Order final : public Constraint {
 public:
  Order(const Binding& binding, SlotChoice choice, BoundColumn column, bool rising, bool strict)
      : binding_(binding), choice_(std::move(choice)), column_(column), rising_(rising), strict_(strict) {
    relation_ = rising ? (strict ? Relation::kLess : Relation::kLessEqual) : (strict ? Relation::kGreater : Relation::kGreaterEqual);
  }

  bool holds(const int32_t* rows) const override { return offender(rows) < 0; }

  std::string explain(const int32_t* rows) const override {
    const int i = offender(rows);
    if (i < 0) return "";
    const int first = choice_.slots[i], second = choice_.slots[i + 1];
    for (int slot : {first, second})
      if (!has_value(column_.at(rows[slot]))) return binding_.shape.slot_text(slot) + " has no known " + column_.spec->label;
    return "the " + column_.spec->label + " goes from " + value_text(column_.at(rows[first]), column_, binding_) + " (" +
           binding_.shape.slot_text(first) + ") to " + value_text(column_.at(rows[second]), column_, binding_) + " (" +
           binding_.shape.slot_text(second) + "), expected to " + verb();
  }

  std::string sentence() const override {
    const std::string groups = choice_.all_groups ? "from one " + binding_.shape.group_label + " to the next"
                                                  : "in this sequence: " + noun_phrase(choice_, binding_, false);
    return "The " + column_.spec->label + " of the " + binding_.shape.fields[choice_.fields[0]].label + " must " + verb() + " " + groups + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (size_t i = 0; i + 1 < choice_.slots.size(); ++i) out.push_back("step " + std::to_string(i + 1));
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    const int first = choice_.slots[branch], second = choice_.slots[branch + 1];
    return lowering.all({lowering.present(first, column_.column), lowering.present(second, column_.column),
                         lowering.linear({1, -1}, {lowering.value(first, column_.column), lowering.value(second, column_.column)}, relation_, 0)});
  }

  void prefer_near_miss(Lowering& lowering, size_t branch) const override {
    const int sign = rising_ ? 1 : -1;
    const Var gap = lowering.model().add(0, 100'000'000);  // gap = sign * (first - second)
    lowering.post_linear({1, -sign, sign}, {gap, lowering.value(choice_.slots[branch], column_.column), lowering.value(choice_.slots[branch + 1], column_.column)},
                         Relation::kEqual, 0);
    lowering.model().minimise_first.push_back(gap);
  }

  std::string python() const override {
    std::string out;
    for (size_t i = 0; i + 1 < choice_.slots.size(); ++i) {
      const std::string get = ", " + python_text(column_.spec->name) + ")";
      out += (i ? ", " : "") + ("v(" + std::to_string(choice_.slots[i]) + get + " " + python_relation(relation_) + " v(" + std::to_string(choice_.slots[i + 1]) + get);
    }
    return "every([" + out + "])";
  }

  std::vector<int> slots() const override { return choice_.slots; }
  std::set<ColumnNeed> needs() const override { return {{column_.table, column_.column}}; }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int slot : choice_.slots) out.push_back({column_.table, column_.column, rows[slot]});
  }

 private:
  int offender(const int32_t* rows) const {
    for (size_t i = 0; i + 1 < choice_.slots.size(); ++i) {
      const int64_t a = column_.at(rows[choice_.slots[i]]), b = column_.at(rows[choice_.slots[i + 1]]);
      if (!has_value(a) || !has_value(b) || !assay::compare(a, relation_, b)) return static_cast<int>(i);
    }
    return -1;
  }
  std::string verb() const {
    if (strict_) return rising_ ? "rise" : "fall";
    return rising_ ? "not fall" : "not rise";
  }

  Binding binding_;
  SlotChoice choice_;
  BoundColumn column_;
  bool rising_, strict_;
  Relation relation_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  SlotChoice choice = read_slots(reader, "slots", binding);
  const BoundColumn column = read_column(reader, reader.text("get"), "get", choice.slots, binding);
  const std::string direction = reader.text("direction");
  if (direction != "rising" && direction != "falling") reader.fail("direction", "unknown direction '" + direction + "'", "rising or falling");
  const bool strict = reader.boolean_or("strict", true);
  if (!reader.failed() && (choice.fields.size() != 1 || choice.groups.size() < 2)) reader.fail("slots", "expected one field in at least two groups");
  if (column.spec && !column.spec->is_number()) reader.fail("get", "only numbers have an order");
  if (reader.failed()) return nullptr;
  return std::make_unique<Order>(binding, std::move(choice), column, direction == "rising", strict);
}

}  // namespace

Operator make() { return {"order", "an attribute rises or falls from each group to the next", compile}; }

}  // namespace assay::operators::order
