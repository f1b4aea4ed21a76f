#include "envs/table.h"

#include <cmath>
#include <cstdlib>

#include "envs/plural.h"

namespace assay {
namespace {

const char* type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kText: return "text";
    case ColumnType::kInteger: return "integer";
    case ColumnType::kDecimal: return "decimal";
    case ColumnType::kReference: return "reference";
  }
  return "text";
}

constexpr const char* kEqualities[] = {"exact", "set", "bag", "sequence", "tolerance", "ignored"};

Json equality_json(const ColumnSpec& column) {
  if (column.equality == Equality::kTolerance) return {{"tolerance", column.tolerance}};
  return kEqualities[static_cast<int>(column.equality)];
}

// "equality": "set", or {"tolerance": 0.05}.
void read_equality(JsonReader& r, ColumnSpec& column) {
  const Json& json = r.member_or_null("equality");
  if (json.is_null()) return;
  if (json.is_object() && json.size() == 1 && json.contains("tolerance") && json["tolerance"].is_number()) {
    column.equality = Equality::kTolerance;
    column.tolerance = json["tolerance"].get<double>();
    if (!column.is_number() || !(column.tolerance >= 0)) r.fail("equality", "a tolerance is for columns of numbers, and at least 0");
    return;
  }
  size_t i = 0;
  while (i < std::size(kEqualities) && json != kEqualities[i]) ++i;
  column.equality = static_cast<Equality>(i);
  if (i == std::size(kEqualities) || column.equality == Equality::kTolerance)
    return r.fail("equality", "unknown equality " + json.dump().substr(0, 80), "exact, set, bag, sequence, ignored or {\"tolerance\": 0.05}");
  const bool list = column.equality == Equality::kSet || column.equality == Equality::kBag || column.equality == Equality::kSequence;
  if (list && column.type != ColumnType::kText) r.fail("equality", "lists are kept in columns of text");
}

constexpr int64_t kLargest = 1'000'000'000'000;

}  // namespace

int TableSpec::column_index(std::string_view column) const {
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == column) return static_cast<int>(i);
  return -1;
}

bool TableSpec::is_entity() const {
  if (key.empty() || key.size() > 2) return false;
  const int name = column_index(key[0]);
  if (name < 0 || columns[name].type != ColumnType::kText) return false;
  return key.size() == 1 || columns[column_index(key[1])].type == ColumnType::kReference;
}

int Tables::table_index(std::string_view name) const {
  for (size_t i = 0; i < tables.size(); ++i)
    if (tables[i].spec.name == name) return static_cast<int>(i);
  return -1;
}

const Table* Tables::find(std::string_view name) const {
  const int index = table_index(name);
  return index < 0 ? nullptr : &tables[index];
}

const Table& Tables::at(std::string_view name) const {
  const Table* table = find(name);
  ASSAY_ASSERT(table != nullptr);
  return *table;
}

Status Tables::build_index() {
  names_.assign(tables.size(), {});
  for (size_t t = 0; t < tables.size(); ++t) {
    const Table& table = tables[t];
    if (!table.spec.is_entity()) continue;
    NameIndex& index = names_[t];
    index.first.assign(texts.size(), -1);
    index.next.assign(table.size(), -1);
    const auto& names = table.columns[table.spec.name_column()];
    const int scope = table.spec.scope_column();
    for (int32_t row = table.size() - 1; row >= 0; --row) {  // backwards, so chains ascend
      if (names[row] < 0) return input_error("a key cell is empty", table.spec.name + " row " + std::to_string(row));
      index.next[row] = index.first[names[row]];
      index.first[names[row]] = row;
      for (int32_t other = index.next[row]; other >= 0; other = index.next[other])
        if (scope < 0 || table.cell(scope, other) == table.cell(scope, row))
          return input_error("two rows have the key '" + entity_text(static_cast<int>(t), row) + "'",
                             table.spec.name + " rows " + std::to_string(row) + " and " + std::to_string(other));
    }
  }
  return {};
}

int32_t Tables::resolve(int table, int32_t text_id, int32_t scope) const {
  const NameIndex& index = names_[table];
  if (text_id < 0 || static_cast<size_t>(text_id) >= index.first.size()) return -1;
  const int32_t first = index.first[text_id];
  if (first < 0 || scope < 0) return first;
  const int column = tables[table].spec.scope_column();
  if (column < 0) return first;
  const auto& scopes = tables[table].columns[column];
  for (int32_t row = first; row >= 0; row = index.next[row])
    if (scopes[row] == scope) return row;
  return first;
}

int32_t Tables::resolve_name(int table, std::string_view name, int32_t scope) const {
  return resolve(table, texts.find(name), scope);
}

std::vector<int32_t> Tables::rows_named(int table, int32_t text_id) const {
  std::vector<int32_t> rows;
  for (int32_t row = resolve(table, text_id, -1); row >= 0; row = names_[table].next[row]) rows.push_back(row);
  return rows;
}

