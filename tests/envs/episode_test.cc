#include "envs/episode.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

Message calls(std::vector<ToolCall> tool_calls) { return {Role::kAssistant, "", "", std::move(tool_calls), ""}; }

ToolCall submit(const std::string& answer, const std::string& id = "s") {
  return {id, "submit_result", Json{{"answer_text", answer}}.dump()};
}

const ToolCall kCities{"c", "get_all_cities", "{}"};

TEST_CASE("an attempt opens with the prompt, after a system message if there is one") {
  auto tools = fixture::toolset();
  Task task = fixture::task();
  Conversation opening = Episode(task, *tools).opening();
  REQUIRE(opening.size() == 1);
  CHECK(opening[0].role == Role::kUser);
  CHECK(opening[0].text == task.prompt);
  task.system = "Be brief.";
  opening = Episode(task, *tools).opening();
  REQUIRE(opening.size() == 2);
  CHECK(opening[0].role == Role::kSystem);
  CHECK(opening[0].text == "Be brief.");
}

TEST_CASE("calls of a message are carried out in order, each with its result; submission ends the episode") {
  auto tools = fixture::toolset();
  const Task task = fixture::task();
  Episode episode(task, *tools);
  Conversation results = must(episode.step(calls({kCities, {"w", "no_such_tool", "{}"}, {"m", "get_all_cities", "{"}})));
  REQUIRE(results.size() == 3);
  CHECK(results[0].role == Role::kTool);
  CHECK(results[0].tool_call_id == "c");
  CHECK(results[0].text == R"(["Empty","Nanjing","Suzhou"])");
  CHECK(results[1].tool_call_id == "w");
  CHECK_THAT(results[1].text, Catch::Contains("unknown tool"));
  CHECK_THAT(results[2].text, Catch::Contains("not JSON"));
  CHECK_FALSE(episode.done());

  results = must(episode.step(calls({submit("Suzhou"), submit("Nanjing"), kCities})));
  REQUIRE(results.size() == 3);
  CHECK(results[0].text == R"({"submitted":true})");
  CHECK_THAT(results[1].text, Catch::Contains("the episode is over (submitted)"));
  CHECK_THAT(results[2].text, Catch::Contains("not carried out"));
  CHECK(episode.submitted());
  CHECK(episode.answer() == "Suzhou");
  CHECK(episode.stop() == "submitted");
  CHECK(episode.steps() == 2);
  CHECK(episode.calls() == 4);
  CHECK(episode.failed_calls() == 2);
}

TEST_CASE("a malformed or overlong submission is an error observation and submits nothing") {
  auto tools = fixture::toolset();
  const Task task = fixture::task({.answer_bytes = 10});
  Episode episode(task, *tools);
  for (const char* arguments : {"{}", "x", R"({"answer_text":3})", R"({"answer_text":"a","answer_text":"b"})", R"({"answer_text":"12345678901"})"}) {
    INFO(arguments);
    CHECK(must(episode.call("submit_result", arguments)).error);
    CHECK_FALSE(episode.submitted());
    CHECK_FALSE(episode.done());
  }
  CHECK_FALSE(must(episode.call("submit_result", R"({"answer_text":"1234567890"})")).error);
  CHECK(episode.answer() == "1234567890");
}

TEST_CASE("an answer of the full default size is taken, however it is escaped") {
  auto tools = fixture::toolset();
  const Task task = fixture::task();
  Episode episode(task, *tools);
  std::string escaped;
  for (int64_t i = 0; i < task.limits.answer_bytes; ++i) escaped += "\\u0041";
  CHECK_FALSE(must(episode.call("submit_result", "{\"answer_text\":\"" + escaped + "\"}")).error);
  CHECK(episode.answer() == std::string(static_cast<size_t>(task.limits.answer_bytes), 'A'));
}

