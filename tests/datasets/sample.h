// Small real things to store and export: one environment, its tasks, their certificates, rollouts.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "datasets/store.h"

namespace assay::sample {

// A folder that is gone when the object is.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    ASSAY_ASSERT(!path_.empty());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::shared_ptr<const Environment> environment(int number = 0) {
  Environment e;
  e.domain = "travel";
  e.tables.tables.push_back({{"city", "city", "cities", {{"name"}}, {"name"}}, {{}}});
  Table& cities = e.tables.tables.back();
  for (const std::string name : {"Hangzhou", "Suzhou", "Ningbo"})
    cities.columns[0].push_back(e.tables.texts.intern(name + (number ? std::to_string(number) : "")));
  const Json none = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}, {"additionalProperties", false}};
  Json answer = none;
  answer["properties"]["answer_text"] = {{"type", "string"}};
  answer["required"] = {"answer_text"};
  e.tools.push_back({"get_all_cities", "Names of all cities.", "sql", none, ToolEffect::kRead, {{"sql", "SELECT name FROM city"}}, {}});
  e.tools.push_back({"submit_result", "Submits the answer.", "submit", answer, ToolEffect::kSubmit, Json::object(), {}});
  return finish_environment(std::move(e)).value();
}

inline const std::string kGold = R"([{"time":"2025-10-01","city":"Suzhou"}])";

inline Task task(int64_t index = 0, const Environment& e = *environment()) {
  Task t;
  t.environment = e.id;
  t.archetype = "select";
  t.difficulty = static_cast<int>(index % 5) + 1;
  t.system = "You plan trips with the tools you are given.";
  t.prompt = "Plan trip number " + std::to_string(index) + " from Hangzhou. It costs at most 350 元.";
  t.answer.groups = 1;
  AnswerField time, city;
  time.name = time.label = time.plural = "time";
  time.literals = {"2025-10-01"};
  city.name = city.label = city.table = "city";
  city.plural = "cities";
  t.answer.fields = {time, city};
  t.constraints = Json::array({{{"op", "all_different"}, {"fields", {"city"}}}});
  t.gold = kGold;
  t.provenance.domain = "travel";
  t.provenance.domain_version = "1";
  t.provenance.preset = "difficulty";
  t.provenance.seed = 7;
  t.provenance.index = index;
  seal_task(t);
  return t;
}

// A mined task; its environment is the sample's, which has no tree.
inline Task repair_task(const Environment& e, const std::string& statement_from) {
  Task t;
  t.environment = e.id;
  t.archetype = "repair";
  t.prompt = "Mend it.";
  t.constraints = Json::array();
  t.gold = "diff --git a/a.py b/a.py\n";
  t.tests = {{"tests", "diff --git a/t.py b/t.py\n"}, {"fail_to_pass", {"t.py::test_a[1]"}}, {"pass_to_pass", Json::array()}};
  t.provenance.kind = "mined";
  t.provenance.domain = "pallets/click";
  t.provenance.origin = {{"repository", "pallets/click"}, {"pull", 2421}, {"base", "0123456789abcdef0123456789abcdef01234567"}, {"merged", "2024-01-02T03:04:05Z"},
                         {"statement", "It breaks."}, {"statement_from", statement_from}, {"licence", "BSD-3-Clause"}, {"language", "python"}};
  seal_task(t);
  return t;
}

inline Certificate certificate(const Task& t, bool sound = true) {
  Certificate c;
  c.task = t.id;
  c.versions = "assay 0.1.0; language 1";
  c.sound = sound;
  if (!sound) c.problems = {"the empty answer passes"};
  c.gold_passes = c.trivial_fail = c.equal_forms_equal = c.learnable = c.no_leak = c.same_bytes = true;
  c.mutants = {{"c0.all_different", "city", "killed", "[]"}, {"c1.belongs", "day 1", "killed", "[]"}};
  c.solutions = 2;
  c.solutions_exact = true;
  c.chance_hits = 125;
  c.chance_tries = 10'000;
  c.feasible_hits = 20;
  c.feasible_tries = 2000;
  c.calls_low = 2;
  c.calls_high = 5;
  seal_certificate(c);
  return c;
}

