#include "synth/build/acceptance.h"

#include <algorithm>
#include <cmath>

namespace assay {
namespace {

enum State { kBase, kTests, kGold };

bool is_same(const std::vector<std::string>& runs) { return std::adjacent_find(runs.begin(), runs.end(), std::not_equal_to<>()) == runs.end(); }

// "report", "exit", … of the first thing that cannot be believed.
std::string unbelieved(const std::vector<TestRun>& runs, std::string& why) {
  for (const Check& check : believe(runs))
    if (!check.passed) {
      why = check.name + ": " + check.evidence;
      return check.name;
    }
  return "";
}

class Trial {
 public:
  Trial(Executor& executor, AcceptanceRequest request) : executor_(executor), request_(std::move(request)) {}

  Result<Possible<Acceptance>> run() {
    out_.rounds = request_.rounds;
    out_.shuffled = shuffles();
    for (int state : {kBase, kTests, kGold}) ASSAY_TRY(prepare(state));
    if (!at(kTests).fits) return reject("tests_do_not_apply", at(kTests).why);
    if (!at(kGold).fits) return reject("gold_does_not_apply", at(kGold).why);
    ASSAY_ASSIGN(Rejection problem, rounds());
    if (problem.reason.starts_with("gold_unbelievable:") && out_.shuffled) {
      keep_order();
      ASSAY_ASSIGN(problem, rounds());
    }
    if (!problem.reason.empty()) return reject(problem.reason, problem.detail);
    out_.gold = std::move(workspaces_[kGold]);
    return Possible<Acceptance>(std::move(out_));
  }

 private:
  StateRuns& at(int state) { return out_.states[static_cast<size_t>(state)]; }
  static Result<Possible<Acceptance>> reject(std::string reason, std::string detail) { return Possible<Acceptance>(Rejection{std::move(reason), detail.substr(0, 2000)}); }

  Status prepare(int state) {
    auto& workspace = workspaces_[static_cast<size_t>(state)];
    ASSAY_ASSIGN(workspace, open_tree(executor_, request_.plan));
    for (const auto& [from, patch] : {std::pair(kTests, &request_.plan.tests), std::pair(kGold, &request_.gold)}) {
      if (state < from || !at(state).fits) continue;
      ASSAY_ASSIGN(const PatchFit fit, patch_tree(executor_, *workspace, *patch, request_.plan.limits));
      at(state).fits = fit.fits;
      at(state).why = fit.why;
    }
    return {};
  }

  // The plan of a state: `base` runs what is there.
  TestPlan plan_of(int state) const {
    TestPlan out = request_.plan;
    if (state == kBase) out.commands = request_.base_commands;
    return out;
  }

  bool has_tests(const TestPlan& plan) const {
    for (size_t i = 0; i < plan.commands.size(); ++i)
      if (plan.commands[i].files.empty() && !request_.plan.commands[i].files.empty()) return false;
    return true;
  }

  bool shuffles() const { return std::any_of(request_.plan.commands.begin(), request_.plan.commands.end(), [](const TestCommand& command) { return command.shuffles; }); }

  // From now on, and from the beginning.
  void keep_order() {
    for (auto* commands : {&request_.plan.commands, &request_.base_commands})
      for (TestCommand& command : *commands) command = in_own_order(std::move(command));
    out_.shuffled = false;
    for (StateRuns& runs : out_.states) {
      runs.rounds.clear();
      runs.believed.clear();
    }
  }

  // All rounds, or as many as could still come out well. A rejection with an empty reason: all is well.
  Result<Rejection> rounds() {
    for (int round = 0; round < request_.rounds; ++round) {
      for (int state : {kGold, kTests, kBase}) {
        ASSAY_ASSIGN(Rejection problem, one(state, round));
        if (!problem.reason.empty()) return problem;
      }
      classify(out_);
      if (!out_.pass_to_fail.empty()) return Rejection{"pass_to_fail", out_.pass_to_fail.front()};
      if (out_.fail_to_pass.empty()) return Rejection{round == 0 || out_.flaky.empty() ? "no_fail_to_pass" : "only_flaky", std::to_string(out_.pass_to_pass.size()) + " tests pass with and without the change"};
    }
    return Rejection{};
  }

