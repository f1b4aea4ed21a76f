#include "engine/grammar/json_language.h"

#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

Json schema_of(const std::string& text) { return must(parse_json(text, "schema")); }

struct Compiled {
  Languages languages;
  Language start = Languages::nothing();

  explicit Compiled(const Json& schema) { start = must(json_language(languages, schema, "schema")); }
  bool has(std::string_view text) { return languages.holds_empty(languages.after(start, text)); }
};

// Bytes drawn at random among those that can go on, and from `calm` bytes on only such as bring the end nearer.
std::string random_text(Languages& languages, Language state, Rng& rng, size_t calm) {
  std::string text;
  while (!languages.holds_empty(state) || (text.size() < calm && rng.below(4) > 0)) {
    std::vector<uint8_t> bytes;
    const auto collect = [&](auto good) {
      for (int byte = 0; byte < 256; ++byte)
        if (const Language next = languages.after(state, static_cast<uint8_t>(byte)); next != Languages::nothing() && good(next)) bytes.push_back(static_cast<uint8_t>(byte));
    };
    if (text.size() < calm) collect([](Language) { return true; });
    else collect([&](Language next) { return languages.least_bytes(next) < languages.least_bytes(state); });
    if (bytes.empty()) {
      if (languages.holds_empty(state)) return text;
      FAIL("a dead end after " << text);
    }
    text += static_cast<char>(rng.pick(bytes));
    state = languages.after(state, static_cast<uint8_t>(text.back()));
  }
  return text;
}

TEST_CASE("a schema's language holds these texts and not those") {
  struct Case {
    const char* schema;
    std::vector<std::string> good, bad;
  };
  const std::vector<Case> cases = {
      {R"({"type":"integer"})", {"0", "-1", "999999999999999999"}, {"", "-", "-0", "01", "1.0", "1e3", "1000000000000000000", " 1", "null"}},
      {R"({"type":"number"})", {"0", "-0.5", "12.25", "1e9", "1E-07", "-0"}, {"1.", ".5", "+1", "1e", "1e100", "NaN", "0x1"}},
      {R"({"type":"boolean"})", {"true", "false"}, {"True", "1", "tru"}},
      {R"({"type":"null"})", {"null"}, {"", "nul"}},
      {R"({"type":"string"})", {R"("")", R"("a\"\\\/\n\u00e9")", R"("é\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
       {R"(")", R"("\x")", "\"\n\"", R"("\ud83d")", R"("\ude00")", "\"\xC3\"", "\"\xED\xA0\x80\"", "a"}},
      {R"({"type":"string","minLength":2,"maxLength":3})", {R"("ab")", R"("é\n")", R"("abc")"}, {R"("a")", R"("abcd")", R"("")"}},
      {R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})", {"[1]", "[1,2]", "[1, 2, 3]"}, {"[]", "[1,  2]", "[1,]", "[1, 2, 3, 4]", "[\"1\"]", "[1 ]"}},
      {R"({"enum":["a",1,null]})", {R"("a")", "1", "null"}, {R"("b")", "a", "1.0"}},
      {R"({"type":["string","null"],"enum":["a",1,null]})", {R"("a")", "null"}, {"1"}},
      {R"({"const":{"b":1,"a":[true]}})", {R"({"a":[true],"b":1})"}, {R"({"b":1,"a":[true]})"}},
      {R"({"type":"integer","minimum":-12,"maximum":1005})", {"-12", "-1", "0", "9", "10", "999", "1005"}, {"-13", "1006", "-0", "1200", "00"}},
      {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"}},"required":["a"],"additionalProperties":false})",
       {R"({"a":1})", R"({"a": 1, "b":true})", R"({"b":false,"a":2})"}, {"{}", R"({"b":true})", R"({"a":1,"a":2})", R"({"a":1,"c":2})", R"({"a":1,})"}},
      {R"({"type":"object"})", {"{}", R"({"x": [1, {"y":null}]})"}, {R"({"x":1,"x":2})", "[]"}},
      {R"({})", {"1", "[]", R"({"a":"b"})", "\"x\""}, {"", "x"}}};
  for (const Case& each : cases) {
    INFO(each.schema);
    Compiled compiled(schema_of(each.schema));
    for (const std::string& text : each.good) {
      INFO(text);
      CHECK(compiled.has(text));
    }
    for (const std::string& text : each.bad) {
      INFO(text);
      CHECK_FALSE(compiled.has(text));
    }
  }
}

TEST_CASE("integers between two bounds are exactly those between them") {
  Rng rng(3, "test/json_language/bounds");
  for (int round = 0; round < 60; ++round) {
    const int64_t low = rng.between(-1200, 1200), high = rng.between(low, 1300);
    Compiled compiled({{"type", "integer"}, {"minimum", low}, {"maximum", high}});
    for (int64_t value = -1400; value <= 1400; ++value)
      if (compiled.has(std::to_string(value)) != (low <= value && value <= high)) FAIL(value << " in " << low << ".." << high);
  }
}

TEST_CASE("whatever is drawn from a schema's language is strict JSON that the schema accepts") {
  const Json object = schema_of(R"({"type":"object","additionalProperties":false,"required":["tags","size"],"properties":{
    "tags":{"type":"array","items":{"type":"string","enum":["a b","ü","\"q\"\n"]}}, "size":{"type":"number"}, "count":{"type":"integer"},
    "deep":{"type":"array","items":{"type":"array","items":{"type":"boolean"}}}, "name":{"type":"string"}, "free":{"type":"array"}}})");
  Compiled compiled(object);
  Rng rng(4, "test/json_language");
  for (int round = 0; round < 100; ++round) {
    const std::string text = random_text(compiled.languages, compiled.start, rng, 10 + rng.below(200));
    INFO(text);
    const Json value = must(parse_json(text, "drawn"));
    CHECK(argument_problem(object, value) == "");
  }
}

TEST_CASE("what a schema says and the language cannot keep to is named") {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"type":"string","pattern":"a*"})", "\"pattern\""},   {R"({"type":"text"})", "unknown type"},
      {R"({"type":"number","minimum":1})", "no integer"},       {R"({"type":"integer","minimum":3,"maximum":2})", "more than maximum"},
      {R"({"minLength":3})", "without a \"type\""},             {R"({"type":"string","minLength":5,"maxLength":4})", "more than maxLength"},
      {R"({"type":"array","maxItems":99999})", "4096"},         {R"({"type":"object","properties":{},"required":["x"]})", "is no property"},
      {R"({"type":"string","enum":[1]})", "no value satisfies"}, {R"([])", "which is an object"}};
  for (const auto& [text, expected] : cases) {
    INFO(text);
    Languages languages;
    const auto refused = json_language(languages, schema_of(text), "$.schema");
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().text(), Catch::Contains(expected));
  }
}

}  // namespace
}  // namespace assay
