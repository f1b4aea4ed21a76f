// A small world for tests: two cities, hotels (one name in both), weather, and a tool of every form.
#pragma once

#include <catch2/catch.hpp>

#include "envs/database.h"
#include "envs/task.h"
#include "envs/toolset.h"

namespace assay::fixture {

inline constexpr const char* kEnvironment = R"json({
 "format": "assay-environment/1", "domain": "small", "notes": [],
 "tables": [
  {"name": "city", "label": "city", "plural": "cities", "key": ["name"], "columns": [{"name": "name", "type": "text"}]},
  {"name": "hotel", "label": "hotel", "key": ["name", "city"], "columns": [
   {"name": "name", "type": "text"}, {"name": "city", "type": "reference", "references": "city"},
   {"name": "price", "type": "decimal", "decimals": 1}, {"name": "stars", "type": "integer"}]},
  {"name": "weather", "label": "weather", "key": ["city", "date"], "columns": [
   {"name": "city", "type": "reference", "references": "city"}, {"name": "date", "type": "text"},
   {"name": "sky", "type": "text"}]}],
 "rows": {
  "city": [["Suzhou"], ["Nanjing"], ["Empty"]],
  "hotel": [["Grand", "Suzhou", 350.5, 4], ["Grand", "Nanjing", 800, 5], ["The \"Old\" Inn\\\n\u0001", "Suzhou", 210, null],
            ["凤凰 Lodge", "Nanjing", 99.9, 3]],
  "weather": [["Suzhou", "2025-10-01", "rain"], ["Nanjing", "2025-10-01", "sun"]]},
 "tools": [
  {"name": "get_all_cities", "description": "all cities", "parameters": {"type": "object", "properties": {}, "additionalProperties": false},
   "body": {"sql": "SELECT name FROM city ORDER BY name", "returns": "values"}},
  {"name": "get_all_hotels_by_city", "description": "hotels of a city",
   "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false},
   "body": {"sql": "SELECT name FROM hotel WHERE city = :city ORDER BY name", "returns": "values", "entities": {"city": {"table": "city"}}}},
  {"name": "get_city_by_hotel", "description": "where a hotel is",
   "parameters": {"type": "object", "properties": {"hotel": {"type": "string"}}, "required": ["hotel"], "additionalProperties": false},
   "body": {"sql": "SELECT city FROM hotel WHERE name = :hotel ORDER BY city", "returns": "one_or_values", "entities": {"hotel": {"table": "hotel"}}}},
  {"name": "get_infos_by_hotel", "description": "what is known of a hotel",
   "parameters": {"type": "object", "required": ["info_keywords", "hotel"], "additionalProperties": false, "properties": {
     "info_keywords": {"type": "array", "items": {"type": "string", "enum": ["price", "stars"]}}, "hotel": {"type": "string"}}},
   "body": {"sql": "SELECT name, city, price, stars FROM hotel WHERE name = :hotel ORDER BY city", "returns": "one_or_records",
            "keywords": "info_keywords", "always": ["city"], "entities": {"hotel": {"table": "hotel"}}}},
  {"name": "get_weather", "description": "weather of a day",
   "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "date": {"type": "string"}}, "required": ["city", "date"], "additionalProperties": false},
   "body": {"sql": "SELECT sky FROM weather WHERE city = :city AND date = :date", "returns": "record", "entities": {"city": {"table": "city"}}}},
  {"name": "find_hotels", "description": "hotels by price and stars",
   "parameters": {"type": "object", "additionalProperties": false, "properties": {"max_price": {"type": "number"}, "min_stars": {"type": "integer"}, "strict": {"type": "boolean"}}},
   "body": {"sql": "SELECT name, price FROM hotel WHERE price <= coalesce(:max_price, 1e9) AND stars >= coalesce(:min_stars, 0) ORDER BY price", "returns": "records"}},
  {"name": "submit_result", "description": "hand in the answer", "kind": "submit", "effect": "submit",
   "parameters": {"type": "object", "properties": {"answer_text": {"type": "string"}}, "required": ["answer_text"], "additionalProperties": false},
   "body": {"parameter": "answer_text"}}]
})json";

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().text());
  return std::move(result).value();
}

inline Json environment_json() { return must(parse_json(kEnvironment, "fixture")); }

inline std::shared_ptr<const Environment> environment(const Json& json = environment_json()) {
  return must(environment_from_json(json, "fixture"));
}

inline Result<std::unique_ptr<Toolset>> open_toolset(std::shared_ptr<const Environment> from) {
  auto database = must(Database::build(from->tables));
  return Toolset::open(std::move(from), std::move(database));
}

inline std::unique_ptr<Toolset> toolset() { return must(open_toolset(environment())); }

inline Task task(Limits limits = {}) {
  Task out;
  out.environment = environment()->id;
  out.archetype = "select";
  out.prompt = "Where does it rain?";
  out.constraints = Json::array();
  out.limits = limits;
  seal_task(out);
  return out;
}

}  // namespace assay::fixture
