#include "synth/filler.h"

#include <algorithm>
#include <set>

#include "synth/fill_plan.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;

const Json kWords = {{"colour", {"red", "blue"}}, {"thing", {"door", "gate", "wall"}}};

// Tables made of specs with "rows" and "fill" members, as in a domain file.
Result<Tables> filled(const Json& tables, uint64_t seed = 1) {
  std::vector<TableSpec> specs;
  specs.reserve(tables.size());
  FillPlan plan;
  for (Json table : tables) {
    const Json rows = table["rows"];
    table.erase("rows");
    std::vector<Json> fills;
    for (Json& column : table["columns"]) {
      fills.push_back(column.value("fill", Json()));
      column.erase("fill");
    }
    ASSAY_ASSIGN(TableSpec spec, table_spec_from_json(table, "f", "$"));
    specs.push_back(std::move(spec));
    ASSAY_TRY(plan.add(specs, kWords, rows, fills, "f", "$"));
  }
  return plan.fill(specs, seed);
}

// One table "t" of `count` rows, keyed by "id", with a column "x" and any columns before it.
Json one(int count, const Json& x, const std::vector<Json>& before = {}) {
  Json columns = {{{"name", "id"}, {"type", "integer"}, {"fill", {{"kind", "sequence"}}}}};
  for (const Json& column : before) columns.push_back(column);
  columns.push_back(x);
  columns.back()["name"] = "x";
  return Json::array({{{"name", "t"}, {"key", {"id"}}, {"rows", {{"kind", "count"}, {"count", count}}}, {"columns", columns}}});
}

std::vector<std::string> texts(const Tables& tables, const std::string& table, const std::string& column) {
  std::vector<std::string> out;
  const Table& t = tables.at(table);
  for (int32_t row = 0; row < t.size(); ++row) out.push_back(tables.cell_text(t, t.spec.column_index(column), row));
  return out;
}

std::vector<int64_t> numbers(const Json& tables) {
  const Tables made = must(filled(tables));
  return made.at("t").columns.back();
}

Json integer(const Json& fill, int64_t low = -1000, int64_t high = 1000) {
  return {{"type", "integer"}, {"low", low}, {"high", high}, {"fill", fill}};
}
Json named(Json column, const char* name) {
  column["name"] = name;
  return column;
}
Json text(const Json& fill) { return {{"type", "text"}, {"fill", fill}}; }

const Json kPlaces = {{"name", "place"}, {"key", {"name"}},
                      {"rows", {{"kind", "list"}, {"columns", {"name", "latitude", "longitude"}},
                                {"values", {{"A", 0.0, 0.0}, {"B", 0.0, 1.0}, {"C", 0.0, 3.0}, {"D", 0.0, -8.0}}}}},
                      {"columns", {{{"name", "name"}}, {{"name", "latitude"}, {"type", "decimal"}}, {{"name", "longitude"}, {"type", "decimal"}}}}};

Json place_column(const char* name) { return {{"name", name}, {"type", "reference"}, {"references", "place"}}; }

TEST_CASE("every filler is published in the schema of domain files, and no other") {
  const char* root = std::getenv("ASSAY_SOURCE");
  REQUIRE(root != nullptr);
  const Json schema = must(read_json_file(std::string(root) + "/envs/domains/schema/domain.schema.json"));
  std::set<std::string> published, registered;
  for (const auto& [name, value] : schema["$defs"].items())
    if (name.starts_with("fill_") || name.starts_with("rows_")) published.insert(name);
  for (const Filler& filler : fillers::all()) {
    CHECK((filler.column != nullptr) != (filler.rows != nullptr));
    CHECK(!filler.summary.empty());
    registered.insert((filler.rows ? "rows_" : "fill_") + filler.name);
  }
  CHECK(registered == published);
}

TEST_CASE("every filler refuses a member that it does not know") {
  for (const Filler& filler : fillers::all()) {
    const std::vector<TableSpec> specs = {must(table_spec_from_json(
        {{"name", "t"}, {"key", {"x"}}, {"columns", {{{"name", "x"}}}}}, "f", "$"))};
    const FillSite site{specs, kWords, {}, filler.column ? 0 : -1};
    const Json json = {{"kind", filler.name}, {"no_such_member", 1}};
    const bool refused = filler.column ? !compile_column_fill(site, json, "f", "$").ok() : !compile_row_fill(site, json, "f", "$").ok();
    CHECK(refused);
  }
}

