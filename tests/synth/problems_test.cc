// The contract of problems, over the registry; that both methods agree is tests/synth/problem_solutions_test.cc.
#include <catch2/catch.hpp>

#include <set>

#include "synth/problem.h"
#include "synth/problem_text.h"
#include "verifiers/value_verifier.h"

using namespace assay;

namespace {

ProblemInstance draw(const Problem& problem, uint64_t seed, int difficulty) {
  Rng rng(seed, "test/" + problem.name);
  return problem.draw(rng, difficulty);
}

}  // namespace

TEST_CASE("problems are of many families and have names of their own") {
  std::set<std::string> names;
  std::map<std::string, int> families;
  for (const Problem& problem : problems::all()) {
    CHECK(names.insert(problem.name).second);
    ++families[problem.family];
    CHECK(problem.methods.find("native: ") == 0);
    CHECK(problem.methods.find("; Python: ") != std::string::npos);
  }
  CHECK(names.size() >= 40);
  for (const char* family : {"number theory", "combinatorics", "simulation", "linear algebra", "optimisation", "statistics", "tables", "logic"}) {
    INFO(family);
    CHECK(families[family] >= 3);
  }
  CHECK(families.size() == 8);
}

TEST_CASE("a problem is a function of its draw, with an answer that is judged as it should be") {
  for (const Problem& problem : problems::all())
    for (int difficulty = 1; difficulty <= 5; ++difficulty) {
      INFO(problem.name << ", difficulty " << difficulty);
      const ProblemInstance one = draw(problem, 1, difficulty), same = draw(problem, 1, difficulty), other = draw(problem, 2, difficulty);
      CHECK(one.statement == same.statement);
      CHECK(one.files == same.files);
      CHECK(one.expected == same.expected);
      CHECK(one.solution == same.solution);
      CHECK((one.statement != other.statement || one.files != other.files));
      size_t bytes = 0;
      for (const auto& [name, content] : one.files) bytes += content.size();
      CHECK(bytes <= 256 << 10);
      CHECK(one.statement.size() <= 6'000);
      CHECK(one.statement.find('{') == std::string::npos);   // a placeholder that was forgotten
      auto verifier = ValueVerifier::create(one.expected, problem.name);
      if (!verifier.ok()) FAIL(verifier.error().text());
      const std::string right = value_text(one.expected);
      CHECK((*verifier)->judge(right).passed);
      for (const std::string& form : equal_forms(one.expected)) CHECK((*verifier)->judge(form).passed);
      for (const ValueMutant& mutant : value_mutants(one.expected)) {
        INFO(mutant.value << " " << mutant.branch << " " << mutant.answer);
        CHECK_FALSE((*verifier)->judge(mutant.answer).passed);
      }
    }
}

TEST_CASE("the answer to another draw is rarely right") {
  for (const Problem& problem : problems::all())
    for (int difficulty : {1, 3, 5}) {
      INFO(problem.name << ", difficulty " << difficulty);
      int hits = 0;
      const auto verifier = ValueVerifier::create(draw(problem, 1'000, difficulty).expected, problem.name);
      for (uint64_t seed = 0; seed < 60; ++seed) hits += (*verifier)->judge(value_text(draw(problem, seed, difficulty).expected)).passed;
      CHECK(hits <= 3);
    }
}
