#include "envs/table.h"

#include <cmath>
#include <set>

#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

Tables small() { return must(tables_from_json({{"tables", fixture::environment_json()["tables"]}, {"rows", fixture::environment_json()["rows"]}}, "t")); }

TEST_CASE("tables are complete in their JSON") {
  const Tables tables = small();
  const Json json = to_json(tables);
  const Tables back = must(tables_from_json(json, "t"));
  CHECK(to_json(back) == json);
  CHECK(json["rows"]["hotel"][0] == Json({"Grand", "Suzhou", 350.5, 4}));
  CHECK(json["rows"]["hotel"][2][3].is_null());
}

TEST_CASE("a name resolves exactly, in its scope first") {
  const Tables tables = small();
  const int hotel = tables.table_index("hotel");
  const int city = tables.table_index("city");
  const int32_t suzhou = tables.resolve_name(city, "Suzhou"), nanjing = tables.resolve_name(city, "Nanjing");
  CHECK(tables.resolve_name(hotel, "Grand", suzhou) == 0);
  CHECK(tables.resolve_name(hotel, "Grand", nanjing) == 1);
  CHECK(tables.resolve_name(hotel, "Grand") == 0);
  CHECK(tables.resolve_name(hotel, "Grand", tables.resolve_name(city, "Empty")) == 0);
  CHECK(tables.resolve_name(hotel, "grand") == -1);
  CHECK(tables.resolve_name(hotel, "Suzhou") == -1);
  CHECK(tables.resolve_name(hotel, "") == -1);
  CHECK(tables.rows_named(hotel, tables.texts.find("Grand")) == std::vector<int32_t>{0, 1});
  CHECK(tables.entity_text(hotel, 1) == "Grand (Nanjing)");
}

TEST_CASE("resolving agrees with a search through the rows") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Rng rng(seed, "resolve");
    Tables tables = small();
    Table& hotels = tables.tables[1];
    for (auto& column : hotels.columns) column.clear();
    std::set<std::pair<std::string, int64_t>> keys;
    for (uint64_t i = rng.below(40); i > 0; --i) {
      const std::string name(1, static_cast<char>('a' + rng.below(6)));
      const int64_t scope = rng.between(0, 2);
      if (!keys.emplace(name, scope).second) continue;
      hotels.columns[0].push_back(tables.texts.intern(name));
      hotels.columns[1].push_back(scope);
      hotels.columns[2].push_back(1);
      hotels.columns[3].push_back(1);
    }
    REQUIRE(tables.build_index().ok());
    for (char c = 'a'; c < 'h'; ++c)
      for (int32_t scope = -1; scope < 3; ++scope) {
        int32_t first = -1, scoped = -1;
        for (int32_t row = hotels.size() - 1; row >= 0; --row) {
          if (tables.entity_name(1, row) != std::string(1, c)) continue;
          first = row;
          if (hotels.cell(1, row) == scope) scoped = row;
        }
        CHECK(tables.resolve_name(1, std::string(1, c), scope) == (scoped >= 0 ? scoped : first));
      }
  }
}

TEST_CASE("a repeated key is refused, naming both rows") {
  Json json = to_json(small());
  json["rows"]["hotel"].push_back(json["rows"]["hotel"][0]);
  auto tables = tables_from_json(json, "t");
  REQUIRE_FALSE(tables.ok());
  CHECK(tables.error().text().find("Grand (Suzhou)") != std::string::npos);
  CHECK(tables.error().where == "hotel rows 0 and 4");
}

TEST_CASE("bad cells are errors that name their place") {
  const auto error = [](const char* table, size_t row, size_t cell, Json value) {
    Json json = to_json(small());
    json["rows"][table][row][cell] = std::move(value);
    auto tables = tables_from_json(json, "t");
    REQUIRE_FALSE(tables.ok());
    return tables.error().text();
  };
  using Catch::Contains;
  CHECK_THAT(error("hotel", 1, 1, "Atlantis"), Contains("$.rows.hotel[1][1]") && Contains("no city is named 'Atlantis'"));
  CHECK_THAT(error("hotel", 1, 2, "cheap"), Contains("expected a number"));
  CHECK_THAT(error("hotel", 1, 2, 1.25), Contains("more than 1 decimals"));
  CHECK_THAT(error("hotel", 1, 3, 2.5), Contains("decimals"));
  CHECK_THAT(error("hotel", 1, 0, 7), Contains("expected a string"));
  CHECK_THAT(error("hotel", 1, 0, nullptr), Contains("key cell is empty"));
}

TEST_CASE("numbers read back from text and JSON at every scale") {
  for (int decimals = 0; decimals <= 4; ++decimals) {
    Rng rng(9, "numbers", static_cast<uint64_t>(decimals));
    for (int i = 0; i < 2000; ++i) {
      const int64_t scaled = rng.between(-10'000'000, 10'000'000) >> rng.below(24);
      CAPTURE(decimals, scaled);
      CHECK(must(parse_number(number_text(scaled, decimals), decimals)) == scaled);
      CHECK(must(number_from_json(number_json(scaled, decimals), decimals)) == scaled);
      CHECK(must(number_from_json(must(parse_json(canonical_json(number_json(scaled, decimals)), "t")), decimals)) == scaled);
    }
  }
  CHECK(number_text(-5, 1) == "-0.5");
  CHECK(number_text(40, 1) == "4.0");
  CHECK(must(parse_number("4", 1)) == 40);
  CHECK(must(parse_number("4.50", 1)) == 45);
  for (const char* text : {"", "-", ".", "4.55", "4,5", "1e3", "NaN", " 4", "4.5.5", "99999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_number(text, 1).ok());
  }
  for (const Json& json : {Json("4"), Json(nullptr), Json(1e300), Json(std::nan("")), Json(INT64_MIN), Json(INT64_MAX), Json(UINT64_MAX), Json(0.05)})
    CHECK_FALSE(number_from_json(json, 1).ok());
}

}  // namespace
}  // namespace assay