  Result<Rejection> one(int state, int round) {
    StateRuns& runs = at(state);
    TestPlan plan = plan_of(state);
    runs.tests_there = has_tests(plan);
    if (!runs.tests_there) {
      runs.rounds.emplace_back();
      runs.believed.push_back(false);
      return Rejection{};
    }
    // Built once: each command runs in a copy of what was built.
    if (runs.built) plan.build.clear();
    ASSAY_ASSIGN(TestRoundResult done, run_tests(executor_, *workspaces_[static_cast<size_t>(state)], plan, {.seed = request_.seed + static_cast<uint64_t>(round) + 1}));
    runs.built = done.built;
    runs.wall_us += done.wall_us;
    out_.wall_us += done.wall_us;
    const std::string problem = unbelieved(done.runs, runs.why);
    runs.believed.push_back(problem.empty());
    Rejection out;
    if (state == kGold && !problem.empty()) out = why_gold_failed(done, problem, runs.why);
    runs.rounds.push_back(std::move(done.runs));
    return out;
  }

  static Rejection why_gold_failed(const TestRoundResult& done, const std::string& problem, const std::string& why) {
    const RunResult& last = done.details.back();
    const std::string said = why + "\n" + last.out.tail + last.err.text();
    if (last.end == RunEnd::kLimit) return {"gold_limit:" + last.limit, said};
    for (const std::string& touched : last.touched)
      if (touched == "disk" || touched == "files" || touched == "processes") return {"gold_limit:" + touched, said};
    return {done.built ? "gold_unbelievable:" + problem : "gold_build_failed", said + last.out.head};
  }

  Executor& executor_;
  AcceptanceRequest request_;
  std::array<std::unique_ptr<Workspace>, kStates.size()> workspaces_;
  Acceptance out_;
};

}  // namespace

double Acceptance::flake_rate_below() const { return rounds > 0 ? 1 - std::pow(1 - kConfidence, 1.0 / rounds) : 1; }

Result<Possible<Acceptance>> accept(Executor& executor, const AcceptanceRequest& request) { return Trial(executor, request).run(); }

TestCommand in_own_order(TestCommand command) {
  std::erase_if(command.argv, [&](const std::string& argument) {
    for (const char* order : {"{seed}", "--sequence.shuffle", "--order-by=random"})
      if (command.shuffles && argument.find(order) != std::string::npos) return true;
    return false;
  });
  command.shuffles = false;
  return command;
}

void classify(Acceptance& a) {
  a.tests.clear();
  for (auto* list : {&a.fail_to_pass, &a.pass_to_pass, &a.pass_to_fail, &a.flaky}) list->clear();
  for (size_t state = 0; state < kStates.size(); ++state)
    for (size_t round = 0; round < a.states[state].rounds.size(); ++round) {
      if (!a.states[state].believed[round]) continue;
      for (const TestResult& result : all_results(a.states[state].rounds[round])) {
        auto& runs = a.tests[result.id][state];
        runs.resize(a.states[state].rounds.size(), "missing");
        runs[round] = outcome_name(result.outcome);
      }
    }
  for (auto& [id, outcomes] : a.tests) {
    bool stable = true;
    for (size_t state = 0; state < kStates.size(); ++state) {
      outcomes[state].resize(a.states[state].rounds.size(), "missing");
      stable = stable && is_same(outcomes[state]);
    }
    if (!stable) {
      a.flaky.push_back(id);
      continue;
    }
    const auto is = [&](int state, const char* what) { return !outcomes[static_cast<size_t>(state)].empty() && outcomes[static_cast<size_t>(state)][0] == what; };
    const bool passes = is(kGold, "passed"), there = !is(kGold, "missing");
    if (passes && is(kTests, "passed")) a.pass_to_pass.push_back(id);
    else if (passes && !is(kTests, "skipped")) a.fail_to_pass.push_back(id);
    else if (!passes && (is(kTests, "passed") || (there && is(kBase, "passed")))) a.pass_to_fail.push_back(id);
  }
}

Json to_json(const Acceptance& a) {
  Json tests = Json::object(), flaky = Json::object();
  for (const auto& [id, outcomes] : a.tests) {
    const bool is_flaky = std::binary_search(a.flaky.begin(), a.flaky.end(), id);
    Json& entry = (is_flaky ? flaky : tests)[id];
    for (size_t state = 0; state < kStates.size(); ++state) {
      if (is_flaky) entry[kStates[state]] = outcomes[state];
      else entry[kStates[state]] = outcomes[state].empty() ? "missing" : outcomes[state][0];
    }
  }
  return {{"rounds", a.rounds}, {"shuffled", a.shuffled}, {"confidence", Acceptance::kConfidence}, {"flake_rate_below", a.flake_rate_below()}, {"tests", tests}, {"flaky", flaky}};
}

}  // namespace assay