TEST_CASE("a value depends on its row, not on how many rows there are") {
  for (const Json& fill : {Json{{"kind", "number"}}, Json{{"kind", "bell"}, {"middle", 0}, {"spread", 500}}, Json{{"kind", "choice"}, {"values", {1, 2, 3, 4, 5}}}}) {
    const auto few = numbers(one(5, integer(fill))), many = numbers(one(500, integer(fill)));
    CHECK(std::equal(few.begin(), few.end(), many.begin()));
    CHECK(std::set<int64_t>(many.begin(), many.end()).size() > 4);
  }
}

TEST_CASE("numbers keep to their tiers and steps, by weight") {
  const auto values = numbers(one(2000, integer({{"kind", "number"}, {"step", 5}, {"tiers", {{{"weight", 1}, {"low", 10}, {"high", 22}}, {{"weight", 3}, {"low", 100}, {"high", 110}}}}})));
  int low = 0;
  for (int64_t value : values) {
    const bool allowed = value == 10 || value == 15 || value == 20 || value == 100 || value == 105 || value == 110;
    CHECK(allowed);
    low += value < 100;
  }
  CHECK((low > 420 && low < 580));
}

TEST_CASE("numbers of rows that refer to the same row are apart, where that is asked for") {
  const auto closest = [](const Json& apart) {
    Json fill = {{"kind", "number"}, {"low", 0}, {"high", 600}, {"step", 15}};
    if (!apart.is_null()) fill["apart"] = apart;
    Json place = place_column("place");
    place["fill"] = {{"kind", "reference"}};
    Json tables = one(20, integer(fill), {place});
    tables.insert(tables.begin(), kPlaces);
    const Tables made = must(filled(tables));
    const Table& table = made.at("t");
    int64_t out = INT64_MAX;
    for (int32_t a = 0; a < table.size(); ++a)
      for (int32_t b = 0; b < a; ++b)
        if (table.columns[1][a] == table.columns[1][b]) out = std::min(out, std::abs(table.columns[2][a] - table.columns[2][b]));
    return out;
  };
  CHECK(closest(nullptr) < 60);
  CHECK(closest({{"within", "place"}, {"by", 60}}) >= 60);
}

TEST_CASE("bells are clipped, centred, and lifted by another column") {
  const auto values = numbers(one(2000, integer({{"kind", "bell"}, {"middle", 30}, {"spread", 30}, {"low", 20}, {"high", 50}})));
  CHECK(*std::min_element(values.begin(), values.end()) == 20);
  CHECK(*std::max_element(values.begin(), values.end()) == 50);
  const auto middle = std::count_if(values.begin(), values.end(), [](int64_t v) { return v >= 25 && v <= 35; });
  CHECK((middle > 500 && middle < 1200));
  const Json lift = {{"of", "id"}, {"from", 1}, {"to", 3}, {"by", 10}};
  CHECK(numbers(one(4, integer({{"kind", "bell"}, {"middle", 5}, {"spread", 0}, {"lift", lift}}))) == std::vector<int64_t>{5, 10, 15, 15});
}

TEST_CASE("affine numbers are exact, rounded half away from zero, stepped and clipped") {
  CHECK(numbers(one(4, integer({{"kind", "affine"}, {"of", "id"}, {"slope", 0.5}, {"base", 10}}))) == std::vector<int64_t>{11, 11, 12, 12});
  CHECK(numbers(one(3, integer({{"kind", "affine"}, {"of", "id"}, {"slope", -2.25}}))) == std::vector<int64_t>{-2, -5, -7});
  CHECK(numbers(one(3, integer({{"kind", "affine"}, {"of", "id"}, {"slope", 4}, {"step", 5}, {"high", 10}}))) == std::vector<int64_t>{5, 10, 10});
  const Json decimal = {{"type", "decimal"}, {"decimals", 2}, {"fill", {{"kind", "affine"}, {"of", "id"}, {"slope", 0.333}}}};
  CHECK(numbers(one(3, decimal)) == std::vector<int64_t>{33, 67, 100});
  for (int64_t value : numbers(one(200, integer({{"kind", "affine"}, {"of", "id"}, {"slope", 0}, {"noise", 3}})))) CHECK(std::abs(value) <= 3);
}

