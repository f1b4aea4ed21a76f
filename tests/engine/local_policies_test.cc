// The policies that need no model: random, greedy, gold, replay.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "engine/entity_chooser.h"
#include "engine/policy_factory.h"
#include "tests/engine/toy_world.h"

using namespace assay;
using Catch::Contains;

namespace {

std::unique_ptr<Policy> make(const std::string& spec, const PolicyOptions& options = {}) {
  auto policy = make_policy(spec, options);
  INFO((policy.ok() ? "" : policy.error().text()));
  REQUIRE(policy.ok());
  return std::move(policy).value();
}

Error refused(const std::string& spec, const PolicyOptions& options = {}) {
  const auto policy = make_policy(spec, options);
  REQUIRE_FALSE(policy.ok());
  return policy.error();
}

std::vector<Json> answers(Policy& policy, const ToyWorld& world, int64_t samples, uint64_t seed = 7) {
  std::vector<Json> out;
  for (const Played& played : play_toy(policy, world, {.samples = samples, .seed = seed})) {
    INFO((played.error ? played.error->text() : ""));
    REQUIRE(played.submitted);
    out.push_back(Json::parse(played.answer));
  }
  return out;
}

// Whether counts of equally likely outcomes look so: chi-squared below its mean plus five standard deviations.
bool looks_uniform(const std::map<std::string, int>& counts, size_t outcomes) {
  double total = 0, sum = 0;
  for (const auto& [key, count] : counts) total += count;
  const double expected = total / static_cast<double>(outcomes);
  for (const auto& [key, count] : counts) sum += (count - expected) * (count - expected) / expected;
  sum += expected * static_cast<double>(outcomes - counts.size());
  const double degrees = static_cast<double>(outcomes) - 1;
  return counts.size() <= outcomes && sum < degrees + 5 * std::sqrt(2 * degrees);
}

std::string cities_of(const Json& answer) {
  return answer[0]["city"].get<std::string>() + answer[1]["city"].get<std::string>() + answer[2]["city"].get<std::string>();
}

}  // namespace

TEST_CASE("policies: an unknown name lists the known ones") {
  const Error error = refused("gready:x");
  CHECK_THAT(error.what, Contains("unknown policy 'gready'") && Contains("gold, greedy, openai, random, replay"));
  CHECK(error.hint == "'greedy'");
}

TEST_CASE("policies: only the first colon separates name and argument") {
  const Error error = refused("openai:ftp://host:1");
  CHECK_THAT(error.where, Contains("ftp://host:1"));
}

TEST_CASE("random: answers keep to the shape, and each entity to its scope") {
  ToyWorld world;
  auto policy = make("random");
  for (const Json& answer : answers(*policy, world, 200)) {
    REQUIRE(answer.size() == 3);
    std::set<std::string> cities;
    for (int day = 0; day < 3; ++day) {
      CHECK(answer[day]["time"] == "2025-10-0" + std::to_string(day + 1));
      const std::string city = answer[day]["city"];
      cities.insert(city);
      CHECK(answer[day]["hotel"].get<std::string>().starts_with(city));
      CHECK(answer[day]["afternoon_restaurant"] != answer[day]["evening_restaurant"]);
    }
    CHECK(cities.size() == 3);
  }
}

