#include "verifiers/lowering.h"

#include <algorithm>
#include <climits>

namespace assay {
namespace {

// Solvers compute in 32 bits; declared ranges are clamped so that sums of a few cells cannot overflow.
constexpr int64_t kLargest = 50'000'000;
int clamp(int64_t value) { return static_cast<int>(std::clamp(value, -kLargest, kLargest)); }

}  // namespace

Lowering::Lowering(const AnswerShape& shape, const Tables& tables) : shape_(shape), tables_(tables), arrays_(std::make_shared<std::map<std::pair<int, int>, ColumnArrays>>()) {
  for (int slot = 0; slot < shape.slots(); ++slot) {
    const bool given = shape.fields[shape.field_of_slot(slot)].is_given();
    const int row = given_row(shape, tables, slot), last = table_of(slot).size() - 1;
    slots_.push_back(given ? model_.add(std::max(row, 0), std::max(row, 0)) : model_.add(0, std::max(0, last)));
    if (given ? row < 0 : last < 0) model_.clauses.push_back({});  // nothing to choose from: no solution
  }
  // Unscoped slots first: they decide which rows the others can be.
  for (const bool scoped : {false, true})
    for (int slot = 0; slot < shape.slots(); ++slot) {
      const AnswerField& field = shape.fields[shape.field_of_slot(slot)];
      if (!field.is_given() && field.scope.empty() != scoped) model_.decisions.push_back(slots_[slot]);
    }
}

const Table& Lowering::table_of(int slot) const { return tables_.at(shape_.fields[shape_.field_of_slot(slot)].table); }

const Lowering::ColumnArrays& Lowering::arrays(int table, int column) {
  ColumnArrays& out = (*arrays_)[{table, column}];
  if (out.low) return out;
  const Table& t = tables_.tables[table];
  const ColumnSpec& spec = t.spec.columns[column];
  int64_t low = spec.low, high = spec.high;
  if (spec.type == ColumnType::kText) low = 0, high = tables_.texts.size();
  // A reference that is not known may also be to a row that was not seen yet, for each slot to another one.
  if (spec.type == ColumnType::kReference) low = 0, high = tables_.at(spec.references).size() - 1 + shape_.slots();
  std::vector<int> lows, highs, presents;
  bool unknown = false, absent = false;
  for (int64_t cell : t.columns[column]) {
    unknown |= cell == kUnknown;
    absent |= cell == kNull;
    lows.push_back(cell == kUnknown ? clamp(low) : cell == kNull ? 0 : clamp(cell));
    highs.push_back(cell == kUnknown ? clamp(high) : cell == kNull ? 0 : clamp(cell));
    presents.push_back(cell != kNull);
  }
  out.low = std::make_shared<const std::vector<int>>(std::move(lows));
  if (unknown) out.high = std::make_shared<const std::vector<int>>(std::move(highs));
  if (absent) out.present = std::make_shared<const std::vector<int>>(std::move(presents));
  return out;
}

Var Lowering::value(int slot, int column) {
  auto [it, fresh] = values_.try_emplace({slot, column});
  if (!fresh) return it->second;
  const ColumnArrays& a = arrays(tables_.table_index(table_of(slot).spec.name), column);
  const auto& top = a.high ? *a.high : *a.low;
  const int low = a.low->empty() ? 0 : *std::min_element(a.low->begin(), a.low->end());
  const int high = top.empty() ? 0 : *std::max_element(top.begin(), top.end());
  const Var value = model_.add(low, high);
  if (!a.high) {
    model_.elements.push_back({a.low, slots_[slot], value});
  } else {
    const Var floor = model_.add(low, high), ceiling = model_.add(low, high);
    model_.elements.push_back({a.low, slots_[slot], floor});
    model_.elements.push_back({a.high, slots_[slot], ceiling});
    post_linear({1, -1}, {value, floor}, Relation::kGreaterEqual, 0);
    post_linear({1, -1}, {value, ceiling}, Relation::kLessEqual, 0);
  }
  return it->second = value;
}

void Lowering::equate_value(int slot, int column, Var owner) {
  const ColumnArrays& a = arrays(tables_.table_index(table_of(slot).spec.name), column);
  if (a.high || a.low->empty() || values_.count({slot, column})) {
    post_linear({1, -1}, {value(slot, column), owner}, Relation::kEqual, 0);
    return;
  }
  model_.elements.push_back({a.low, slots_[slot], owner});
  values_[{slot, column}] = owner;
}

Literal Lowering::present(int slot, int column) {
  auto [it, fresh] = presents_.try_emplace({slot, column});
  if (!fresh) return it->second;
  const ColumnArrays& a = arrays(tables_.table_index(table_of(slot).spec.name), column);
  if (!a.present) return it->second = model_.constant(true);
  const Literal literal = model_.add_literal();
  model_.elements.push_back({a.present, slots_[slot], literal.var});
  return it->second = literal;
}

Literal Lowering::row_test(int slot, const std::vector<int>& test) {
  const Literal literal = model_.add_literal();
  if (std::find(test.begin(), test.end(), 2) == test.end()) {
    model_.elements.push_back({std::make_shared<const std::vector<int>>(test), slots_[slot], literal.var});
    return literal;
  }
  std::vector<int> low = test, high = test;
  std::replace(low.begin(), low.end(), 2, 0);
  std::replace(high.begin(), high.end(), 2, 1);
  const Literal floor = model_.add_literal(), ceiling = model_.add_literal();
  model_.elements.push_back({std::make_shared<const std::vector<int>>(low), slots_[slot], floor.var});
  model_.elements.push_back({std::make_shared<const std::vector<int>>(high), slots_[slot], ceiling.var});
  model_.clauses.push_back({{!floor, literal}});
  model_.clauses.push_back({{!literal, ceiling}});
  return literal;
}

Literal Lowering::linear(std::vector<int> coefficients, std::vector<Var> variables, Relation relation, int64_t bound) {
  const Literal literal = model_.add_literal();
  model_.linears.push_back({std::move(coefficients), std::move(variables), relation,
                            static_cast<int>(std::clamp<int64_t>(bound, INT_MIN / 2, INT_MAX / 2)), true, literal});
  return literal;
}

void Lowering::post_linear(std::vector<int> coefficients, std::vector<Var> variables, Relation relation, int64_t bound) {
  model_.linears.push_back({std::move(coefficients), std::move(variables), relation,
                            static_cast<int>(std::clamp<int64_t>(bound, INT_MIN / 2, INT_MAX / 2)), false, {}});
}

Literal Lowering::all(std::vector<Literal> literals) {
  if (literals.size() == 1) return literals[0];
  const Literal result = model_.add_literal();
  model_.conjunctions.push_back({result, std::move(literals)});
  return result;
}

Literal Lowering::any(std::vector<Literal> literals) {
  for (Literal& literal : literals) literal = !literal;
  return !all(std::move(literals));
}

}  // namespace assay