TEST_CASE("a fill beyond the declared range is clipped to it") {
  CHECK(numbers(one(3, integer({{"kind", "sequence"}, {"start", 8}}, 0, 9))) == std::vector<int64_t>{8, 9, 9});
}

TEST_CASE("cases take the first that holds, at their boundaries") {
  const Json by_number = {{"kind", "cases"}, {"of", "id"}, {"cases", {{{"below", 2}, {"fill", {{"kind", "choice"}, {"values", {-1}}}}},
                          {{"below", 4}, {"fill", {{"kind", "choice"}, {"values", {-2}}}}}, {{"fill", {{"kind", "choice"}, {"values", {-3}}}}}}}};
  CHECK(numbers(one(5, integer(by_number))) == std::vector<int64_t>{-1, -2, -2, -3, -3});
  const Json by_text = {{"kind", "cases"}, {"of", "w"}, {"cases", {{{"equals", "n2"}, {"fill", {{"kind", "choice"}, {"values", {-1}}}}}, {{"fill", {{"kind", "choice"}, {"values", {-2}}}}}}}};
  CHECK(numbers(one(3, integer(by_text), {named(text({{"kind", "sequence"}, {"prefix", "n"}}), "w")})) == std::vector<int64_t>{-2, -1, -2});
}

TEST_CASE("clock times are in range, on the step, and of one form") {
  const auto times = texts(must(filled(one(300, text({{"kind", "clock"}, {"from", "06:00"}, {"to", "09:05"}, {"step_minutes", 20}})))), "t", "x");
  const std::set<std::string> seen(times.begin(), times.end());
  CHECK(seen == std::set<std::string>{"06:00", "06:20", "06:40", "07:00", "07:20", "07:40", "08:00", "08:20", "08:40", "09:00"});
}

TEST_CASE("patterns take vocabularies, ranges and columns, and stay unique when words run out") {
  const auto plain = texts(must(filled(one(50, text({{"kind", "pattern"}, {"patterns", {"{colour} {thing} {7..9} of {=id}"}}})))), "t", "x");
  CHECK(plain[3].ends_with(" of 4"));
  const auto unique = texts(must(filled(one(10, text({{"kind", "pattern"}, {"patterns", {"{colour} {thing}"}}, {"unique", "table"}})))), "t", "x");
  CHECK(std::set<std::string>(unique.begin(), unique.end()).size() == 10);
  CHECK(std::any_of(unique.begin(), unique.end(), [](const std::string& name) { return name.find(", No. 2") != std::string::npos; }));
}

TEST_CASE("shared names recur under other parents, never under one") {
  const Json tables = {kPlaces, {{"name", "shop"}, {"key", {"name", "place"}}, {"rows", {{"kind", "per"}, {"column", "place"}, {"count", {6, 6}}}},
      {"columns", {{{"name", "name"}, {"fill", {{"kind", "pattern"}, {"patterns", {"{1..1000}"}}, {"unique", "table"},
          {"shared", {{"percent", 60}, {"patterns", {"{colour} {thing}"}}, {"within", "place"}}}}}}, place_column("place")}}}};
  const Tables made = must(filled(tables));
  const Table& shops = made.at("shop");
  REQUIRE(shops.size() == 24);
  std::set<std::pair<int64_t, int64_t>> keys;
  std::set<int64_t> names;
  for (int32_t row = 0; row < shops.size(); ++row) {
    keys.emplace(shops.cell(0, row), shops.cell(1, row));
    names.insert(shops.cell(0, row));
  }
  CHECK(keys.size() == 24);
  CHECK(names.size() < 24);
}

TEST_CASE("lists keep their order, those always there first") {
  Json places = kPlaces;
  places["rows"]["count"] = 3;
  places["rows"]["always"] = {"D"};
  std::set<std::vector<std::string>> seen;
  for (uint64_t seed = 0; seed < 40; ++seed) seen.insert(texts(must(filled(Json::array({places}), seed)), "place", "name"));
  CHECK(seen == std::set<std::vector<std::string>>{{"D", "A", "B"}, {"D", "A", "C"}, {"D", "B", "C"}});
}

