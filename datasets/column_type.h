// The types that rows have as columns, learned row by row; for formats with typed columns (Parquet).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "envs/base/json.h"

namespace assay {

// Members that are open (arguments, tools, JSON Schemas) differ from row to row, and would become one struct of everything with nulls
// in all rows: they stay JSON, as text. Their names: is_open_member. Everywhere else a type that differs is an error.
struct ColumnType {
  enum class Kind { kNull, kBool, kInteger, kReal, kText, kJson, kList, kStruct };

  Kind kind = Kind::kNull;
  std::vector<ColumnType> items;                                // of a list: one
  std::vector<std::pair<std::string, ColumnType>> members;      // of a struct, in the order they came; what a row has not is null

  bool operator==(const ColumnType&) const = default;
};

bool is_open_member(const std::string& name);

// Widens the type so that it holds the value: null to anything, integer to real. `path` is named by errors.
Status learn(ColumnType& type, const OrderedJson& value, const std::string& path);

// "struct<a: integer, b: list<text>>".
std::string type_text(const ColumnType& type);

}  // namespace assay
