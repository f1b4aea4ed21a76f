#include "cli/rescore.h"

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <unistd.h>

#include "cli/host.h"
#include "datasets/judgement.h"
#include "synth/factory.h"

namespace assay {
namespace {

const auto unused = std::signal(SIGPIPE, SIG_IGN);   // as cli/main.cc does: a verifier that dies is an error, not the end

// A folder that goes away, with a store of a few tasks in it.
class Workplace {
 public:
  Workplace() : folder_(std::filesystem::temp_directory_path() / ("assay-rescore-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    FactoryOptions options;
    options.difficulties = {1};
    Result<std::unique_ptr<Factory>> factory = Factory::create(options);
    REQUIRE(factory.ok());
    store = open();
    for (int64_t i = 0; i < 3; ++i) {
      Result<std::shared_ptr<const Environment>> environment = (*factory)->environment(i);
      Result<MadeTask> made = (*factory)->make(i);
      REQUIRE(environment.ok());
      REQUIRE(made.ok());
      REQUIRE(store->put_environment(**environment).ok());
      REQUIRE(store->put_task(made->task).ok());
      REQUIRE(store->put_certificate(made->certificate).ok());
      tasks.push_back(made->task);
      certificates.push_back(made->certificate);
    }
  }
  ~Workplace() {
    store.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Store> open() {
    Result<std::unique_ptr<Store>> opened = Store::open(path(), StoreMode::kOpenOrCreate, system_clock());
    REQUIRE(opened.ok());
    return std::move(*opened);
  }
  std::string path() const { return folder_ / "assay.db"; }

  // A rollout that submitted `answer`, with the verdict it deserves.
  Rollout rollout(const Task& task, int64_t sample, const std::string& answer) {
    DatabaseCache databases(*store);
    Host host(databases);
    Rollout rollout;
    rollout.task = task.id;
    rollout.policy = "by hand";
    rollout.sample = sample;
    rollout.id = rollout_id(task.id, rollout.policy, 0, sample);
    rollout.answer = answer;
    rollout.submitted = true;
    rollout.stop = "submitted";
    Result<std::shared_ptr<const Verifier>> verifier = host.verifier(task);
    REQUIRE(verifier.ok());
    rollout.verdict = (*verifier)->judge(Outcome{answer, {}});
    return rollout;
  }

  // Runs the program on the store; returns its exit status and standard output.
  std::pair<int, Json> run(const std::string& arguments) {
    REQUIRE(store->flush().ok());
    const char* assay = std::getenv("ASSAY");
    REQUIRE(assay);
    std::FILE* pipe = popen((std::string(assay) + " " + arguments + " --json --store " + path() + " 2>/dev/null").c_str(), "r");
    REQUIRE(pipe);
    std::string out;
    std::array<char, 4096> buffer;
    for (size_t count; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) out.append(buffer.data(), count);
    const int status = pclose(pipe);
    Result<Json> json = parse_json(out, arguments);
    INFO(out);
    REQUIRE(json.ok());
    return {WEXITSTATUS(status), *json};
  }

  std::unique_ptr<Store> store;
  std::vector<Task> tasks;
  std::vector<Certificate> certificates;

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("judging again finds every stored verdict that is not the verifier's") {
  Workplace place;
  const Task& task = place.tasks[0];
  Rollout good = place.rollout(task, 0, task.gold), bad = place.rollout(task, 1, "[]");
  REQUIRE(good.verdict.passed);
  REQUIRE_FALSE(bad.verdict.passed);

  Rollout too_kind = place.rollout(task, 2, "[]");
  too_kind.verdict.passed = true;
  too_kind.verdict.reward = 1;
  Rollout too_strict = place.rollout(task, 3, task.gold);
  too_strict.verdict.passed = false;
  too_strict.verdict.reward = 0;
  Rollout other_reason = place.rollout(task, 4, "[]");
  other_reason.verdict.checks[0].evidence += "!";
  Rollout broken = place.rollout(task, 5, "");
  broken.status = RolloutStatus::kFailed;
  broken.failure = make_error(Boundary::kPolicy, "the endpoint is down");
  Rollout orphan = place.rollout(task, 6, "[]");
  orphan.task = std::string(64, '7');
  orphan.id = rollout_id(orphan.task, orphan.policy, 0, 6);
  for (const Rollout& rollout : {good, bad, too_kind, too_strict, other_reason, broken, orphan})
    REQUIRE(place.store->put_rollout(rollout).ok());

  for (int jobs : {1, 2}) {
    Context context;
    context.jobs = jobs;
    Result<RescoreReport> report = rescore(*place.store, {}, context);
    REQUIRE(report.ok());
    CHECK(report->judged == 6);
    CHECK(report->same == 2);
    CHECK(report->unscored == 1);
    CHECK(report->errors.size() == 1);
    std::set<std::string> found;
    for (const Disagreement& disagreement : report->disagreements) found.insert(disagreement.rollout);
    CHECK(found == std::set<std::string>{too_kind.id, too_strict.id, other_reason.id});
    for (const Disagreement& disagreement : report->disagreements) {
      CHECK(disagreement.stored.verifier == disagreement.again.verifier);
      CHECK(disagreement.check.empty() == (disagreement.rollout == too_strict.id));   // whose checks all passed
      if (disagreement.rollout == other_reason.id) CHECK(disagreement.check == other_reason.verdict.checks[0].name);
    }
    CHECK(report->outcomes == std::map<RolloutOutcome, int64_t>{{RolloutOutcome::kPassed, 2}, {RolloutOutcome::kFailed, 3}});
    CHECK(report->recorded == (jobs == 1 ? 3 : 0));   // what a verifier says again is not recorded again
  }
  CHECK(place.run("verify").first == 1);
  // What was stored stays, and what is new stands beside it.
  CHECK(place.store->rollout(too_kind.id).value().verdict.passed);
  const Json beside = place.store->observations(too_kind.id).value();
  REQUIRE(beside.size() == 1);
  CHECK(judgement_from_json(beside[0]["value"], "").value().outcome == RolloutOutcome::kFailed);
  CHECK(place.store->observations(good.id).value().empty());
}

TEST_CASE("another verifier is asked: a plain reading, or a program, and what each says is kept apart") {
  Workplace place;
  const Task& task = place.tasks[0];
  const Rollout good = place.rollout(task, 0, task.gold), bad = place.rollout(task, 1, "[]");
  Rollout too_kind = place.rollout(task, 2, "[]");
  too_kind.verdict.passed = true;
  too_kind.verdict.reward = 1;
  for (const Rollout& rollout : {good, bad, too_kind}) REQUIRE(place.store->put_rollout(rollout).ok());
  Context context;
  context.jobs = 1;
  const auto with = [&](const std::string& verifier, int64_t timeout_ms = 20'000) {
    auto report = rescore(*place.store, {.with = verifier, .timeout_ms = timeout_ms}, context);
    if (!report.ok()) FAIL(report.error().text());
    return std::move(report).value();
  };
  using enum RolloutOutcome;
  using Outcomes = std::map<RolloutOutcome, int64_t>;
  const RescoreReport plain = with("plain");
  CHECK(plain.outcomes == Outcomes{{kPassed, 1}, {kFailed, 2}});
  CHECK(plain.recorded == 3);
  CHECK(plain.same == 2);
  REQUIRE(plain.disagreements.size() == 1);
  CHECK(plain.disagreements[0].rollout == too_kind.id);
  CHECK(plain.disagreements[0].again.verifier == "plain");
  CHECK(with("plain").recorded == 0);

  // This program itself, as another version would be.
  const RescoreReport other = with("command:\"$ASSAY\" env --all --store " + place.path() + " 2>/dev/null");
  CHECK(other.outcomes == Outcomes{{kPassed, 1}, {kFailed, 2}});
  CHECK(other.errors == std::vector<std::string>());
  REQUIRE(other.disagreements.size() == 1);
  CHECK(other.disagreements[0].check == bad.verdict.checks[0].name);

  const auto answers = [](const std::string& answer) { return "command:while read line; do echo '" + answer + "'; done"; };
  CHECK(with(answers("{\"outcome\":\"undecided\"}")).outcomes == Outcomes{{kUndecided, 3}});
  CHECK(with(answers("{\"outcome\":\"undecided\"}")).same == 0);
  CHECK(with(answers("{\"error\":{\"boundary\":\"sandbox\",\"message\":\"no disk\"}}")).outcomes == Outcomes{{kVerifierError, 3}});
  CHECK(with(answers("{\"passed\":\"yes\"}")).outcomes == Outcomes{{kVerifierError, 3}});
  CHECK(with(answers("nonsense")).outcomes == Outcomes{{kVerifierError, 3}});
  CHECK(with("command:exit 3").outcomes == Outcomes{{kVerifierError, 3}});
  const RescoreReport slow = with("command:sleep 60", 200);
  CHECK(slow.outcomes == Outcomes{{kTimedOut, 3}});
  CHECK(slow.errors.size() == 3);
  CHECK(slow.disagreements.empty());
  // It answers the first and hangs at the second: then it is started again.
  CHECK(with("command:read line; echo '{\"passed\":true}'; sleep 60", 500).outcomes == Outcomes{{kPassed, 2}, {kTimedOut, 1}});
  CHECK_FALSE(rescore(*place.store, {.with = "plainly"}, context).ok());
  CHECK_FALSE(rescore(*place.store, {.with = "command:"}, context).ok());
  CHECK(place.store->rollout(too_kind.id).value().verdict.passed);
}

TEST_CASE("audit finds a certificate that says more than is true, one that says less, and one that is missing") {
  Workplace place;
  CHECK(place.run("audit").first == 0);

  Certificate boast = place.certificates[0];
  boast.chance_hits += 5;
  seal_certificate(boast);
  Certificate doubt = place.certificates[1];
  doubt.sound = false;
  doubt.problems = {"nobody looked"};
  seal_certificate(doubt);
  REQUIRE(place.store->put_certificate(boast).ok());
  REQUIRE(place.store->put_certificate(doubt).ok());

  const auto [status, json] = place.run("audit");
  CHECK(status == 1);
  CHECK(json["same"] == 1);
  CHECK(json["different"] == 2);
  std::string found;
  for (const Json& finding : json["findings"]) found += finding.dump();
  CHECK(found.find("chance_hits: stored") != std::string::npos);
  CHECK(found.find("problems: stored") != std::string::npos);
  CHECK(found.find(place.tasks[2].id) == std::string::npos);
}

TEST_CASE("audit finds an unsound task and cannot be talked out of it by its certificate") {
  Workplace place;
  Task leaky = place.tasks[0];
  leaky.prompt += "\nAn example of a good answer: " + leaky.gold;
  seal_task(leaky);
  Certificate lie = place.certificates[0];
  lie.task = leaky.id;
  seal_certificate(lie);
  REQUIRE(place.store->put_task(leaky).ok());
  REQUIRE(place.store->put_certificate(lie).ok());
  const auto [status, json] = place.run("audit --task " + leaky.id);
  CHECK(status == 1);
  CHECK(json["unsound"] == 1);
  CHECK(json["findings"].dump().find("no_leak: stored true, recomputed false") != std::string::npos);
}

TEST_CASE("an answers line is text, a JSON value with its keys in order, or the bare answer") {
  const auto answer = [](std::string_view line) {
    Result<AnswerLine> read = read_answer_line(line, "answers.jsonl:1");
    return read.ok() ? read->answer : "error: " + read.error().where;
  };
  CHECK(answer(R"({"answer": "[1]"})") == "[1]");
  CHECK(answer(R"({"id": 3, "answer": [{"z": "1", "a": 2.50}]})") == R"([{"z":"1","a":2.5}])");
  CHECK(answer(R"("text")") == "text");
  CHECK(answer(R"([{"z": 1, "a": 2}])") == R"([{"z":1,"a":2}])");
  CHECK(answer(R"({"answer": null})") == "null");
  for (const char* malformed : {"", "{", "7", "null", R"({"reply": 1})", R"([NaN])", R"({"answer": 1, "answer": 2})", R"([{"a":1,"a":2}])"})
    CHECK(answer(malformed) == "error: answers.jsonl:1");
  CHECK(read_answer_line(R"({"id": {"a": 1}, "answer": ""})", "")->id == Json({{"a", 1}}));
}

}  // namespace assay