TEST_CASE("pairs keep the nearest and those always connected, and give their distance") {
  const Json rows = {{"kind", "pairs"}, {"columns", {"a", "b"}}, {"nearest", 1}, {"keep_percent", 0}};
  const auto roads = [&](Json with) {
    return Json{kPlaces, {{"name", "road"}, {"key", {"a", "b"}}, {"rows", std::move(with)},
                          {"columns", {place_column("a"), place_column("b"), {{"name", "km"}, {"type", "integer"}, {"fill", {{"kind", "distance"}, {"from", "a"}, {"to", "b"}}}}}}}};
  };
  const Tables near = must(filled(roads(rows)));
  CHECK(texts(near, "road", "a") == std::vector<std::string>{"A", "B", "C", "D"});
  CHECK(texts(near, "road", "b") == std::vector<std::string>{"B", "A", "B", "A"});
  CHECK(near.at("road").columns[2] == std::vector<int64_t>{111, 111, 222, 890});  // 111.19 km a degree
  Json always = rows;
  always["always"] = {"C"};
  CHECK(must(filled(roads(always))).at("road").size() == 3 + 3 + 3);  // C with the three others both ways, A-B, B-A, D-A
  Json all = {{"kind", "pairs"}, {"columns", {"a", "b"}}};
  CHECK(must(filled(roads(all))).at("road").size() == 12);
  all["times"] = 2;
  const auto twice = filled(roads(all));
  REQUIRE_FALSE(twice.ok());
  CHECK_THAT(twice.error().text(), Catch::Contains("road: two generated rows have the same key"));
}

TEST_CASE("a relation whose key chance repeats is drawn again") {
  const Json outages = {{"name", "outage"}, {"key", {"place", "day"}}, {"rows", {{"kind", "per"}, {"column", "place"}, {"count", {2, 2}}}},
                        {"columns", {place_column("place"), {{"name", "day"}, {"type", "integer"}, {"low", 1}, {"high", 9}, {"fill", {{"kind", "number"}, {"low", 1}, {"high", 9}}}}}}};
  for (uint64_t seed = 0; seed < 40; ++seed) CHECK(must(filled({kPlaces, outages}, seed)).at("outage").size() == 8);  // four in ten draws repeat a day
}

TEST_CASE("ascending pairs never come back to where they began") {
  const Tables made = must(filled({kPlaces, {{"name", "t"}, {"key", {"first", "second"}}, {"rows", {{"kind", "pairs"}, {"columns", {"first", "second"}}, {"ascending", true}}},
                                             {"columns", {{{"name", "first"}, {"type", "reference"}, {"references", "place"}}, {{"name", "second"}, {"type", "reference"}, {"references", "place"}}}}}}));
  CHECK(texts(made, "t", "first") == std::vector<std::string>{"A", "A", "A", "B", "B", "C"});
  CHECK(texts(made, "t", "second") == std::vector<std::string>{"B", "C", "D", "C", "D", "D"});
}

TEST_CASE("rows for each may refer to others, none twice and never more than there are") {
  const auto guests = [](const Json& count) {
    return must(filled({kPlaces, {{"name", "guest"}, {"key", {"name"}}, {"rows", {{"kind", "list"}, {"columns", {"name"}}, {"values", {{"x"}, {"y"}, {"z"}}}}}, {"columns", {{{"name", "name"}}}}},
                        {{"name", "t"}, {"key", {"place", "guest"}}, {"rows", {{"kind", "per"}, {"column", "place"}, {"count", count}, {"distinct", "guest"}}},
                         {"columns", {{{"name", "place"}, {"type", "reference"}, {"references", "place"}}, {{"name", "guest"}, {"type", "reference"}, {"references", "guest"}}}}}}));
  };
  CHECK(guests(9).at("t").size() == 4 * 3);
  const Tables some = guests({1, 2});   // a key that occurs twice would have failed
  CHECK(some.at("t").size() >= 4);
  CHECK(some.at("t").size() <= 8);
}

