#include "envs/base/json.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "envs/base/rng.h"

namespace assay {
namespace {

using Catch::Contains;

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  auto json = parse_json(text, "source", limits);
  INFO(text.substr(0, 100));
  REQUIRE_FALSE(json.ok());
  CHECK(json.error().where == "source");
  return json.error().what;
}

TEST_CASE("strict parsing refuses what is not one JSON value") {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "[1] [2]", "[1]x", "nul", "01", "1.", ".5", "+1", "\"a", "\"\t\"",
                           "// c\n1", "/* c */ 1", "NaN", "Infinity", "-Infinity", "{\"a\" 1}", "{1:2}", "\xEF\xBB\xBF{", "\"\\x41\""})
    CHECK_THAT(refusal(text), Contains("not JSON at byte"));
  for (const char* text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\x80\":1}", "\"\\ud800\""})
    CHECK_THAT(refusal(text), Contains("not JSON"));
  CHECK_FALSE(refusal("1e999").empty());
  CHECK_FALSE(refusal("[-1e400]").empty());
}

TEST_CASE("duplicate keys are refused wherever they stand, equal keys of different objects are not") {
  CHECK_THAT(refusal(R"({"a":1,"a":1})"), Contains("\"a\" occurs twice"));
  CHECK_THAT(refusal(R"([{"x":{"b":[{}],"c":2,"b":3}}])"), Contains("\"b\" occurs twice"));
  CHECK_THAT(refusal("{\"a\":1,\"\\u0061\":2}"), Contains("\"a\" occurs twice"));
  CHECK(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", "t").ok());
}

TEST_CASE("depth and size are bounded exactly") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(64), "t").ok());
  CHECK_THAT(refusal(nested(65)), Contains("deeper than 64"));
  CHECK_THAT(refusal(std::string(10'000'000, '[')), Contains("deeper than 64"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK_THAT(refusal(objects), Contains("deeper than 64"));
  CHECK(parse_json("[[1]]", "t", {.bytes = 5, .depth = 2}).ok());
  CHECK_THAT(refusal("[[1]]", {.bytes = 4}), Contains("limit of 4 bytes"));
  CHECK_THAT(refusal("[[1]]", {.depth = 1}), Contains("deeper than 1"));
}

Json random_json(Rng& rng, int depth) {
  static const std::vector<std::string> kTexts = {"", "a", "凤凰", "\"\\/\b\f\n\r\t", std::string("\0", 1), "🙂", "key", "\x7f"};
  switch (rng.below(depth > 0 ? 8 : 6)) {
    case 0: return nullptr;
    case 1: return rng.below(2) == 0;
    case 2: return static_cast<int64_t>(rng.next());
    case 3: return rng.next();
    case 4: return (rng.unit() - 0.5) * (rng.below(2) == 0 ? 1 : 1e200);
    case 5: return rng.pick(kTexts);
    case 6: {
      Json out = Json::array();
      for (uint64_t i = rng.below(4); i > 0; --i) out.push_back(random_json(rng, depth - 1));
      return out;
    }
    default: {
      Json out = Json::object();
      for (uint64_t i = rng.below(4); i > 0; --i) out[rng.pick(kTexts)] = random_json(rng, depth - 1);
      return out;
    }
  }
}

TEST_CASE("canonical bytes read back as the same value, and equal values have equal bytes") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed, "json_test");
    const Json value = random_json(rng, 4);
    const std::string bytes = canonical_json(value);
    auto back = parse_json(bytes, "t");
    REQUIRE(back.ok());
    CHECK(*back == value);
    CHECK(canonical_json(*back) == bytes);
    auto pretty = parse_json(value.dump(2, ' ', true), "t");
    REQUIRE(pretty.ok());
    CHECK(canonical_json(*pretty) == bytes);
  }
}

TEST_CASE("parsing never crashes on damaged text, and accepts only what it can write") {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed, "damaged");
    std::string text = canonical_json(random_json(rng, 4));
    for (uint64_t i = rng.below(4); i > 0 && !text.empty(); --i) text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    auto json = parse_json(text, "t");
    if (json.ok()) CHECK(parse_json(canonical_json(*json), "t").ok());
    else CHECK_FALSE(json.error().what.empty());
  }
}

Status read(const Json& json, const std::function<void(JsonReader&)>& body) {
  JsonReader reader(json, "f.json", "$.x");
  body(reader);
  return reader.finish();
}

TEST_CASE("a reader hands out members of the right type") {
  const Json json = {{"t", "text"}, {"i", 7}, {"n", 2.5}, {"b", true}, {"ts", {"a", "b"}}, {"o", {{"k", 1}}}, {"a", {1, 2}}, {"m", nullptr}};
  CHECK(read(json, [](JsonReader& r) {
    CHECK(r.text("t") == "text");
    CHECK(r.integer("i") == 7);
    CHECK(r.number("n") == 2.5);
    CHECK(r.boolean_or("b", false));
    CHECK(r.texts("ts") == std::vector<std::string>{"a", "b"});
    CHECK(r.object("o")["k"] == 1);
    CHECK(r.array("a").size() == 2);
    CHECK(r.member("m").is_null());
    CHECK(r.text_or("none", "other") == "other");
    CHECK(r.integer("none", {.fallback = 9}) == 9);
    CHECK(r.number_or("none", 1.5) == 1.5);
    CHECK(r.texts_or("none", {"z"}) == std::vector<std::string>{"z"});
    CHECK(r.member_or_null("none").is_null());
    CHECK_FALSE(r.has("none"));
  }).ok());
}

