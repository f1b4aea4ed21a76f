#include "tests/synth/query/plan_sql.h"

namespace assay::query {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

const TableSpec& spec(const Tables& tables, int table) { return tables.tables[static_cast<size_t>(table)].spec; }
std::string column(const Tables& tables, int table, int c) { return spec(tables, table).columns[static_cast<size_t>(c)].name; }
std::string key(const Tables& tables, int table) { return spec(tables, table).key[0]; }

std::string sign(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual: return "=";
    case Comparison::kNotEqual: return "<>";
    case Comparison::kBelow: return "<";
    case Comparison::kAtMost: return "<=";
    case Comparison::kAbove: return ">";
    case Comparison::kAtLeast: return ">=";
  }
  return "";
}

std::string function(Aggregate how, const std::string& of) {
  switch (how) {
    case Aggregate::kCount: return "COUNT(*)";
    case Aggregate::kSum: return "SUM(" + of + ")";
    case Aggregate::kAverage: return "AVG(" + of + ")";
    case Aggregate::kLowest: return "MIN(" + of + ")";
    case Aggregate::kHighest: return "MAX(" + of + ")";
  }
  return "";
}

std::string condition_sql(const Condition& c, const RowSet& set, const Tables& tables) {
  if (c.kind == Condition::Kind::kHas)
    return "(SELECT COUNT(*) FROM (" + sql_of(*c.set, tables) + ") AS other WHERE other." + column(tables, c.set->table, c.column) + " = here." + key(tables, set.table) +
           ")" + (c.negated ? " < " : " >= ") + std::to_string(c.at_least);
  const std::string left = "here." + column(tables, set.table, c.column);
  if (c.kind == Condition::Kind::kIn)
    return left + (c.negated ? " NOT" : "") + " IN (SELECT " + key(tables, c.set->table) + " FROM (" + sql_of(*c.set, tables) + "))";
  const ColumnSpec& about = spec(tables, set.table).columns[static_cast<size_t>(c.column)];
  return left + " " + sign(c.comparison) + " " + (about.is_number() ? number_text(c.number, about.decimals) : quoted(c.text));
}

}  // namespace

std::string sql_of(const RowSet& set, const Tables& tables) {
  const std::string& table = spec(tables, set.table).name;
  std::string out = "SELECT * FROM " + table + " AS here";
  if (set.kind == RowSet::Kind::kWhere) {
    for (size_t i = 0; i < set.where.size(); ++i) out += (i == 0 ? " WHERE " : " AND ") + condition_sql(set.where[i], set, tables);
    return out;
  }
  const std::string of = "(" + sql_of(*set.of, tables) + ")", by = column(tables, set.of->table, set.column), down = set.highest ? " DESC" : " ASC";
  if (set.kind == RowSet::Kind::kBest)
    return "SELECT * FROM " + of + " WHERE " + by + " IS NOT NULL ORDER BY " + by + down + " LIMIT 1 OFFSET " + std::to_string(set.rank - 1);
  if (set.kind == RowSet::Kind::kFollow) return out + " WHERE " + key(tables, set.table) + " IN (SELECT " + by + " FROM " + of + ")";
  const std::string measure = set.measure < 0 ? "" : column(tables, set.of->table, set.measure);
  return out + " WHERE " + key(tables, set.table) + " = (SELECT " + by + " FROM " + of + " WHERE " + by + " IS NOT NULL" +
         (measure.empty() ? "" : " AND " + measure + " IS NOT NULL") + " GROUP BY " + by + " ORDER BY " + function(set.how, measure) + down + " LIMIT 1)";
}

std::string sql_of(const Question& question, const Tables& tables) {
  const std::string of = " FROM (" + sql_of(*question.of, tables) + ")";
  const std::string name = question.column >= 0 ? column(tables, question.of->table, question.column) : key(tables, question.of->table);
  if (question.ask == Question::Ask::kAggregate) return "SELECT " + function(question.how, name) + of;
  return "SELECT " + name + of;
}

}  // namespace assay::query
