// aggregate: the sum, average, lowest or highest of attributes over slots, within bounds. Numbers are exact: cells are scaled
// integers, and an average is compared as a sum with a multiplied bound.
#include <algorithm>

#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::operators::aggregate {
namespace {

enum class How { kSum, kAverage, kMin, kMax };
constexpr const char* kHowNames[] = {"sum", "average", "min", "max"};
constexpr const char* kHowWords[] = {"sum", "average", "lowest", "highest"};

struct Term {
  SlotChoice choice;
  BoundColumn column;
};
struct Cell {
  int slot;
  BoundColumn column;
};
struct Bound {
  Relation relation;
  int64_t value;
};

class Aggregate final : public Constraint {
 public:
  Aggregate(const Binding& binding, How how, std::vector<Term> terms, std::vector<Bound> bounds)
      : binding_(binding), how_(how), terms_(std::move(terms)), bounds_(std::move(bounds)) {
    for (const Term& term : terms_)
      for (int slot : term.choice.slots) cells_.push_back({slot, term.column});
  }

  bool holds(const int32_t* rows) const override {
    const auto value = total(rows);
    if (!value) return false;
    for (const Bound& bound : bounds_)
      if (!assay::compare(*value, bound.relation, scaled(bound))) return false;
    return true;
  }

  std::string explain(const int32_t* rows) const override {
    std::string list;
    for (const Cell& cell : cells_) {
      if (!has_value(cell.column.at(rows[cell.slot])))
        return binding_.shape.slot_text(cell.slot) + " has no known " + cell.column.spec->label;
      list += (list.empty() ? "" : ", ") + value_text(cell.column.at(rows[cell.slot]), cell.column, binding_);
    }
    const int64_t value = *total(rows);
    const BoundColumn& column = cells_[0].column;
    const std::string shown = how_ == How::kAverage ? value_text(value, column, binding_) + " / " + std::to_string(cells_.size())
                                                    : value_text(value, column, binding_);
    if (cells_.size() == 1) return "the " + column.spec->label + " is " + list + ", expected " + bounds_text(bounds_);
    return std::string("the ") + kHowWords[static_cast<int>(how_)] + " of " + list + " is " + shown + ", expected " + bounds_text(bounds_);
  }

  std::string sentence() const override {
    // An aggregate of one is the thing itself.
    if (cells_.size() == 1) return said(each_term([&](const SlotChoice& choice) { return noun_phrase(choice, binding_, true); }), "and", bounds_text(bounds_));
    if (how_ == How::kMin || how_ == How::kMax) return extreme_sentence();
    const std::string how = how_ == How::kSum ? "total" : "average";
    if (terms_.size() == 1) return "The " + how + " " + terms_[0].column.spec->label + " of " + all_of(terms_[0].choice) + " must be " + bounds_text(bounds_) + ".";
    return "The " + how + " of " + join_words(each_term([&](const SlotChoice& choice) { return all_of(choice); })) + " must be " + bounds_text(bounds_) + ".";
  }

  std::vector<std::string> branches() const override {
    std::vector<std::string> out;
    for (const Bound& bound : bounds_) out.push_back(relation_words(bound.relation));
    return out;
  }

  Literal reify(Lowering& lowering, size_t branch) const override {
    std::vector<Literal> literals;
    for (const Cell& cell : cells_) literals.push_back(lowering.present(cell.slot, cell.column.column));
    literals.push_back(bound_literal(lowering, bounds_[branch]));
    return lowering.all(std::move(literals));
  }

  void post(Lowering& lowering) const override {
    if (how_ == How::kMin || how_ == How::kMax) return Constraint::post(lowering);
    for (const Cell& cell : cells_) lowering.require(lowering.present(cell.slot, cell.column.column));
    for (const Bound& bound : bounds_) {
      lowering.post_linear(std::vector<int>(cells_.size(), 1), values(lowering), bound.relation, scaled(bound));
      post_implied(lowering, bound);
    }
  }

  void prefer_near_miss(Lowering& lowering, size_t branch) const override {
    if (how_ == How::kMin || how_ == How::kMax) return;
    const Bound& bound = bounds_[branch];
    const int sign = bound.relation == Relation::kGreater || bound.relation == Relation::kGreaterEqual ? -1 : 1;
    std::vector<Var> variables = values(lowering);
    std::vector<int> coefficients(variables.size(), -sign);
    const Var gap = lowering.model().add(0, 400'000'000);   // gap = sign * (total - bound)
    variables.push_back(gap);
    coefficients.push_back(1);
    lowering.post_linear(std::move(coefficients), std::move(variables), Relation::kEqual, -sign * scaled(bound));
    lowering.model().minimise_first.push_back(gap);
  }

  std::string python() const override {
    std::string list;
    for (const Cell& cell : cells_)
      list += (list.empty() ? "" : ", ") + ("v(" + std::to_string(cell.slot) + ", " + python_text(cell.column.spec->name) + ")");
    static constexpr const char* kFunctions[] = {"sum", "sum", "min", "max"};
    std::string out;
    for (const Bound& bound : bounds_)
      out += (out.empty() ? "" : ", ") + (std::string(kFunctions[static_cast<int>(how_)]) + "([" + list + "]) " +
             python_relation(bound.relation) + " " + std::to_string(scaled(bound)));
    return "every([" + out + "])";
  }

