#include "datasets/column_type.h"

#include <catch2/catch.hpp>

namespace assay {
namespace {

Result<std::string> learned(const std::vector<std::string>& rows) {
  ColumnType type;
  for (const std::string& row : rows) ASSAY_TRY(learn(type, OrderedJson::parse(row), ""));
  return type_text(type);
}

TEST_CASE("types are learned from all rows") {
  CHECK(learned({"1"}).value() == "integer");
  CHECK(learned({"1", "2.5", "3"}).value() == "real");
  CHECK(learned({"null", "true", "null"}).value() == "bool");
  CHECK(learned({"[]", "[1]", "[null]"}).value() == "list<integer>");
  CHECK(learned({R"({"b":1,"a":"x"})", R"({"c":[[1],[2.5]]})"}).value() == "struct<b: integer, a: text, c: list<list<real>>>");
  CHECK(learned({R"([{"role":"user"}])", R"([{"role":"tool","tool_call_id":"1"}])"}).value() == "list<struct<role: text, tool_call_id: text>>");
}

TEST_CASE("what differs from row to row by nature is text, so nothing is merged") {
  CHECK(learned({R"({"tools":[{"a":1}]})", R"({"tools":"[]"})"}).value() == "struct<tools: JSON>");
  CHECK(learned({R"({"function":{"name":"f","arguments":{"x":1}}})", R"({"function":{"name":"g","arguments":{"y":"z"}}})"}).value() == "struct<function: struct<name: text, arguments: JSON>>");
}

TEST_CASE("a column of two types is an error that names it") {
  const auto mixed = learned({R"({"a":{"b":[1]}})", R"({"a":{"b":["x"]}})"});
  REQUIRE_FALSE(mixed.ok());
  CHECK(mixed.error().where == "a.b[]");
  CHECK(mixed.error().what.find("is of type integer and of type string") != std::string::npos);
  CHECK_FALSE(learned({"1", "true"}).ok());
  CHECK_FALSE(learned({"{}", "[]"}).ok());
  CHECK_FALSE(learned({"18446744073709551615"}).ok());
}

}  // namespace
}  // namespace assay
