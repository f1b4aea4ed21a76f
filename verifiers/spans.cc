#include "verifiers/spans.h"

#include <algorithm>

namespace assay {
namespace {

int read_field(JsonReader& reader, const char* member, const Binding& binding) {
  const std::string name = reader.text(member);
  if (reader.failed()) return -1;
  const int field = binding.shape.field_index(name);
  if (field >= 0 && binding.shape.fields[field].is_entity()) return field;
  std::vector<std::string> known;
  for (const AnswerField& f : binding.shape.fields)
    if (f.is_entity()) known.push_back(f.name);
  reader.fail(member, unknown_name("entity field", name, known).what);
  return -1;
}

int table_of(const Binding& binding, int field) { return binding.tables.table_index(binding.shape.fields[field].table); }

constexpr int kMostMinutes = 50'000'000;   // of any sum that a solver computes

bool holds_minutes(const ColumnSpec& spec) { return spec.type == ColumnType::kInteger; }

}  // namespace

Attribute read_minutes(JsonReader& reader, const char* member, const Binding& binding) {
  Attribute out;
  const Json& json = reader.object(member);
  if (reader.failed()) return out;
  JsonReader r(json, reader.file(), reader.path_of(member));
  out.field = read_field(r, "field", binding);
  const std::string column = r.text("get");
  if (!r.failed()) out.column = read_column_of(r, column, "get", table_of(binding, out.field), binding);
  if (!r.failed() && !holds_minutes(*out.column.spec)) r.fail("get", "the column holds no whole numbers");
  if (Status status = r.finish(); !status.ok()) reader.fail(member, status.error().text());
  return out;
}

Spans Spans::read(JsonReader& reader, const Binding& binding) {
  Spans out{read_minutes(reader, "start", binding), read_minutes(reader, "length", binding)};
  if (!reader.failed() && !binding.shape.fields[out.length.field].is_given()) reader.fail("length", "expected a field that is given");
  return out;
}

std::optional<Span> Spans::of(const AnswerShape& shape, const int32_t* rows, int group) const {
  const int64_t from = start.column.at(rows[start.slot(shape, group)]), minutes = length.column.at(rows[length.slot(shape, group)]);
  if (!has_value(from) || !has_value(minutes)) return std::nullopt;
  return Span{from, from + minutes};
}

void Spans::facts(const AnswerShape& shape, const int32_t* rows, int group, std::vector<Fact>& out) const {
  out.push_back(start.fact(shape, rows, group));
  out.push_back(length.fact(shape, rows, group));
}

void Spans::present(Lowering& lowering, int group, std::vector<Literal>& out) const {
  for (const Attribute* attribute : {&start, &length})
    out.push_back(lowering.present(attribute->slot(lowering.shape(), group), attribute->column.column));
}

Literal Spans::before(Lowering& lowering, int first, int second, int64_t gap, std::optional<Var> late) const {
  const AnswerShape& shape = lowering.shape();
  std::vector<int> coefficients{1, 1, -1};
  std::vector<Var> variables{lowering.value(start.slot(shape, first), start.column.column), lowering.value(length.slot(shape, first), length.column.column),
                             lowering.value(start.slot(shape, second), start.column.column)};
  if (late) coefficients.push_back(-1), variables.push_back(*late);
  return lowering.linear(std::move(coefficients), std::move(variables), Relation::kLessEqual, -gap);
}

Var Spans::lateness(Lowering& lowering, const std::vector<Order>& orders) const {
  std::set<int64_t> starts, apart;   // minutes
  for (int64_t minute : *start.column.cells)
    if (has_value(minute)) starts.insert(minute);
  for (int64_t from : starts)
    for (int64_t to : starts) apart.insert(from - to);
  std::set<int> late;
  for (const Order& order : orders) {
    const int64_t lasts = length.column.at(given_row(lowering.shape(), lowering.tables(), length.slot(lowering.shape(), order.first)));
    if (!has_value(lasts)) continue;
    for (int64_t minutes : apart) {
      const int64_t by = minutes + lasts + order.gap;
      if (by > 0 && by <= kMostMinutes) late.insert(static_cast<int>(by));
    }
  }
  if (late.empty()) late.insert(kMostMinutes);
  const Var out = lowering.model().add(*late.begin(), *late.rbegin());
  lowering.model().restrict(out, {late.begin(), late.end()});
  return out;
}

std::string Spans::sentence(const AnswerShape& shape) const {
  return "from the " + start.column.spec->label + " of its " + shape.fields[start.field].label + " for its " + length.column.spec->label;
}

std::string Spans::text(const AnswerShape& shape, const int32_t* rows, int group) const {
  const auto span = of(shape, rows, group);
  const std::string name = shape.slot_text(length.slot(shape, group));
  return span ? name + " (" + std::to_string(span->from) + " to " + std::to_string(span->to) + ")" : name + ", whose time is not known,";
}

std::string Spans::python(const AnswerShape& shape, int group) const {
  const auto cell = [&](const Attribute& a) { return std::to_string(a.slot(shape, group)) + ", " + python_text(a.column.spec->name); };
  return "span(" + cell(start) + ", " + cell(length) + ")";
}

Owners Owners::read(JsonReader& reader, const char* member, const Binding& binding) {
  Owners out;
  const Json& json = reader.object(member);
  if (reader.failed()) return out;
  JsonReader r(json, reader.file(), reader.path_of(member));
  out.field_ = read_field(r, "field", binding);
  const std::string get = r.text_or("get", "");
  const Json& through = r.has("through") ? r.object("through") : r.member_or_null("through");
  if (!r.failed()) {
    const Table& sources = binding.tables.tables[table_of(binding, out.field_)];
    out.sets_.resize(static_cast<size_t>(sources.size()));
    if (!through.is_null()) out.join(r, through, sources, binding);
    else if (!get.empty()) out.refer(r, get, sources, binding);
    else out.be(r, sources, binding);
  }
  if (Status status = r.finish(); !status.ok()) reader.fail(member, status.error().text());
  return out;
}

void Owners::be(JsonReader& r, const Table& sources, const Binding& binding) {
  if (sources.spec.key.size() != 1) return r.fail("field", "expected a table whose names need no scope");
  const AnswerField& field = binding.shape.fields[field_];
  noun_ = field.label;
  phrase_ = field.is_given() ? "the " + noun_ + " itself" : "its " + noun_;
  table_ = table_of(binding, field_);
  for (int32_t row = 0; row < sources.size(); ++row) sets_[static_cast<size_t>(row)].rows = {row};
}

void Owners::refer(JsonReader& r, const std::string& get, const Table& sources, const Binding& binding) {
  get_ = read_column_of(r, get, "get", table_of(binding, field_), binding);
  if (!r.failed() && get_.spec->type != ColumnType::kReference) r.fail("get", "the column refers to nothing");
  if (r.failed()) return;
  noun_ = get_.spec->label;
  phrase_ = "its " + noun_;
  table_ = binding.tables.table_index(get_.spec->references);
  for (int32_t row = 0; row < sources.size(); ++row) {
    Set& set = sets_[static_cast<size_t>(row)];
    const int64_t cell = get_.at(row);
    if (has_value(cell)) set.rows = {static_cast<int32_t>(cell)};
    else set.known = cell == kUnknown ? Truth::kUnknown : Truth::kNo;
  }
}

void Owners::join(JsonReader& r, const Json& through, const Table& sources, const Binding& binding) {
  JsonReader t(through, r.file(), r.path_of("through"));
  relation_ = read_table(t, "table", binding);
  const std::string from = t.text("from"), to = t.text("to");
  if (!t.failed()) from_ = read_column_of(t, from, "from", relation_, binding);
  if (!t.failed()) to_ = read_column_of(t, to, "to", relation_, binding);
  if (!t.failed() && from_.spec->references != sources.spec.name) t.fail("from", "the column does not refer to '" + sources.spec.name + "'");
  if (!t.failed() && to_.spec->type != ColumnType::kReference) t.fail("to", "the column refers to nothing");
  if (Status status = t.finish(); !status.ok()) return r.fail("through", status.error().text());
  if (!binding.shape.fields[field_].is_given()) return r.fail("field", "what goes through a relation must be given");
  const Table& relation = binding.tables.tables[relation_];
  relation_name_ = relation.spec.name;
  noun_ = to_.spec->label;
  phrase_ = "every " + noun_;
  table_ = binding.tables.table_index(to_.spec->references);
  for (int32_t row = 0; row < relation.size(); ++row)
    if (has_value(from_.at(row)) && has_value(to_.at(row)))
      sets_[static_cast<size_t>(from_.at(row))].rows.push_back(static_cast<int32_t>(to_.at(row)));
  for (size_t row = 0; row < sets_.size(); ++row) {
    std::sort(sets_[row].rows.begin(), sets_[row].rows.end());
    if (binding.is_open(Fact::rows(relation_, from_.column, static_cast<int32_t>(row)))) sets_[row].known = Truth::kUnknown;
  }
}

Truth Owners::shared(int32_t row, int32_t other) const {
  const Set &a = of(row), &b = of(other);
  for (size_t i = 0, j = 0; i < a.rows.size() && j < b.rows.size();) {
    if (a.rows[i] == b.rows[j]) return Truth::kYes;
    a.rows[i] < b.rows[j] ? ++i : ++j;
  }
  return a.known == Truth::kUnknown || b.known == Truth::kUnknown ? Truth::kUnknown : Truth::kNo;
}

void Owners::facts(int32_t row, std::vector<Fact>& out) const {
  if (through_relation()) out.push_back(Fact::rows(relation_, from_.column, row));
  else if (get_.spec) out.push_back({get_.table, get_.column, row});
}

void Owners::add_needs(std::set<ColumnNeed>& out) const {
  for (const BoundColumn* column : {&get_, &from_, &to_})
    if (column->spec) out.insert({column->table, column->column});
}

Literal Owners::shared(Lowering& lowering, int first, int second) const {
  const AnswerShape& shape = lowering.shape();
  const int a = shape.slot(first, field_), b = shape.slot(second, field_);
  if (shape.fields[field_].is_given()) {
    const Truth truth = shared(given_row(shape, lowering.tables(), a), given_row(shape, lowering.tables(), b));
    return lowering.model().constant(truth == Truth::kYes);
  }
  if (!get_.spec) return lowering.linear({1, -1}, {lowering.slot(a), lowering.slot(b)}, Relation::kEqual, 0);
  return lowering.linear({1, -1}, {lowering.value(a, get_.column), lowering.value(b, get_.column)}, Relation::kEqual, 0);
}

Literal Owners::present(Lowering& lowering, int group) const {
  if (!get_.spec) return lowering.model().constant(true);
  return lowering.present(lowering.shape().slot(group, field_), get_.column);
}

std::string Owners::python(const AnswerShape& shape, int group) const {
  const std::string slot = std::to_string(shape.slot(group, field_));
  if (through_relation())
    return "joined(" + slot + ", " + python_text(relation_name_) + ", " + python_text(from_.spec->name) + ", " + python_text(to_.spec->name) + ")";
  return get_.spec ? "{v(" + slot + ", " + python_text(get_.spec->name) + ")}" : "{name(" + slot + ")}";
}

Path Path::read(JsonReader& reader, const char* member, int table, const Binding& binding) {
  Path out;
  std::string rest = reader.text(member);
  while (!reader.failed()) {
    const size_t dot = rest.find('.');
    out.steps.push_back(read_column_of(reader, rest.substr(0, dot), member, table, binding));
    if (reader.failed()) break;
    const ColumnSpec& spec = *out.steps.back().spec;
    if (dot == std::string::npos) {
      if (!holds_minutes(spec)) reader.fail(member, "the column '" + spec.name + "' holds no whole numbers");
      break;
    }
    if (spec.type != ColumnType::kReference) {
      reader.fail(member, "the column '" + spec.name + "' refers to nothing");
      break;
    }
    table = binding.tables.table_index(spec.references);
    rest = rest.substr(dot + 1);
  }
  return out;
}

int64_t Path::at(int32_t row) const {
  int64_t cell = row;
  for (const BoundColumn& step : steps) {
    cell = step.at(static_cast<int32_t>(cell));
    if (!has_value(cell)) break;
  }
  return cell;
}

void Path::facts(int32_t row, std::vector<Fact>& out) const {
  for (const BoundColumn& step : steps) {
    out.push_back({step.table, step.column, row});
    if (!has_value(step.at(row))) return;
    row = static_cast<int32_t>(step.at(row));
  }
}

std::string Path::of() const {
  std::string out;
  for (size_t i = 0; i + 1 < steps.size(); ++i) out = "the " + steps[i].spec->label + " of " + out;
  return out;
}

void Path::add_needs(std::set<ColumnNeed>& out) const {
  for (const BoundColumn& step : steps) out.insert({step.table, step.column});
}

std::string Path::python(const Binding& binding) const {
  std::string out;
  for (const BoundColumn& step : steps)
    out += (out.empty() ? "(" : ", (") + python_text(binding.tables.tables[step.table].spec.name) + ", " + python_text(step.spec->name) + ")";
  return "[" + out + "]";
}

}  // namespace assay
