// Questions in words, bounds and variations of plans that are written out here.
#include "synth/query/words.h"

#include "synth/query/bounds.h"
#include "verifiers/value_verifier.h"
#include "tests/synth/fixture.h"

using namespace assay;
using namespace assay::query;
using fixture::must;

namespace {

struct World {
  explicit World(std::shared_ptr<const Environment> of = must(generate_environment(fixture::travel(), 1, 0))) : environment(std::move(of)) {}

  const Domain& domain = fixture::travel();
  std::shared_ptr<const Environment> environment;
  const Tables& tables = environment->tables;
  QueryOptions options = must(read_options(domain, domain.archetypes.at("query"), "travel.json", "$"));

  int table(const std::string& name) const { return tables.table_index(name); }
  int column(int table, const std::string& name) const { return tables.tables[static_cast<size_t>(table)].spec.column_index(name); }

  Condition is(int t, const std::string& name, Comparison comparison, const std::string& text, int64_t number = 0) const {
    Condition out;
    out.column = column(t, name);
    out.comparison = comparison;
    out.text = text;
    out.number = number;
    return out;
  }
  Condition in(int t, const std::string& name, RowSetPtr set, bool negated = false) const {
    Condition out;
    out.kind = Condition::Kind::kIn;
    out.column = column(t, name);
    out.set = std::move(set);
    out.negated = negated;
    return out;
  }
  Condition has(RowSetPtr set, const std::string& name, int64_t at_least, bool negated = false) const {
    Condition out;
    out.kind = Condition::Kind::kHas;
    out.column = column(set->table, name);
    out.set = std::move(set);
    out.at_least = at_least;
    out.negated = negated;
    return out;
  }
  RowSetPtr where(const std::string& name, std::vector<Condition> conditions) const {
    RowSet out;
    out.table = table(name);
    out.where = std::move(conditions);
    return std::make_shared<const RowSet>(std::move(out));
  }
  RowSetPtr best(RowSetPtr of, const std::string& name, bool highest, int rank = 1) const {
    RowSet out;
    out.kind = RowSet::Kind::kBest;
    out.table = of->table;
    out.column = column(of->table, name);
    out.highest = highest;
    out.rank = rank;
    out.of = std::move(of);
    return std::make_shared<const RowSet>(std::move(out));
  }
  RowSetPtr follow(RowSetPtr of, const std::string& name) const {
    RowSet out;
    out.kind = RowSet::Kind::kFollow;
    out.column = column(of->table, name);
    out.table = table("city");
    out.of = std::move(of);
    return std::make_shared<const RowSet>(std::move(out));
  }
  RowSetPtr group(RowSetPtr of, const std::string& name, Aggregate how, const std::string& measure = "") const {
    RowSet out;
    out.kind = RowSet::Kind::kGroup;
    out.column = column(of->table, name);
    out.table = table("city");
    out.how = how;
    out.measure = measure.empty() ? -1 : column(of->table, measure);
    out.of = std::move(of);
    return std::make_shared<const RowSet>(std::move(out));
  }
  Question ask(Question::Ask what, RowSetPtr of, const std::string& name = "", Aggregate how = Aggregate::kCount) const {
    Question out;
    out.ask = what;
    out.column = name.empty() ? -1 : column(of->table, name);
    out.how = how;
    out.of = std::move(of);
    return out;
  }

  std::vector<std::string> said(const Question& question) const {
    TableSource source(tables);
    const Evaluated answer = must(evaluate(question, source));
    std::vector<std::string> out;
    for (uint64_t i = 0; i < 48; ++i) {
      Rng rng(0, "words", i);
      out.push_back(say(question, answer.value, tables, options, rng).question);
    }
    return out;
  }
  bool says(const Question& question, const std::string& wanted) const {
    const auto all = said(question);
    INFO(all[0] << "\nis never said: " << wanted);
    const bool found = std::find(all.begin(), all.end(), wanted) != all.end();
    CHECK(found);
    return found;
  }
};

const World& world() {
  static const World out;
  return out;
}

using Ask = Question::Ask;

}  // namespace