TEST_CASE("a timeline runs through each day, and its minutes through all of them") {
  const Tables made = must(filled(Json::array({{{"name", "t"}, {"key", {"name"}},
    {"rows", {{"kind", "timeline"}, {"columns", {{"name", "name"}, {"day", "day"}, {"minute", "minute"}}}, {"days", {"Mon", "Tue"}}, {"from", "08:00"}, {"to", "09:15"}, {"step_minutes", 30}}},
    {"columns", {{{"name", "name"}}, {{"name", "day"}}, {{"name", "minute"}, {"type", "integer"}}}}}})));
  CHECK(texts(made, "t", "name") == std::vector<std::string>{"Mon 08:00", "Mon 08:30", "Mon 09:00", "Tue 08:00", "Tue 08:30", "Tue 09:00"});
  CHECK(texts(made, "t", "day") == std::vector<std::string>{"Mon", "Mon", "Mon", "Tue", "Tue", "Tue"});
  CHECK(made.at("t").columns[2] == std::vector<int64_t>{480, 510, 540, 1920, 1950, 1980});
}

TEST_CASE("products combine every value with every row referred to") {
  const Json tables = {kPlaces, {{"name", "day"}, {"key", {"place", "date"}}, {"rows", {{"kind", "product"}, {"columns", {{"place", "*"}, {"date", {"d1", "d2"}}}}}},
                                 {"columns", {place_column("place"), {{"name", "date"}}}}}};
  const Tables made = must(filled(tables));
  CHECK(texts(made, "day", "place") == std::vector<std::string>{"A", "A", "B", "B", "C", "C", "D", "D"});
  CHECK(texts(made, "day", "date") == std::vector<std::string>{"d1", "d2", "d1", "d2", "d1", "d2", "d1", "d2"});
}

TEST_CASE("references reach every row of their table") {
  Json tables = one(200, {{"type", "reference"}, {"references", "place"}, {"fill", {{"kind", "reference"}}}});
  tables.insert(tables.begin(), kPlaces);
  const Tables made = must(filled(tables));
  const auto seen = texts(made, "t", "x");
  CHECK(std::set<std::string>(seen.begin(), seen.end()) == std::set<std::string>{"A", "B", "C", "D"});
}

TEST_CASE("a reference may be that of a row referred to") {
  const Json owner = {{"name", "owner"}, {"key", {"name"}}, {"rows", {{"kind", "count"}, {"count", 30}}},
                      {"columns", {{{"name", "name"}, {"fill", {{"kind", "sequence"}, {"prefix", "O"}}}}, {{"name", "home"}, {"type", "reference"}, {"references", "place"}, {"fill", {{"kind", "reference"}}}}}}};
  const auto visits = [&](const char* of) {
    const Json by = {{"name", "owner"}, {"type", "reference"}, {"references", "owner"}, {"fill", {{"kind", "reference"}}}};
    Json tables = one(50, {{"type", "reference"}, {"references", "place"}, {"fill", {{"kind", "reference"}, {"of", of}}}}, {by});
    tables.insert(tables.begin(), owner);
    tables.insert(tables.begin(), kPlaces);
    return filled(tables);
  };
  const Tables made = must(visits("owner.home"));
  const Table &owners = made.at("owner"), &rows = made.at("t");
  for (int32_t row = 0; row < rows.size(); ++row) CHECK(rows.columns[2][row] == owners.columns[1][rows.columns[1][row]]);
  CHECK_THAT(visits("owner.name").error().text(), Catch::Contains("does not refer to the table 'place'"));
  CHECK_THAT(visits("owner").error().text(), Catch::Contains("does not refer to the table 'place'"));
}

TEST_CASE("too many rows are an error that names the table") {
  Json tables = Json::array({kPlaces});
  Json dates = Json::array();
  for (int i = 0; i < 30'000; ++i) dates.push_back("d" + std::to_string(i));
  tables.push_back({{"name", "day"}, {"key", {"place", "date"}}, {"rows", {{"kind", "product"}, {"columns", {{"place", "*"}, {"date", dates}}}}},
                    {"columns", {place_column("place"), {{"name", "date"}}}}});
  const auto made = filled(tables);
  REQUIRE_FALSE(made.ok());
  CHECK_THAT(made.error().text(), Catch::Contains("day: more than 100000 rows"));
}

}  // namespace
}  // namespace assay
