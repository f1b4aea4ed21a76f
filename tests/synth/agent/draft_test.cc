// Replies of a model as drafts: whole, patched, and everything that can be wrong with them.
#include "synth/agent/draft.h"

#include "tests/synth/fixture.h"

namespace assay {
namespace {

using Catch::Contains;
using fixture::must;

std::string fenced(const std::string& text) { return "Words.\n\n```json\n" + text + "\n```\nMore words."; }

std::string code_of(Draft& draft, const std::string& reply) {
  const auto finding = draft.take(reply);
  return finding ? finding->code : "";
}

TEST_CASE("a draft takes the last block, whole or as a patch") {
  Draft draft;
  CHECK(draft.empty());
  CHECK(code_of(draft, fenced(R"({"name": "a"})") + "\n" + fenced(R"({"name": "b", "tools": [1, 2]})")).empty());
  CHECK(draft.json()["name"] == "b");
  CHECK(code_of(draft, fenced(R"([{"op": "add", "path": "/tools/-", "value": 3}, {"op": "remove", "path": "/tools/0"}])")).empty());
  CHECK(draft.json()["tools"] == OrderedJson::array({2, 3}));
  CHECK(code_of(draft, R"( {"name": "bare"} )").empty());
  CHECK(draft.json()["name"] == "bare");
}

TEST_CASE("what is wrong with a reply is named, and the draft stays as it was") {
  Draft draft;
  CHECK(code_of(draft, "") == "no_domain");
  CHECK(code_of(draft, "```") == "no_domain");
  CHECK(code_of(draft, fenced("[]")) == "patch_failed");   // of nothing
  REQUIRE(code_of(draft, fenced(R"({"tools": [1]})")).empty());
  const std::pair<const char*, std::string> cases[] = {
      {"no_domain", "I would rather not."},
      {"cut_off", "```json\n{\"tools\": [1"},
      {"not_json", fenced("{tools: 1}")},
      {"not_json", fenced("\"text\"")},
      {"not_json", fenced(R"({"a": 1, "a": 2})")},
      {"not_json", fenced(std::string(1000, '[') + std::string(1000, ']'))},
      {"patch_failed", fenced(R"([{"op": "remove", "path": "/nowhere"}])")},
      {"patch_failed", fenced(R"([{"op": "add", "path": "/tools/-", "value": 2}, {"op": "test", "path": "/tools/0", "value": 9}])")},
      {"patch_failed", fenced(R"([7])")},
      {"patch_failed", fenced(R"([{"op": "replace", "path": "", "value": 7}])")},
      {"too_large", fenced("{\"a\": \"" + std::string(kDraftBytes, 'x') + "\"}")},
  };
  for (const auto& [code, reply] : cases) {
    INFO(reply.substr(0, 80));
    CHECK(code_of(draft, reply) == code);
    CHECK(draft.json().dump() == R"({"tools":[1]})");
  }
}

TEST_CASE("copies of copies are stopped before they fill the memory") {
  Draft draft;
  REQUIRE(code_of(draft, fenced(R"({"a": ["0123456789"]})")).empty());
  OrderedJson patch = OrderedJson::array();
  for (int i = 0; i < 60; ++i) patch.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}});
  CHECK(code_of(draft, fenced(patch.dump())) == "too_large");
}

TEST_CASE("a file for people keeps its order, breaks long lines and reads back as the same") {
  for (const EmbeddedDomain& domain : embedded_domains()) {
    const OrderedJson json = must(parse_ordered_json(domain.text, domain.name));
    const std::string text = readable_json(json);
    CHECK(must(parse_ordered_json(text, domain.name)) == json);
    CHECK(std::count(text.begin(), text.end(), '\n') > 20);
  }
  CHECK(readable_json({{"b", {1, 2}}, {"a", OrderedJson::object()}}, 14) == "{\n  \"b\": [1, 2],\n  \"a\": {}\n}\n");
}

}  // namespace
}  // namespace assay