TEST_CASE("filters and superlatives are said with labels, units and the domain's phrases") {
  const World& w = world();
  const int hotel = w.table("hotel");
  const auto in_hangzhou = w.is(hotel, "city", Comparison::kEqual, "Hangzhou");
  const auto cheap = w.is(hotel, "price", Comparison::kAtMost, "", 300);
  const auto good = w.is(hotel, "rating", Comparison::kAtLeast, "", 40);
  w.says(w.ask(Ask::kAggregate, w.where("hotel", {in_hangzhou, cheap, good})),
         "How many hotels in \"Hangzhou\" with a price per night of at most 300 CNY and a rating of at least 4 are there?");
  w.says(w.ask(Ask::kCell, w.best(w.where("hotel", {in_hangzhou}), "price", false), "stars"), "What is the number of stars of the hotel in \"Hangzhou\" with the lowest price per night?");
  w.says(w.ask(Ask::kName, w.best(w.where("hotel", {in_hangzhou, good}), "price", true, 2)),
         "Name the hotel with the second-highest price per night among the hotels in \"Hangzhou\" with a rating of at least 4.");
  w.says(w.ask(Ask::kAggregate, w.where("hotel", {in_hangzhou}), "price", Aggregate::kAverage), "What is the average price per night, in CNY, of the hotels in \"Hangzhou\"?");
  const int weather = w.table("weather");
  w.says(w.ask(Ask::kAggregate, w.where("weather", {w.is(weather, "date", Comparison::kEqual, "2025-10-01")}), "high_celsius", Aggregate::kLowest),
         "What is the smallest highest temperature, in degrees Celsius, of the forecasts for 2025-10-01?");
}

TEST_CASE("a label that says an extreme itself gets no second one before it") {
  for (const auto& [label, extreme] : {std::pair("least price", "smallest"), std::pair("lowest price", "smallest"), std::pair("greatest price", "lowest")}) {
    Environment renamed = *world().environment;
    for (Table& table : renamed.tables.tables)
      for (ColumnSpec& column : table.spec.columns)
        if (table.spec.name == "hotel" && column.name == "price") column.label = label;
    const World w(must(finish_environment(std::move(renamed))));
    const auto hangzhou = w.where("hotel", {w.is(w.table("hotel"), "city", Comparison::kEqual, "Hangzhou")});
    w.says(w.ask(Ask::kName, w.best(hangzhou, "price", false)), "Name the hotel in \"Hangzhou\" whose " + std::string(label) + " is the " + extreme + ".");
    w.says(w.ask(Ask::kAggregate, hangzhou, "price", Aggregate::kLowest), "What is the " + std::string(extreme) + " " + label + ", in CNY, of the hotels in \"Hangzhou\"?");
  }
}

TEST_CASE("conditions stand beside the noun that they are about") {
  const World& w = world();
  const int hotel = w.table("hotel");
  const auto cheap = w.is(hotel, "price", Comparison::kBelow, "", 300), modern = w.is(hotel, "style", Comparison::kNotEqual, "modern");
  const auto north = w.best(w.where("city", {}), "latitude", true);
  w.says(w.ask(Ask::kAggregate, w.where("hotel", {w.in(hotel, "city", north), cheap, modern})),
         "Take the city with the highest latitude of all cities. Count the hotels with a price per night below 300 CNY and a style other than \"modern\" in that city.");
  w.says(w.ask(Ask::kName, w.best(w.where("hotel", {}), "stars", true)), "Name the hotel with the most stars of all hotels.");
}

