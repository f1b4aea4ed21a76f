#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "envs/base/rng.h"
#include "verifiers/value_verifier.h"

using namespace assay;

namespace {

Json spec(const std::string& text) { return parse_json(text, "test").value(); }

std::unique_ptr<ValueVerifier> verifier(const Json& specification) {
  auto out = ValueVerifier::create(specification, "test");
  if (!out.ok()) FAIL(out.error().text());
  return std::move(*out);
}

// With words and without.
bool passes(const ValueVerifier& judge, std::string_view answer) {
  const bool passed = judge.judge(answer).passed;
  CHECK(judge.passes({std::string(answer), {}}) == passed);
  return passed;
}

bool accepts(const std::string& specification, std::string_view answer) { return passes(*verifier(spec(specification)), answer); }

std::string refusal(const Json& specification) {
  const auto made = ValueVerifier::create(specification, "test");
  return made.ok() ? "accepted" : made.error().text();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> failed(const Verdict& verdict) {
  std::vector<std::string> out;
  for (const Check& check : verdict.checks)
    if (!check.passed) out.push_back(check.name);
  return out;
}

}  // namespace

TEST_CASE("an integer is its digits, of any number") {
  const std::string small = R"({"type":"integer","value":"-120"})";
  for (const char* right : {"-120", " -120\n", "\"-120\"", "\" -120 \""}) CHECK(accepts(small, right));
  for (const char* wrong : {"120", "-12", "-1200", "-120.0", "-1.2e2", "-0120", "- 120", "--120", "\"\"", "[-120]", "{}", "null", "true", "", " ", "-120 -120", "-120x"}) CHECK_FALSE(accepts(small, wrong));
  const std::string zero = R"({"type":"integer","value":"0"})";
  CHECK(accepts(zero, "0"));
  CHECK(accepts(zero, "-0"));
  for (const char* wrong : {"00", "0.0", "\"-0\"", "\"\"", "false", "null", "[]"}) CHECK_FALSE(accepts(zero, wrong));
  // Beyond 64 bits, and beyond what a double can tell apart.
  const std::string digits = "1" + std::string(4'000, '0') + "7", huge = R"({"type":"integer","value":")" + digits + R"("})";
  CHECK(accepts(huge, digits));
  CHECK(accepts(huge, '"' + digits + '"'));
  CHECK_FALSE(accepts(huge, "1" + std::string(4'000, '0') + "8"));
  CHECK_FALSE(accepts(huge, "\"-" + digits + '"'));
  CHECK_FALSE(accepts(R"({"type":"integer","value":"9007199254740993"})", "9007199254740992"));
  for (const char* edge : {"9223372036854775807", "-9223372036854775808", "18446744073709551615"}) {
    CHECK(accepts(R"({"type":"integer","value":")" + std::string(edge) + R"("})", edge));
    CHECK(accepts(R"({"type":"list","items":[{"type":"integer","value":")" + std::string(edge) + R"("}]})", "[" + std::string(edge) + "]"));
  }
  const std::string inside = R"({"type":"list","items":[{"type":"integer","value":"100000000000000000000000000001"}]})";
  CHECK(accepts(inside, R"(["100000000000000000000000000001"])"));
  CHECK_FALSE(accepts(inside, "[100000000000000000000000000001]"));   // read as a double, it may be another
}

TEST_CASE("a value in a code fence fails and is told why") {
  const Verdict verdict = verifier(spec(R"({"type":"text","value":"Wuxi"})"))->judge("```json\n\"Wuxi\"\n```");
  CHECK(failed(verdict) == std::vector<std::string>{"shape"});
  CHECK(has(verdict.checks[0].evidence, "no code fence"));
}

TEST_CASE("an exact number allows nothing, in whatever spelling") {
  const std::string quarter = R"({"type":"number","value":0.25})";
  for (const char* right : {"0.25", "2.5e-1", "25E-2", "0.2500000"}) CHECK(accepts(quarter, right));
  for (const char* wrong : {"0.2500000000000001", "0.24999999999999997", "\"0.25\"", ".25", "+0.25", "[0.25]", "null", "true"}) CHECK_FALSE(accepts(quarter, wrong));
  CHECK(accepts(R"({"type":"number","value":3})", "3.0"));
  CHECK(accepts(R"({"type":"number","value":0})", "-0.0"));
  CHECK_FALSE(accepts(R"({"type":"number","value":0})", "5e-324"));
  CHECK_FALSE(accepts(R"({"type":"number","value":1})", "true"));
}

TEST_CASE("an absolute tolerance is inclusive and the same everywhere") {
  const std::string half = R"({"type":"number","value":10,"absolute":0.5,"why":"test"})";
  for (const char* right : {"9.5", "10", "10.5"}) CHECK(accepts(half, right));
  for (const char* wrong : {"9.499999999999998", "10.500000000000002", "-10", "0"}) CHECK_FALSE(accepts(half, wrong));
  CHECK(accepts(R"({"type":"number","value":0,"absolute":0.5,"why":"test"})", "-0.5"));
}

TEST_CASE("a relative tolerance grows with the expected value, not with the answer") {
  const std::string percent = R"({"type":"number","value":-200,"relative":0.01,"why":"test"})";
  for (const char* right : {"-198", "-200", "-202"}) CHECK(accepts(percent, right));
  for (const char* wrong : {"-197.9999", "-202.0001", "200"}) CHECK_FALSE(accepts(percent, wrong));
  CHECK_FALSE(accepts(R"({"type":"number","value":0,"relative":0.5,"why":"test"})", "1e-300"));   // of nothing, nothing
}

TEST_CASE("of two tolerances the wider one counts") {
  const auto at = [](double value, double answer) {
    return verifier(Json{{"type", "number"}, {"value", value}, {"absolute", 1}, {"relative", 0.1}, {"why", "test"}})->judge(Json(answer).dump()).passed;
  };
  CHECK(at(2, 3));
  CHECK_FALSE(at(2, 3.01));
  CHECK(at(100, 110));
  CHECK_FALSE(at(100, 111.1));   // not their sum
}

TEST_CASE("what is no finite number is never near one") {
  const std::string wide = R"({"type":"number","value":1e308,"absolute":1e308,"relative":0.9,"why":"test"})";
  CHECK(accepts(wide, "1.7e308"));
  CHECK(accepts(wide, "0"));
  CHECK_FALSE(accepts(wide, "-1.7e308"));   // the difference overflows
  for (const char* wrong : {"NaN", "nan", "Infinity", "-Infinity", "inf", "1e309", "-1e999999", "\"NaN\"", "null"}) CHECK_FALSE(accepts(wide, wrong));
  CHECK(accepts(R"({"type":"number","value":5e-324})", "5e-324"));
  CHECK_FALSE(accepts(R"({"type":"number","value":5e-324})", "0"));
}

TEST_CASE("text is compared without the white space around it") {
  const std::string name = R"({"type":"text","value":"Ada Lovelace"})";
  for (const char* right : {R"("Ada Lovelace")", R"(" Ada Lovelace\n\t")", R"("\u0041da Lovelace")"}) CHECK(accepts(name, right));
  for (const char* wrong : {"Ada Lovelace", R"("ada lovelace")", R"("Ada  Lovelace")", R"("AdaLovelace")", R"("")", R"(["Ada Lovelace"])", "1"}) CHECK_FALSE(accepts(name, wrong));
  const std::string folded = R"({"type":"text","value":"Ada É","fold_case":true})";
  CHECK(accepts(folded, R"("ADA É")"));
  CHECK_FALSE(accepts(folded, R"("ada é")"));   // letters of ASCII alone
  CHECK_FALSE(accepts(R"({"type":"text","value":"1"})", "1"));
  CHECK_FALSE(accepts(name, R"("Ada Lovelace\u0000")"));
}

TEST_CASE("a boolean is no word and no number") {
  CHECK(accepts(R"({"type":"boolean","value":true})", "true"));
  for (const char* wrong : {"false", "1", "\"true\"", "True", "null"}) CHECK_FALSE(accepts(R"({"type":"boolean","value":true})", wrong));
  for (const char* wrong : {"0", "null", "\"\"", "[]"}) CHECK_FALSE(accepts(R"({"type":"boolean","value":false})", wrong));
}

TEST_CASE("a list is compared in order, and each item by itself") {
  const auto list = verifier(spec(R"({"type":"list","items":[{"type":"integer","value":"1"},{"type":"text","value":"b"},{"type":"boolean","value":true}]})"));
  CHECK(list->judge(R"([1,"b",true])").passed);
  CHECK(failed(list->judge(R"([2,"b",false])")) == std::vector<std::string>{"value[0]", "value[2]"});
  for (const char* wrong : {R"(["b",1,true])", R"([1,"b"])", R"([1,"b",true,true])", "[]", R"({"0":1,"1":"b","2":true})", R"("1,b,true")"}) CHECK_FALSE(list->judge(wrong).passed);
  CHECK(accepts(R"({"type":"list","items":[]})", "[]"));
  for (const char* wrong : {"[0]", "[[]]", "{}", "null"}) CHECK_FALSE(accepts(R"({"type":"list","items":[]})", wrong));
}

TEST_CASE("a bag is matched as a whole") {
  const std::string pair = R"({"type":"list","ordered":false,"items":[{"type":"number","value":1,"absolute":1,"why":"test"},{"type":"number","value":2,"absolute":1,"why":"test"}]})";
  // 1.5 fits both, 0.5 the first alone: whoever comes first must give way.
  for (const char* right : {"[1,2]", "[2,1]", "[1.5,0.5]", "[0.5,1.5]", "[3,2]", "[2,3]"}) CHECK(accepts(pair, right));
  for (const char* wrong : {"[0.5,0.5]", "[3,3]", "[1]", "[1,2,2]", "[1,4]"}) CHECK_FALSE(accepts(pair, wrong));
  const std::string twice = R"({"type":"list","ordered":false,"items":[{"type":"integer","value":"1"},{"type":"integer","value":"1"},{"type":"integer","value":"2"}]})";
  CHECK(accepts(twice, "[1,2,1]"));
  CHECK_FALSE(accepts(twice, "[1,2,2]"));
}

TEST_CASE("bags agree with every permutation tried in turn") {
  Rng rng(1, "bags");
  for (int round = 0; round < 400; ++round) {
    Json items = Json::array(), answer = Json::array();
    const int size = 1 + static_cast<int>(rng.below(5));
    for (int i = 0; i < size; ++i) {
      items.push_back({{"type", "number"}, {"value", rng.below(6)}, {"absolute", rng.below(3)}, {"why", "test"}});
      answer.push_back(rng.below(6));
    }
    std::vector<size_t> order(items.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    bool possible = false;
    do {
      bool all = true;
      for (size_t i = 0; i < order.size(); ++i)
        all &= std::fabs(answer[order[i]].get<double>() - items[i]["value"].get<double>()) <= items[i]["absolute"].get<double>();
      possible |= all;
    } while (std::next_permutation(order.begin(), order.end()));
    INFO(items.dump() << " " << answer.dump());
    CHECK(verifier({{"type", "list"}, {"ordered", false}, {"items", items}})->judge(answer.dump()).passed == possible);
  }
}

TEST_CASE("an object has exactly the keys that were asked for") {
  const auto object = verifier(spec(R"({"type":"object","fields":{"total":{"type":"integer","value":"3"},"who":{"type":"text","value":"Ada"}}})"));
  CHECK(object->judge(R"({"who":"Ada","total":3})").passed);
  CHECK(failed(object->judge(R"({"who":"Ada"})")) == std::vector<std::string>{"value.total"});
  CHECK(failed(object->judge(R"({"who":"Bob","total":3,"more":1})")) == std::vector<std::string>{"value", "value.who"});
  for (const char* wrong : {R"({"Who":"Ada","total":3})", R"({"who":"Ada","total":null})", R"({"who":"Ada","total":3,"total":3})", R"([3,"Ada"])", "{}"}) CHECK_FALSE(object->judge(wrong).passed);
  CHECK(accepts(R"({"type":"object","fields":{}})", "{}"));
  CHECK_FALSE(accepts(R"({"type":"object","fields":{}})", R"({"a":1})"));
  CHECK_FALSE(accepts(R"({"type":"object","fields":{}})", "[]"));
}

TEST_CASE("any bytes get a verdict, which never tells what was expected and is always UTF-8") {
  const auto secret = verifier(spec(R"({"type":"object","fields":{"a":{"type":"text","value":"swordfish"},"b":{"type":"integer","value":"271828"},"c":{"type":"number","value":3.14159}}})"));
  std::vector<std::string> answers = {"", "\xff\xfe", "{\"a\":\"\xc3\"}", "{\"a\":1}{", std::string(100, '['), std::string(200'000, ' ') + "{}", "{\"a\":" + std::string(1000, '9') + "}", R"({"a":"\ud800"})"};
  // Characters of several bytes at every place where what is shown may be cut.
  for (size_t before = 70; before < 90; ++before) {
    answers.push_back("{\"a\":\"" + std::string(before, 'x') + "\xe2\x82\xac\xe2\x82\xac\"}");
    answers.push_back("{\"" + std::string(before, 'x') + "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\":1}");
  }
  for (const std::string& answer : answers) {
    const Verdict verdict = secret->judge(answer);
    CHECK_FALSE(verdict.passed);
    CHECK_FALSE(secret->passes({answer, {}}));
    CHECK(verdict.reward == 0);
    CHECK(verdict.verifier == kValueVerifierName);
    CHECK_FALSE(failed(verdict).empty());
    const std::string text = to_json(verdict).dump(-1, ' ', false, Json::error_handler_t::strict);
    CHECK(text.size() < 4'000);
    for (const char* told : {"swordfish", "271828", "3.14159"}) CHECK_FALSE(has(text, told));
  }
  CHECK_FALSE(accepts(R"({"type":"integer","value":"7"})", std::string(70'000, ' ') + "7"));
  CHECK(accepts(R"({"type":"integer","value":"7"})", std::string(60'000, ' ') + "7"));
}

TEST_CASE("a specification that cannot be meant is refused, with its place") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto number = [](Json members) {
    members["type"] = "number";
    return members;
  };
  for (const Json& bad : {number({{"value", 1}, {"absolute", 0.1}}), number({{"value", 1}, {"relative", 0.1}}), number({{"value", 1}, {"absolute", -1}, {"why", "w"}}),
                          number({{"value", 1}, {"relative", 1}, {"why", "w"}}), number({{"value", nan}}), number({{"value", inf}}), number({{"value", 1}, {"absolute", inf}, {"why", "w"}}),
                          number({{"value", 1}, {"absolute", nan}, {"why", "w"}}), number({{"value", 1}, {"relative", nan}, {"why", "w"}}), number({{"value", "1"}}), number(Json::object()),
                          number({{"value", 1}, {"tolerance", 1}})})
    CHECK(has(refusal(bad), "test: $.expected"));
  CHECK(has(refusal(number({{"value", 1}, {"absolute", 0.1}})), "$.expected.why: a tolerance needs its reason"));
  for (const char* bad : {R"({"type":"integer","value":12})", R"({"type":"integer","value":""})", R"({"type":"integer","value":"-"})", R"({"type":"integer","value":"-0"})", R"({"type":"integer","value":"012"})",
                          R"({"type":"integer","value":"1.5"})", R"({"type":"integer","value":"1","absolute":1,"why":"w"})", R"({"type":"text","value":"  "})", R"({"type":"text","value":1})",
                          R"({"type":"text","value":"a","fold_case":1})", R"({"type":"boolean","value":1})", R"({"type":"list"})", R"({"type":"list","items":{}})", R"({"type":"list","items":[],"ordered":"no"})",
                          R"({"type":"object","fields":[]})", R"({"type":"float","value":1})", R"({"value":1})", "[]", "1", "null"})
    CHECK(has(refusal(spec(bad)), "test: $.expected"));
  CHECK(has(refusal(spec(R"({"type":"list","items":[{"type":"object","fields":{"a":{"type":"integer","value":"x"}}}]})")), "$.expected.items[0].fields.a.value: expected decimal digits"));
  std::string deep = R"({"type":"boolean","value":true})";
  for (int level = 0; level < 12; ++level) deep = R"({"type":"list","items":[)" + deep + "]}";
  CHECK(has(refusal(spec(deep)), "too many levels"));
}

TEST_CASE("every part of a value has its near misses, of a list's items the first and the last") {
  const Json specification = spec(R"({"type":"object","fields":{"i":{"type":"integer","value":"5"},"x":{"type":"number","value":2,"absolute":0.5,"why":"test"},
      "t":{"type":"text","value":"a"},"b":{"type":"boolean","value":true},"l":{"type":"list","items":[{"type":"integer","value":"1"},{"type":"integer","value":"1"},{"type":"integer","value":"2"}]}}})");
  std::set<std::string> found;
  for (const ValueMutant& mutant : value_mutants(specification)) {
    INFO(mutant.value << " " << mutant.branch << " " << mutant.answer);
    CHECK_FALSE(passes(*verifier(specification), mutant.answer));
    found.insert(mutant.value + " " + mutant.branch);
  }
  CHECK(found == std::set<std::string>{"value extra", "value.i missing", "value.x missing", "value.t missing", "value.b missing", "value.l missing", "value.i above", "value.i below", "value.i other",
                                       "value.i other type", "value.x above", "value.x below", "value.x other type", "value.t other", "value.t other type", "value.b other", "value.b other type",
                                       "value.l extra", "value.l other type", "value.l swapped", "value.l[0] above", "value.l[0] below", "value.l[0] other", "value.l[0] other type",
                                       "value.l[2] above", "value.l[2] below", "value.l[2] other", "value.l[2] other type"});
}

TEST_CASE("every near miss is rejected and every other spelling passes, whatever the specification") {
  Rng rng(2, "value specifications");
  const std::function<Json(int)> draw = [&](int depth) -> Json {
    switch (rng.below(depth > 2 ? 4 : 6)) {
      case 0: return {{"type", "integer"}, {"value", (rng.below(2) ? "-" : "") + std::to_string(1 + rng.below(9)) + std::string(rng.below(30), '7')}};
      case 1: {
        Json out{{"type", "number"}, {"value", std::ldexp(static_cast<double>(rng.below(1'000'001)) - 500'000, static_cast<int>(rng.below(120)) - 60)}};
        if (rng.below(2)) out.update({{"absolute", std::ldexp(1.0, static_cast<int>(rng.below(40)) - 30)}, {"why", "test"}});
        if (rng.below(2)) out.update({{"relative", std::ldexp(1.0, -1 - static_cast<int>(rng.below(30)))}, {"why", "test"}});
        return out;
      }
      case 2: return {{"type", "text"}, {"value", std::string(1 + rng.below(5), static_cast<char>('a' + rng.below(26)))}, {"fold_case", rng.below(2) == 1}};
      case 3: return {{"type", "boolean"}, {"value", rng.below(2) == 1}};
      case 4: {
        Json items = Json::array();
        for (uint64_t count = rng.below(4); count > 0; --count) items.push_back(draw(depth + 1));
        return {{"type", "list"}, {"ordered", rng.below(2) == 1}, {"items", items}};
      }
      default: {
        Json fields = Json::object();
        for (uint64_t count = rng.below(4); count > 0; --count) fields["k" + std::to_string(count)] = draw(depth + 1);
        return {{"type", "object"}, {"fields", fields}};
      }
    }
  };
  std::set<std::string> branches;
  for (int round = 0; round < 600; ++round) {
    const Json specification = draw(0);
    INFO(specification.dump());
    const auto made = verifier(specification);
    CHECK(made->judge(value_text(specification)).passed);
    for (const std::string& form : equal_forms(specification)) {
      INFO(form);
      CHECK(made->judge(form).passed);
    }
    for (const ValueMutant& mutant : value_mutants(specification)) {
      INFO(mutant.value << " " << mutant.branch << " " << mutant.answer);
      CHECK_FALSE(made->judge(mutant.answer).passed);
      branches.insert(mutant.branch);
    }
  }
  CHECK(branches == std::set<std::string>{"above", "below", "other type", "missing", "extra", "swapped", "other"});
}
