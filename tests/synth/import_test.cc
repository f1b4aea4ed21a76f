#include "synth/import.h"

#include <algorithm>
#include <iostream>

#include "envs/toolset.h"
#include "synth/mapping.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::Folder;
using fixture::must;
using fixture::travel;

bool contains(const std::vector<std::string>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

std::string cell(const Environment& environment, const char* table, const char* name, const char* column) {
  const Tables& tables = environment.tables;
  const Table& t = tables.at(table);
  const int32_t row = tables.resolve_name(tables.table_index(table), name);
  return row < 0 ? "no row" : tables.cell_text(t, t.spec.column_index(column), row);
}

std::unique_ptr<Toolset> tools_of(const std::shared_ptr<const Environment>& environment) {
  return must(Toolset::open(environment, must(Database::build(environment->tables))));
}

// A user's folder with everything that goes wrong in one.
struct Workplace {
  Workplace() {
    folder.write("inns.csv",
                 "\xef\xbb\xbfNAME,town,\"price, per night\",review rate number,room\r\n"
                 "\"The \"\"Old\"\" Inn\",Suzhou,\"$1,350.50\",4.5,double\r\n"
                 "凤凰客栈,Suzhou,99,3.27,\"two\nlines\"\r\n"
                 "Grand,Suzhou,400,,single\r\n"
                 "Grand,Nanjing,800,4.0,single\r\n"
                 "Grand,Nanjing,800,4.0,single\r\n"      // an exact duplicate
                 "Grand,Nanjing,900,4.0,single\r\n"      // the same key, another price
                 ",Nanjing,300,4.0,single\r\n"           // no name
                 "Odd,Nanjing,cheap,n/a,single\r\n"      // no number; no value
                 "short,row\r\n"                         // line 11, for two line ends stand in a cell
                 "Palace,Wuhan,12000,4.0,single\r\n");   // a city that is nowhere else; a price beyond the range
    folder.write("eateries.tsv", "name\tcity\tcost\nNoodles & Co\tNanjing\t40\nDumplings\tSuzhou\t25\n");
    folder.write("towns.csv", "Suzhou;Jiangsu\nNanjing;Jiangsu\n");
    folder.write("sights.csv", "name,city\nGate,Suzhou\nTower,Nanjing\n");
    folder.write("roads.csv", "from,to,length,took\nSuzhou,Nanjing,\"1,219.4 km\",2 hours 10 mins\nNanjing,Suzhou,220 km,\n");
    folder.write("notes.txt", "not a table");
    mapping = folder.write("map.json", R"({"format":"assay-mapping/1","tables":{
      "city":{"source":"towns.csv","header":false,"columns":{"name":1,"province":2}},
      "hotel":{"source":"inns.csv","columns":{"name":"NAME","city":"town","price":{"from":"price, per night","unit":"USD"},
               "rating":"review rate number","style":"room"}},
      "restaurant":{"source":"eateries.tsv","columns":{"name":"name","city":"city","price":"cost"}},
      "attraction":{"source":"sights.csv","columns":{"name":"name","city":"city"}},
      "intercity":{"source":"roads.csv","columns":{"from_city":"from","to_city":"to","mode":{"constant":"car"},
               "distance":{"from":"length","convert":"kilometres"},"minutes":{"from":"took","convert":"minutes"}}}}})");
  }
  ImportReport import() const { return must(import_environment(travel(), folder.path(), mapping)); }

  Folder folder;
  std::string mapping;
};

