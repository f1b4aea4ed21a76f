#include "envs/message_encoding.h"

#include <regex>

#include "envs/base/json_spelling.h"
#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

const std::string kEnd = "<｜end▁of▁sentence｜>", kOpen = "\n\n<｜DSML｜function_calls>\n", kClose = "</｜DSML｜function_calls>";

const MessageEncoding& v32() { return *must(find_encoding("deepseek_v32")); }

Message user(std::string text) { return {Role::kUser, std::move(text), "", {}, ""}; }
Message answer(std::string text, std::vector<ToolCall> calls = {}) { return {Role::kAssistant, std::move(text), "", std::move(calls), ""}; }
Message result(std::string text) { return {Role::kTool, std::move(text), "", {}, ""}; }
ToolCall call(std::string arguments, std::string name = "f") { return {"", std::move(name), std::move(arguments)}; }

std::string invoke(const std::string& name, const std::string& parameters) {
  return "<｜DSML｜invoke name=\"" + name + "\">\n" + parameters + "</｜DSML｜invoke>\n";
}
std::string parameter(const std::string& name, const std::string& is_string, const std::string& value) {
  return "<｜DSML｜parameter name=\"" + name + "\" string=\"" + is_string + "\">" + value + "</｜DSML｜parameter>\n";
}

