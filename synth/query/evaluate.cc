#include "synth/query/evaluate.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "synth/column_use.h"

namespace assay::query {
namespace {

bool compare(int order, Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual: return order == 0;
    case Comparison::kNotEqual: return order != 0;
    case Comparison::kBelow: return order < 0;
    case Comparison::kAtMost: return order <= 0;
    case Comparison::kAbove: return order > 0;
    case Comparison::kAtLeast: return order >= 0;
  }
  return false;
}

template <typename T>
int order_of(const T& left, const T& right) { return left < right ? -1 : right < left ? 1 : 0; }

void add_column(std::vector<int>& columns, int column) {
  if (column >= 0 && std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
}

class Evaluator {
 public:
  Evaluator(RowSource& source, std::vector<Need>* needs) : source_(source), needs_(needs) {}

  bool tie = false, missing = false;

  // Rows of `set`, ascending, whose cells in `columns` can be read. `bound` restricts a kWhere set from outside.
  Result<std::vector<int32_t>> rows(const RowSet& set, const std::vector<int>& columns, const Bound* bound = nullptr) {
    switch (set.kind) {
      case RowSet::Kind::kWhere: return where(set, columns, bound);
      case RowSet::Kind::kBest: return best(set, columns);
      case RowSet::Kind::kFollow: return follow(set, columns);
      case RowSet::Kind::kGroup: return group(set, columns);
    }
    return std::vector<int32_t>();
  }

  Result<Evaluated> answer(const Question& question) {
    Evaluated out;
    const bool aggregates = question.ask == Question::Ask::kAggregate;
    const int column = question.column >= 0 ? question.column : aggregates ? -1 : table(question.of->table).spec.name_column();
    ASSAY_ASSIGN(out.rows, rows(*question.of, column >= 0 ? std::vector<int>{column} : std::vector<int>()));
    if (aggregates) {
      aggregate(question, out);
    } else if (out.rows.empty()) {
      out.empty = true;
    } else {
      const bool names = question.ask == Question::Ask::kNames;
      tie |= !names && out.rows.size() > 1;
      for (size_t i = 0; i < (names ? out.rows.size() : 1); ++i) take_cell(question.of->table, column, out.rows[i], out);
      std::sort(out.value.texts.begin(), out.value.texts.end());
    }
    if (question.minus && !out.empty) {
      ASSAY_ASSIGN(const Evaluated other, answer(*question.minus));
      out.empty = other.empty;
      if (!out.empty) subtract(other.value, out.value);
    }
    out.tie = tie;
    out.missing = missing;
    return out;
  }

 private:
  const Table& table(int index) const { return source_.tables().tables[static_cast<size_t>(index)]; }

  std::string_view text(int table_index, int column, int32_t row) const {
    const ColumnSpec& spec = table(table_index).spec.columns[static_cast<size_t>(column)];
    const int64_t cell = table(table_index).cell(column, row);
    if (spec.type == ColumnType::kText) return source_.tables().texts.text(static_cast<int32_t>(cell));
    return source_.tables().entity_name(source_.tables().table_index(spec.references), static_cast<int32_t>(cell));
  }

  bool known(int table_index, int column, int32_t row) {
    const bool has = has_value(table(table_index).cell(column, row));
    missing |= !has;
    return has;
  }

  int order(int table_index, int column, int32_t left, int32_t right) const {
    const Table& t = table(table_index);
    if (t.spec.columns[static_cast<size_t>(column)].is_number()) return order_of(t.cell(column, left), t.cell(column, right));
    return order_of(text(table_index, column, left), text(table_index, column, right));
  }

  int64_t text_id(const ColumnSpec& spec, int64_t cell) const {
    if (spec.type == ColumnType::kText) return cell;
    const Table& target = source_.tables().at(spec.references);
    return target.cell(target.spec.name_column(), static_cast<int32_t>(cell));
  }

  // Leaves the rows that meet a condition other than kHas. `members`: of the set of kIn.
  void keep_meeting(const RowSet& set, const Condition& condition, const std::vector<int32_t>& members, std::vector<int32_t>& rows) {
    const ColumnSpec& spec = table(set.table).spec.columns[static_cast<size_t>(condition.column)];
    const int64_t* cells = table(set.table).columns[static_cast<size_t>(condition.column)].data();
    const auto keep = [&](const auto& met) {
      std::erase_if(rows, [&](int32_t row) {
        missing |= !has_value(cells[row]);
        return !has_value(cells[row]) || !met(row, cells[row]);
      });
    };
    const Comparison comparison = condition.comparison;
    if (condition.kind == Condition::Kind::kIn) {
      keep([&](int32_t, int64_t cell) { return std::binary_search(members.begin(), members.end(), static_cast<int32_t>(cell)) != condition.negated; });
    } else if (spec.is_number()) {
      keep([&](int32_t, int64_t cell) { return compare(order_of(cell, condition.number), comparison); });
    } else if (comparison == Comparison::kEqual || comparison == Comparison::kNotEqual) {
      const int64_t constant = source_.tables().texts.find(condition.text);   // -1 where no row has it
      keep([&](int32_t, int64_t cell) { return (text_id(spec, cell) == constant) == (comparison == Comparison::kEqual); });
    } else {
      keep([&](int32_t row, int64_t) { return compare(order_of(text(set.table, condition.column, row), std::string_view(condition.text)), comparison); });
    }
  }

  static bool binds(const Condition& condition) {
    if (condition.kind == Condition::Kind::kCompare) return condition.comparison == Comparison::kEqual;
    return condition.kind == Condition::Kind::kIn && !condition.negated;
  }

  Result<std::vector<int32_t>> where(const RowSet& set, const std::vector<int>& columns, const Bound* bound) {
    std::vector<int> read = columns;
    std::vector<Bound> bounds;
    if (bound) bounds.push_back(*bound), add_column(read, bound->column);
    std::vector<std::vector<int32_t>> members(set.where.size());
    for (size_t i = 0; i < set.where.size(); ++i) {
      const Condition& condition = set.where[i];
      if (condition.kind == Condition::Kind::kHas) continue;
      add_column(read, condition.column);
      if (condition.kind == Condition::Kind::kIn) {
        ASSAY_ASSIGN(members[i], inner(*condition.set, !condition.negated && condition.set->is_single(source_.tables())));
      }
      if (!binds(condition)) continue;
      const bool in = condition.kind == Condition::Kind::kIn;
      bounds.push_back({condition.column, in ? std::optional(members[i]) : std::nullopt, in ? nullptr : &condition});
    }
    ASSAY_ASSIGN(std::vector<int32_t> kept, source_.rows(set.table, bounds, read));
    if (bound) std::erase_if(kept, [&](int32_t row) { return !std::binary_search(bound->rows->begin(), bound->rows->end(), static_cast<int32_t>(table(set.table).cell(bound->column, row))); });
    // What binds goes first: the rows that are left must be looked at, whether or not they meet the rest.
    for (const bool binding : {true, false}) {
      for (size_t i = 0; i < set.where.size(); ++i)
        if (set.where[i].kind != Condition::Kind::kHas && binds(set.where[i]) == binding) keep_meeting(set, set.where[i], members[i], kept);
      if (binding && !has_having(set)) need_rows(set, columns, kept);
    }
    for (const Condition& condition : set.where)
      if (condition.kind == Condition::Kind::kHas) ASSAY_TRY(keep_having(condition, kept));
    if (has_having(set)) need_rows(set, columns, kept);
    return kept;
  }

  static bool has_having(const RowSet& set) {
    return std::any_of(set.where.begin(), set.where.end(), [](const Condition& condition) { return condition.kind == Condition::Kind::kHas; });
  }

  // Nested sets that the answer does not hang on for certain add no needs.
  Result<std::vector<int32_t>> inner(const RowSet& set, bool hangs_on_it) {
    std::vector<Need>* const needs = needs_;
    if (!hangs_on_it) needs_ = nullptr;
    auto out = rows(set, {});
    needs_ = needs;
    return out;
  }

  Status keep_having(const Condition& condition, std::vector<int32_t>& kept) {
    const Bound bound{condition.column, kept, nullptr};
    std::vector<Need>* const needs = needs_;
    needs_ = nullptr;
    auto referring = rows(*condition.set, {condition.column}, &bound);
    needs_ = needs;
    ASSAY_TRY(referring);
    std::map<int32_t, int64_t> count;
    for (int32_t row : *referring) ++count[static_cast<int32_t>(table(condition.set->table).cell(condition.column, row))];
    std::erase_if(kept, [&](int32_t row) {
      const auto it = count.find(row);
      return ((it == count.end() ? 0 : it->second) >= condition.at_least) == condition.negated;
    });
    return {};
  }

  // One cell at least of each row must be learned: of those that decide, or else that it is there at all.
  void need_rows(const RowSet& set, const std::vector<int>& columns, const std::vector<int32_t>& rows) {
    if (!needs_) return;
    const TableSpec& spec = table(set.table).spec;
    std::vector<int> open = columns, bound;
    for (const Condition& condition : set.where)
      if (condition.kind != Condition::Kind::kHas) add_column(binds(condition) ? bound : open, condition.column);
    std::erase_if(open, [&](int c) { return std::find(bound.begin(), bound.end(), c) != bound.end() || (spec.is_entity() && c == spec.name_column()); });
    if (open.empty()) open = std::move(bound);
    std::erase_if(open, [&](int c) { return spec.is_entity() && c == spec.name_column(); });
    if (open.empty()) return;
    for (int32_t row : rows) {
      Need& need = needs_->emplace_back();
      for (int column : open) need.push_back({set.table, column, row});
    }
  }

  Result<std::vector<int32_t>> best(const RowSet& set, const std::vector<int>& columns) {
    std::vector<int> read = columns;
    add_column(read, set.column);
    ASSAY_ASSIGN(std::vector<int32_t> all, rows(*set.of, read));
    std::erase_if(all, [&](int32_t row) { return !known(set.table, set.column, row); });
    const size_t at = static_cast<size_t>(set.rank) - 1;
    if (at >= all.size()) return std::vector<int32_t>();
    // To the next row, for ties.
    const auto sorted = all.begin() + static_cast<ptrdiff_t>(std::min(at + 2, all.size()));
    std::partial_sort(all.begin(), sorted, all.end(), [&](int32_t a, int32_t b) {
      const int ordered = order(set.table, set.column, a, b);
      return ordered != 0 ? (set.highest ? ordered > 0 : ordered < 0) : a < b;
    });
    // With equals before it, whether the second-highest row or value is meant would decide.
    for (size_t i = 0; i <= at && i + 1 < all.size(); ++i) tie |= order(set.table, set.column, all[i], all[i + 1]) == 0;
    return std::vector<int32_t>{all[at]};
  }

  Result<std::vector<int32_t>> follow(const RowSet& set, const std::vector<int>& columns) {
    ASSAY_ASSIGN(const std::vector<int32_t> from, rows(*set.of, {set.column}));
    std::vector<int32_t> out;
    for (int32_t row : from)
      if (known(set.of->table, set.column, row)) out.push_back(static_cast<int32_t>(table(set.of->table).cell(set.column, row)));
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    ASSAY_TRY(source_.learn(set.table, out, columns));
    need_rows(set, columns, out);
    return out;
  }

  Result<std::vector<int32_t>> group(const RowSet& set, const std::vector<int>& columns) {
    std::vector<int> read{set.column};
    add_column(read, set.measure);
    ASSAY_ASSIGN(const std::vector<int32_t> all, rows(*set.of, read));
    std::map<int32_t, std::vector<int32_t>> groups;
    for (int32_t row : all)
      if (known(set.of->table, set.column, row) && (set.measure < 0 || known(set.of->table, set.measure, row)))
        groups[static_cast<int32_t>(table(set.of->table).cell(set.column, row))].push_back(row);
    std::vector<std::pair<Value, int32_t>> ranked;
    for (const auto& [target, rows_of] : groups) ranked.emplace_back(*reduce(set.how, set.of->table, set.measure, rows_of), target);
    if (ranked.empty()) return std::vector<int32_t>();
    size_t at = 0;
    const auto ordered = [](const Value& a, const Value& b) {
      return order_of(static_cast<__int128>(a.numerator) * b.denominator, static_cast<__int128>(b.numerator) * a.denominator);
    };
    for (size_t i = 1; i < ranked.size(); ++i)
      if (const int o = ordered(ranked[i].first, ranked[at].first); set.highest ? o > 0 : o < 0) at = i;
    for (size_t i = 0; i < ranked.size(); ++i) tie |= i != at && ordered(ranked[i].first, ranked[at].first) == 0;
    const std::vector<int32_t> out{ranked[at].second};
    ASSAY_TRY(source_.learn(set.table, out, columns));
    need_rows(set, columns, out);
    return out;
  }

  // Nothing if there is no row to take more than a count of: a sum over nothing is no answer either. Cells must have values.
  std::optional<Value> reduce(Aggregate how, int table_index, int column, const std::vector<int32_t>& rows) const {
    Value out;
    if (how == Aggregate::kCount) {
      out.numerator = static_cast<int64_t>(rows.size());
      return out;
    }
    if (rows.empty()) return std::nullopt;
    const ColumnSpec& spec = table(table_index).spec.columns[static_cast<size_t>(column)];
    out.decimals = spec.decimals;
    if (how == Aggregate::kSum || how == Aggregate::kAverage) {
      for (int32_t row : rows) out.numerator += table(table_index).cell(column, row);
      if (how == Aggregate::kAverage) out.denominator = static_cast<int64_t>(rows.size());
      return out;
    }
    const auto least = std::min_element(rows.begin(), rows.end(), [&](int32_t a, int32_t b) {
      const int o = order(table_index, column, a, b);
      return how == Aggregate::kLowest ? o < 0 : o > 0;
    });
    out.is_text = !spec.is_number();
    if (out.is_text) out.texts = {std::string(text(table_index, column, *least))};
    else out.numerator = table(table_index).cell(column, *least);
    return out;
  }

  void aggregate(const Question& question, Evaluated& out) {
    std::vector<int32_t> with_value = out.rows;
    if (question.how != Aggregate::kCount) std::erase_if(with_value, [&](int32_t row) { return !known(question.of->table, question.column, row); });
    const auto value = reduce(question.how, question.of->table, question.column, with_value);
    out.empty = !value;
    if (value) out.value = *value;
  }

  void take_cell(int table_index, int column, int32_t row, Evaluated& out) {
    if (!known(table_index, column, row)) {
      out.empty = true;
      return;
    }
    const ColumnSpec& spec = table(table_index).spec.columns[static_cast<size_t>(column)];
    out.value.is_text = !spec.is_number();
    out.value.decimals = spec.decimals;
    if (out.value.is_text) out.value.texts.emplace_back(text(table_index, column, row));
    else out.value.numerator = table(table_index).cell(column, row);
  }

  // Numbers of one unit, or times of one form. Differences of averages are not asked for.
  static void subtract(const Value& other, Value& value) {
    if (value.is_text) {
      const TextForm form = text_form(value.texts[0]);
      value.numerator = time_of(value.texts[0], form) - time_of(other.texts[0], form);
      value.texts.clear();
      value.is_text = false;
    } else {
      value.numerator -= other.numerator;
    }
    value.numerator = std::abs(value.numerator);
  }

  RowSource& source_;
  std::vector<Need>* needs_;
};

}  // namespace

TableSource::TableSource(const Tables& tables) : tables_(tables) {
  for (const Table& table : tables.tables) referrers_.emplace_back(table.spec.columns.size());
}

const TableSource::Referrers& TableSource::referrers(int table, int column) {
  Referrers& out = referrers_[static_cast<size_t>(table)][static_cast<size_t>(column)];
  if (!out.begin.empty()) return out;
  const Table& from = tables_.tables[static_cast<size_t>(table)];
  const std::vector<int64_t>& cells = from.columns[static_cast<size_t>(column)];
  out.begin.assign(static_cast<size_t>(tables_.at(from.spec.columns[static_cast<size_t>(column)].references).size()) + 1, 0);
  for (int64_t cell : cells)
    if (has_value(cell)) ++out.begin[static_cast<size_t>(cell) + 1];
  std::partial_sum(out.begin.begin(), out.begin.end(), out.begin.begin());
  out.rows.resize(static_cast<size_t>(out.begin.back()));
  std::vector<int32_t> next = out.begin;
  for (size_t row = 0; row < cells.size(); ++row)
    if (has_value(cells[row])) out.rows[static_cast<size_t>(next[static_cast<size_t>(cells[row])]++)] = static_cast<int32_t>(row);
  return out;
}

// By the reference that leaves the fewest, or all.
Result<std::vector<int32_t>> TableSource::rows(int table, const std::vector<Bound>& bounds, const std::vector<int>&) {
  const Table& from = tables_.tables[static_cast<size_t>(table)];
  const Referrers* best = nullptr;
  std::vector<int32_t> best_targets;
  int64_t fewest = from.size();
  for (const Bound& bound : bounds) {
    const ColumnSpec& spec = from.spec.columns[static_cast<size_t>(bound.column)];
    if (spec.type != ColumnType::kReference) continue;
    const Referrers& known = referrers(table, bound.column);
    std::vector<int32_t> targets = bound.rows ? *bound.rows : tables_.rows_named(tables_.table_index(spec.references), tables_.texts.find(bound.equals->text));
    int64_t count = 0;
    for (int32_t target : targets) count += known.count(target);
    if (count >= fewest) continue;
    fewest = count;
    best = &known;
    best_targets = std::move(targets);
  }
  std::vector<int32_t> out(static_cast<size_t>(fewest));
  if (!best) {
    std::iota(out.begin(), out.end(), 0);
    return out;
  }
  auto end = out.begin();
  for (int32_t target : best_targets) end = std::copy_n(best->rows.begin() + best->begin[static_cast<size_t>(target)], best->count(target), end);
  if (best_targets.size() > 1) std::sort(out.begin(), out.end());
  return out;
}

double Value::number() const {
  return static_cast<double>(numerator) / static_cast<double>(denominator) / static_cast<double>(kPowersOfTen[decimals]);
}

bool Value::operator==(const Value& other) const {
  if (is_text || other.is_text) return is_text == other.is_text && texts == other.texts;
  return static_cast<__int128>(numerator) * other.denominator * kPowersOfTen[other.decimals] ==
         static_cast<__int128>(other.numerator) * denominator * kPowersOfTen[decimals];
}

Result<Evaluated> evaluate(const Question& question, RowSource& source, std::vector<Need>* needs) { return Evaluator(source, needs).answer(question); }

Result<std::vector<int32_t>> evaluate_rows(const RowSet& set, RowSource& source) { return Evaluator(source, nullptr).rows(set, {}); }

}  // namespace assay::query