// `turns` calls of a tool, each with a result of `bytes` bytes, then the submission.
inline Rollout rollout(const Task& t, int64_t sample = 0, bool passed = true, int turns = 1, size_t bytes = 40,
                       const std::string& policy = "random") {
  Rollout r;
  r.task = t.id;
  r.policy = policy;
  r.seed = 3;
  r.sample = sample;
  r.id = rollout_id(r.task, r.policy, r.seed, r.sample);
  r.messages.push_back({Role::kSystem, t.system, "", {}, ""});
  r.messages.push_back({Role::kUser, t.prompt, "", {}, ""});
  for (int i = 0; i <= turns; ++i) {
    const std::string id = "call_" + std::to_string(i);
    Message ask{Role::kAssistant, "", "", {}, ""}, result{Role::kTool, "", "", {}, id};
    if (i == turns) {
      ask.tool_calls = {{id, "submit_result", Json{{"answer_text", passed ? kGold : "[]"}}.dump()}};
      result.text = "Submitted.";
    } else {
      ask.reasoning = "Which cities are there, and what does hotel " + std::to_string(i * 7919 % 1000) + " cost?";
      ask.tool_calls = {{id, "get_all_cities", "{}"}};
      const uint64_t number = static_cast<uint64_t>(sample);
      for (uint64_t row = 0; result.text.size() < bytes; ++row)
        result.text += R"({"name":"Hôtel )" + std::to_string((number * 31 + static_cast<uint64_t>(i) * 17 + row * 101) % 9973) + R"(","price":)" +
                       std::to_string((number + row * 37) % 900) + R"(,"rating":4.5,"city":"Suzhou"},)";
    }
    r.messages.push_back(ask);
    r.messages.push_back(result);
  }
  r.answer = passed ? kGold : "[]";
  r.submitted = true;
  r.stop = "submitted";
  r.verdict = {passed ? 1.0 : 0.0, passed, {{"shape", passed, passed ? "" : "no days"}}, "constraints/1"};
  r.steps = r.calls = turns + 1;
  return r;
}

// One that passed and holds everything that a rollout can hold.
inline Rollout rich_rollout(const Task& t, int64_t sample) {
  Rollout r = rollout(t, sample, true, 2);
  r.messages.insert(r.messages.begin() + 1, Message{Role::kDeveloper, "Answer in JSON.", "", {}, ""});
  r.messages[1].tools = OrderedJson::array({{{"name", "extra"}}});
  r.messages[1].response_format = {{"type", "object"}};
  r.messages[3].text = "I look first.";
  r.messages[4].images = {{"image/png", "aGk="}};
  r.context = ContextRecord{"discard-all", 1000, {{7, 7, 800}}};
  for (int32_t turn = 0; turn < 3; ++turn) {
    // The second goes on from the first, the third begins again where the context was cut.
    TokenTurn recorded{.shared = turn == 1 ? 5 : turn == 2 ? 2 : 0, .prompt = {10 * turn + 1, 10 * turn + 2, 10 * turn + 3}, .sampled = {10 * turn + 4, 10 * turn + 5}};
    recorded.log_probabilities = {-0.5F, -0.25F};
    recorded.full_log_probabilities = {-0.75F, -0.5F};
    recorded.kept_counts = {2, 0};
    recorded.kept = {10 * turn + 4, 90};
    recorded.expert_layers = recorded.experts_per_token = 2;
    recorded.experts_from = turn == 1 ? 4 : turn == 2 ? 2 : 0;
    const int64_t rows = recorded.shared + 4 - recorded.experts_from;
    for (int64_t i = 0; i < rows * 4; ++i) recorded.experts.push_back(static_cast<uint16_t>((turn * 40 + i) % 64));
    recorded.selection_digest = std::string(64, 'a');
    recorded.policy_version = "step-" + std::to_string(turn);
    r.turns.push_back(std::move(recorded));
  }
  return r;
}

inline Rollout broken_rollout(const Task& t, int64_t sample = 0) {
  Rollout r = rollout(t, sample);
  r.status = RolloutStatus::kFailed;
  r.failure = make_error(Boundary::kPolicy, "the endpoint returned HTML");
  r.verdict = {};
  r.stop = "";
  return r;
}

}  // namespace assay::sample
