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

inline Rollout broken_rollout(const Task& t, int64_t sample = 0) {
  Rollout r = rollout(t, sample);
  r.status = RolloutStatus::kFailed;
  r.failure = make_error(Boundary::kPolicy, "the endpoint returned HTML");
  r.verdict = {};
  r.stop = "";
  return r;
}

}  // namespace assay::sample