TEST_CASE("a reader's error names file, path, what was expected and what was found") {
  const auto error = [](const Json& json, const std::function<void(JsonReader&)>& body) {
    const Status status = read(json, body);
    REQUIRE_FALSE(status.ok());
    return status.error().text();
  };
  CHECK(error({}, [](JsonReader& r) { r.text("a"); }) == "f.json: $.x: expected an object, found null");
  CHECK(error(Json::object(), [](JsonReader& r) { r.text("a"); }) == "f.json: $.x.a: missing; expected a string");
  CHECK(error({{"a", 1}}, [](JsonReader& r) { r.text("a"); }) == "f.json: $.x.a: expected a string, found number");
  CHECK(error({{"a", 1}}, [](JsonReader& r) { r.text_or("a", ""); }) == "f.json: $.x.a: expected a string, found number");
  CHECK(error({{"a", 1.5}}, [](JsonReader& r) { r.integer("a"); }) == "f.json: $.x.a: expected an integer, found number");
  CHECK(error({{"a", 9}}, [](JsonReader& r) { r.integer("a", {.minimum = 1, .maximum = 8}); }) ==
        "f.json: $.x.a: expected an integer from 1 to 8, found 9");
  CHECK(error({{"a", UINT64_MAX}}, [](JsonReader& r) { r.integer("a"); }) == "f.json: $.x.a: the integer is too large");
  CHECK_THAT(error({{"a", {"x", 1}}}, [](JsonReader& r) { r.texts("a"); }), Contains("$.x.a: expected an array of strings"));
  CHECK_THAT(error({{"a", 1}}, [](JsonReader& r) { r.object("a"); }), Contains("expected an object"));
  CHECK_THAT(error({{"a", 1}}, [](JsonReader& r) { r.array("a"); }), Contains("expected an array"));
  CHECK_THAT(error(Json::object(), [](JsonReader& r) { r.member("a"); }), Contains("$.x.a: missing"));
}

TEST_CASE("a reader keeps its first error and reports members nobody asked for") {
  const Status first = read({{"colour", 1}}, [](JsonReader& r) {
    r.text("colour");
    r.integer("size");
  });
  CHECK_THAT(first.error().where, Contains("$.x.colour"));
  const Status unknown = read({{"colur", "red"}}, [](JsonReader& r) { r.text_or("colour", ""); });
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().text() == "f.json: $.x.colur: unknown member (try: \"colour\")");
  const Status own = read({{"a", 1}}, [](JsonReader& r) {
    r.integer("a");
    r.fail("a", "too odd", "an even one");
  });
  CHECK(own.error().text() == "f.json: $.x.a: too odd (try: an even one)");
}

TEST_CASE("an unknown name lists the known ones and suggests a near one") {
  CHECK(nearest_name("travle", {"schedule", "travel"}) == "travel");
  CHECK(nearest_name("qwerty", {"schedule", "travel"}).empty());
  CHECK(unknown_name("domain", "travle", {"schedule", "travel"}).text() ==
        "unknown domain 'travle'; known: schedule, travel (try: 'travel')");
  CHECK(unknown_name("domain", "x", {}).text() == "unknown domain 'x'; known: none");
}

struct TemporaryFolder {
  TemporaryFolder() {
    char name[] = "/tmp/assay-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~TemporaryFolder() {
    unlink((path + "/f").c_str());
    rmdir(path.c_str());  // fails, and the test with it, if anything was left beside the file
  }
  std::string path;
};

TEST_CASE("a file is written whole or not at all, and read within its limit") {
  TemporaryFolder folder;
  const std::string path = folder.path + "/f";
  REQUIRE(write_file(path, "first").ok());
  REQUIRE(write_file(path, std::string(100'000, 'x') + std::string("\0", 1)).ok());
  auto text = read_file(path);
  REQUIRE(text.ok());
  CHECK(text->size() == 100'001);
  CHECK_FALSE(read_file(path, 100'000).ok());
  CHECK(read_file(path, 100'001).ok());
  const Status refused = write_file("/dev/null/f", "x");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().boundary == Boundary::kStore);
  CHECK_FALSE(write_file(folder.path, "a folder stands here").ok());
  CHECK(access(folder.path.c_str(), F_OK) == 0);
  auto missing = read_json_file(folder.path + "/none");
  REQUIRE_FALSE(missing.ok());
  CHECK_THAT(missing.error().where, Contains("/none"));
}

}  // namespace
}  // namespace assay
