// The contract of every operator, walked over the registry: cases labelled by hand from the rendered sentence are judged by
// the native check and by the lowering (a solver with the slots fixed), and both must say the label; by the printed Python, too.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>

#include "synth/solver.h"
#include "verifiers/amount_text.h"
#include "verifiers/constraint_verifier.h"

namespace assay {
namespace {

struct World {
  std::shared_ptr<const Environment> environment;
  AnswerShape shape;
  Json cases;
};

World load_world(const std::string& file) {
  const char* root = std::getenv("ASSAY_SOURCE");
  REQUIRE(root != nullptr);
  auto json = read_json_file(std::string(root) + "/tests/verifiers/" + file);
  REQUIRE(json.ok());
  World world;
  auto tables = tables_from_json((*json)["world"], file);
  REQUIRE(tables.ok());
  Environment environment;
  environment.domain = "cases";
  environment.tables = std::move(*tables);
  auto finished = finish_environment(std::move(environment));
  REQUIRE(finished.ok());
  world.environment = *finished;
  auto shape = answer_shape_from_json((*json)["answer"], file, "$.answer");
  REQUIRE(shape.ok());
  world.shape = *shape;
  world.cases = (*json)["cases"];
  return world;
}

// A trip, and jobs in time.
std::vector<World> load_worlds() { return {load_world("operator_cases.json"), load_world("schedule_cases.json")}; }

Assignment rows_of(const World& world, const Json& names) {
  Assignment rows;
  const Tables& tables = world.environment->tables;
  for (size_t slot = 0; slot < names.size(); ++slot) {
    const AnswerField& field = world.shape.fields[world.shape.field_of_slot(static_cast<int>(slot))];
    const int scope = world.shape.field_index(field.scope);
    const int32_t owner = scope < 0 ? -1 : rows[world.shape.slot(world.shape.group_of_slot(static_cast<int>(slot)), scope)];
    rows.push_back(tables.resolve_name(tables.table_index(field.table), names[slot].get<std::string>(), owner));
    REQUIRE(rows.back() >= 0);
  }
  return rows;
}

bool satisfiable(const World& world, const Constraint& constraint, const Assignment& rows, int violated_branch, bool near = false) {
  Lowering lowering(world.shape, world.environment->tables);
  for (size_t slot = 0; slot < rows.size(); ++slot)
    lowering.post_linear({1}, {lowering.slot(static_cast<int>(slot))}, Relation::kEqual, rows[slot]);
  if (violated_branch < 0) constraint.post(lowering);
  else lowering.require(!constraint.reify(lowering, static_cast<size_t>(violated_branch)));
  if (near) constraint.prefer_near_miss(lowering, static_cast<size_t>(violated_branch));
  return solve(lowering.model()).outcome == SolveOutcome::kFound;
}

// Whether all that the constraint looks up for this answer has a value.
bool has_all_values(const World& world, const Constraint& constraint, const Assignment& rows) {
  std::vector<Fact> facts;
  constraint.facts(rows.data(), facts);
  return std::all_of(facts.begin(), facts.end(), [&](const Fact& fact) {
    return fact.of_relation || fact.row < 0 || has_value(world.environment->tables.tables[static_cast<size_t>(fact.table)].cell(fact.column, fact.row));
  });
}

TEST_CASE("every operator has cases that hold and cases that do not") {
  std::map<std::string, std::pair<int, int>> seen;
  for (const World& world : load_worlds())
    for (const Json& item : world.cases) ++(item["holds"].get<bool>() ? seen[item["constraint"]["op"]].first : seen[item["constraint"]["op"]].second);
  for (const Operator& op : operators::all()) {
    INFO(op.name);
    CHECK(seen[op.name].first > 0);
    CHECK(seen[op.name].second > 0);
  }
}

void check_case(const World& world, const Json& item) {
  INFO(item.dump());
  auto constraint = compile_constraint(item["constraint"], {world.shape, world.environment->tables}, "case", "$");
  REQUIRE(constraint.ok());
  const Constraint& c = **constraint;
  const Assignment rows = rows_of(world, item["answer"]);
  const bool label = item["holds"];
  CHECK(c.holds(rows.data()) == label);
  if (!label) CHECK_FALSE(c.explain(rows.data()).empty());
  CHECK_FALSE(c.sentence().empty());
  CHECK(satisfiable(world, c, rows, -1) == label);
  bool some_branch_broken = false;
  for (size_t b = 0; b < c.branches().size(); ++b) some_branch_broken |= satisfiable(world, c, rows, static_cast<int>(b));
  CHECK(some_branch_broken == !label);
  // Looking for the nearest violation first leaves none out but those for want of a value.
  for (int b = 0; b < static_cast<int>(c.branches().size()); ++b) {
    const bool near = satisfiable(world, c, rows, b, true);
    CHECK((!near || satisfiable(world, c, rows, b)));
    if (has_all_values(world, c, rows)) CHECK(near == satisfiable(world, c, rows, b));
  }
  Assignment unfilled = rows;
  unfilled[static_cast<size_t>(c.slots()[0])] = -1;
  CHECK_FALSE(c.holds(unfilled.data()));
}

TEST_CASE("check and lowering agree with the label of every case") {
  for (const World& world : load_worlds())
    for (const Json& item : world.cases) check_case(world, item);
}

TEST_CASE("a constraint with an unknown member, operator or field is refused by name") {
  const World world = load_world("operator_cases.json");
  const Binding binding{world.shape, world.environment->tables};
  for (const char* text : {R"({"op":"all_diferent","slots":{"fields":["city"]}})", R"({"op":"all_different","slots":{"fields":["citty"]}})",
                           R"({"op":"all_different","slots":{"fields":["city"]},"extra":1})", R"({"op":"all_different","slots":{"fields":["city","hotel"]}})",
                           R"({"op":"compare","slots":{"fields":["hotel"]},"get":"price","cmp":"=<","value":1})",
                           R"({"op":"compare","slots":{"fields":["hotel"]},"get":"rating","cmp":"<","value":1.25})"}) {
    INFO(text);
    auto constraint = compile_constraint(Json::parse(text), binding, "case.json", "$.c");
    REQUIRE_FALSE(constraint.ok());
    CHECK(constraint.error().text().find("case.json") != std::string::npos);
  }
}

// By how many minutes the first violation is off that a solver finds when it looks for the nearest first.
int64_t nearest_miss(const World& world, const Constraint& constraint) {
  Lowering lowering(world.shape, world.environment->tables);
  lowering.require(!constraint.reify(lowering, 0));
  constraint.prefer_near_miss(lowering, 0);
  REQUIRE(lowering.model().minimise_first.size() == 1);
  const Solved solved = solve(lowering.model(), {1'000'000, 0});
  REQUIRE(solved.outcome == SolveOutcome::kFound);
  return solved.values[static_cast<size_t>(lowering.model().minimise_first[0].id)];
}

TEST_CASE("what overlaps or comes too early is broken by as little as there can be") {
  const World world = load_world("schedule_cases.json");
  const Tables& tables = world.environment->tables;
  const std::vector<int64_t>& minutes = tables.at("slot").columns[1];
  const int64_t length[] = {60, 30, 45};   // of the jobs A, B and C
  // Minutes by which `second` would have to begin later to begin `gap` after the end of `first`.
  const auto late = [&](const int64_t* starts, int first, int second, int64_t gap) { return starts[first] + length[first] + gap - starts[second]; };
  const auto least = [&](const auto& violation) {   // over all starts that have a time
    int64_t out = INT64_MAX;
    for (int64_t a : minutes)
      for (int64_t b : minutes)
        for (int64_t c : minutes) {
          if (!has_value(a) || !has_value(b) || !has_value(c)) continue;
          const int64_t starts[] = {a, b, c};
          if (const int64_t by = violation(starts); by > 0) out = std::min(out, by);
        }
    return out;
  };
  const auto any_two = [&](const int64_t* starts, int64_t gap) {
    int64_t out = 0;
    for (int first = 0; first < 3; ++first)
      for (int second = 0; second < first; ++second) out = std::max(out, std::min(late(starts, first, second, gap), late(starts, second, first, gap)));
    return out;
  };
  const auto near = [&](const std::string& op, const std::string& more) {
    auto constraint = compile_constraint(Json::parse(R"({"op":")" + op + R"(","start":{"field":"start","get":"minute"},"length":{"field":"job","get":"minutes"})" + more + "}"),
                                         {world.shape, tables}, "case", "$");
    REQUIRE(constraint.ok());
    return nearest_miss(world, **constraint);
  };
  CHECK(near("no_overlap", "") == least([&](const int64_t* starts) { return any_two(starts, 0); }));
  CHECK(near("no_overlap", R"(,"gap":20)") == least([&](const int64_t* starts) { return any_two(starts, 20); }));
  CHECK(near("no_overlap", R"(,"sharing":{"field":"room"})") == least([&](const int64_t* starts) { return std::min(late(starts, 0, 1, 0), late(starts, 1, 0, 0)); }));
  const std::string order = R"(,"table":"routing","before":"before","after":"after")";
  CHECK(near("precedes", order) == least([&](const int64_t* starts) { return late(starts, 0, 1, 0); }));
  CHECK(near("precedes", order + R"(,"lag":"lag")") == least([&](const int64_t* starts) { return late(starts, 0, 1, 30); }));
}

TEST_CASE("sentences say what is meant") {
  const World world = load_world("operator_cases.json");
  const auto sentence = [&](const char* text) {
    auto constraint = compile_constraint(Json::parse(text), {world.shape, world.environment->tables}, "case", "$");
    REQUIRE(constraint.ok());
    return (*constraint)->sentence();
  };
  CHECK(sentence(R"({"op":"belongs","slots":{"fields":["hotel"]},"get":"city","field":"city"})") == "Every hotel must be in the city given for the same day.");
  CHECK(sentence(R"({"op":"belongs","slots":{"fields":["hotel"]},"get":"city","field":"city","phrase":"stand near"})") == "Every hotel must stand near the city given for the same day.");
  const auto aggregate = [&](const std::string& how, const std::string& fields, const std::string& bounds) {
    return sentence((R"({"op":"aggregate","how":")" + how + R"(","terms":[{"slots":{"fields":[)" + fields + R"(},"get":"price"}],)" + bounds + "}").c_str());
  };
  for (const char* how : {"sum", "average", "min", "max"})
    CHECK(aggregate(how, R"("hotel"],"groups":[2])", R"("at_most":500)") == "The price of the hotel for day 2 must be at most 500 CNY.");
  CHECK(aggregate("sum", R"("hotel"])", R"("at_most":500)") == "The total price of all hotels must be at most 500 CNY.");
  CHECK(aggregate("average", R"("hotel"],"groups":[1,2])", R"("at_least":1)") == "The average price of all hotels must be at least 1 CNY.");
  CHECK(aggregate("sum", R"("lunch","dinner"])", R"("below":90)") == "The total price of all lunches and dinners must be below 90 CNY.");
  CHECK(aggregate("min", R"("hotel"])", R"("at_least":200,"below":300)") == "The price of every hotel must be at least 200 CNY. The price of at least one hotel must be below 300 CNY.");
  CHECK(aggregate("max", R"("lunch","dinner"])", R"("at_least":90)") == "The price of at least one lunch or dinner must be at least 90 CNY.");
}

TEST_CASE("sentences about time say what is meant") {
  const World world = load_world("schedule_cases.json");
  const auto sentence = [&](const std::string& of) {
    auto constraint = compile_constraint(Json::parse(R"({"start":{"field":"start","get":"minute"},"length":{"field":"job","get":"minutes"},)" + of + "}"), {world.shape, world.environment->tables}, "case", "$");
    REQUIRE(constraint.ok());
    return (*constraint)->sentence();
  };
  CHECK(sentence(R"("op":"no_overlap","sharing":{"field":"room"},"gap":15)") ==
        "No two jobs with the same room may overlap (each lasts from the minute of its start for its duration), and between the end of one and the beginning of the next there must be at least 15 minutes.");
  CHECK(sentence(R"("op":"no_overlap","sharing":{"field":"room"},"travel":{"table":"drive","from":"origin","to":"destination","get":"minutes","between":{"field":"job","get":"office"}})") ==
        "No two jobs with the same room may overlap (each lasts from the minute of its start for its duration), and between the end of one and the beginning of the next there must be at least the shortest "
        "driving time of a drive from the place of the one to the place of the other (none is needed within one place).");
  CHECK(sentence(R"("op":"precedes","table":"routing","before":"before","after":"after")") ==
        "A job that has to come before another one (the routings say which) must end before that one begins (each lasts from the minute of its start for its duration).");
}

TEST_CASE("one of a unit is said in the singular") {
  CHECK(amount_text("350", "CNY") == "350 CNY");
  CHECK(amount_text("1", "") == "1");
  CHECK(amount_text("1", "minutes a day") == "1 minute a day");
  CHECK(amount_text("2", "minutes a day") == "2 minutes a day");
  CHECK(amount_text("1", "minutes after the first midnight") == "1 minute after the first midnight");
  CHECK(amount_text("1", "gold pieces") == "1 gold piece");
  CHECK(amount_text("1", "degrees Celsius") == "1 degree Celsius");
  CHECK(amount_text("1", "people") == "1 person");
  CHECK(amount_text("1", "thousand hours") == "1 thousand hours");
  CHECK(amount_text("1", "kg") == "1 kg");
}

TEST_CASE("tests of an attribute are said of who has it") {
  const World world = load_world("operator_cases.json");
  const auto sentence = [&](const std::string& text) {
    auto constraint = compile_constraint(Json::parse(text), {world.shape, world.environment->tables}, "case", "$");
    REQUIRE(constraint.ok());
    return (*constraint)->sentence();
  };
  const std::string compare = R"({"op":"compare","slots":{"fields":["hotel"]},"get":"price","cmp":)", count = R"({"op":"count","slots":{"fields":["hotel"]},"get":"price","cmp":"<","value":500,)";
  CHECK(sentence(compare + R"("<=","value":500})") == "Every hotel must have a price of at most 500 CNY.");
  CHECK(sentence(compare + R"("!=","value":500})") == "No hotel may have a price of 500 CNY.");
  const std::string other = R"({"op":"compare","slots":{"fields":["hotel"]},"get":"price","than":{"field":"lunch","get":"price"},"cmp":)";
  CHECK(sentence(other + R"("!="})") == "The price of every hotel must differ from the price of the lunch for the same day.");
  CHECK(sentence(other + R"("<="})") == "The price of every hotel must be at most the price of the lunch for the same day.");
  CHECK(sentence(count + R"("exactly":2})") == "Exactly 2 hotels must have a price below 500 CNY.");
  CHECK(sentence(count + R"("at_most":1})") == "At most 1 hotel must have a price below 500 CNY.");
  CHECK(sentence(R"({"op":"all_different","slots":{"fields":["hotel"]},"by":"price"})") == "No two hotels may have the same price.");
}

TEST_CASE("nouns get the article that is spoken") {
  CHECK(with_article("rating") == "a rating");
  CHECK(with_article("age") == "an age");
  CHECK(with_article("hour of departure") == "an hour of departure");
  CHECK(with_article("unit") == "a unit");
  CHECK(with_article("upper bound") == "an upper bound");
}

}  // namespace
}  // namespace assay
