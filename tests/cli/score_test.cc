// `assay score` on a small store: a group with signal, one without, an attempt that broke; every fate, every refusal.
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

struct Printed {
  int status = 0;
  std::string text;
};

Printed run(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Printed out;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.text.append(buffer, got);
  out.status = WEXITSTATUS(::pclose(pipe));
  return out;
}

class Scored {
 public:
  // Rollouts 0 to 2 of one task: passed, failed, failed; 3 broke. Rollouts 4 and 5 of another task both passed.
  Scored() {
    auto store = Store::open(folder_.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value();
    REQUIRE(store->put_environment(*sample::environment()).ok());
    Rng rng(1, "score");
    for (int i = 0; i < 6; ++i) {
      const Task task = sample::task(i / 4);
      REQUIRE(store->put_task(task).ok());
      Rollout rollout = sample::random_turns(rng, {.cut = false}, i);
      rollout.task = task.id;
      rollout.verdict.passed = i == 0 || i >= 4;
      rollout.verdict.reward = rollout.verdict.passed ? 1 : 0;
      rollout.usage.completion_tokens = 100 * i;
      if (i == 3) rollout.status = RolloutStatus::kFailed, rollout.failure = make_error(Boundary::kPolicy, "gone");
      rollout.id = rollout_id(rollout.task, rollout.policy, rollout.seed, rollout.sample);
      REQUIRE(store->put_rollout(rollout).ok());
      rollouts.push_back(std::move(rollout));
    }
  }

  // The policy's log-probabilities are those recorded, less `moved`; the reference's less 0.1.
  Json line(size_t index, float moved) const {
    Json line = {{"rollout", rollouts[index].id}, {"tokens", Json::array()}, {"log_probabilities", Json::array()}, {"reference_log_probabilities", Json::array()}};
    for (const TokenTurn& turn : rollouts[index].turns)
      for (size_t i = 0; i < turn.sampled.size(); ++i) {
        line["tokens"].push_back(turn.sampled[i]);
        line["log_probabilities"].push_back(turn.log_probabilities[i] - moved);
        line["reference_log_probabilities"].push_back(turn.log_probabilities[i] - 0.1f);
      }
    return line;
  }

  Printed score(const std::vector<Json>& lines, const std::string& options = "--delta 0.5 2>&1") const {
    std::string text;
    for (const Json& line : lines) text += line.dump() + "\n";
    REQUIRE(write_file(folder_.file("trainer.jsonl"), text).ok());
    return run("\"$ASSAY\" score --store '" + folder_.file("s.db") + "' --logprobs '" + folder_.file("trainer.jsonl") + "' " + options);
  }

  int64_t tokens(size_t index) const {
    int64_t count = 0;
    for (const TokenTurn& turn : rollouts[index].turns) count += static_cast<int64_t>(turn.sampled.size());
    return count;
  }

  std::vector<Rollout> rollouts;

 private:
  sample::Folder folder_;
};

TEST_CASE("score says of every sequence what becomes of it") {
  const Scored scored;
  const Printed out = scored.score({scored.line(0, 1), scored.line(1, 1), scored.line(2, 0.25f), scored.line(3, 1), scored.line(4, 1)}, "--delta 0.5 --json 2>/dev/null");
  INFO(out.text);
  REQUIRE(out.status == 0);
  const Json json = parse_json(out.text, "score").value();
  const auto count = [&](size_t sequences, int64_t tokens) { return Json{{"sequences", sequences}, {"tokens", tokens}}; };
  CHECK(json["counts"]["trained"] == count(2, scored.tokens(0) + scored.tokens(2)));
  CHECK(json["counts"]["off_policy"] == count(1, scored.tokens(1)));
  CHECK(json["counts"]["unscored"] == count(1, scored.tokens(3)));
  CHECK(json["counts"]["no_signal"] == count(1, scored.tokens(4)));
  REQUIRE(json["groups"].size() == 2);
  for (const Json& group : json["groups"]) {
    const bool first = group["task"] == scored.rollouts[0].task;
    CHECK(group["signal"] == first);
    CHECK(group["attempts"] == (first ? 3 : 2));
    CHECK(group["unscored"] == (first ? 1 : 0));
    if (!first) continue;
    CHECK(group["rollouts"][0]["advantage"].get<double>() == Approx(2.0 / 3));
    CHECK(group["rollouts"][1]["advantage"].get<double>() == Approx(-1.0 / 3));
    CHECK(group["rollouts"][1]["sequences"][0]["mean_log_ratio"].get<double>() == Approx(1).epsilon(1e-5));
    CHECK(group["rollouts"][2]["sequences"][0]["fate"] == "trained");
    CHECK(group["rollouts"][3]["advantage"].is_null());
  }
  // k1 is log π - log π_ref: 0.1 less what the policy moved.
  double k1 = 0;
  int64_t tokens = 0;
  for (size_t i = 0; i < 5; ++i) {
    k1 += static_cast<double>(scored.tokens(i)) * (0.1 - (i == 2 ? 0.25 : 1.0));
    tokens += scored.tokens(i);
  }
  CHECK(json["kl"]["tokens"] == tokens);
  CHECK(json["kl"]["k1"].get<double>() == Approx(k1 / static_cast<double>(tokens)).epsilon(1e-5));
}

TEST_CASE("score tells people the same, and takes forms, penalties and languages by name") {
  const Scored scored;
  const std::vector<Json> lines = {scored.line(1, 1), scored.line(4, 0)};
  const Printed plain = scored.score(lines);
  INFO(plain.text);
  CHECK(plain.status == 0);
  for (const char* part : {"2 rollouts of 2 groups", "R - mean(R)", "masked: A < 0", "unbiased", "dropped"}) CHECK(plain.text.find(part) != std::string::npos);
  // Tokens are 100 times the rollout's number: 400 and 500 are told apart by a penalty that ends at 500.
  const Printed shaped = scored.score(lines, "--delta 0.5 --advantage rloo --length-limit 500 --length-margin 200 --json 2>/dev/null");
  REQUIRE(shaped.status == 0);
  for (const Json& group : parse_json(shaped.text, "score").value()["groups"])
    if (group["task"] == scored.rollouts[4].task) {
      CHECK(group["signal"] == true);
      CHECK(group["rollouts"][0]["reward"].get<double>() == Approx(0.5));
      CHECK(group["rollouts"][0]["advantage"].get<double>() == Approx(0.5));
    }
  const Printed english = scored.score(lines, "--delta 0.5 --language en --json 2>/dev/null");
  REQUIRE(english.status == 0);
  for (const Json& group : parse_json(english.text, "score").value()["groups"])
    if (group["task"] == scored.rollouts[4].task) CHECK(group["rollouts"][0]["reward"].get<double>() == Approx(2));
}

TEST_CASE("score refuses what does not belong together, naming both") {
  const Scored scored;
  std::vector<Json> lines = {scored.line(0, 0), scored.line(1, 0)};
  std::string options = "--delta 0.5 2>&1";
  std::vector<std::string> expected;
  SECTION("another token") {
    lines[1]["tokens"][3] = 999;
    expected = {"trainer.jsonl:2", "rollout " + scored.rollouts[1].id.substr(0, 12), "token 3", "999"};
  }
  SECTION("the tokens of another rollout") {
    lines[1]["rollout"] = scored.rollouts[2].id;
    expected = {"trainer.jsonl:2", "rollout " + scored.rollouts[2].id.substr(0, 12), "other tokens"};
  }
  SECTION("too few log-probabilities") {
    lines[1]["log_probabilities"].erase(0);
    expected = {"trainer.jsonl:2", "log_probabilities", std::to_string(scored.tokens(1) - 1) + " of them for " + std::to_string(scored.tokens(1)) + " tokens"};
  }
  SECTION("an unknown rollout") {
    lines[1]["rollout"] = std::string(64, 'a');
    expected = {"trainer.jsonl:2", "no rollout 'aaaa", "s.db"};
  }
  SECTION("a rollout twice") {
    lines[1] = lines[0];
    expected = {"trainer.jsonl:2", "stands twice", "trainer.jsonl:1"};
  }
  SECTION("nothing") {
    lines.clear();
    expected = {"trainer.jsonl", "no line"};
  }
  SECTION("a form nobody knows") {
    options += " --advantage gae";
    expected = {"'gae'", "rloo"};
  }
  SECTION("a margin over the limit") {
    options += " --length-limit 5 --length-margin 6";
    expected = {"--length-margin"};
  }
  SECTION("a language nobody knows") {
    options += " --language xx";
    expected = {"'xx'", "zh"};
  }
  const Printed out = scored.score(lines, options);
  INFO(out.text);
  CHECK(out.status == 2);
  for (const std::string& part : expected) CHECK(out.text.find(part) != std::string::npos);
}

}  // namespace
}  // namespace assay