TEST_CASE("random: keys stand in the order of the shape") {
  ToyWorld world;
  auto policy = make("random");
  const std::string text = play_toy(*policy, world).front().answer;
  CHECK(text.starts_with(R"([{"time":"2025-10-01","city":")"));
  CHECK(text.find("\"hotel\"") < text.find("\"afternoon_restaurant\""));
  CHECK(text.find("\"afternoon_attraction\"") < text.find("\"evening_restaurant\""));
}

TEST_CASE("random: needs three messages, whatever the number of lists") {
  ToyWorld world;
  auto policy = make("random");
  const Played played = play_toy(*policy, world).front();
  CHECK(played.messages.size() == 2 + (1 + 1) + (1 + 9) + (1 + 1));
}

TEST_CASE("random: draws are uniform") {
  ToyWorld world;
  auto policy = make("random");
  std::map<std::string, int> cities, hotels, meals;
  for (const Json& answer : answers(*policy, world, 12'000)) {
    ++cities[cities_of(answer)];
    ++hotels[answer[1]["city"].get<std::string>() + answer[1]["hotel"].get<std::string>()];
    ++meals[answer[2]["afternoon_restaurant"].get<std::string>() + answer[2]["evening_restaurant"].get<std::string>()];
  }
  CHECK(looks_uniform(cities, 5 * 4 * 3));
  CHECK(looks_uniform(hotels, 5 * 3));
  CHECK(looks_uniform(meals, 4 * 3));

  // The check sees a draw that is a little lopsided, and one that may repeat a city.
  auto lopsided = cities;
  for (auto& [key, count] : lopsided)
    if (key.starts_with("Ax")) count = count * 5 / 4;
  CHECK_FALSE(looks_uniform(lopsided, 5 * 4 * 3));
  auto repeating = cities;
  repeating["AxAxBy"] = 200;
  CHECK_FALSE(looks_uniform(repeating, 5 * 4 * 3));
}

TEST_CASE("random: a sample is a function of seed, task and sample alone") {
  ToyWorld world;
  auto one = make("random"), two = make("random");
  const auto few = answers(*one, world, 3), many = answers(*two, world, 20);
  for (size_t i = 0; i < few.size(); ++i) CHECK(few[i] == many[i]);
  CHECK(std::set<Json>(many.begin(), many.end()).size() == 20);
  CHECK(answers(*one, world, 3, 8) != few);
  world.view.id = "another";
  CHECK(answers(*one, world, 3) != few);
}

TEST_CASE("random: repeats only when nothing is left, and leaves empty what has no candidate") {
  ToyWorld world;
  for (auto& [name, city] : world.cities) {
    city.restaurants.resize(1);
    city.attractions.clear();
  }
  world.cities.erase("Ev");
  world.cities.erase("Du");
  world.cities.erase("Cz");  // two cities for three days
  auto policy = make("random");
  for (const Json& answer : answers(*policy, world, 30)) {
    CHECK(answer[0]["city"] != answer[1]["city"]);
    CHECK(answer[2]["city"] != "");
    CHECK(answer[0]["afternoon_restaurant"] == "Diner 0");
    CHECK(answer[0]["evening_restaurant"] == "Diner 0");
    CHECK(answer[0]["afternoon_attraction"] == "");
  }
  world.cities.clear();
  const Json empty = answers(*policy, world, 1).front();
  CHECK(empty[0]["city"] == "");
  CHECK(empty[0]["hotel"] == "");
}

TEST_CASE("random: a name that occurs in two cities is two entities") {
  ToyWorld world;
  for (auto& [name, city] : world.cities) city.hotels.resize(1), city.hotels[0].name = "Grand Hotel";
  auto policy = make("random");
  for (const Json& answer : answers(*policy, world, 5))
    for (int day = 0; day < 3; ++day) CHECK(answer[day]["hotel"] == "Grand Hotel");
}

TEST_CASE("random: fails as a policy when the tools do not suffice or break") {
  ToyWorld world;
  auto policy = make("random");
  auto failure = [&] {
    const Played played = play_toy(*policy, world).front();
    REQUIRE(played.error);
    CHECK(played.error->boundary == Boundary::kPolicy);
    return played.error->what;
  };
  SECTION("no complete list") {
    for (ToolSpec& tool : world.view.tools)
      if (tool.name == "get_all_hotels_by_city") tool.reveals[0].complete = false;
    CHECK_THAT(failure(), Contains("no tool lists every row of 'hotel' by city"));
  }
  SECTION("nothing to submit with") {
    world.view.tools.pop_back();
    CHECK_THAT(failure(), Contains("no tool submits an answer"));
  }
  SECTION("a tool that answers with something else") {
    world.view.tools[0].name = "get_all_towns";
    CHECK_THAT(failure(), Contains("cannot read the list that get_all_towns returned"));
  }
  SECTION("a scope that scopes itself") {
    world.view.answer.fields[1].scope = "city";
    CHECK_THAT(failure(), Contains("no end"));
  }
}

TEST_CASE("random: a field may stand before the one that scopes it") {
  ToyWorld world;
  world.view.answer.fields = {{.name = "evening_restaurant", .table = "restaurant", .scope = "city"}, {.name = "city", .table = "city"}};
  auto policy = make("random");
  for (const Json& answer : answers(*policy, world, 5)) CHECK(answer[0]["evening_restaurant"].get<std::string>().starts_with("Diner"));
}

TEST_CASE("greedy: takes the first cities and the best of everything, without repeating") {
  ToyWorld world;
  auto policy = make("greedy");
  const auto all = play_toy(*policy, world, {.samples = 2});
  REQUIRE(all[0].submitted);
  CHECK(all[0].answer == all[1].answer);
  const Json answer = Json::parse(all[0].answer);
  CHECK(cities_of(answer) == "AxByCz");
  for (int day = 0; day < 3; ++day) {
    CHECK(answer[day]["hotel"].get<std::string>().ends_with("Hotel 2"));             // the cheapest
    CHECK(answer[day]["afternoon_attraction"].get<std::string>().ends_with("Gate 0"));  // the dearest, as the shape says
    CHECK(answer[day]["afternoon_restaurant"] == "Diner 1");                         // rated 4.5
    CHECK(answer[day]["evening_restaurant"] == "Diner 0");                           // rated 4.0
  }
}

TEST_CASE("greedy: of several entities of one name it looks at the one in the city") {
  ToyWorld world;
  world.cities["By"].restaurants[3].rating = 5;  // "Diner 3" is the worst everywhere else
  auto policy = make("greedy");
  const Json answer = answers(*policy, world, 1).front();
  CHECK(answer[0]["afternoon_restaurant"] == "Diner 1");
  CHECK(answer[1]["afternoon_restaurant"] == "Diner 3");
}

TEST_CASE("greedy: looks up ten of each list at most, and does without what it cannot look up") {
  ToyWorld world;
  for (int i = 3; i < 30; ++i) world.cities["Ax"].hotels.push_back({"Ax Hotel " + std::to_string(i), i == 9 ? 1.0 : i == 10 ? 0.5 : 999, 4});
  auto policy = make("greedy");
  CHECK(answers(*policy, world, 1).front()[0]["hotel"] == "Ax Hotel 9");
  std::erase_if(world.view.tools, [](const ToolSpec& tool) { return tool.name == "get_infos_by_hotel"; });
  CHECK(answers(*policy, world, 1).front()[0]["hotel"] == "Ax Hotel 0");
}

TEST_CASE("local policies end with a message without calls") {
  ToyWorld world;
  Conversation conversation;
  for (const char* name : {"random", "greedy"}) {
    auto policy = make(name);
    CHECK(policy->descriptor() == name);
    CHECK(policy->answer().empty());
    Played played = play_toy(*policy, world).front();
    const auto steps = static_cast<int64_t>(std::count_if(played.messages.begin(), played.messages.end(),
                                                          [](const Message& m) { return m.role == Role::kAssistant; }));
    // A submission that was refused: the same rollout is asked again.
    ToyWorld stubborn;
    for (ToolSpec& tool : stubborn.view.tools)
      if (tool.name == "submit_result") tool.name = "hand_in";
    const Played refused = play_toy(*policy, stubborn).front();
    CHECK_FALSE(refused.submitted);
    CHECK(refused.messages.back().role == Role::kAssistant);
    CHECK(refused.messages.back().tool_calls.empty());
    CHECK(refused.calls == played.calls);
    CHECK(steps > 0);
  }
}

TEST_CASE("gold: acts out the transcript and then says nothing more") {
  ToyWorld world;
  auto random = make("random");
  const Played original = play_toy(*random, world).front();
  PolicyOptions options;
  options.transcripts = [&](const std::string& task, int64_t) -> Result<const Conversation*> {
    if (task != "toy") return input_error("no gold for " + task);
    return &original.messages;
  };
  auto gold = make("gold", options);
  CHECK(gold->descriptor() == "gold");
  const Played again = play_toy(*gold, world, {.samples = 2}).back();
  CHECK(again.answer == original.answer);
  CHECK(again.messages.size() == original.messages.size());

  Conversation opening = {{.role = Role::kUser, .text = "hi"}};
  TaskView view = world.view;
  std::vector<size_t> calls;
  for (int64_t step = 0; step < 5; ++step) {
    gold->ask({.rollout = 9, .task = &view, .conversation = &opening, .step = step});
    calls.push_back(gold->answer().at(0).message->tool_calls.size());
  }
  CHECK(calls == std::vector<size_t>{1, 9, 1, 0, 0});
  // The next attempt of the same handle starts anew.
  gold->ask({.rollout = 9, .task = &view, .conversation = &opening, .step = 0});
  CHECK(gold->answer().at(0).message->tool_calls.size() == 1);

  view.id = "unheard of";
  gold->ask({.rollout = 1, .task = &view, .conversation = &opening});
  const auto missing = gold->answer().at(0).message;
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().boundary == Boundary::kPolicy);
  CHECK_THAT(missing.error().what, Contains("no gold for unheard of"));
  CHECK_THAT(refused("gold").what, Contains("transcripts"));
}

namespace {

// A file that goes when the test does.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& text) {
    char pattern[] = "/tmp/assay-replay-XXXXXX";
    ::close(::mkstemp(pattern));
    path = pattern;
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { ::unlink(path.c_str()); }
  std::string path;
};

std::string line_of(const std::string& key, const Conversation& messages) {
  OrderedJson line{{key, "toy"}, {"messages", OrderedJson::array()}};
  for (const Message& message : messages) line["messages"].push_back(to_json(message));
  return line.dump() + "\n";
}

}  // namespace