Json Tables::cell_json(const Table& table, int column, int32_t row) const {
  const ColumnSpec& spec = table.spec.columns[column];
  const int64_t cell = table.cell(column, row);
  if (cell == kNull || cell == kUnknown) return nullptr;
  switch (spec.type) {
    case ColumnType::kText: return std::string(texts.text(static_cast<int32_t>(cell)));
    case ColumnType::kInteger: return cell;
    case ColumnType::kDecimal: return number_json(cell, spec.decimals);
    case ColumnType::kReference: return std::string(entity_name(table_index(spec.references), static_cast<int32_t>(cell)));
  }
  return nullptr;
}

std::string Tables::cell_text(const Table& table, int column, int32_t row) const {
  const ColumnSpec& spec = table.spec.columns[column];
  const int64_t cell = table.cell(column, row);
  if (cell == kNull) return "-";
  if (cell == kUnknown) return "?";
  if (spec.type == ColumnType::kDecimal) return number_text(cell, spec.decimals);
  Json json = cell_json(table, column, row);
  return json.is_string() ? json.get<std::string>() : json.dump();
}

std::string_view Tables::entity_name(int table, int32_t row) const {
  const Table& t = tables[table];
  return texts.text(static_cast<int32_t>(t.cell(t.spec.name_column(), row)));
}

std::string Tables::entity_text(int table, int32_t row) const {
  std::string out(entity_name(table, row));
  const Table& t = tables[table];
  const int scope = t.spec.scope_column();
  if (scope >= 0) out += " (" + cell_text(t, scope, row) + ")";
  return out;
}

std::string number_text(int64_t scaled, int decimals) {
  if (decimals == 0) return std::to_string(scaled);
  const int64_t power = kPowersOfTen[decimals];
  std::string fraction = std::to_string(std::llabs(scaled) % power);
  return (scaled < 0 ? "-" : "") + std::to_string(std::llabs(scaled) / power) + "." +
         std::string(decimals - fraction.size(), '0') + fraction;
}

Json number_json(int64_t scaled, int decimals) {
  if (decimals == 0) return scaled;
  return static_cast<double>(scaled) / static_cast<double>(kPowersOfTen[decimals]);
}

Result<int64_t> parse_number(std::string_view text, int decimals) {
  size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) at = 1;
  int64_t value = 0;
  int fraction = -1;  // digits after the point so far
  bool digits = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && fraction < 0) {
      fraction = 0;
    } else if (c >= '0' && c <= '9') {
      digits = true;
      if (fraction >= decimals && fraction >= 0) {
        if (c != '0') return input_error("'" + std::string(text) + "' has more than " + std::to_string(decimals) + " decimals");
        continue;
      }
      value = value * 10 + (c - '0');
      if (fraction >= 0) ++fraction;
      if (value > kLargest) return input_error("'" + std::string(text) + "' is too large a number");
    } else {
      return input_error("'" + std::string(text) + "' is not a number");
    }
  }
  if (!digits) return input_error("'" + std::string(text) + "' is not a number");
  for (int i = std::max(fraction, 0); i < decimals; ++i) value *= 10;
  return negative ? -value : value;
}

Result<int64_t> number_from_json(const Json& value, int decimals) {
  if (value.is_number_integer() && std::fabs(value.get<double>()) <= static_cast<double>(kLargest) / 10000)
    return value.get<int64_t>() * kPowersOfTen[decimals];
  if (!value.is_number()) return input_error(std::string("expected a number, found ") + value.type_name());
  const double scaled = value.get<double>() * static_cast<double>(kPowersOfTen[decimals]);
  if (!(std::fabs(scaled) <= static_cast<double>(kLargest))) return input_error("the number is too large");
  const double rounded = std::round(scaled);
  if (std::fabs(scaled - rounded) > 1e-6)
    return input_error(value.dump() + " has more than " + std::to_string(decimals) + " decimals");
  return static_cast<int64_t>(rounded);
}

Json to_json(const TableSpec& spec) {
  Json columns = Json::array();
  for (const ColumnSpec& column : spec.columns) {
    Json json = {{"name", column.name}, {"type", type_name(column.type)}, {"label", column.label}};
    if (!column.unit.empty()) json["unit"] = column.unit;
    if (column.type == ColumnType::kDecimal) json["decimals"] = column.decimals;
    if (column.type == ColumnType::kReference) json["references"] = column.references;
    if (column.is_number()) {
      json["low"] = number_json(column.low, column.decimals);
      json["high"] = number_json(column.high, column.decimals);
    }
    if (column.equality != Equality::kExact) json["equality"] = equality_json(column);
    columns.push_back(std::move(json));
  }
  return {{"name", spec.name}, {"label", spec.label}, {"plural", spec.plural}, {"key", spec.key}, {"columns", columns}};
}