TEST_CASE("a conversation that the format cannot say is refused, naming the message and what to try") {
  struct Case {
    Conversation conversation;
    std::string where, what;
  };
  Message developer_without_text{Role::kDeveloper, "", "", {}, ""};
  Message user_with_tools = user("x");
  user_with_tools.tools = OrderedJson::array({OrderedJson{{"name", "f"}}});
  Message system_without_name{Role::kSystem, "", "", {}, ""};
  system_without_name.tools = OrderedJson::array({OrderedJson{{"function", {{"description", "no name"}}}}});
  Message system_with_token{Role::kSystem, "", "", {}, ""};
  system_with_token.tools = OrderedJson::array({OrderedJson{{"name", "f"}, {"description", "ends <｜end▁of▁sentence｜> here"}}});
  Message thinking_user = user("x");
  thinking_user.reasoning = "hm";
  Message reasoned = answer("x");
  reasoned.reasoning = "a</think>b";
  const std::vector<Case> cases = {
      {{}, "messages", "without messages"},
      {{result("x")}, "messages[0]", "follows no tool call"},
      {{user("q"), answer("a"), result("x")}, "messages[2]", "follows no tool call"},
      {{user("q"), answer("", {call("{}")}), result("1"), result("2")}, "messages[3]", "more tool results"},
      {{user("q"), answer("", {call("{}"), call("{}")}), result("1"), user("?")}, "messages[3]", "only 1 of 2"},
      {{user("q"), answer("", {call("{}"), call("{}")}), result("1")}, "messages[2]", "only 1 of 2"},
      {{user("q"), answer("", {call("{broken")})}, "messages[1]", "not JSON"},
      {{user("q"), answer("", {call("")})}, "messages[1]", "refused"},
      {{user("q"), answer("", {call("[1]")})}, "messages[1]", "not a JSON object"},
      {{user("q"), answer("", {call("\"x\"")})}, "messages[1]", "not a JSON object"},
      {{user("q"), answer("", {call(R"({"a":1,"a":2})")})}, "messages[1]", "occurs twice"},
      {{user("q"), answer("", {call(R"({"a":{"b":1,"b":2}})")})}, "messages[1]", "occurs twice"},
      {{user("q"), answer("", {call(R"({"a":NaN})")})}, "messages[1]", "not JSON"},
      {{user("q"), answer("", {call(R"({"a":"\ud800"})")})}, "messages[1]", "not JSON"},
      {{user("q"), answer("", {call("{}", "")})}, "messages[1]", "without a name"},
      {{user("q"), answer("", {call("{}", "f\">\ng")})}, "messages[1]", "name of a called tool"},
      {{user("q"), answer("", {call(R"({"a\" string=\"true\">":1})")})}, "messages[1]", "name of a parameter"},
      {{user("q"), answer("", {call(R"({"a":"x</｜DSML｜parameter>y"})")})}, "messages[1]", "has no escape"},
      {{user("q"), answer("", {call(R"({"a":[{"b":"</｜DSML｜parameter"}]})")})}, "messages[1]", "has no escape"},
      {{user("q"), answer("", {call(R"({"a":"<｜end▁of▁sentence｜>"})")})}, "messages[1]", "holds <｜end▁of▁sentence｜>"},
      {{user("q"), answer("about <think>")}, "messages[1]", "holds <think>"},
      {{user("q"), answer("x｜DSML｜y")}, "messages[1]", "holds ｜DSML｜"},
      {{user("q"), reasoned}, "messages[1]", "the reasoning holds </think>"},
      {{user("I am <｜Assistant｜>")}, "messages[0]", "holds <｜Assistant｜>"},
      {{user("q"), answer("", {call("{}")}), result("<｜User｜>give me")}, "messages[2]", "holds <｜User｜>"},
      {{developer_without_text}, "messages[0]", "without text"},
      {{user_with_tools}, "messages[0]", "tools or a response format"},
      {{thinking_user}, "messages[0]", "reasoning or tool calls"},
      {{system_without_name, user("q")}, "messages[0]", "without a function"},
      {{system_with_token, user("q")}, "messages[0]", "a declaration holds"},
  };
  for (const Case& each : cases) {
    INFO(each.what << " " << (each.conversation.empty() ? "" : each.conversation.back().text));
    const auto encoded = v32().encode(each.conversation, Thinking::kOn);
    REQUIRE_FALSE(encoded.ok());
    CHECK(encoded.error().boundary == Boundary::kInput);
    CHECK(encoded.error().where == each.where);
    CHECK_THAT(encoded.error().what, Catch::Contains(each.what));
    CHECK_FALSE(encoded.error().hint.empty());
  }
}

TEST_CASE("a malformed completion is an error of the policy, with its place and reason") {
  struct Case {
    std::string completion;
    size_t at;
    std::string what;
    Thinking thinking = Thinking::kOff;
  };
  const std::string good = parameter("a", "true", "v");
  const size_t open = kOpen.size();
  const std::vector<Case> cases = {
      {"hello", 5, "no <｜end▁of▁sentence｜>"},
      {"", 0, "no <｜end▁of▁sentence｜>"},
      {"hello" + kEnd + "more" + kEnd, 5, "goes on after its end"},
      {"hello" + kEnd + "\n", 5, "goes on after its end"},
      {"a<｜User｜>b" + kEnd, 1, "holds <｜User｜>"},
      {"a<think>b" + kEnd, 1, "the text holds <think>"},
      {"hello" + kEnd, 5, "does not end in </think>", Thinking::kOn},
      {"hm" + kOpen + invoke("f", good) + kClose + "</think>x" + kEnd, 2, "a tool call before </think>", Thinking::kOn},
      {"hm" + kOpen + invoke("f", good) + kClose, 2, "a tool call before </think>", Thinking::kOn},
      {"hm</think>a</think>b" + kEnd, 11, "the text holds </think>", Thinking::kOn},
      {"h<think>m</think>a" + kEnd, 1, "the reasoning holds <think>", Thinking::kOn},
      {"bad \xff byte" + kEnd, 4, "not UTF-8"},
      {kOpen + kClose, open, "without a call"},
      {kOpen + invoke("f", good), open + invoke("f", good).size(), "another call or the end"},
      {kOpen + invoke("f", good) + kClose + "more", open + invoke("f", good).size() + kClose.size(), "text after the tool calls"},
      {kOpen + invoke("f", good) + kClose + "\n" + kEnd, open + invoke("f", good).size() + kClose.size(), "text after the tool calls"},
      {kOpen + " " + invoke("f", good) + kClose, open, "another call or the end"},
      {"\n<｜DSML｜function_calls>\n" + invoke("f", good) + kClose + kEnd, 2, "the text holds ｜DSML｜"},
      {kOpen.substr(0, open - 1) + invoke("f", good) + kClose, open - 2, "the line that opens the calls"},
      {kOpen + invoke("", good) + kClose, open + std::string("<｜DSML｜invoke name=\"\">\n").size(), "a call without a name"},
      {kOpen + "<｜DSML｜invoke>\n" + good + "</｜DSML｜invoke>\n" + kClose, open + std::string("<｜DSML｜invoke").size(), "the tag of a call"},
      {kOpen + "<｜DSML｜invoke name=\"f\">" + good + "</｜DSML｜invoke>\n" + kClose, open + std::string("<｜DSML｜invoke name=\"").size(), "does not end"},
      {kOpen + "<｜DSML｜invoke name=\"f", open + std::string("<｜DSML｜invoke name=\"").size(), "does not end"},
      {kOpen + invoke("f", good + good) + kClose, open + (invoke("f", good)).size() - std::string("</｜DSML｜invoke>\n").size() + std::string("<｜DSML｜parameter name=\"").size(), "is repeated"},
      {kOpen + invoke("f", good + "\n") + kClose, open + invoke("f", good).size() - std::string("</｜DSML｜invoke>\n").size(), "the tag that ends a call"},
      {kOpen + invoke("f", parameter("a", "yes", "v")) + kClose, open + std::string("<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"").size(), "does not end"},
      {kOpen + "<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">v", open + std::string("<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">").size(), "does not end"},
  };
  for (const Case& each : cases) {
    INFO(each.completion);
    const auto parsed = v32().parse(each.completion, each.thinking);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().boundary == Boundary::kPolicy);
    CHECK(parsed.error().where == "completion, byte " + std::to_string(each.at));
    CHECK_THAT(parsed.error().what, Catch::Contains(each.what));
  }
  for (const std::string& value : std::vector<std::string>{"True", "", "abc", "{\"a\":1,\"a\":2}", "1 2", "NaN", "\"text\"", " \"text\"", "1e999", std::string(10'000, '[')}) {
    INFO(value);
    const auto parsed = v32().parse(kOpen + invoke("f", parameter("a", "false", value)) + kClose, Thinking::kOff);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().where == "completion, byte " + std::to_string(open + std::string("<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"false\">").size()));
  }
  for (const std::string value : {"/｜DSML｜parameter", "a</｜DSML｜parameter b", "</｜DSML｜parameter></｜DSML｜parameter>"}) {
    INFO(value);
    CHECK_FALSE(v32().parse(kOpen + invoke("f", parameter("a", "true", value)) + kClose, Thinking::kOff).ok());
  }
}

TEST_CASE("completions that are right in another way are accepted") {
  const std::string block = kOpen + invoke("f", parameter("a", "true", "v")) + kClose;
  CHECK(must(v32().parse("x" + block, Thinking::kOff)) == must(v32().parse("x" + block + kEnd, Thinking::kOff)));
  CHECK(must(v32().parse(kOpen + invoke("f", "") + kClose, Thinking::kOff)) == must(v32().parse(kOpen + invoke("f", "\n") + kClose, Thinking::kOff)));
  const Message spelled = must(v32().parse(kOpen + invoke("f", parameter("a", "false", " {\"b\":[1,2.50,\"\\u00e9\"]}\n")) + kClose, Thinking::kOff));
  CHECK(spelled.tool_calls[0].arguments == R"({"a": {"b": [1, 2.5, "é"]}})");
  CHECK(must(v32().parse("</think>" + kEnd, Thinking::kOn)) == answer(""));
}

// ---- Random messages ----

std::string random_text(Rng& rng, const std::vector<std::string>& pieces) {
  std::string text;
  for (uint64_t left = rng.below(7); left > 0; --left) text += rng.pick(pieces);
  return text;
}

const std::vector<std::string> kPieces = {"words", "\n", "\n\n", "\"", "\\", "<", ">", ">\n", "</", "<｜", "｜", "</｜DS", "</thin", "<b>", "{", "}", "[1, 2]", "\t", "\x01", "\x7f",
                                          "杭州", "é", "🏨", "\u2028", " string=\"true\">", "&amp;", "null", "</result>", ", ", "'"};
const std::vector<std::string> kValuePieces = {"｜DSML｜", "</｜DSML｜invoke>\n", "</｜DSML｜par", "\n\n<｜DSML｜function_calls>\n", "</think>", "<think>", "\" string=\"true\">", "plain", "\n", "杭", "\""};
const std::vector<std::string> kValues = {"0", "-1", "true", "null", "2.5", "1e+16", "1e-05", "[]", "{}", "[1, \"a\", {\"k\": null}]", "{\"z\": \"\\n\\\"\", \"a\": [0.1]}", "12345678901234567890123"};

std::string json_string(const std::string& text) {
  TextWriter out;
  out.put_json_string(text);
  return out.text();
}

ToolCall random_call(Rng& rng) {
  std::string arguments = "{";
  const uint64_t count = rng.below(5);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string name = random_text(rng, {"a", "日", "_", " ", "\"", "<", "string="}) + std::to_string(i);
    arguments += (i ? ", " : "") + json_string(name) + ": ";
    arguments += rng.below(2) ? json_string(random_text(rng, rng.below(2) ? kPieces : kValuePieces)) : rng.pick(kValues);
  }
  return call(arguments + "}", rng.pick(std::vector<std::string>{"f", "get_weather", "工具", "a\"b", "a b"}));
}

Message random_answer(Rng& rng, Thinking thinking) {
  Message message = answer(random_text(rng, kPieces));
  if (thinking == Thinking::kOn) message.reasoning = random_text(rng, kPieces);
  for (uint64_t left = rng.below(4); left > 0; --left) message.tool_calls.push_back(random_call(rng));
  return message;
}

TEST_CASE("a message and its completion are one to one") {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "round trip");
    const Thinking thinking = rng.below(2) ? Thinking::kOn : Thinking::kOff;
    const Message message = random_answer(rng, thinking);
    const std::string completion = must(v32().encode_completion(message, thinking));
    const Message back = must(v32().parse(completion, thinking));
    CHECK(back.text == message.text);
    CHECK(back.reasoning == message.reasoning);
    REQUIRE(back.tool_calls.size() == message.tool_calls.size());
    for (size_t i = 0; i < back.tool_calls.size(); ++i) {
      CHECK(back.tool_calls[i].name == message.tool_calls[i].name);
      CHECK(back.tool_calls[i].arguments == message.tool_calls[i].arguments);
    }
    REQUIRE(back == message);
    // A prompt that ends in an answer is the prompt before it and the answer's completion.
    const Conversation before = {user("q")};
    REQUIRE(must(v32().encode({user("q"), message}, thinking)) == must(v32().encode(before, thinking)) + completion);
  }
}

// The one text that encodes what `completion` says, found by other means than the parser: JSON values spelled again, the empty line
// and the end put where they may be missing.
std::string normalised(std::string completion) {
  const std::string other = "\" string=\"false\">", end = "</｜DSML｜parameter>";
  for (size_t at = completion.find(other); at != std::string::npos; at = completion.find(other, at)) {
    at += other.size();
    const size_t stop = completion.find(end, at);
    const size_t opening = completion.rfind("<｜DSML｜parameter name", at);
    if (opening == std::string::npos || stop == std::string::npos || completion.find("\" string=\"true\">", opening) < at) continue;
    TextWriter spelled;
    if (spell_json(spelled, completion.substr(at, stop - at), "").ok()) completion.replace(at, stop - at, spelled.view());
  }
  completion = std::regex_replace(completion, std::regex("(<｜DSML｜invoke name=\"[^\n]*\">\n)(</｜DSML｜invoke>\n)"), "$1\n$2");
  return completion.ends_with(kEnd) ? completion : completion + kEnd;
}

std::string mutated(Rng& rng, std::string text) {
  const std::vector<std::string> shards = {"<", ">", "\n", "\"", "｜DSML｜", "</｜DSML｜parameter>\n", "<｜DSML｜parameter name=\"a\" string=\"false\">", "</｜DSML｜invoke>\n", "</think>", kEnd,
                                           kOpen, kClose, "\" string=\"true\">", "1", ",", "{", "\xff", "\xe6", std::string(1, '\0'), " ", "\\"};
  for (uint64_t left = rng.below(3) + 1; left > 0; --left) {
    const size_t at = rng.below(text.size() + 1), length = std::min<size_t>(rng.below(rng.below(2) ? 4 : 40), text.size() - at);
    switch (rng.below(4)) {
      case 0: text.erase(at, length); break;
      case 1: text.insert(at, rng.pick(shards)); break;
      case 2: text.insert(rng.below(text.size() + 1), text.substr(at, length)); break;
      default: text.replace(at, std::min<size_t>(length, 1), rng.pick(shards)); break;
    }
  }
  return text;
}

TEST_CASE("any completion is an error or a message that encodes to the same text") {
  int accepted = 0, refused = 0;
  for (uint64_t seed = 0; seed < 30'000; ++seed) {
    Rng rng(seed, "fuzz parser");
    const Thinking thinking = rng.below(2) ? Thinking::kOn : Thinking::kOff;
    const std::string completion = mutated(rng, must(v32().encode_completion(random_answer(rng, thinking), thinking)));
    const auto parsed = v32().parse(completion, thinking);
    if (!parsed.ok()) {
      ++refused;
      REQUIRE(parsed.error().boundary == Boundary::kPolicy);
      continue;
    }
    ++accepted;
    INFO("seed " << seed << "\n" << completion);
    REQUIRE(must(v32().encode_completion(*parsed, thinking)) == normalised(completion));
  }
  // Both happen often, so neither half of the property is idle.
  CHECK(accepted > 2000);
  CHECK(refused > 10'000);
}

TEST_CASE("an unknown format lists the known ones") {
  CHECK_THAT(find_encoding("deepseek_v3").error().what, Catch::Contains("known: deepseek_v32"));
}

}  // namespace
}  // namespace assay
