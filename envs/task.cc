#include "envs/task.h"

#include "envs/base/hash.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-task/1";

Json to_json(const Limits& limits) {
  return {{"steps", limits.steps},
          {"calls", limits.calls},
          {"observation_bytes", limits.observation_bytes},
          {"answer_bytes", limits.answer_bytes},
          {"tokens", limits.tokens},
          {"wall_ms", limits.wall_ms}};
}

Result<Limits> limits_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$.limits");
  const JsonReader::IntegerRule positive{.minimum = 1, .maximum = int64_t{1} << 40};
  Limits limits;
  limits.steps = r.integer("steps", positive);
  limits.calls = r.integer("calls", positive);
  limits.observation_bytes = r.integer("observation_bytes", positive);
  limits.answer_bytes = r.integer("answer_bytes", positive);
  limits.tokens = r.integer("tokens", positive);
  limits.wall_ms = r.integer("wall_ms", positive);
  ASSAY_TRY(r.finish());
  return limits;
}

Json to_json(const Provenance& p) {
  Json json{{"kind", p.kind}, {"domain", p.domain}, {"domain_version", p.domain_version}, {"preset", p.preset},
            {"data", p.data}, {"seed", p.seed},     {"index", p.index},   {"attempt", p.attempt}};
  if (!p.variants.empty()) json["variants"] = p.variants;
  if (!p.parent.empty()) json["parent"] = p.parent;
  if (p.step > 0) json["step"] = p.step;
  if (!p.origin.is_null()) json["origin"] = p.origin;
  return json;
}

Result<Provenance> provenance_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$.provenance");
  Provenance p;
  p.kind = r.text("kind");
  p.domain = r.text("domain");
  p.domain_version = r.text("domain_version");
  p.preset = r.text("preset");
  p.data = r.text("data");
  const Json& seed = r.member("seed");
  if (!seed.is_number_integer()) r.fail("seed", "expected an integer");
  else p.seed = seed.get<uint64_t>();
  p.index = r.integer("index", {.minimum = 0, .maximum = INT64_MAX});
  p.attempt = r.integer("attempt", {.minimum = 0, .maximum = INT64_MAX});
  p.variants = r.texts_or("variants", {});
  p.parent = r.text_or("parent", "");
  p.step = r.integer("step", {.minimum = 0, .maximum = INT64_MAX, .fallback = 0});
  p.origin = r.member_or_null("origin");
  ASSAY_TRY(r.finish());
  return p;
}

}  // namespace

Json to_json(const Task& task) {
  Json json{{"format", kFormat},
          {"environment", task.environment},
          {"archetype", task.archetype},
          {"difficulty", task.difficulty},
          {"system", task.system},
          {"prompt", task.prompt},
          {"constraints", task.constraints},
          {"limits", to_json(task.limits)},
          {"gold", task.gold},
          {"provenance", to_json(task.provenance)}};
  if (task.answer.groups > 0) json["answer"] = to_json(task.answer);
  if (!task.expected.is_null()) json["expected"] = task.expected;
  if (!task.goal.is_null()) json["goal"] = task.goal;
  if (!task.tests.is_null()) json["tests"] = task.tests;
  if (!task.files.empty()) json["files"] = task.files;
  return json;
}

void seal_task(Task& task) { task.id = json_identity(to_json(task)); }

Result<Task> task_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  Task task;
  task.environment = r.text("environment");
  task.archetype = r.text("archetype");
  task.difficulty = static_cast<int>(r.integer("difficulty", {.minimum = 0, .maximum = 5}));
  task.system = r.text("system");
  task.prompt = r.text("prompt");
  task.constraints = r.array("constraints");
  task.gold = r.text("gold");
  const Json& answer = r.member_or_null("answer");
  task.expected = r.member_or_null("expected");
  task.goal = r.member_or_null("goal");
  const Json& files = r.member_or_null("files");
  task.tests = r.member_or_null("tests");
  const bool by_program = task.expected.is_object() && task.expected.value("type", Json()) == "program";
  if (!answer.is_null() + !task.expected.is_null() + !task.goal.is_null() + !task.tests.is_null() != 1 && !(by_program && answer.is_null() && task.tests.is_null()))
    r.fail("answer", "a task has either the shape of an answer, an expected value, a goal or tests; a goal may stand beside a program that judges");
  if (files.is_object()) {
    for (const auto& [name, content] : files.items()) {
      if (content.is_string()) task.files[name] = content.get<std::string>();
      else r.fail("files", "expected names with texts");
    }
  }
  const Json& limits = r.object("limits");
  const Json& provenance = r.object("provenance");
  ASSAY_TRY(r.finish());
  if (!answer.is_null()) {
    ASSAY_ASSIGN(task.answer, answer_shape_from_json(answer, where, "$.answer"));
  }
  ASSAY_ASSIGN(task.limits, limits_from_json(limits, where));
  ASSAY_ASSIGN(task.provenance, provenance_from_json(provenance, where));
  seal_task(task);
  return task;
}

}  // namespace assay
