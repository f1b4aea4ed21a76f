#include "verifiers/constraint_model.h"

#include <algorithm>
#include <set>

namespace assay {

bool compare(int64_t left, Relation relation, int64_t right) {
  switch (relation) {
    case Relation::kEqual: return left == right;
    case Relation::kNotEqual: return left != right;
    case Relation::kLess: return left < right;
    case Relation::kLessEqual: return left <= right;
    case Relation::kGreater: return left > right;
    case Relation::kGreaterEqual: return left >= right;
  }
  return false;
}

Var ConstraintModel::add(int low, int high) {
  variables.push_back({low, high, false, nullptr});
  return {static_cast<int>(variables.size()) - 1};
}

void ConstraintModel::restrict(Var variable, std::vector<int> values) {
  variables[variable.id].domain = std::make_shared<const std::vector<int>>(std::move(values));
}

Literal ConstraintModel::add_literal() {
  variables.push_back({0, 1, true, nullptr});
  return {{static_cast<int>(variables.size()) - 1}, false};
}

Literal ConstraintModel::constant(bool value) {
  if (!true_.valid()) {
    variables.push_back({1, 1, true, nullptr});
    true_ = {static_cast<int>(variables.size()) - 1};
  }
  return {true_, !value};
}

bool satisfies(const ConstraintModel& model, const std::vector<int>& values) {
  auto value = [&](Var v) { return values[v.id]; };
  auto truth = [&](Literal l) { return (values[l.var.id] != 0) != l.negated; };
  for (size_t i = 0; i < model.variables.size(); ++i)
    if (values[i] < model.variables[i].low || values[i] > model.variables[i].high ||
        (model.variables[i].domain && !std::binary_search(model.variables[i].domain->begin(), model.variables[i].domain->end(), values[i])))
      return false;
  for (const auto& e : model.elements)
    if (value(e.index) < 0 || value(e.index) >= static_cast<int>(e.array->size()) ||
        (*e.array)[value(e.index)] != value(e.result))
      return false;
  for (const auto& l : model.linears) {
    int64_t sum = 0;
    for (size_t i = 0; i < l.variables.size(); ++i) sum += int64_t{l.coefficients[i]} * value(l.variables[i]);
    const bool held = compare(sum, l.relation, l.bound);
    if (held != (!l.reified || truth(l.literal))) return false;
  }
  for (const auto& d : model.all_differents) {
    std::set<int> seen;
    for (Var v : d.variables)
      if (!seen.insert(value(v)).second) return false;
  }
  for (const auto& t : model.tables) {
    const std::pair<int, int> at{value(t.first), value(t.second)};
    const bool held = (std::find(t.tuples->begin(), t.tuples->end(), at) == t.tuples->end()) == t.forbidden;
    if (held != (!t.reified || truth(t.literal))) return false;
  }
  for (const auto& c : model.clauses)
    if (std::none_of(c.literals.begin(), c.literals.end(), truth)) return false;
  for (const auto& c : model.conjunctions)
    if (truth(c.result) != std::all_of(c.literals.begin(), c.literals.end(), truth)) return false;
  return true;
}

}  // namespace assay
