// Bytes that are no answer: whatever they are, they get a verdict that fails and says why.
#include <catch2/catch.hpp>

#include <cstdlib>

#include "envs/base/rng.h"
#include "verifiers/constraint_verifier.h"

namespace assay {
namespace {

struct Judge {
  Task task;
  std::shared_ptr<const Environment> environment;
  std::unique_ptr<ConstraintVerifier> verifier;
};

Judge make_judge() {
  const char* root = std::getenv("ASSAY_SOURCE");
  REQUIRE(root != nullptr);
  auto json = read_json_file(std::string(root) + "/tests/verifiers/operator_cases.json");
  REQUIRE(json.ok());
  Environment environment;
  environment.tables = std::move(*tables_from_json((*json)["world"], "cases"));
  Judge judge;
  judge.environment = std::move(*finish_environment(std::move(environment)));
  judge.task.answer = std::move(*answer_shape_from_json((*json)["answer"], "cases", "$.answer"));
  judge.task.constraints = Json::parse(R"([{"op":"all_different","slots":{"fields":["city"]}},
    {"op":"belongs","slots":{"fields":["hotel","lunch","dinner"]},"get":"city","field":"city"}])");
  judge.task.limits.answer_bytes = 4096;
  auto verifier = ConstraintVerifier::create(judge.task, judge.environment);
  REQUIRE(verifier.ok());
  judge.verifier = std::move(*verifier);
  return judge;
}

const std::string kGood = R"([{"date":"1","city":"Ax","hotel":"Inn","lunch":"Pho","dinner":"Rice"},)"
                          R"({"date":"2","city":"Bo","hotel":"Inn","lunch":"Soba","dinner":"Taco"}])";

std::string changed(const std::string& from, const std::string& to) {
  std::string out = kGood;
  out.replace(out.find(from), from.size(), to);
  return out;
}

std::vector<std::string> failed(const Verdict& verdict) {
  std::vector<std::string> out;
  for (const Check& check : verdict.checks) {
    if (!check.passed) out.push_back(check.name);
    CHECK(check.passed == check.evidence.empty());
  }
  return out;
}

TEST_CASE("a right answer passes in any spelling of its JSON") {
  const Judge judge = make_judge();
  CHECK(judge.verifier->judge(kGood).passed);
  CHECK(judge.verifier->judge(" \n" + kGood + "\r\n\t").passed);
  CHECK(judge.verifier->judge(changed("\"Ax\"", "\"\\u0041x\"")).passed);
  CHECK(judge.verifier->judge(changed(R"("date":"1","city":"Ax")", R"("city":"Ax","date":"1")")).passed);
}

TEST_CASE("what has another shape fails as a whole") {
  const Judge judge = make_judge();
  const std::string deep(100'000, '[');
  for (const std::string& bytes :
       {std::string(), std::string("   "), std::string("null"), std::string("{}"), std::string("[]"), kGood + "x", kGood.substr(0, kGood.size() - 1),
        changed("\"Ax\"", "NaN"), changed("\"Ax\"", "null"), changed("\"Ax\"", "[\"Ax\"]"), changed("\"city\":\"Ax\"", "\"city\":\"Ax\",\"city\":\"Ax\""),
        changed("\"city\":\"Ax\",", ""), changed("\"city\":\"Ax\"", "\"city\":\"Ax\",\"note\":\"\""), changed("\"date\":\"1\"", "\"date\":\"2\""),
        changed("Ax", "\xff\xfe"), changed("Ax", "\\ud800"), deep.substr(0, 4000), deep, "\xef\xbb\xbf[" + kGood, "[" + kGood + "]",
        std::string(1, '\0'), kGood + std::string(1, '\0'), std::string(5000, ' ') + kGood}) {
    INFO(bytes.substr(0, 120));
    const Verdict verdict = judge.verifier->judge(bytes);
    CHECK_FALSE(verdict.passed);
    CHECK(verdict.reward == 0);
    CHECK(failed(verdict).front() == "shape");
  }
}

TEST_CASE("an answer in a code fence fails and is told why") {
  const Judge judge = make_judge();
  const Verdict verdict = judge.verifier->judge("```json\n" + kGood + "\n```");
  CHECK(failed(verdict)[0] == "shape");
  CHECK(verdict.checks[0].evidence.find("no code fence") != std::string::npos);
}

TEST_CASE("a near spelling fails, with the nearest name as a suggestion") {
  const Judge judge = make_judge();
  const Verdict verdict = judge.verifier->judge(changed("Soba", "Sobba"));
  CHECK(failed(verdict) == std::vector<std::string>{"known", "c1.belongs"});
  CHECK(verdict.checks[1].evidence.find("\"Soba\"") != std::string::npos);
}

TEST_CASE("an entity of another city is known, and in the wrong place") {
  const Judge judge = make_judge();
  CHECK(failed(judge.verifier->judge(changed("Soba", "Pho"))) == std::vector<std::string>{"c1.belongs"});
}

TEST_CASE("the quick verdict and the full one name the same checks, for answers mutilated at random") {
  const Judge judge = make_judge();
  AnswerReader reader = judge.verifier->make_reader();
  ReadAnswer scratch;
  int shaped = 0;
  for (uint64_t i = 0; i < 20'000; ++i) {
    Rng rng(1, "mutilate", i);
    std::string bytes = kGood;
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      const size_t at = rng.below(bytes.size());
      if (rng.below(2)) bytes[at] = static_cast<char>(rng.below(256));
      else bytes.replace(at, std::min<size_t>(bytes.size() - at, rng.below(6)), kGood.substr(rng.below(kGood.size()), rng.below(6)));
      if (bytes.empty()) bytes = "x";
    }
    const QuickVerdict quick = judge.verifier->judge_quickly(bytes, reader, scratch);
    const Verdict full = judge.verifier->judge(bytes);
    INFO("draw " << i);
    CHECK(quick.passed == full.passed);
    CHECK(judge.verifier->failed_names(quick) == failed(full));
    shaped += quick.problem == AnswerProblem::kNone;
  }
  CHECK(shaped > 500);
}

}  // namespace
}  // namespace assay