TEST_CASE("a user's tables become an environment, and what was changed is said") {
  const Workplace work;
  const ImportReport report = work.import();
  const Environment& environment = *report.environment;
  CHECK_FALSE(report.proposed);
  CHECK(environment.tables.at("hotel").size() == 6);
  CHECK(cell(environment, "hotel", "The \"Old\" Inn", "price") == "1351");
  CHECK(cell(environment, "hotel", "凤凰客栈", "rating") == "3.3");
  CHECK(cell(environment, "hotel", "凤凰客栈", "style") == "two\nlines");
  CHECK(cell(environment, "hotel", "Odd", "price") == "-");
  CHECK(cell(environment, "hotel", "Odd", "rating") == "-");
  CHECK(cell(environment, "hotel", "Palace", "city") == "Wuhan");
  CHECK(cell(environment, "city", "Nanjing", "province") == "Jiangsu");
  CHECK(cell(environment, "city", "Wuhan", "province") == "-");
  const auto& notes = environment.notes;
  CHECK(contains(notes, "inns.csv: 1 rows dropped that have not 5 cells, at lines 11 (2)"));
  CHECK(contains(notes, "hotel: 1 rows dropped that lack a key (name, city)"));
  CHECK(contains(notes, "hotel: 1 exact duplicates dropped"));
  CHECK(contains(notes, "hotel: 1 rows dropped that repeat a key (name, city) with other values; the first of each is kept, for example 'Grand'"));
  CHECK(contains(notes, "hotel: price: 1 values are no numbers and count as missing, for example 'cheap'"));
  CHECK(contains(notes, "hotel: price: 1 values rounded, for example '$1,350.50'"));
  CHECK(contains(notes, "hotel: rating: 1 values rounded, for example '3.27'"));
  CHECK(contains(notes, "city: 1 added that only hotel.city names, for example 'Wuhan'"));
  CHECK(contains(notes, "hotel: the range of price is widened from 60 to 3000 to 60 to 12000"));
  const Table& roads = environment.tables.at("intercity");
  CHECK(environment.tables.cell_text(roads, roads.spec.column_index("distance"), 0) == "1219");
  CHECK(environment.tables.cell_text(roads, roads.spec.column_index("minutes"), 0) == "130");
  CHECK(environment.tables.cell_text(roads, roads.spec.column_index("minutes"), 1) == "-");
}

TEST_CASE("the first of two rows with one key is kept") {
  const Workplace work;
  const auto environment = work.import().environment;
  const Tables& tables = environment->tables;
  const Table& hotels = tables.at("hotel");
  const int32_t nanjing = tables.resolve_name(tables.table_index("city"), "Nanjing");
  const int32_t grand = tables.resolve_name(tables.table_index("hotel"), "Grand", nanjing);
  CHECK(tables.cell_text(hotels, hotels.spec.column_index("price"), grand) == "800");
}

TEST_CASE("columns that are not there are listed, and tools neither offer nor reveal them") {
  const Workplace work;
  const ImportReport report = work.import();
  const auto missing = [&](const char* column) { return std::count(report.missing_columns.begin(), report.missing_columns.end(), column) == 1; };
  for (const char* column : {"attraction.ticket", "hotel.stars", "restaurant.rating", "weather.date", "intercity.price", "city.latitude"}) CHECK(missing(column));
  for (const char* column : {"hotel.price", "hotel.rating", "intercity.minutes", "intercity.mode", "city.province"}) CHECK_FALSE(missing(column));
  const Environment& environment = *report.environment;
  const ToolSpec* infos = environment.find_tool("get_infos_by_hotel");
  REQUIRE(infos != nullptr);
  CHECK(infos->parameters["properties"]["info_keywords"]["items"]["enum"] == Json({"price", "rating", "style"}));
  CHECK(infos->reveals[0].columns.count("stars") == 0);
  CHECK(infos->reveals[0].columns.count("price") == 1);
  CHECK_THAT(infos->description, Catch::Contains("price per night in USD, 60 to 12000"));
  for (const char* gone : {"get_weather_by_city_date", "get_city_transport", "get_infos_by_attraction"}) {
    CHECK(environment.find_tool(gone) == nullptr);
    CHECK(contains(environment.notes, std::string("the tool ") + gone + " is left out"));
  }
}

TEST_CASE("tools over a user's tables find names with quotes and letters of any script, and several of one name") {
  const Workplace work;
  const auto tools = tools_of(work.import().environment);
  CHECK(must(tools->call("get_city_by_hotel", R"({"hotel":"The \"Old\" Inn"})")).text == "\"Suzhou\"");
  CHECK(must(tools->call("get_city_by_hotel", R"({"hotel":"Grand"})")).text == R"(["Nanjing","Suzhou"])");
  CHECK(must(tools->call("get_infos_by_hotel", R"({"hotel":"凤凰客栈","info_keywords":["price"]})")).text ==
        R"({"name":"凤凰客栈","city":"Suzhou","price":99})");
  CHECK(must(tools->call("get_infos_by_hotel", R"({"hotel":"Odd","info_keywords":["stars"]})")).error);
  CHECK_THAT(must(tools->call("get_inter_city_transport", R"({"from_city":"Suzhou","to_city":"Nanjing"})")).text, Catch::Contains("\"minutes\":130"));
}

