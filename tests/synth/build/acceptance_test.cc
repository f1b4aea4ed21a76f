// How outcomes in three states become verdicts.
#include "synth/build/acceptance.h"

#include <catch2/catch.hpp>

namespace assay {
namespace {

using Ids = std::vector<std::string>;

// One letter a round: p(assed), f(ailed), e(rror), s(kipped), -: missing.
struct Row {
  std::string id, base, tests, gold;
};

Acceptance accepted(const std::vector<Row>& rows) {
  Acceptance out;
  out.rounds = static_cast<int>(rows[0].gold.size());
  for (size_t state = 0; state < 3; ++state)
    for (size_t round = 0; round < static_cast<size_t>(out.rounds); ++round) {
      TestRun run;
      for (const Row& row : rows) {
        const char c = (state == 0 ? row.base : state == 1 ? row.tests : row.gold)[round];
        if (c != '-') run.report.tests.push_back({row.id, c == 'p' ? TestOutcome::kPassed : c == 'f' ? TestOutcome::kFailed : c == 'e' ? TestOutcome::kError : TestOutcome::kSkipped});
      }
      out.states[state].rounds.push_back({run});
      out.states[state].believed.push_back(true);
    }
  classify(out);
  return out;
}

TEST_CASE("a command in its runner's own order is told of no other") {
  TestCommand command;
  command.shuffles = true;
  command.argv = {"vitest", "run", "--sequence.shuffle.tests", "--sequence.seed={seed}", "--outputFile={report}", "{tests}"};
  CHECK(in_own_order(command).argv == std::vector<std::string>{"vitest", "run", "--outputFile={report}", "{tests}"});
  CHECK_FALSE(in_own_order(command).shuffles);
  command.shuffles = false;
  CHECK(in_own_order(command).argv == command.argv);
}

TEST_CASE("stable outcomes are told apart by the states with and without the change") {
  const Acceptance a = accepted({{"fixed", "fff", "fff", "ppp"}, {"added", "---", "---", "ppp"}, {"import_error", "ppp", "eee", "ppp"}, {"kept", "ppp", "ppp", "ppp"},
                                 {"broken", "ppp", "ppp", "fff"}, {"lost", "ppp", "ppp", "---"}, {"removed_by_its_test_patch", "ppp", "---", "---"}, {"broken_and_hidden", "ppp", "eee", "fff"},
                                 {"never", "fff", "fff", "fff"}, {"skipped_before", "sss", "sss", "ppp"}});
  CHECK(a.fail_to_pass == Ids{"added", "fixed", "import_error"});
  CHECK(a.pass_to_pass == Ids{"kept"});
  CHECK(a.pass_to_fail == Ids{"broken", "broken_and_hidden", "lost"});
  CHECK(a.flaky.empty());
  CHECK(to_json(a).at("tests").at("added") == Json({{"base", "missing"}, {"tests", "missing"}, {"gold", "passed"}}));
}

TEST_CASE("one run that differs in any state makes a test flaky, and it counts for nothing") {
  const Acceptance a = accepted({{"flaky_gold", "fff", "fff", "ppf"}, {"flaky_tests", "fff", "fpf", "ppp"}, {"flaky_base", "pfp", "ppp", "ppp"}, {"sometimes_there", "fff", "fff", "p-p"}, {"kept", "ppp", "ppp", "ppp"}});
  CHECK(a.flaky == Ids{"flaky_base", "flaky_gold", "flaky_tests", "sometimes_there"});
  CHECK(a.fail_to_pass.empty());
  CHECK(a.pass_to_fail.empty());
  CHECK(to_json(a).at("flaky").at("flaky_gold").at("gold") == Json({"passed", "passed", "failed"}));
}

TEST_CASE("what a run that cannot be believed says counts for nothing") {
  Acceptance a = accepted({{"fixed", "fff", "fff", "ppp"}, {"kept", "ppp", "ppp", "ppp"}});
  for (size_t round = 0; round < 3; ++round) a.states[1].believed[round] = false;
  classify(a);
  CHECK(a.fail_to_pass == Ids{"fixed", "kept"});   // with the tests alone nothing could be run
}

TEST_CASE("the confidence follows from the number of runs") {
  Acceptance a;
  a.rounds = 3;
  CHECK(a.flake_rate_below() == Approx(0.6316).epsilon(1e-3));
  a.rounds = 59;
  CHECK(a.flake_rate_below() == Approx(0.0495).epsilon(1e-2));
}

}  // namespace
}  // namespace assay