  std::vector<int> slots() const override {
    std::vector<int> out;
    for (const Cell& cell : cells_) out.push_back(cell.slot);
    return out;
  }
  std::set<ColumnNeed> needs() const override {
    std::set<ColumnNeed> out;
    for (const Cell& cell : cells_) out.insert({cell.column.table, cell.column.column});
    return out;
  }
  void facts(const int32_t* rows, std::vector<Fact>& out) const override {
    for (const Cell& cell : cells_) out.push_back({cell.column.table, cell.column.column, rows[cell.slot]});
  }
  std::optional<int64_t> measure(const int32_t* rows) const override {
    auto value = total(rows);
    if (value && how_ == How::kAverage) *value /= static_cast<int64_t>(cells_.size());
    return value;
  }

 private:
  // Sum for kAverage too.
  std::optional<int64_t> total(const int32_t* rows) const {
    int64_t out = how_ == How::kMin ? INT64_MAX : how_ == How::kMax ? INT64_MIN : 0;
    for (const Cell& cell : cells_) {
      const int64_t value = cell.column.at(rows[cell.slot]);
      if (!has_value(value)) return std::nullopt;
      if (how_ == How::kMin) out = std::min(out, value);
      else if (how_ == How::kMax) out = std::max(out, value);
      else out += value;
    }
    return out;
  }
  static bool is_lower(const Bound& bound) { return bound.relation == Relation::kGreater || bound.relation == Relation::kGreaterEqual; }
  int64_t scaled(const Bound& bound) const {
    return how_ == How::kAverage ? bound.value * static_cast<int64_t>(cells_.size()) : bound.value;
  }
  std::string bounds_text(const std::vector<Bound>& bounds) const {
    std::vector<std::string> parts;
    for (const Bound& bound : bounds) parts.push_back(relation_words(*cells_[0].column.spec, bound.relation) + " " + value_text(bound.value, cells_[0].column, binding_));
    return join_words(parts);
  }

  template <typename Phrase>
  std::vector<std::string> each_term(Phrase phrase) const {   // "the price of every hotel"
    std::vector<std::string> out;
    for (const Term& term : terms_) out.push_back("the " + term.column.spec->label + " of " + phrase(term.choice));
    return out;
  }
  static std::string said(const std::vector<std::string>& parts, const char* conjunction, const std::string& bounds) {
    return "T" + join_words(parts, conjunction).substr(1) + " must be " + bounds + ".";
  }
  std::string all_of(const SlotChoice& choice) const { return choice.all_groups ? "all " + names(choice, "and", true) : noun_phrase(choice, binding_, false); }
  std::string one_of(const SlotChoice& choice) const {
    return choice.all_groups ? "at least one " + names(choice, "or", false) : "at least one of " + noun_phrase(choice, binding_, false);
  }
  std::string names(const SlotChoice& choice, const char* conjunction, bool plural) const {
    std::vector<std::string> out;
    for (int field : choice.fields) out.push_back(plural ? binding_.shape.fields[static_cast<size_t>(field)].plural : binding_.shape.fields[static_cast<size_t>(field)].label);
    return join_words(out, conjunction);
  }

  // The lowest is at least what all are, and at most what one of them is.
  std::string extreme_sentence() const {
    std::vector<Bound> of_every, of_one;
    for (const Bound& bound : bounds_) (is_lower(bound) == (how_ == How::kMin) ? of_every : of_one).push_back(bound);
    std::string out;
    if (!of_every.empty()) out = said(each_term([&](const SlotChoice& choice) { return noun_phrase(choice, binding_, true); }), "and", bounds_text(of_every));
    if (!of_one.empty()) out += (out.empty() ? "" : " ") + said(each_term([&](const SlotChoice& choice) { return one_of(choice); }), "or", bounds_text(of_one));
    return out;
  }

  std::vector<Var> values(Lowering& lowering) const {
    std::vector<Var> out;
    for (const Cell& cell : cells_) out.push_back(lowering.value(cell.slot, cell.column.column));
    return out;
  }
  Literal bound_literal(Lowering& lowering, const Bound& bound) const {
    if (how_ == How::kSum || how_ == How::kAverage)
      return lowering.linear(std::vector<int>(cells_.size(), 1), values(lowering), bound.relation, scaled(bound));
    std::vector<Literal> each;
    for (Var value : values(lowering)) each.push_back(lowering.linear({1}, {value}, bound.relation, bound.value));
    return is_lower(bound) == (how_ == How::kMin) ? lowering.all(std::move(each)) : lowering.any(std::move(each));
  }

