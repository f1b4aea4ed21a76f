#include "envs/message.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

OrderedJson ordered(const std::string& text) { return must(parse_ordered_json(text, "test")); }

TEST_CASE("a message reads back from its JSON whole, in the order its keys were written") {
  const std::vector<std::string> messages = {
      R"({"role":"system","content":"","tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":2}}}],"response_format":{"b":1,"a":2}})",
      R"({"role":"developer","content":"do"})",
      R"({"role":"assistant","content":"x","reasoning_content":"hm","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"z\":1,\"a\":2}"}}]})",
      R"({"role":"tool","content":"r","tool_call_id":"1"})"};
  for (const std::string& text : messages) CHECK(to_json(must(message_from_json(ordered(text), "m"))).dump() == text);
  const Message as_object = must(message_from_json(ordered(R"({"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"z":1,"a":2}}}]})"), "m"));
  CHECK(as_object.tool_calls[0].arguments == R"({"z":1,"a":2})");
  const Message images = {Role::kTool, "", "", {}, "1", {{"image/png", "aGk="}}};
  CHECK(must(message_from_json(stored_json(images), "m")) == images);
}

TEST_CASE("a message that would lose something is refused") {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {R"([])", "message object"}, {R"({"content":"x"})", "unknown role ''"}, {R"({"role":"robot"})", "unknown role 'robot'"},
           {R"({"role":"user","content":7})", "of type number"}, {R"({"role":"user","content":{}})", "of type object"},
           {R"({"role":"user","content":["x"]})", "is no text"}, {R"({"role":"user","content":[{"type":"image_url"}]})", "is no text"},
           {R"({"role":"assistant","reasoning_content":[]})", "of type array"}, {R"({"role":"assistant","tool_calls":{}})", "no array"},
           {R"({"role":"assistant","tool_calls":[{}]})", "without a function"}, {R"({"role":"assistant","tool_calls":[{"function":{}}]})", "without a name"}}) {
    INFO(text);
    CHECK_THAT(message_from_json(must(parse_json(text, "t")), "m").error().what, Catch::Contains(what));
    CHECK(message_from_json(ordered(text), "m").error().where == "m");
  }
}

TEST_CASE("reasoning before the last user or developer message is dropped, and only that") {
  const auto thinker = [](std::string reasoning) { return Message{Role::kAssistant, "t", std::move(reasoning), {{"1", "f", "{}"}}, ""}; };
  const Message user{Role::kUser, "q", "", {}, ""}, developer{Role::kDeveloper, "q", "", {}, ""}, result{Role::kTool, "r", "", {}, "1"};
  const auto kept = [](const Conversation& conversation) {
    std::string out;
    for (const Message& message : drop_old_reasoning(conversation)) out += message.reasoning + "/" + std::to_string(message.tool_calls.size()) + " ";
    return out;
  };
  CHECK(kept({user, thinker("a"), result, thinker("b")}) == "/0 a/1 /0 b/1 ");
  CHECK(kept({user, thinker("a"), result, user, thinker("b")}) == "/0 /1 /0 /0 b/1 ");
  CHECK(kept({user, thinker("a"), result, developer, thinker("b")}) == "/0 /1 /0 /0 b/1 ");
  CHECK(kept({thinker("a"), thinker("b")}) == "a/1 b/1 ");
  CHECK(last_user_message({}) == -1);
}

}  // namespace
}  // namespace assay