TEST_CASE("the limit on calls is exact, and the last call may be the submission") {
  auto tools = fixture::toolset();
  const Task task = fixture::task({.calls = 3});
  Episode episode(task, *tools);
  const Conversation results = must(episode.step(calls({kCities, kCities, kCities, submit("x")})));
  CHECK(results.size() == 4);
  CHECK(results[2].text == results[0].text);
  CHECK_THAT(results[3].text, Catch::Contains("the episode is over (limit:calls)"));
  CHECK(episode.calls() == 3);
  CHECK(episode.stop() == "limit:calls");
  CHECK_FALSE(episode.submitted());

  Episode second(task, *tools);
  REQUIRE(second.step(calls({kCities, kCities, submit("x")})).ok());
  CHECK(second.stop() == "submitted");
}

TEST_CASE("the limit on steps is exact, and the last step may submit") {
  auto tools = fixture::toolset();
  const Task task = fixture::task({.steps = 2});
  Episode episode(task, *tools);
  REQUIRE(episode.step(calls({kCities})).ok());
  CHECK_FALSE(episode.done());
  REQUIRE(episode.step(calls({kCities})).ok());
  CHECK(episode.stop() == "limit:steps");

  Episode second(task, *tools);
  REQUIRE(second.step(calls({kCities})).ok());
  REQUIRE(second.step(calls({submit("x")})).ok());
  CHECK(second.stop() == "submitted");
}

TEST_CASE("a message without calls gives up") {
  auto tools = fixture::toolset();
  const Task task = fixture::task({.steps = 1});
  Episode episode(task, *tools);
  CHECK(must(episode.step({Role::kAssistant, "I submit: Suzhou. Reward: 1", "", {}, ""})).empty());
  CHECK(episode.stop() == "gave_up");
  CHECK_FALSE(episode.submitted());
  CHECK(episode.answer().empty());
}

// One tool, which says what it is told to.
class EchoTools final : public Tools {
 public:
  explicit EchoTools(Result<Observation> says) : says_(std::move(says)) {}
  const std::vector<ToolSpec>& specs() const override { return specs_; }
  Result<Observation> call(std::string_view, std::string_view) override { return says_; }

 private:
  std::vector<ToolSpec> specs_ = {{"echo", "", "", Json::object(), ToolEffect::kRead, Json(), {}}};
  Result<Observation> says_;
};

TEST_CASE("a long observation is cut between characters and says by how much") {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "é凤🙂x";  // 10 bytes
  for (int64_t limit = 1; limit <= 500; ++limit) {
    CAPTURE(limit);
    EchoTools tools(Observation{text, false});
    const Task task = fixture::task({.observation_bytes = limit});
    const std::string seen = must(Episode(task, tools).call("echo", "{}")).text;
    if (limit == 500) {
      CHECK(seen == text);
      continue;
    }
    const size_t kept = seen.find("\n[");
    REQUIRE(kept != std::string::npos);
    CHECK(kept <= static_cast<size_t>(limit));
    CHECK(kept + 3 >= static_cast<size_t>(limit));
    CHECK(text.compare(0, kept, seen, 0, kept) == 0);
    CHECK_NOTHROW(Json(seen).dump());  // throws on broken UTF-8
    CHECK_THAT(seen, Catch::EndsWith(std::to_string(500 - kept) + " more bytes were left out.]"));
  }
}

TEST_CASE("bytes that are no characters are cut all the same") {
  EchoTools tools(Observation{std::string(1000, '\x80'), false});
  const Task task = fixture::task({.observation_bytes = 100});
  CHECK(must(Episode(task, tools).call("echo", "{}")).text.size() < 200);
}

TEST_CASE("a tool that breaks is an error, not an observation") {
  EchoTools tools(make_error(Boundary::kLimit, "too much"));
  const Task task = fixture::task();
  Episode episode(task, tools);
  const auto results = episode.step(calls({{"e", "echo", "{}"}}));
  REQUIRE_FALSE(results.ok());
  CHECK(results.error().boundary == Boundary::kLimit);
}

}  // namespace
}  // namespace assay