  // A group's part of the sum is at least (at most) what the cheapest (dearest) rows of its scope entity add up to. Without
  // this, infeasibility of a tight budget is only seen after all scopes are fixed: 22-102 ms against 0.5 ms (architecture).
  void post_implied(Lowering& lowering, const Bound& bound) const {
    const bool upper = bound.relation == Relation::kLess || bound.relation == Relation::kLessEqual;
    std::vector<Var> parts;
    for (int group = 0; group < binding_.shape.groups; ++group) {
      int owner = -1;
      std::vector<const Cell*> scoped;
      for (const Cell& cell : cells_) {
        if (binding_.shape.group_of_slot(cell.slot) != group) continue;
        const AnswerField& field = binding_.shape.fields[binding_.shape.field_of_slot(cell.slot)];
        const int scope = binding_.shape.field_index(field.scope);
        if (scope < 0) parts.push_back(lowering.value(cell.slot, cell.column.column));
        else owner = binding_.shape.slot(group, scope), scoped.push_back(&cell);
      }
      if (owner < 0) continue;
      std::vector<int> extreme = extremes(lowering.table_of(owner).size(), scoped, upper);
      const auto [low, high] = std::minmax_element(extreme.begin(), extreme.end());
      if (extreme.empty()) return;
      const Var part = lowering.model().add(*low, *high);
      lowering.model().elements.push_back({std::make_shared<const std::vector<int>>(std::move(extreme)), lowering.slot(owner), part});
      parts.push_back(part);
    }
    const size_t count = parts.size();
    lowering.post_linear(std::vector<int>(count, 1), std::move(parts), bound.relation, scaled(bound));
  }

  // [scope row] the least (most) that the scoped cells of one group can add up to there.
  std::vector<int> extremes(int scopes, const std::vector<const Cell*>& scoped, bool least) const {
    constexpr int64_t kNone = 50'000'000;
    std::vector<int64_t> totals(scopes, 0);
    for (const Cell* cell : scoped) {
      const Table& table = binding_.tables.tables[cell->column.table];
      const auto& owners = table.columns[table.spec.scope_column()];
      std::vector<int64_t> best(scopes, least ? kNone : -kNone);
      for (int32_t row = 0; row < table.size(); ++row) {
        if (!has_value(owners[row])) {  // an explorer does not know where it is: it could be anywhere
          std::fill(best.begin(), best.end(), least ? std::min<int64_t>(0, cell->column.spec->low) : cell->column.spec->high);
          break;
        }
        int64_t value = cell->column.at(row);
        if (value == kNull) continue;
        if (value == kUnknown) value = least ? cell->column.spec->low : cell->column.spec->high;
        int64_t& at = best[owners[row]];
        at = least ? std::min(at, value) : std::max(at, value);
      }
      for (int scope = 0; scope < scopes; ++scope) totals[scope] += best[scope];
    }
    std::vector<int> out;
    for (int64_t total : totals) out.push_back(static_cast<int>(std::clamp(total, -kNone, kNone)));
    return out;
  }

  Binding binding_;
  How how_;
  std::vector<Term> terms_;
  std::vector<Bound> bounds_;
  std::vector<Cell> cells_;
};

std::unique_ptr<Constraint> compile(JsonReader& reader, const Binding& binding) {
  const std::string name = reader.text("how");
  int how = -1;
  for (int i = 0; i < 4; ++i)
    if (name == kHowNames[i]) how = i;
  if (how < 0) reader.fail("how", "unknown aggregate '" + name + "'", "sum, average, min or max");
  std::vector<Term> terms;
  const Json& list = reader.array("terms");
  for (size_t i = 0; i < list.size() && !reader.failed(); ++i) {
    JsonReader r(list[i], reader.file(), reader.path_of("terms") + "[" + std::to_string(i) + "]");
    SlotChoice choice = read_slots(r, "slots", binding);
    const BoundColumn column = read_column(r, r.text("get"), "get", choice.slots, binding);
    if (column.spec && !column.spec->is_number()) r.fail("get", "the column holds no numbers");
    if (Status status = r.finish(); !status.ok()) {
      reader.fail("terms", status.error().text());
      return nullptr;
    }
    terms.push_back({std::move(choice), column});
    if (terms[0].column.spec->decimals != column.spec->decimals || terms[0].column.spec->unit != column.spec->unit)
      reader.fail("terms", "columns of different units or decimals cannot be aggregated");
  }
  if (terms.empty()) reader.fail("terms", "expected at least one term");
  std::vector<Bound> bounds;
  static constexpr std::pair<const char*, Relation> kBounds[] = {{"at_least", Relation::kGreaterEqual}, {"more_than", Relation::kGreater},
                                                                 {"at_most", Relation::kLessEqual}, {"below", Relation::kLess}};
  for (const auto& [member, relation] : kBounds) {
    const Json& value = reader.member_or_null(member);
    if (!value.is_null() && !reader.failed()) bounds.push_back({relation, read_cell(reader, member, value, terms[0].column, binding)});
  }
  if (bounds.empty()) reader.fail("at_most", "expected at least one bound", "at_least, more_than, at_most or below");
  if (reader.failed()) return nullptr;
  return std::make_unique<Aggregate>(binding, static_cast<How>(how), std::move(terms), std::move(bounds));
}

}  // namespace

Operator make() { return {"aggregate", "the sum, average, lowest or highest of attributes, within bounds", compile}; }

}  // namespace assay::operators::aggregate
