// The contract of every operator, walked over the registry: cases labelled by hand from the rendered sentence are judged by
// the native check and by the lowering (a solver with the slots fixed), and both must say the label; by the printed Python, too.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>

#include "synth/solver.h"
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

bool satisfiable(const World& world, const Constraint& constraint, const Assignment& rows, int violated_branch) {
  Lowering lowering(world.shape, world.environment->tables);
  for (size_t slot = 0; slot < rows.size(); ++slot)
    lowering.post_linear({1}, {lowering.slot(static_cast<int>(slot))}, Relation::kEqual, rows[slot]);
  if (violated_branch < 0) constraint.post(lowering);
  else lowering.require(!constraint.reify(lowering, static_cast<size_t>(violated_branch)));
  return solve(lowering.model()).outcome == SolveOutcome::kFound;
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

TEST_CASE("sentences say what is meant") {
  const World world = load_world("operator_cases.json");
  const auto sentence = [&](const char* text) {
    auto constraint = compile_constraint(Json::parse(text), {world.shape, world.environment->tables}, "case", "$");
    REQUIRE(constraint.ok());
    return (*constraint)->sentence();
  };
  CHECK(sentence(R"({"op":"belongs","slots":{"fields":["hotel"]},"get":"city","field":"city"})") == "Every hotel must be in the city given for the same day.");
  CHECK(sentence(R"({"op":"belongs","slots":{"fields":["hotel"]},"get":"city","field":"city","phrase":"stand near"})") == "Every hotel must stand near the city given for the same day.");
  const char* one = R"({"op":"aggregate","how":"HOW","terms":[{"slots":{"fields":["hotel"],"groups":[2]},"get":"price"}],"at_most":500})";
  for (const char* how : {"sum", "average", "min", "max"})
    CHECK(sentence(std::string(one).replace(std::string(one).find("HOW"), 3, how).c_str()) == "The price of the hotel on day 2 must be at most 500 CNY.");
  CHECK(sentence(R"({"op":"aggregate","how":"sum","terms":[{"slots":{"fields":["hotel"]},"get":"price"}],"at_most":500})") == "The sum of the price of every hotel must be at most 500 CNY.");
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