TEST_CASE("what is described is introduced by itself and spoken of by one name") {
  const World& w = world();
  const int intercity = w.table("intercity"), hotel = w.table("hotel");
  const auto first = w.best(w.where("intercity", {w.is(intercity, "from_city", Comparison::kEqual, "Hangzhou")}), "departure", false);
  w.says(w.ask(Ask::kAggregate, w.where("hotel", {w.in(hotel, "city", w.follow(first, "to_city"))})),
         "Consider the city of arrival of the connection from \"Hangzhou\" whose time of departure is the earliest in the day. How many hotels in that city are there?");
  const auto north = w.best(w.where("city", {}), "latitude", true), south = w.best(w.where("city", {}), "latitude", false);
  Question question = w.ask(Ask::kCell, north, "longitude");
  question.minus = std::make_shared<const Question>(w.ask(Ask::kCell, south, "longitude"));
  w.says(question, "Take the city with the highest latitude of all cities; call it city A. Take the city with the lowest latitude of all cities; call it city B. "
                   "What is the difference, in degrees, between the longitude of city A and that of city B?");
  // The same city twice is introduced once.
  Question again = w.ask(Ask::kCell, w.best(w.where("hotel", {w.in(hotel, "city", north)}), "price", true), "rating");
  again.minus = std::make_shared<const Question>(w.ask(Ask::kCell, w.best(w.where("hotel", {w.in(hotel, "city", w.best(w.where("city", {}), "latitude", true))}), "price", false), "rating"));
  w.says(again, "Take the city with the highest latitude of all cities. Take the hotel with the highest price per night in that city; call it hotel A. "
                "Take the hotel with the lowest price per night in that city; call it hotel B. What is the difference between the rating of hotel A and that of hotel B?");
}

TEST_CASE("rows that refer and groups are said from the entity's side") {
  const World& w = world();
  const int hotel = w.table("hotel"), intercity = w.table("intercity");
  const auto grand = w.where("hotel", {w.is(hotel, "stars", Comparison::kEqual, "", 5)});
  w.says(w.ask(Ask::kNames, w.where("city", {w.has(grand, "city", 3)})), "Name all cities that have at least 3 hotels with exactly 5 stars.");
  w.says(w.ask(Ask::kNames, w.where("city", {w.has(grand, "city", 1, true)})), "Name all cities that have no hotels with exactly 5 stars.");
  w.says(w.ask(Ask::kName, w.group(grand, "city", Aggregate::kCount)), "Name the city with the largest number of hotels with exactly 5 stars.");
  w.says(w.ask(Ask::kName, w.group(w.where("hotel", {}), "city", Aggregate::kAverage, "price")), "Name the city with the highest average price per night of hotels.");
  const auto trains = w.where("intercity", {w.is(intercity, "mode", Comparison::kEqual, "train")});
  w.says(w.ask(Ask::kName, w.group(trains, "from_city", Aggregate::kCount)), "Name the city of departure of the largest number of connections with the mode \"train\".");
  w.says(w.ask(Ask::kName, w.group(trains, "to_city", Aggregate::kAverage, "price")),
         "Name the city of arrival with the highest average fare of connections with the mode \"train\".");
}

TEST_CASE("a phrase with an article before its value is for names only") {
  World w;
  const int hotel = w.table("hotel");
  w.options.phrases[{hotel, w.column(hotel, "city")}] = "of the {} office";
  w.says(w.ask(Ask::kNames, w.where("hotel", {w.is(hotel, "city", Comparison::kEqual, "Hangzhou")})), "Name all hotels of the \"Hangzhou\" office.");
  w.says(w.ask(Ask::kNames, w.where("hotel", {w.in(hotel, "city", w.best(w.where("city", {}), "latitude", true))})),
         "Take the city with the highest latitude of all cities. Name all hotels with that city as city.");
}

TEST_CASE("every step of a plan is dropped and turned round once") {
  const World& w = world();
  const int hotel = w.table("hotel");
  const auto set = w.where("hotel", {w.is(hotel, "city", Comparison::kEqual, "Hangzhou"), w.is(hotel, "stars", Comparison::kAtLeast, "", 3)});
  const Question question = w.ask(Ask::kCell, w.best(set, "price", false), "style");
  std::vector<std::string> all;
  for (const Variation& variation : variations(question, w.tables)) all.push_back(variation.column + " " + variation.change);
  CHECK(all == std::vector<std::string>{"hotel.price other end", "hotel.price next rank", "hotel.city dropped", "hotel.city other side", "hotel.stars dropped", "hotel.stars other side"});
  const Size size = size_of(question, w.tables);
  CHECK((size.hops == 0 && size.operators == 3));
}

