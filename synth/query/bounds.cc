#include "synth/query/bounds.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "synth/column_use.h"

namespace assay::query {
namespace {

constexpr int64_t kMostTries = 1'000'000;

// One call, as a number: tool and arguments mixed, but for the argument about the column `but`. `cell`s of references and texts count as
// the text they show.
uint64_t call_of(const ToolSpec& tool, const Reveal& reveal, const Tables& tables, int table, int32_t row, const std::string& but = "") {
  const Table& rows = tables.tables[static_cast<size_t>(table)];
  uint64_t out = stream_of(tool.name);
  for (const auto& [column, parameter] : reveal.given) {
    if (column == but) continue;
    const int c = rows.spec.column_index(column);
    const ColumnSpec& spec = rows.spec.columns[static_cast<size_t>(c)];
    int64_t cell = rows.cell(c, row);
    if (spec.type == ColumnType::kReference && has_value(cell)) {
      const Table& target = tables.at(spec.references);
      cell = target.cell(target.spec.name_column(), static_cast<int32_t>(cell));
    }
    out += mix64(stream_of(parameter) ^ mix64(static_cast<uint64_t>(cell)));   // a sum: parameters have no order
  }
  return out;
}

bool settles(const Reveal& reveal, const std::string& column) { return reveal.columns.count(column) > 0 || (reveal.complete && reveal.given.count(column) > 0); }

// The set without what filters or ranks: only what leads to it from elsewhere.
RowSetPtr base_of(const RowSet& set, const Tables& tables) {
  if (set.kind == RowSet::Kind::kBest) return base_of(*set.of, tables);
  auto out = std::make_shared<RowSet>(set);
  if (set.kind == RowSet::Kind::kWhere) {
    std::erase_if(out->where, [&](const Condition& c) {
      const bool leads = c.kind == Condition::Kind::kIn ? !c.negated : c.kind == Condition::Kind::kCompare && c.comparison == Comparison::kEqual &&
                         tables.tables[static_cast<size_t>(set.table)].spec.columns[static_cast<size_t>(c.column)].type == ColumnType::kReference;
      return !leads;
    });
    return out;
  }
  out->kind = RowSet::Kind::kFollow;
  out->of = base_of(*set.of, tables);
  return out;
}

int64_t at_most(double tries) { return std::max<int64_t>(1, static_cast<int64_t>(std::min(tries, static_cast<double>(kMostTries)))); }

}  // namespace

int64_t least_calls(const std::vector<Need>& needs, const Tables& tables, const std::vector<ToolSpec>& tools) {
  std::vector<std::vector<std::pair<const ToolSpec*, const Reveal*>>> reveals(tables.tables.size());
  for (const ToolSpec& tool : tools)
    for (const Reveal& reveal : tool.reveals)
      if (const int table = tables.table_index(reveal.table); table >= 0 && tool.effect == ToolEffect::kRead) reveals[static_cast<size_t>(table)].emplace_back(&tool, &reveal);
  std::unordered_set<uint64_t> used;
  std::vector<uint64_t> ways;
  int64_t calls = 1;
  for (const Need& need : needs) {
    ways.clear();
    for (const Fact& fact : need) {
      const std::string& column = tables.tables[static_cast<size_t>(fact.table)].spec.columns[static_cast<size_t>(fact.column)].name;
      for (const auto& [tool, reveal] : reveals[static_cast<size_t>(fact.table)])
        if (!reveal->counts.empty()) {
          // A count by this column, whatever it counts, tells something of every row that its other arguments hold for.
          if (reveal->given.count(column)) ways.push_back(call_of(*tool, *reveal, tables, fact.table, fact.row, column));
        } else if (settles(*reveal, column)) {
          ways.push_back(call_of(*tool, *reveal, tables, fact.table, fact.row));
        }
    }
    if (ways.empty() || std::any_of(ways.begin(), ways.end(), [&](uint64_t way) { return used.count(way) > 0; })) continue;
    used.insert(ways.begin(), ways.end());
    ++calls;
  }
  return calls;
}

ChanceRate guess_rate(const Question& question, const Evaluated& answer, TableSource& source) {
  const Tables& tables = source.tables();
  const auto base = evaluate_rows(*base_of(*question.of, tables), source);
  if (!base.ok()) return {1, 1};
  const Table& table = tables.tables[static_cast<size_t>(question.of->table)];
  const int64_t rows = std::max<int64_t>(1, static_cast<int64_t>(base->size()));
  if (question.ask == Question::Ask::kName) return {1, rows};
  if (question.ask == Question::Ask::kNames) return {1, at_most(std::pow(2, rows))};
  if (question.column < 0) return {1, rows + 1};
  const ColumnSpec& spec = table.spec.columns[static_cast<size_t>(question.column)];
  const bool total = question.ask == Question::Ask::kAggregate && (question.how == Aggregate::kSum || question.how == Aggregate::kAverage);
  if (!question.minus && !total) {   // a cell of one of the rows
    int64_t same = 0;
    for (int32_t row : *base) {
      const std::string text = tables.cell_text(table, question.column, row);
      same += answer.value.is_text ? text == answer.value.texts[0] : text == number_text(answer.value.numerator, answer.value.decimals);
    }
    return {std::max<int64_t>(1, same), rows};
  }
  double low = 0, high = 0, sum = 0;
  bool first = true;
  for (int32_t row : *base) {
    int64_t cell = table.cell(question.column, row);
    if (!has_value(cell)) continue;
    if (spec.type == ColumnType::kText) {
      const std::string_view text = tables.texts.text(static_cast<int32_t>(cell));
      cell = time_of(text, text_form(text));
    }
    const double value = static_cast<double>(cell);
    low = first ? value : std::min(low, value);
    high = first ? value : std::max(high, value);
    sum += std::fabs(value);
    first = false;
  }
  if (question.how == Aggregate::kSum && !question.minus) return {1, at_most(sum + 1)};
  const double unit = question.minus ? 1 : std::pow(10, std::min(spec.decimals, 2)) / 100;   // an average is asked for to two places at least
  return {1, at_most((high - low) / unit + 1)};
}

}  // namespace assay::query
