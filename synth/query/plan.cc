#include "synth/query/plan.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace assay::query {
namespace {

bool names_by_key(const RowSet& set, const Table& table, const Condition& condition, const Tables& tables) {
  if (!table.spec.is_entity()) return false;
  if (condition.kind == Condition::Kind::kCompare)
    return condition.comparison == Comparison::kEqual && (condition.column == table.spec.name_column() || condition.column == table.spec.scope_column());
  return condition.kind == Condition::Kind::kIn && !condition.negated && condition.column == table.spec.scope_column() && set.where.size() == 2 &&
         condition.set->is_single(tables);
}

void measure(const RowSet& set, const Tables& tables, Size& out);

void measure(const Condition& condition, const Tables& tables, Size& out) {
  ++out.operators;
  if (condition.kind == Condition::Kind::kCompare) return;
  ++out.hops;
  if (condition.kind == Condition::Kind::kIn) --out.operators;   // a join filters nothing by itself
  measure(*condition.set, tables, out);
}

void measure(const RowSet& set, const Tables& tables, Size& out) {
  if (set.is_named(tables)) return;
  switch (set.kind) {
    case RowSet::Kind::kWhere:
      for (const Condition& condition : set.where) measure(condition, tables, out);
      return;
    case RowSet::Kind::kBest: out.operators += 1 + (set.rank > 1); break;
    case RowSet::Kind::kFollow: ++out.hops; break;
    case RowSet::Kind::kGroup: ++out.hops, ++out.operators; break;
  }
  measure(*set.of, tables, out);
}

Comparison other_side(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual: return Comparison::kNotEqual;
    case Comparison::kNotEqual: return Comparison::kEqual;
    case Comparison::kBelow: return Comparison::kAtLeast;
    case Comparison::kAtMost: return Comparison::kAbove;
    case Comparison::kAbove: return Comparison::kAtMost;
    case Comparison::kAtLeast: return Comparison::kBelow;
  }
  return comparison;
}

class Varier {
 public:
  explicit Varier(const Tables& tables) : tables_(tables) {}
  using Put = std::function<void(RowSetPtr, std::string column, std::string change)>;

  // Every set that differs from `set` in one step.
  void vary(const RowSet& set, const Put& put) const {
    if (set.is_named(tables_)) return;
    const auto changed = [&](const auto& change) {
      auto copy = std::make_shared<RowSet>(set);
      change(*copy);
      return RowSetPtr(std::move(copy));
    };
    if (set.kind == RowSet::Kind::kWhere) {
      for (size_t i = 0; i < set.where.size(); ++i) vary_condition(set, i, changed, put);
      return;
    }
    const std::string column = column_name(set.of->table, set.column);
    if (set.kind != RowSet::Kind::kFollow) put(changed([](RowSet& s) { s.highest = !s.highest; }), column, "other end");
    if (set.kind == RowSet::Kind::kBest) put(changed([](RowSet& s) { ++s.rank; }), column, "next rank");
    vary(*set.of, [&](RowSetPtr of, std::string name, std::string change) {
      put(changed([&](RowSet& s) { s.of = std::move(of); }), std::move(name), std::move(change));
    });
  }

 private:
  template <typename Changed>
  void vary_condition(const RowSet& set, size_t i, const Changed& changed, const Put& put) const {
    const Condition& condition = set.where[i];
    const int owner = condition.kind == Condition::Kind::kHas ? condition.set->table : set.table;
    const std::string column = column_name(owner, condition.column);
    put(changed([&](RowSet& s) { s.where.erase(s.where.begin() + static_cast<ptrdiff_t>(i)); }), column, "dropped");
    if (condition.kind == Condition::Kind::kCompare) {
      put(changed([&](RowSet& s) { s.where[i].comparison = other_side(condition.comparison); }), column, "other side");
      return;
    }
    put(changed([&](RowSet& s) { s.where[i].negated = !condition.negated; }), column, "negated");
    vary(*condition.set, [&](RowSetPtr inner, std::string name, std::string change) {
      put(changed([&](RowSet& s) { s.where[i].set = std::move(inner); }), std::move(name), std::move(change));
    });
  }

  std::string column_name(int table, int column) const {
    const TableSpec& spec = tables_.tables[static_cast<size_t>(table)].spec;
    return column < 0 ? spec.name : spec.name + "." + spec.columns[static_cast<size_t>(column)].name;
  }

  const Tables& tables_;
};

}  // namespace

bool RowSet::is_named(const Tables& tables) const {
  if (kind != Kind::kWhere) return false;
  const Table& rows = tables.tables[static_cast<size_t>(table)];
  const auto constant = [&](const Condition& c) { return c.kind == Condition::Kind::kCompare || c.set->is_named(tables); };
  return is_single(tables) && std::all_of(where.begin(), where.end(), [&](const Condition& c) { return constant(c) && names_by_key(*this, rows, c, tables); });
}

bool RowSet::is_single(const Tables& tables) const {
  const Table& rows = tables.tables[static_cast<size_t>(table)];
  switch (kind) {
    case Kind::kBest:
    case Kind::kGroup: return true;
    case Kind::kFollow: return of->is_single(tables);
    case Kind::kWhere:
      return where.size() == rows.spec.key.size() &&
             std::any_of(where.begin(), where.end(), [&](const Condition& c) { return c.kind == Condition::Kind::kCompare && c.column == rows.spec.column_index(rows.spec.key[0]); }) &&
             std::all_of(where.begin(), where.end(), [&](const Condition& c) { return names_by_key(*this, rows, c, tables); });
  }
  return false;
}

bool same(const RowSet& left, const RowSet& right) {
  const auto same_sets = [](const RowSetPtr& a, const RowSetPtr& b) { return a == b || (a && b && same(*a, *b)); };
  const auto same_conditions = [&](const Condition& a, const Condition& b) {
    return std::tie(a.kind, a.column, a.negated, a.comparison, a.text, a.number, a.at_least) ==
               std::tie(b.kind, b.column, b.negated, b.comparison, b.text, b.number, b.at_least) && same_sets(a.set, b.set);
  };
  return std::tie(left.kind, left.table, left.column, left.highest, left.rank, left.how, left.measure) ==
             std::tie(right.kind, right.table, right.column, right.highest, right.rank, right.how, right.measure) &&
         same_sets(left.of, right.of) && std::equal(left.where.begin(), left.where.end(), right.where.begin(), right.where.end(), same_conditions);
}

Size size_of(const Question& question, const Tables& tables) {
  Size out;
  measure(*question.of, tables, out);
  out.operators += question.ask == Question::Ask::kAggregate;
  if (!question.minus) return out;
  const Size other = size_of(*question.minus, tables);
  return {out.hops + other.hops, out.operators + other.operators + 1};
}

std::vector<Variation> variations(const Question& question, const Tables& tables) {
  std::vector<Variation> out;
  Varier(tables).vary(*question.of, [&](RowSetPtr of, std::string column, std::string change) {
    Question changed = question;
    changed.of = std::move(of);
    out.push_back({std::move(column), std::move(change), std::move(changed)});
  });
  if (!question.minus) return out;
  for (Variation& other : variations(*question.minus, tables)) {
    Question changed = question;
    changed.minus = std::make_shared<const Question>(std::move(other.question));
    out.push_back({std::move(other.column), std::move(other.change), std::move(changed)});
  }
  return out;
}

}  // namespace assay::query
