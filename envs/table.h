// Tables of an environment as columns of 64-bit cells: what constraints read, what SQLite images are built from, and what
// an explorer fills in as it learns. Loaded or filled once, then immutable and shared by threads (an explorer's own copy excepted).
//
// A cell is: for text, an id in the pool; for integers, the integer; for decimals, the number times 10^decimals (so all
// arithmetic is exact); for references, the row number in the table referred to; or kNull / kUnknown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"
#include "envs/base/status.h"
#include "envs/text_pool.h"

namespace assay {

enum class ColumnType { kText, kInteger, kDecimal, kReference };

inline constexpr int64_t kNull = INT64_MIN;         // the data has no value here
inline constexpr int64_t kUnknown = INT64_MIN + 1;  // an explorer has not learned it yet; never in a Database

// When two values of a column count as the same where a state is judged (verifiers/state_verifier.h). As lists, a text's items
// are separated by commas, without regard to white space around them.
enum class Equality { kExact, kSet, kBag, kSequence, kTolerance, kIgnored };

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::kText;
  int decimals = 0;         // digits after the point, 0..4, for kDecimal
  std::string references;   // table name, for kReference; that table is keyed by one text column
  std::string label;        // as prompts say it: "price per night"
  std::string unit;         // "CNY"; may be empty
  int64_t low = -1'000'000'000, high = 1'000'000'000;  // declared range of numbers, scaled like cells; public, in tools' descriptions
  Equality equality = Equality::kExact;
  double tolerance = 0;     // inclusive, for kTolerance

  bool is_number() const { return type == ColumnType::kInteger || type == ColumnType::kDecimal; }
};

// key[0] is a text column for tables of entities: the name by which an entity is spoken of. key[1], if any, is a reference
// that scopes the name (a restaurant's city): (name, scope) is the identity. Tables of relations (timetables) have other keys.
struct TableSpec {
  std::string name;
  std::string label;   // "hotel"
  std::string plural;  // "hotels"
  std::vector<ColumnSpec> columns;
  std::vector<std::string> key;

  int column_index(std::string_view column) const;  // -1 when absent
  bool is_entity() const;
  int name_column() const { return column_index(key[0]); }
  int scope_column() const { return key.size() > 1 ? column_index(key[1]) : -1; }
};

struct Table {
  TableSpec spec;
  std::vector<std::vector<int64_t>> columns;  // [column][row]

  int32_t size() const { return columns.empty() ? 0 : static_cast<int32_t>(columns[0].size()); }
  int64_t cell(int column, int32_t row) const { return columns[column][row]; }
};

class Tables {
 public:
  TextPool texts;
  std::vector<Table> tables;

  int table_index(std::string_view name) const;  // -1 when absent
  const Table* find(std::string_view name) const;
  const Table& at(std::string_view name) const;  // asserts that it exists

  // Builds the name index; call after filling and before resolve(). Fails, naming the rows, if a key occurs twice.
  Status build_index();

  // Rows of an entity table by name. With `scope` >= 0: the row of that name in that scope, else the first row of that
  // name anywhere (its scope then differs, and a membership check says so). -1: no entity has this exact name.
  int32_t resolve(int table, int32_t text_id, int32_t scope) const;
  int32_t resolve_name(int table, std::string_view name, int32_t scope = -1) const;
  // All rows of that name, ascending.
  std::vector<int32_t> rows_named(int table, int32_t text_id) const;

  // A cell as JSON: string, integer, exact decimal, the name referred to, or null.
  Json cell_json(const Table& table, int column, int32_t row) const;
  // A cell for people: "4.5", "Suzhou"; "-" when null.
  std::string cell_text(const Table& table, int column, int32_t row) const;
  // The entity's name; with the scope in parentheses if the name is not unique.
  std::string entity_text(int table, int32_t row) const;
  std::string_view entity_name(int table, int32_t row) const;

 private:
  struct NameIndex {
    std::vector<int32_t> first;  // [text id] first row of that name, or -1
    std::vector<int32_t> next;   // [row] next row of the same name, or -1
  };
  std::vector<NameIndex> names_;  // [table]; empty for relations
};

// "350", "4.0" from a scaled number; the inverse accepts at most `decimals` digits after the point.
std::string number_text(int64_t scaled, int decimals);
Json number_json(int64_t scaled, int decimals);
Result<int64_t> parse_number(std::string_view text, int decimals);
// From a JSON number; fails if it is not exactly representable with `decimals` digits.
Result<int64_t> number_from_json(const Json& value, int decimals);
inline constexpr int64_t kPowersOfTen[] = {1, 10, 100, 1000, 10000};

Json to_json(const TableSpec& spec);
Result<TableSpec> table_spec_from_json(const Json& json, const std::string& file, const std::string& path);

// {"tables": [spec …], "rows": {table: [[cell …] …]}}: canonical, and complete: from_json(to_json(t)) equals t.
Json to_json(const Tables& tables);
Result<Tables> tables_from_json(const Json& json, const std::string& file);

}  // namespace assay