TEST_CASE("the same tables give the same environment") {
  const Workplace first, second;
  CHECK(first.import().environment->id == second.import().environment->id);
  second.folder.write("sights.csv", "name,city\nGate,Suzhou\nTower,Suzhou\n");
  CHECK(first.import().environment->id != second.import().environment->id);
}

TEST_CASE("a proposed mapping can be saved, read back and used") {
  const Folder folder;
  folder.write("accommodations.csv", "NAME,room type,price,review rate number,city\nInn,single,120,4.0,Suzhou\nLodge,double,210,3.5,Nanjing\n");
  folder.write("restaurants.csv", "Name,City,Cuisines,Average Cost,Aggregate Rating\nNoodles,Suzhou,Noodle,40,4.5\n");
  folder.write("attractions.csv", "Name,Latitude,Longitude,City\nGate,31.2,120.1,Suzhou\n");
  folder.write("cities.tsv", "Suzhou\tJiangsu\nNanjing\tJiangsu\n");
  folder.write("distances.csv", "origin,destination,cost,duration,distance\nSuzhou,Nanjing,,2 hours 5 mins,220 km\n");
  folder.write("unrelated.csv", "id,weight\n1,2\n");
  const ImportReport proposed = must(import_environment(travel(), folder.path(), ""));
  CHECK(proposed.proposed);
  const Json& tables = proposed.mapping["tables"];
  CHECK(tables["hotel"] == Json{{"source", "accommodations.csv"}, {"columns", {{"name", "NAME"}, {"city", "city"}, {"price", "price"}, {"rating", "review rate number"}, {"style", "room type"}}}});
  CHECK(tables["restaurant"]["columns"] == Json{{"name", "Name"}, {"city", "City"}, {"cuisine", "Cuisines"}, {"price", "Average Cost"}, {"rating", "Aggregate Rating"}});
  CHECK(tables["attraction"]["source"] == "attractions.csv");
  CHECK(tables["city"] == Json{{"source", "cities.tsv"}, {"header", false}, {"columns", {{"name", 1}}}});
  CHECK(tables["intercity"]["columns"]["minutes"] == Json{{"from", "duration"}, {"convert", "minutes"}});
  CHECK_FALSE(tables["intercity"]["columns"].contains("price"));  // its cells are all empty
  CHECK(tables.size() == 5);
  const std::string saved = folder.write("map.json", proposed.mapping.dump());
  const ImportReport again = must(import_environment(travel(), folder.path(), saved));
  CHECK(again.environment->id == proposed.environment->id);
  CHECK(again.mapping == proposed.mapping);
}

TEST_CASE("a generated world written to a SQLite file is imported whole, without a mapping") {
  const auto generated = must(generate_environment(travel(), 5, 0));
  const Folder folder;
  const std::string path = folder.path() + "/world.sqlite";
  const Status written = must(Database::build(generated->tables))->write_to(path);
  REQUIRE(written.ok());
  const ImportReport report = must(import_environment(travel(), path, ""));
  CHECK(report.missing_columns.empty());
  CHECK(report.environment->notes.empty());
  CHECK(to_json(report.environment->tables) == to_json(generated->tables));
}

struct BadMapping {
  const char* json;
  const char* said;
};

