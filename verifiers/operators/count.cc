// count: how many of the slots pass a test: at least, at most or exactly so many.
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::operators::count {
namespace {

struct Bound {
  Relation relation;
  int64_t number;
};

class Count final : public Constraint {
 public:
  Count(const Binding& binding, SlotChoice choice, BoundColumn column, CellTest test, std::vector<Bound> bounds, std::string wording)
      : binding_(binding), choice_(std::move(choice)), column_(column), test_(std::move(test)), bounds_(std::move(bounds)), wording_(std::move(wording)) {}

  bool holds(const int32_t* rows) const override {
    int64_t passing = 0;
    for (int slot : choice_.slots) {
      const int64_t cell = column_.at(rows[slot]);
      if (!has_value(cell)) return false;
      passing += test_.holds(cell);
    }
    for (const Bound& bound : bounds_)
      if (!assay::compare(passing, bound.relation, bound.number)) return false;
    return true;
  }

  std::string explain(const int32_t* rows) const override {
    int64_t passing = 0;
    std::string list;
    for (int slot : choice_.slots) {
      const int64_t cell = column_.at(rows[slot]);
      if (!has_value(cell)) return binding_.shape.slot_text(slot) + " has no known " + column_.spec->label;
      passing += test_.holds(cell);
      list += (list.empty() ? "" : ", ") + value_text(cell, column_, binding_);
    }
    return std::to_string(passing) + " of " + list + " (" + column_.spec->label + ") are " + test_text(test_, column_, binding_) +
           ", expected " + wording_;
  }

  std::string sentence() const override {
    const std::string what = " must have " + having(test_, column_, binding_) + ".";
    if (!choice_.all_groups || choice_.fields.size() > 1) return "Of " + noun_phrase(choice_, binding_, false) + ", " + wording_ + what;
    const AnswerField& field = binding_.shape.fields[choice_.fields[0]];
    return upper_first(wording_) + " " + (bounds_.back().number == 1 ? field.label : field.plural) + what;
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (const Bound& bound : bounds_) out.push_back(relation_words(bound.relation) + " " + std::to_string(bound.number));
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    const std::vector<int> passing = rows_passing(test_, column_);
    std::vector<Var> variables;
    std::vector<Literal> literals;
    for (int slot : choice_.slots) {
      variables.push_back(lowering.row_test(slot, passing).var);
      literals.push_back(lowering.present(slot, column_.column));
    }
    literals.push_back(lowering.linear(std::vector<int>(variables.size(), 1), variables, bounds_[branch].relation, bounds_[branch].number));
    return lowering.all(std::move(literals));
  }

  std::string python() const override {
    std::string list, out;
    for (int slot : choice_.slots)
      list += (list.empty() ? "" : ", ") + python_test(test_, column_, binding_, "v(" + std::to_string(slot) + ", " + python_text(column_.spec->name) + ")");
    for (const Bound& bound : bounds_)
      out += (out.empty() ? "" : ", ") + ("sum([" + list + "]) " + python_relation(bound.relation) + " " + std::to_string(bound.number));
    return "every([" + out + "])";
  }

  std::vector<int> slots() const override { return choice_.slots; }
  std::set<ColumnNeed> needs() const override { return {{column_.table, column_.column}}; }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (int slot : choice_.slots) out.push_back({column_.table, column_.column, rows[slot]});
  }

 private:
  Binding binding_;
  SlotChoice choice_;
  BoundColumn column_;
  CellTest test_;
  std::vector<Bound> bounds_;
  std::string wording_;   // "at least 2"
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  SlotChoice choice = read_slots(reader, "slots", binding);
  const BoundColumn column = read_column(reader, reader.text("get"), "get", choice.slots, binding);
  if (reader.failed()) return nullptr;
  CellTest test = read_cell_test(reader, column, binding);
  std::vector<Bound> bounds;
  std::vector<std::string> words;
  const int64_t most = static_cast<int64_t>(choice.slots.size());
  for (const auto& [member, word] : {std::pair{"exactly", "exactly "}, {"at_least", "at least "}, {"at_most", "at most "}}) {
    if (!reader.has(member)) {
      reader.member_or_null(member);
      continue;
    }
    const int64_t number = reader.integer(member, {.minimum = 0, .maximum = most});
    words.push_back(word + std::to_string(number));
    if (member[0] == 'e' || member[3] == 'l') bounds.push_back({Relation::kGreaterEqual, number});
    if (member[0] == 'e' || member[3] == 'm') bounds.push_back({Relation::kLessEqual, number});
  }
  if (bounds.empty()) reader.fail("at_least", "expected a number", "exactly, at_least or at_most");
  if (reader.failed()) return nullptr;
  return std::make_unique<Count>(binding, std::move(choice), column, std::move(test), std::move(bounds), join_words(words));
}

}  // namespace

Operator make() { return {"count", "at least, at most or exactly so many of the slots pass a test", compile}; }

}  // namespace assay::operators::count
