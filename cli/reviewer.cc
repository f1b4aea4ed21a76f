#include "cli/reviewer.h"

#include <algorithm>

#include "cli/child_lines.h"
#include "verifiers/right_answer.h"

namespace assay {
namespace {

constexpr std::string_view kCommand = "command:";

Judgement broken(const std::string& verifier, const Error& error) {
  const RolloutOutcome outcome = error.boundary == Boundary::kLimit ? RolloutOutcome::kTimedOut : RolloutOutcome::kVerifierError;
  return {verifier, outcome, 0, "", error.text()};
}

class NativeReviewer final : public Reviewer {
 public:
  explicit NativeReviewer(Host& host) : host_(host) {}

  Opinion judge(const Task& task, const Outcome& outcome) override {
    Result<Verdict> verdict = host_.judge(task, outcome);
    if (!verdict.ok()) return {{"native", RolloutOutcome::kVerifierError, 0, "", verdict.error().text()}, {}};
    return {judgement_of(*verdict), std::move(*verdict)};
  }

 private:
  Host& host_;
};

class PlainReviewer final : public Reviewer {
 public:
  explicit PlainReviewer(Store& store) : store_(store) {}

  Opinion judge(const Task& task, const Outcome& outcome) override {
    if (!task.tests.is_null()) return {{"plain", RolloutOutcome::kUndecided, 0, "", "patches are judged by tests alone"}, {}};
    const auto environment = store_.environment(task.environment);
    if (!environment.ok()) return {broken("plain", environment.error()), {}};
    const bool right = is_right_answer(task, **environment, task.goal.is_null() ? outcome.answer : canonical_json(outcome.state));
    return {{"plain", right ? RolloutOutcome::kPassed : RolloutOutcome::kFailed, right ? 1.0 : 0.0, right ? "" : "right_answer", ""}, {}};
  }

 private:
  Store& store_;
};

class CommandReviewer final : public Reviewer {
 public:
  CommandReviewer(std::string name, int64_t timeout_ms) : name_(std::move(name)), timeout_ms_(timeout_ms) {}

  Opinion judge(const Task& task, const Outcome& outcome) override {
    Result<Judgement> judgement = ask(task, outcome);
    if (judgement.ok()) return {std::move(*judgement), {}};
    return {broken(name_, judgement.error()), {}};
  }

 private:
  Result<Judgement> ask(const Task& task, const Outcome& outcome) {
    if (!child_) {
      ASSAY_ASSIGN(child_, ChildLines::start(name_.substr(kCommand.size())));
    }
    Json request = {{"op", "score"}, {"task", task.id}, {"answer", outcome.answer}};
    if (!outcome.state.is_null()) request["state"] = outcome.state;
    Result<std::string> line = child_->ask(canonical_json(request), timeout_ms_);
    if (!line.ok()) {
      child_.reset();
      return line.error();
    }
    Result<Judgement> judgement = read(*line);
    if (!judgement.ok()) return make_error(Boundary::kVerifier, judgement.error().what, judgement.error().where);
    return judgement;
  }

  Result<Judgement> read(const std::string& line) const {
    const std::string where = "the verifier's answer";
    ASSAY_ASSIGN(const Json json, parse_json(line, where, {.bytes = ChildLines::kAnswerBytes}));
    if (!json.is_object()) return input_error("expected an object", where);
    if (json.contains("error")) return make_error(Boundary::kVerifier, json["error"].is_object() ? json["error"].value("message", "") : json["error"].dump(), where);
    if (json.contains("outcome") && json["outcome"] == outcome_name(RolloutOutcome::kUndecided)) return Judgement{name_, RolloutOutcome::kUndecided, 0, "", ""};
    if (!json.contains("passed") || !json["passed"].is_boolean()) return input_error("neither \"passed\" nor an \"outcome\" that is known", where);
    const bool passed = json["passed"];
    Judgement judgement{name_, passed ? RolloutOutcome::kPassed : RolloutOutcome::kFailed, passed ? 1.0 : 0.0, "", ""};
    if (json.contains("reward") && json["reward"].is_number()) judgement.reward = json["reward"];
    if (!json.contains("checks") || !json["checks"].is_array()) return judgement;
    for (const Json& each : json["checks"]) {
      if (!each.is_object() || !each.contains("passed") || each["passed"] != false || !judgement.check.empty()) continue;
      judgement.check = each.contains("name") && each["name"].is_string() ? each["name"].get<std::string>() : "";
      judgement.evidence = each.contains("evidence") && each["evidence"].is_string() ? each["evidence"].get<std::string>() : "";
    }
    return judgement;
  }

  const std::string name_;
  const int64_t timeout_ms_;
  std::unique_ptr<ChildLines> child_;
};

}  // namespace

Result<std::unique_ptr<Reviewer>> make_reviewer(const std::string& with, Host& host, Store& store, int64_t timeout_ms) {
  if (with.empty()) return std::unique_ptr<Reviewer>(new NativeReviewer(host));
  if (with == "plain") return std::unique_ptr<Reviewer>(new PlainReviewer(store));
  if (with.starts_with(kCommand) && with.size() > kCommand.size()) return std::unique_ptr<Reviewer>(new CommandReviewer(with, timeout_ms));
  return unknown_name("verifier", with, {"plain", "command:LINE"}, "--with");
}

}  // namespace assay