TEST_CASE("replay: acts out the lines of a file, one for each sample in turn") {
  ToyWorld world;
  auto random = make("random");
  const auto original = play_toy(*random, world, {.samples = 2});
  const TemporaryFile file(line_of("task", original[0].messages) + "\n" + line_of("task_id", original[1].messages));
  auto replay = make("replay:" + file.path);
  const auto again = play_toy(*replay, world, {.samples = 3});
  CHECK(again[0].answer == original[0].answer);
  CHECK(again[1].answer == original[1].answer);
  CHECK(again[2].answer == original[0].answer);
  CHECK(original[0].answer != original[1].answer);

  const TemporaryFile other(line_of("task", original[1].messages));
  CHECK(make("replay:" + other.path)->descriptor() != replay->descriptor());
  CHECK(replay->descriptor().starts_with("replay:"));

  world.view.id = "another";
  const Played missing = play_toy(*replay, world).front();
  REQUIRE(missing.error);
  CHECK(missing.error->boundary == Boundary::kPolicy);
  CHECK_THAT(missing.error->text(), Contains("no conversation for task another") && Contains(file.path));
}

TEST_CASE("replay: a bad file is named with its line") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no conversation"},
      {"{\"task\": \"a\", \"messages\": []}\n{oops\n", ":2: not JSON"},
      {"[]\n", ":1: expected an object"},
      {"{\"messages\": []}\n", "no \"task\""},
      {"{\"task\": \"a\"}\n", "no array \"messages\""},
      {"{\"task\": \"a\", \"messages\": [{\"role\": \"user\"}, {\"role\": \"wizard\"}]}\n", "$.messages[1]: unknown role 'wizard'"},
      {"{\"task\": \"a\", \"task\": \"b\", \"messages\": []}\n", "occurs twice"},
  };
  for (const auto& [text, expected] : cases) {
    const TemporaryFile file(text);
    const Error error = refused("replay:" + file.path);
    CHECK_THAT(error.text(), Contains(expected) && Contains(file.path));
  }
  CHECK_THAT(refused("replay:/nowhere/x.jsonl").text(), Contains("/nowhere/x.jsonl"));
  CHECK_THAT(refused("replay").hint, Contains("replay:FILE"));
  CHECK_THAT(refused("replay:store").what, Contains("no transcripts"));
}

TEST_CASE("replay: the store's transcripts go by task and sample") {
  ToyWorld world;
  const Conversation first = {{.role = Role::kAssistant, .text = "one"}}, second = {{.role = Role::kAssistant, .text = "two"}};
  PolicyOptions options;
  options.transcripts = [&](const std::string&, int64_t sample) -> Result<const Conversation*> { return sample ? &second : &first; };
  auto replay = make("replay:store", options);
  CHECK(replay->descriptor() == "replay:store");
  const auto all = play_toy(*replay, world, {.samples = 2});
  CHECK(all[0].messages.back().text == "one");
  CHECK(all[1].messages.back().text == "two");
}