TEST_CASE("the least number of calls is one for each hotel, and one to submit") {
  const World& w = world();
  const int hotel = w.table("hotel");
  const Question average = w.ask(Ask::kAggregate, w.where("hotel", {w.is(hotel, "city", Comparison::kEqual, "Hangzhou")}), "price", Aggregate::kAverage);
  TableSource source(w.tables);
  std::vector<Need> needs;
  const Evaluated answer = must(evaluate(average, source, &needs));
  // Hotels that share a name are told about by one call.
  std::set<int64_t> names;
  for (int32_t row : answer.rows) names.insert(w.tables.at("hotel").cell(0, row));
  CHECK(least_calls(needs, w.tables, w.environment->tools) == static_cast<int64_t>(names.size()) + 1);
  needs.clear();
  const Question count = w.ask(Ask::kAggregate, average.of);
  must(evaluate(count, source, &needs));
  CHECK(least_calls(needs, w.tables, w.environment->tools) == 2);
  // Whether hotels have five stars is asked of each, unless a tool counts those that do.
  needs.clear();
  must(evaluate(w.ask(Ask::kAggregate, w.where("hotel", {w.is(hotel, "stars", Comparison::kEqual, "", 5)})), source, &needs));
  std::vector<ToolSpec> tools = w.environment->tools;
  std::erase_if(tools, [](const ToolSpec& tool) { return std::any_of(tool.reveals.begin(), tool.reveals.end(), [](const Reveal& reveal) { return !reveal.counts.empty(); }); });
  CHECK(least_calls(needs, w.tables, tools) > 50);
  tools.push_back({.name = "count_hotels", .kind = "sql", .reveals = {{.table = "hotel", .given = {{"stars", "stars"}}, .counts = "hotels"}}});
  CHECK(least_calls(needs, w.tables, tools) == 2);
}

TEST_CASE("ties, gaps and emptiness are told") {
  const World& w = world();
  Tables tables = w.tables;
  TableSource source(tables);
  const Question best = w.ask(Ask::kName, w.best(w.where("city", {}), "latitude", true));
  CHECK_FALSE(must(evaluate(best, source)).tie);
  Table& city = tables.tables[static_cast<size_t>(w.table("city"))];
  auto& latitude = city.columns[static_cast<size_t>(w.column(w.table("city"), "latitude"))];
  const auto highest = std::max_element(latitude.begin(), latitude.end());
  latitude[highest == latitude.begin() ? 1 : 0] = *highest;
  CHECK(must(evaluate(best, source)).tie);
  CHECK(must(evaluate(w.ask(Ask::kName, w.best(w.where("city", {}), "latitude", true, 3)), source)).tie);   // the third, or the fourth, row
  latitude[0] = kNull;
  CHECK(must(evaluate(best, source)).missing);
  const Question none = w.ask(Ask::kName, w.best(w.where("city", {w.is(w.table("city"), "latitude", Comparison::kAbove, "", 9'000)}), "longitude", true));
  CHECK(must(evaluate(none, source)).empty);
}

TEST_CASE("only averages have a tolerance, and it has a reason") {
  Question question;
  question.ask = Ask::kAggregate;
  question.how = Aggregate::kCount;
  Value value;
  value.numerator = 12;
  CHECK(expected_of(question, value) == Json{{"type", "integer"}, {"value", "12"}});
  question.how = Aggregate::kAverage;
  value.denominator = 5;
  const Json expected = expected_of(question, value);
  CHECK(expected.at("absolute").get<double>() == Approx(0.005).margin(1e-5));
  const auto verifier = must(ValueVerifier::create(expected, "test"));
  CHECK(verifier->judge("2.4").passed);
  CHECK(verifier->judge("2.40").passed);
  CHECK_FALSE(verifier->judge("2.41").passed);
}
