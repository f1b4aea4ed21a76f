#include "engine/dialogue/completion_reader.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

const MessageEncoding& v32() { return *must(find_encoding("deepseek_v32")); }

const std::string kEnd = "<｜end▁of▁sentence｜>", kOpen = "\n\n<｜DSML｜function_calls>\n", kInvoke = "<｜DSML｜invoke name=\"f\">\n";

TEST_CASE("a well-formed completion is the message that the parser makes of it") {
  const std::string text = "Hm.</think>So." + kEnd;
  const ReadCompletion read = read_completion(v32(), text, Thinking::kOn);
  CHECK_FALSE(read.malformed);
  CHECK(read.message == must(v32().parse(text, Thinking::kOn)));
}

TEST_CASE("a malformed completion is a message with its reason, and the conversation can go on after it") {
  struct Case {
    Thinking thinking;
    std::string completion, reason, reasoning, text, name;   // name: of the one call; empty: there is none
  };
  const std::vector<Case> cases = {
      {Thinking::kOff, "Cut of", "no <｜end", "", "Cut of", ""},
      {Thinking::kOn, "Thinking on and", "does not end in </think>", "Thinking on and", "", ""},
      {Thinking::kOff, "a<｜User｜>b" + kEnd, "it holds <｜User｜>", "", "a<｜User｜>b" + kEnd, ""},
      {Thinking::kOff, "x\xC3y", "not UTF-8", "", "x\xEF\xBF\xBDy", ""},
      {Thinking::kOff, "Now." + kOpen + kInvoke + "<｜DSML｜parameter name=\"a\" string=\"true\">x", "does not end", "", "Now.", "f"},
      {Thinking::kOff, kOpen + kInvoke + "<｜DSML｜parameter name=\"a\" string=\"false\">{1</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>", "is refused", "", "", "f"},
      {Thinking::kOn, "r</think>" + kOpen + "<｜DSML｜invoke", "ends in the tag of a call", "r", "", "malformed"},
      {Thinking::kOff, kOpen + "<｜DSML｜invoke name=\"<｜DSML｜\">\n", "does not end before the next tag", "", "", "malformed"},
      {Thinking::kOff, "<｜User｜>" + kOpen + kInvoke, "it holds <｜User｜>", "", "<｜User｜>", "f"}};
  for (const Case& each : cases) {
    INFO(each.completion);
    const ReadCompletion read = read_completion(v32(), each.completion, each.thinking);
    REQUIRE(read.malformed);
    CHECK_THAT(read.malformed->text(), Catch::Contains(each.reason));
    CHECK(read.malformed->boundary == Boundary::kPolicy);
    CHECK(read.message.role == Role::kAssistant);
    CHECK(read.message.reasoning == each.reasoning);
    CHECK(read.message.text == each.text);
    REQUIRE(read.message.tool_calls.size() == (each.name.empty() ? 0 : 1));
    Conversation conversation = {{Role::kUser, "q", "", {}, ""}, read.message};
    if (!each.name.empty()) {
      CHECK(read.message.tool_calls[0].name == each.name);
      CHECK(each.completion.ends_with(read.message.tool_calls[0].arguments));
      conversation.push_back({Role::kTool, "no", "", {}, ""});
    }
    const Conversation said = sayable(conversation, v32(), each.thinking);
    CHECK(said[1].tool_calls.size() == read.message.tool_calls.size());
    CHECK(must(v32().encode(said, each.thinking)).find(each.name) != std::string::npos);
  }
}

TEST_CASE("what can be said stays as it is") {
  const Conversation conversation = {{Role::kUser, "q", "", {}, ""}, {Role::kAssistant, "", "r", {{"", "f", R"({"a": 1})"}}, ""}, {Role::kTool, "x", "", {}, ""}};
  CHECK(sayable(conversation, v32(), Thinking::kOn) == conversation);
}

}  // namespace
}  // namespace assay
