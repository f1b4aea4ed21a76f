// Problems that need a computation (synth/problems/), to be solved in the code interpreter.
#include "synth/certify.h"
#include "synth/problem_gold.h"
#include "verifiers/value_verifier.h"

namespace assay::archetypes::compute {
namespace {

constexpr int kVersion = 1;

std::string system_prompt() {
  return "You solve problems by computing. Run Python as often as you need and look at what it prints; its variables last from call to "
         "call. When you are sure, submit your answer with the submission tool, once.";
}

std::string prompt_of(const ProblemInstance& instance) {
  std::string out = instance.statement;
  if (!instance.files.empty()) {
    out += "\n\nIn the working directory:";
    for (const auto& [name, content] : instance.files) out += " " + name + " (" + std::to_string(content.size()) + " bytes)";
    out += ".";
  }
  return out + "\n\nSubmit the answer as one JSON value and nothing else.";
}

Result<RemadeTask> make_task_only(const MakeRequest& request) {
  if (request.preset != "difficulty") return unknown_name("preset", request.preset, {"difficulty"}, "domain " + request.domain->name);
  if (request.difficulty > 5) return input_error("difficulties are 1 to 5", "--difficulty");
  ASSAY_ASSIGN(const DrawnProblem drawn, draw_problem(request));
  Task task;
  task.environment = request.environment->id;
  task.archetype = "compute";
  task.difficulty = request.difficulty;
  task.system = system_prompt();
  task.prompt = prompt_of(drawn.instance);
  task.constraints = Json::array();
  task.expected = drawn.instance.expected;
  task.files = drawn.instance.files;
  task.limits.steps = 40;
  task.limits.calls = 60;
  task.gold = value_text(drawn.instance.expected);
  task.provenance = {"generated", request.domain->name, request.domain->version, request.preset, request.data, request.seed, request.index, request.attempt};
  seal_task(task);
  return RemadeTask{std::move(task), {}, 0};
}

// A draw may come out with an answer that is too common, or trivial; then the next one is tried, and the task says which it is.
Result<MadeTask> make_certified(MakeRequest request) {
  MadeTask made;
  for (request.attempt = 0; request.attempt < kMostAttempts; ++request.attempt) {
    ASSAY_ASSIGN(RemadeTask remade, make_task_only(request));
    made.task = std::move(remade.task);
    made.candidates = request.attempt + 1;
    ASSAY_ASSIGN(made.certificate, certify(made.task, request));
    if (made.certificate.sound) break;
  }
  return made;
}

Result<Exploration> gold(const Task& task, const MakeRequest& request) {
  ASSAY_ASSIGN(const DrawnProblem drawn, draw_problem(request));
  ASSAY_ASSIGN(ComputedGold found, compute_gold(task, drawn.instance.solution, request));
  return Exploration{std::move(found.transcript), std::move(found.answer), 2};
}

Status compile(const Domain&, Json& part, const std::string& file, const std::string& path) {
  JsonReader r(part, file, path);
  r.texts_or("families", {});
  return r.finish();
}

}  // namespace

Archetype make() { return {"compute", "problems to be computed in the code interpreter", kVersion, compile, make_certified, make_task_only, gold}; }

}  // namespace assay::archetypes::compute