TEST_CASE("mistakes in a mapping are answered with file, path and what is known") {
  const Workplace work;
  const BadMapping mistakes[] = {
      {R"({"tables":{}})", "$.format: missing"},
      {R"({"format":"assay-mapping/1","tables":{"hotels":{"source":"inns.csv","columns":{}}}})", "$.tables.hotels: unknown table 'hotels'; known: city, hotel"},
      {R"({"format":"assay-mapping/1","tables":{"hotel":{"source":"inns.csv","columns":{"name":"NAME"}}}})", "$.tables.hotel.columns.city: missing"},
      {R"({"format":"assay-mapping/1","tables":{"hotel":{"source":"inns.csv","columns":{"name":"NAME","city":"town","prize":"x"}}}})", "$.tables.hotel.columns.prize: unknown column 'prize'"},
      {R"({"format":"assay-mapping/1","tables":{"hotel":{"source":"inn.csv","columns":{"name":"NAME","city":"town"}}}})", "$.tables.hotel.source: unknown source 'inn.csv'; known: eateries.tsv, inns.csv"},
      {R"({"format":"assay-mapping/1","tables":{"hotel":{"source":"inns.csv","columns":{"name":"Name","city":"town"}}}})", "$.tables.hotel.columns.name: unknown column of inns.csv 'Name'; known: NAME, town"},
      {R"({"format":"assay-mapping/1","tables":{"hotel":{"source":"inns.csv","columns":{"name":1,"city":"town"}}}})", "$.tables.hotel.columns.name: expected the name of a column"},
      {R"({"format":"assay-mapping/1","tables":{"city":{"source":"towns.csv","header":false,"columns":{"name":"a"}}}})", "$.tables.city.columns.name: expected the number of a column"},
      {R"({"format":"assay-mapping/1","tables":{"city":{"source":"towns.csv","header":false,"columns":{"name":7}}}})", "unknown column of towns.csv '7'; known: 1, 2"},
      {R"({"format":"assay-mapping/1","tables":{"city":{"source":"towns.csv","columns":{"name":{"from":"a","convert":"miles"}}}}})", "$.tables.city.columns.name.convert: unknown conversion 'miles'; known: number, minutes, kilometres"},
      {R"({"format":"assay-mapping/1","tables":{}})", "no cities, which answers must name"},
      {"{", "not JSON"}};
  for (const BadMapping& mistake : mistakes) {
    const std::string path = work.folder.write("bad.json", mistake.json);
    const auto report = import_environment(travel(), work.folder.path(), path);
    INFO(mistake.json);
    REQUIRE_FALSE(report.ok());
    CHECK_THAT(report.error().text(), Catch::Contains(mistake.said));
  }
}

TEST_CASE("data that cannot be read is an error that names it") {
  const Folder folder;
  CHECK_THAT(import_environment(travel(), folder.path() + "/none", "").error().text(), Catch::Contains("no such folder or file"));
  CHECK_THAT(import_environment(travel(), folder.path(), "").error().text(), Catch::Contains("no .csv or .tsv file here"));
  folder.write("hotels.csv", "name,city\n\"open,Suzhou\n");
  CHECK_THAT(import_environment(travel(), folder.path(), "").error().text(), Catch::Contains("hotels.csv line 2: a quote is opened and never closed"));
  const std::string text = folder.write("not.sqlite", "this is no database, whatever its name may say of it");
  CHECK_FALSE(import_environment(travel(), text, "").ok());
}

TEST_CASE("a real travel database is imported with its mapping") {
  const char* root = std::getenv("ASSAY_SOURCE");
  REQUIRE(root != nullptr);
  const std::string data = std::string(root) + "/../shared/data/travelplanner";
  if (!std::filesystem::exists(data)) {
    std::cout << "SKIPPED: a real travel database is imported with its mapping: no folder " << data << "\n";
    return;
  }
  const ImportReport report = must(import_environment(travel(), data, std::string(root) + "/tests/data/travelplanner.map.json"));
  const Environment& environment = *report.environment;
  CHECK(environment.tables.at("hotel").size() == 5038);
  CHECK(environment.tables.at("restaurant").size() == 9499);
  CHECK(environment.tables.at("attraction").size() == 5288);
  CHECK(environment.tables.at("city").size() == 355);
  CHECK(environment.tables.at("intercity").size() == 16181);
  CHECK(cell(environment, "hotel", "4A-", "price") == "225");
  CHECK(contains(environment.notes, "attraction: 14 exact duplicates dropped"));
  CHECK(contains(environment.notes, "restaurant: 52 rows dropped that repeat a key"));
  for (const char* column : {"attraction.ticket", "attraction.rating", "intercity.price"})
    CHECK(std::count(report.missing_columns.begin(), report.missing_columns.end(), column) == 1);
  const auto tools = tools_of(report.environment);
  CHECK(must(tools->call("get_inter_city_transport", R"({"from_city":"Detroit","to_city":"Norfolk"})")).text ==
        R"([{"mode":"car","code":null,"departure":null,"minutes":655,"price":null,"distance":1144}])");
  CHECK_THAT(must(tools->call("get_city_by_restaurant", R"({"restaurant":"Domino's Pizza"})")).text, Catch::StartsWith("[\""));
  const ImportReport proposed = must(import_environment(travel(), data, ""));
  CHECK(proposed.environment->tables.at("hotel").size() == 5038);
  CHECK(proposed.environment->tables.at("intercity").size() == 16181);
}

}  // namespace
}  // namespace assay
