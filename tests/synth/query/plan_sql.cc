#include "tests/synth/query/plan_sql.h"

namespace assay::query {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

const TableSpec& spec(const Tables& tables, int table) { return tables.tables[static_cast<size_t>(table)].spec; }
std::string name(const std::string& identifier) { return '"' + identifier + '"'; }
std::string column(const Tables& tables, int table, int c) { return name(spec(tables, table).columns[static_cast<size_t>(c)].name); }
std::string key(const Tables& tables, int table) { return name(spec(tables, table).key[0]); }

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

// Common table expressions rather than nested queries: SQLite's parser is not deep enough for those.
class Writer {
 public:
  explicit Writer(const Tables& tables) : tables_(tables) {}

  std::string sql(const Question& question) {
    const std::string of = add(*question.of);
    const std::string asked = question.column >= 0 ? column(tables_, question.of->table, question.column) : key(tables_, question.of->table);
    const bool aggregates = question.ask == Question::Ask::kAggregate;
    return "WITH " + with_ + " SELECT " + (aggregates ? function(question.how, asked) : asked) + " FROM " + of;
  }

 private:
  // The name of an expression for all columns of the set's rows.
  std::string add(const RowSet& set) {
    const std::string select = rows(set);
    const std::string out = "set" + std::to_string(++count_);
    with_ += (count_ > 1 ? ", " : "") + out + " AS (" + select + ")";
    return out;
  }

  std::string rows(const RowSet& set) {
    std::string out = "SELECT * FROM " + name(spec(tables_, set.table).name) + " AS here";
    if (set.kind == RowSet::Kind::kWhere) {
      for (size_t i = 0; i < set.where.size(); ++i) out += (i == 0 ? " WHERE " : " AND ") + condition(set.where[i], set);
      return out;
    }
    const std::string of = add(*set.of), by = column(tables_, set.of->table, set.column), down = set.highest ? " DESC" : " ASC";
    if (set.kind == RowSet::Kind::kBest)
      return "SELECT * FROM " + of + " WHERE " + by + " IS NOT NULL ORDER BY " + by + down + " LIMIT 1 OFFSET " + std::to_string(set.rank - 1);
    if (set.kind == RowSet::Kind::kFollow) return out + " WHERE " + key(tables_, set.table) + " IN (SELECT " + by + " FROM " + of + ")";
    const std::string measure = set.measure < 0 ? "" : column(tables_, set.of->table, set.measure);
    return out + " WHERE " + key(tables_, set.table) + " = (SELECT " + by + " FROM " + of + " WHERE " + by + " IS NOT NULL" +
           (measure.empty() ? "" : " AND " + measure + " IS NOT NULL") + " GROUP BY " + by + " ORDER BY " + function(set.how, measure) + down + " LIMIT 1)";
  }

  std::string condition(const Condition& c, const RowSet& set) {
    if (c.kind == Condition::Kind::kHas)
      return "(SELECT COUNT(*) FROM " + add(*c.set) + " AS other WHERE other." + column(tables_, c.set->table, c.column) + " = here." + key(tables_, set.table) + ")" +
             (c.negated ? " < " : " >= ") + std::to_string(c.at_least);
    const std::string left = "here." + column(tables_, set.table, c.column);
    if (c.kind == Condition::Kind::kIn) return left + (c.negated ? " NOT" : "") + " IN (SELECT " + key(tables_, c.set->table) + " FROM " + add(*c.set) + ")";
    const ColumnSpec& about = spec(tables_, set.table).columns[static_cast<size_t>(c.column)];
    return left + " " + sign(c.comparison) + " " + (about.is_number() ? number_text(c.number, about.decimals) : quoted(c.text));
  }

  const Tables& tables_;
  std::string with_;
  int count_ = 0;
};

}  // namespace

std::string sql_of(const Question& question, const Tables& tables) { return Writer(tables).sql(question); }

}  // namespace assay::query
