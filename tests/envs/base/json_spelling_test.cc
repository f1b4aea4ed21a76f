#include "envs/base/json_spelling.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

std::string spelled(const std::string& text) {
  TextWriter out;
  const Status status = spell_json(out, text, "test");
  return status.ok() ? out.text() : "refused: " + status.error().text();
}

TEST_CASE("JSON is spelled as Python's json.dumps(ensure_ascii=False) does") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1", "1"}, {"-0", "0"}, {"1.0", "1.0"}, {"-0.0", "-0.0"}, {"1E5", "100000.0"}, {"100000000000000000000000", "100000000000000000000000"},
      {"-18446744073709551616", "-18446744073709551616"}, {"18446744073709551615", "18446744073709551615"}, {"0.1", "0.1"}, {"1e-4", "0.0001"},
      {"0.00001", "1e-05"}, {"0.000123", "0.000123"}, {"1e15", "1000000000000000.0"}, {"123456789012345.678", "123456789012345.67"}, {"1e16", "1e+16"}, {"12345678901234567.0", "1.2345678901234568e+16"},
      {"1.5e300", "1.5e+300"}, {"5e-324", "5e-324"}, {"2.50", "2.5"}, {"true", "true"}, {"null", "null"},
      {"{}", "{}"}, {"[]", "[]"}, {"[ [ ] , { } ]", "[[], {}]"}, {"{\"b\":1,\"a\":[1,2,{\"c\":\"d\"}]}", "{\"b\": 1, \"a\": [1, 2, {\"c\": \"d\"}]}"},
      {"\"\\u00e9\\/\\u2028\\u007f\"", "\"é/\u2028\x7f\""}, {"\"\\u0001\\b\\f\\n\\r\\t\\\\\\\"\"", "\"\\u0001\\b\\f\\n\\r\\t\\\\\\\"\""}, {"\"\\ud83c\\udfe8\"", "\"🏨\""}};
  for (const auto& [from, to] : cases) CHECK(spelled(from) == to);
}

TEST_CASE("what is not strict JSON is refused with its place") {
  for (const std::string text : {"", "{", "nul", "1 2", "[1,]", "{\"a\":1,\"a\":1}", "NaN", "1e999", "'a'", "\"\\ud800\"", "\"\xff\"", "// x\n1"}) {
    INFO(text);
    CHECK_THAT(spelled(text), Catch::StartsWith("refused: test: "));
  }
  CHECK_THAT(spelled(std::string(100'000, '[')), Catch::Contains("nested deeper than 64"));
}

TEST_CASE("the members of an object come in order, strings decoded and all else spelled") {
  std::string seen;
  const auto note = [&](const JsonMember& member) -> Status {
    seen += std::string(member.name) + (member.is_string ? "=" : ":") + std::string(member.text) + ";";
    return member.name == "stop" ? Status(input_error("stopped here", "somewhere")) : Status();
  };
  CHECK(read_json_members(R"({"z":"a\nb","y":[1,"q"],"x":{"k":{"l":"m"}},"w":-1,"v":null,"u":""})", "test", note).ok());
  CHECK(seen == "z=a\nb;y:[1, \"q\"];x:{\"k\": {\"l\": \"m\"}};w:-1;v:null;u=;");
  seen.clear();
  CHECK(read_json_members("{}", "test", note).ok());
  CHECK(seen.empty());
  CHECK(read_json_members(R"({"stop":1,"later":2})", "test", note).error().text() == "somewhere: stopped here");
  CHECK(seen == "stop:1;");
  for (const std::string text : {"[]", "[{}]", "1", "\"x\"", "{\"a\":1,\"a\":2}", "{} {}", "{\"a\":[1}"}) CHECK_FALSE(read_json_members(text, "test", note).ok());
}

}  // namespace
}  // namespace assay