namespace {

ColumnSpec column_from_json(JsonReader& r) {
  ColumnSpec column;
  column.name = r.text("name");
  const std::string type = r.text_or("type", "text");
  if (type == "integer") column.type = ColumnType::kInteger;
  else if (type == "decimal") column.type = ColumnType::kDecimal;
  else if (type == "reference") column.type = ColumnType::kReference;
  else if (type != "text") r.fail("type", "unknown column type '" + type + "'", "text, integer, decimal or reference");
  if (column.type == ColumnType::kDecimal)
    column.decimals = static_cast<int>(r.integer("decimals", {.minimum = 1, .maximum = 4, .fallback = 1}));
  if (column.type == ColumnType::kReference) column.references = r.text("references");
  column.label = r.text_or("label", column.name);
  column.unit = r.text_or("unit", "");
  if (column.is_number()) {
    for (const char* side : {"low", "high"}) {
      if (!r.has(side)) continue;
      auto bound = number_from_json(r.member(side), column.decimals);
      if (!bound.ok()) r.fail(side, bound.error().what);
      else (side[0] == 'l' ? column.low : column.high) = *bound;
    }
    if (column.low > column.high) r.fail("low", "the low end is above the high end");
  }
  read_equality(r, column);
  return column;
}

}  // namespace

Result<TableSpec> table_spec_from_json(const Json& json, const std::string& file, const std::string& path) {
  JsonReader r(json, file, path);
  TableSpec spec;
  spec.name = r.text("name");
  spec.label = r.text_or("label", spec.name);
  spec.plural = r.text_or("plural", plural_of(spec.label));
  spec.key = r.texts("key");
  const Json& columns = r.array("columns");
  for (size_t i = 0; i < columns.size(); ++i) {
    JsonReader c(columns[i], file, path + ".columns[" + std::to_string(i) + "]");
    ColumnSpec column = column_from_json(c);
    ASSAY_TRY(c.finish());
    if (spec.column_index(column.name) >= 0) r.fail("columns", "the column '" + column.name + "' is declared twice");
    spec.columns.push_back(std::move(column));
  }
  if (spec.key.empty()) r.fail("key", "a table needs at least one key column");
  for (const std::string& key : spec.key)
    if (spec.column_index(key) < 0) r.fail("key", "the key names no column: '" + key + "'");
  ASSAY_TRY(r.finish());
  return spec;
}

Json to_json(const Tables& tables) {
  Json specs = Json::array(), rows = Json::object();
  for (const Table& table : tables.tables) {
    specs.push_back(to_json(table.spec));
    Json& out = rows[table.spec.name] = Json::array();
    for (int32_t row = 0; row < table.size(); ++row) {
      Json cells = Json::array();
      for (size_t c = 0; c < table.columns.size(); ++c) cells.push_back(tables.cell_json(table, static_cast<int>(c), row));
      out.push_back(std::move(cells));
    }
  }
  return {{"tables", std::move(specs)}, {"rows", std::move(rows)}};
}

namespace {

Result<int64_t> cell_from_json(Tables& tables, const ColumnSpec& column, const Json& value) {
  if (value.is_null()) return kNull;
  if (column.is_number()) return number_from_json(value, column.decimals);
  if (!value.is_string()) return input_error(std::string("expected a string, found ") + value.type_name());
  const std::string& text = value.get_ref<const std::string&>();
  const int32_t id = tables.texts.intern(text);
  if (column.type == ColumnType::kText) return id;
  const int target = tables.table_index(column.references);
  if (target < 0) return input_error("refers to the table '" + column.references + "', which must come before it");
  const int32_t row = tables.resolve(target, id, -1);
  if (row < 0) return input_error("no " + tables.tables[target].spec.label + " is named '" + text + "'");
  return static_cast<int64_t>(row);
}

}  // namespace

Result<Tables> tables_from_json(const Json& json, const std::string& file) {
  JsonReader r(json, file, "$");
  Tables tables;
  const Json& specs = r.array("tables");
  const Json& rows = r.object("rows");
  for (size_t t = 0; t < specs.size(); ++t) {
    ASSAY_ASSIGN(TableSpec spec, table_spec_from_json(specs[t], file, "$.tables[" + std::to_string(t) + "]"));
    const std::string path = "$.rows." + spec.name;
    if (!rows.contains(spec.name) || !rows[spec.name].is_array()) return input_error("missing rows", file + ": " + path);
    Table table{spec, std::vector<std::vector<int64_t>>(spec.columns.size())};
    size_t row = 0;
    for (const Json& cells : rows[spec.name]) {
      const std::string where = file + ": " + path + "[" + std::to_string(row++) + "]";
      if (!cells.is_array() || cells.size() != spec.columns.size())
        return input_error("expected an array of " + std::to_string(spec.columns.size()) + " cells", where);
      for (size_t c = 0; c < spec.columns.size(); ++c) {
        auto cell = cell_from_json(tables, spec.columns[c], cells[c]);
        if (!cell.ok()) return input_error(cell.error().what, where + "[" + std::to_string(c) + "]");
        table.columns[c].push_back(*cell);
      }
    }
    tables.tables.push_back(std::move(table));
    ASSAY_TRY(tables.build_index());  // tables after this one may refer to it
  }
  ASSAY_TRY(r.finish());
  return tables;
}

}  // namespace assay
